//! What others put into Redis, and what they find there: nothing of it is believed, and nothing
//! of a payment is to be read.

use std::time::Duration;

use application::ports::repeats::Heard;
use application::ports::{RateLimiter as _, Repeats as _};
use redis::{Client, Commands as _, Connection};

use crate::rig::{Copy, asked, neighbours, rate, servers, ticket};
use crate::support::Redis;

const ANSWER: &[u8] = b"{\"orderName\":\"a-secret-present\"}";
const HOURS: Duration = Duration::from_hours(10);

fn intruder(server: &Redis) -> Connection {
    let client = Client::open(server.url()).expect("an address");
    client.get_connection().expect("a connection")
}

fn named(intruder: &mut Connection, kind: &str) -> Vec<String> {
    intruder.keys(format!("test:{kind}:*")).expect("keys")
}

/// A copy that has answered a request, and the place where that is kept.
async fn answered(server: &Redis, intruder: &mut Connection) -> (Copy, String) {
    let copy = Copy::patient(server).await;
    let mine = ticket(&copy.repeats.begin(&asked("k")).await);
    copy.repeats.end(&asked("k"), mine, Some(ANSWER)).await;
    let place = named(intruder, "answer").pop().expect("an answer");
    (copy, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_sealed_is_none() {
    let server = Redis::start();
    let mut intruder = intruder(&server);
    let (copy, place) = answered(&server, &mut intruder).await;
    let sealed: Vec<u8> = intruder.get(&place).expect("bytes");
    assert_eq!(
        copy.repeats.begin(&asked("k")).await,
        Heard::Answered(ANSWER.to_vec())
    );
    let mut bent = sealed.clone();
    *bent.last_mut().expect("bytes") ^= 1;
    let cut = sealed[..sealed.len() - 1].to_vec();
    for wrong in [bent, cut, ANSWER.to_vec(), b"7".to_vec(), Vec::new()] {
        let (): () = intruder.set(&place, wrong).expect("set");
        let mine = ticket(&copy.repeats.begin(&asked("k")).await);
        copy.repeats.end(&asked("k"), mine, None).await;
    }
    let (): () = intruder.del(&place).expect("deleted");
    let (): () = intruder.hset(&place, "f", "v").expect("another type");
    let mine = ticket(&copy.repeats.begin(&asked("k")).await);
    copy.repeats.end(&asked("k"), mine, None).await;
    assert!(copy.link.is_up(), "one strange key is no reason to leave");
}

/// Whoever moves what was sealed for one request to another's place.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_another_request_is_none() {
    let server = Redis::start();
    let mut intruder = intruder(&server);
    let (copy, place) = answered(&server, &mut intruder).await;
    let sealed: Vec<u8> = intruder.get(&place).expect("bytes");
    for other in neighbours(&asked("k")) {
        let mine = ticket(&copy.repeats.begin(&other).await);
        copy.repeats.end(&other, mine, Some(b"theirs")).await;
        let places = named(&mut intruder, "answer");
        let theirs = places.iter().find(|found| **found != place).expect("two");
        let (): () = intruder.set(theirs, &sealed).expect("set");
        let mine = ticket(&copy.repeats.begin(&other).await);
        copy.repeats.end(&other, mine, None).await;
        let (): () = intruder.del(theirs).expect("deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_no_copy_made_keeps_nobody_for_long() {
    let server = Redis::start();
    let mut intruder = intruder(&server);
    let copy = Copy::patient(&server).await;
    let mine = ticket(&copy.repeats.begin(&asked("k")).await);
    let place = named(&mut intruder, "under-way").pop().expect("a mark");
    copy.repeats.end(&asked("k"), mine, None).await;
    for milliseconds in [None, Some(3_600_000_u64)] {
        match milliseconds {
            None => intruder.set::<_, _, ()>(&place, "for ever").expect("set"),
            Some(long) => intruder.pset_ex(&place, "long", long).expect("set"),
        }
        let mine = ticket(&copy.repeats.begin(&asked("k")).await);
        copy.repeats.end(&asked("k"), mine, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_says_what_none_can_is_full() {
    let server = Redis::start();
    let mut intruder = intruder(&server);
    let copy = Copy::patient(&server).await;
    let one = rate(1, HOURS);
    assert_eq!(copy.limiter.take(servers(1), one).await, Ok(()));
    let place = named(&mut intruder, "limit").pop().expect("a bucket");
    for wrong in [
        "nonsense",
        "",
        "-1",
        "1e300",
        "nan",
        "inf",
        "99999999999999999",
    ] {
        let (): () = intruder.set(&place, wrong).expect("set");
        assert_eq!(copy.limiter.take(servers(1), one).await, Ok(()), "{wrong}");
        assert!(copy.limiter.take(servers(1), one).await.is_err());
        let left: i64 = intruder.pttl(&place).expect("a time");
        assert!(left > 0, "a bucket goes by itself: {left}");
    }
    let (): () = intruder.del(&place).expect("deleted");
    let (): () = intruder.hset(&place, "f", "v").expect("another type");
    assert_eq!(
        copy.limiter.take(servers(1), one).await,
        Ok(()),
        "by itself"
    );
    assert!(copy.link.is_up(), "one strange key is no reason to leave");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_there_tells_who_or_what() {
    let server = Redis::start();
    let mut intruder = intruder(&server);
    let (copy, _) = answered(&server, &mut intruder).await;
    let mut member = asked("a-telling-key");
    member.key.member = "member-of-name".to_owned();
    ticket(&copy.repeats.begin(&member).await);
    for bucket in [
        servers(1),
        application::ports::limiter::Bucket::Address("192.0.2.7".parse().expect("an address")),
    ] {
        assert_eq!(copy.limiter.take(bucket, rate(5, HOURS)).await, Ok(()));
    }
    let merchant = asked("k").key.scope.merchant.to_string();
    let telling = [
        "secret",
        "orderName",
        "telling",
        "member",
        "192.0.2.7",
        &merchant,
    ];
    let keys: Vec<String> = intruder.keys("*").expect("keys");
    assert!(keys.len() >= 4, "{keys:?}");
    for key in keys {
        let kept: Vec<u8> = intruder.get(&key).expect("bytes");
        let kept = String::from_utf8_lossy(&kept).into_owned();
        for word in telling {
            assert!(
                !key.contains(word) && !kept.contains(word),
                "{word} in {key}"
            );
        }
        let left: i64 = intruder.pttl(&key).expect("a time");
        assert!(left > 0, "{key} stays");
    }
}
