//! What the ports promise, in this process and by way of Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::limiter::Limited;
use application::ports::repeats::{Heard, Ticket};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::rig::{
    Tested, UNDER_WAY, asked, in_process, neighbours, on_redis, rate, servers, ticket,
};

/// One test per place for every named function.
macro_rules! in_every_place {
    ($($test:ident),+ $(,)?) => {
        mod in_this_process {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(super::in_process()).await; })+
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(super::on_redis().await).await; })+
        }
    };
}

in_every_place!(
    a_request_is_under_way_until_its_ticket_is_back,
    another_ticket_ends_nothing,
    nobody_else_is_in_the_way,
    a_request_that_nobody_ends_is_over_by_itself,
    of_many_at_once_one_has_the_ticket,
    an_answer_is_told_exactly_and_to_its_own_request,
    a_bucket_empties_everywhere_and_fills_steadily,
    many_at_once_take_no_more_than_there_are,
    buckets_are_apart,
);

async fn a_request_is_under_way_until_its_ticket_is_back(tested: Tested) {
    let one = asked("k");
    let mine = ticket(&tested.repeats.begin(&one).await);
    for repeats in [&tested.repeats, &tested.others.0] {
        let Heard::UnderWay { retry_after } = repeats.begin(&one).await else {
            panic!("it is not known there");
        };
        assert!(retry_after <= UNDER_WAY, "{retry_after:?}");
    }
    tested.repeats.end(&one, mine, None).await;
    ticket(&tested.others.0.begin(&one).await);
}

async fn another_ticket_ends_nothing(tested: Tested) {
    let one = asked("k");
    let mine = ticket(&tested.repeats.begin(&one).await);
    for wrong in [0, 1, mine.0 ^ 1, u128::MAX] {
        tested.others.0.end(&one, Ticket(wrong), None).await;
        let heard = tested.repeats.begin(&one).await;
        assert!(matches!(heard, Heard::UnderWay { .. }), "{heard:?}");
    }
}

async fn nobody_else_is_in_the_way(tested: Tested) {
    let one = asked("k");
    ticket(&tested.repeats.begin(&one).await);
    for other in neighbours(&one) {
        let theirs = ticket(&tested.others.0.begin(&other).await);
        tested.others.0.end(&other, theirs, None).await;
    }
    let heard = tested.repeats.begin(&one).await;
    assert!(matches!(heard, Heard::UnderWay { .. }), "{heard:?}");
}

async fn a_request_that_nobody_ends_is_over_by_itself(tested: Tested) {
    let one = asked("k");
    let first = ticket(&tested.repeats.begin(&one).await);
    sleep(UNDER_WAY + Duration::from_millis(50)).await;
    let second = ticket(&tested.others.0.begin(&one).await);
    assert_ne!(first, second);
    // Whoever had it comes back late, and ends nothing of the other's.
    tested.repeats.end(&one, first, None).await;
    let heard = tested.repeats.begin(&one).await;
    assert!(matches!(heard, Heard::UnderWay { .. }), "{heard:?}");
}

async fn of_many_at_once_one_has_the_ticket(tested: Tested) {
    for round in 0..20 {
        let one = asked(&format!("k{round}"));
        let mut all = JoinSet::new();
        for who in 0..64 {
            let places = [&tested.repeats, &tested.others.0];
            let (repeats, one) = (Arc::clone(places[who % 2]), one.clone());
            all.spawn(async move { repeats.begin(&one).await });
        }
        let heard = all.join_all().await;
        let tickets = heard
            .iter()
            .filter(|heard| matches!(heard, Heard::Nothing(Some(_))));
        assert_eq!(tickets.count(), 1, "{heard:?}");
    }
}

/// Redis keeps it, for every copy. Whoever keeps none says that nothing is known.
async fn an_answer_is_told_exactly_and_to_its_own_request(tested: Tested) {
    let answer: Vec<u8> = (0..=255).collect();
    let one = asked("k");
    let mine = ticket(&tested.repeats.begin(&one).await);
    tested.repeats.end(&one, mine, Some(&answer)).await;
    for repeats in [&tested.repeats, &tested.others.0] {
        for other in neighbours(&one) {
            let theirs = ticket(&repeats.begin(&other).await);
            repeats.end(&other, theirs, None).await;
        }
        match repeats.begin(&one).await {
            Heard::Answered(told) if tested.keeps_answers => assert_eq!(told, answer),
            Heard::Nothing(Some(mine)) if !tested.keeps_answers => {
                repeats.end(&one, mine, None).await;
            }
            heard @ (Heard::Answered(_) | Heard::Nothing(_) | Heard::UnderWay { .. }) => {
                panic!("{heard:?}")
            }
        }
    }
}

async fn a_bucket_empties_everywhere_and_fills_steadily(tested: Tested) {
    // Of two minutes, so that however slow the machine is, nothing fills meanwhile.
    let slow = rate(4, Duration::from_mins(2));
    let limiters = [&tested.limiter, &tested.others.1];
    for turn in 0..4 {
        assert_eq!(limiters[turn % 2].take(servers(1), slow).await, Ok(()));
    }
    for turn in 0..4 {
        let refused = limiters[turn % 2].take(servers(1), slow).await;
        let Limited { retry_after } = refused.expect_err("it is empty");
        let about = Duration::from_secs(15)..=Duration::from_secs(30);
        assert!(
            about.contains(&retry_after),
            "refusals cost nothing: {retry_after:?}"
        );
    }
    let quick = rate(2, Duration::from_millis(600));
    for _ in 0..2 {
        assert_eq!(tested.limiter.take(servers(2), quick).await, Ok(()));
    }
    if let Err(Limited { retry_after }) = tested.others.1.take(servers(2), quick).await {
        assert!(retry_after <= Duration::from_millis(300), "{retry_after:?}");
        sleep(retry_after + Duration::from_millis(2)).await;
        assert_eq!(tested.others.1.take(servers(2), quick).await, Ok(()));
    }
    // However long nobody comes, it holds no more than it does.
    sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    let mut taken = 0;
    for _ in 0..6 {
        taken += u32::from(tested.limiter.take(servers(2), quick).await.is_ok());
    }
    let filled = begun.elapsed().as_millis() / 300;
    assert!(
        u128::from(taken) <= 2 + filled + 1,
        "{taken} in {:?}",
        begun.elapsed()
    );
}

async fn many_at_once_take_no_more_than_there_are(tested: Tested) {
    let slow = rate(10, Duration::from_mins(10));
    let mut all = JoinSet::new();
    for who in 0..100 {
        let places = [&tested.limiter, &tested.others.1];
        let limiter = Arc::clone(places[who % 2]);
        all.spawn(async move { limiter.take(servers(1), slow).await });
    }
    let taken = all.join_all().await.into_iter().flatten();
    assert_eq!(taken.count(), 10);
}

async fn buckets_are_apart(tested: Tested) {
    use application::ports::limiter::Bucket;

    use crate::rig::scope;

    let one = rate(1, Duration::from_mins(10));
    let member = |name: &str| Bucket::Member(scope(1), name.parse().expect("a member"));
    let address = "192.0.2.7".parse().expect("an address");
    let all = [
        Bucket::Servers(scope(1)),
        Bucket::Servers(scope(2)),
        Bucket::Pages(scope(1)),
        member("member-1"),
        member("member-2"),
        Bucket::Address(address),
        Bucket::Guesses(address),
    ];
    for bucket in all.clone() {
        assert_eq!(tested.limiter.take(bucket, one).await, Ok(()));
    }
    for bucket in all {
        assert!(tested.others.1.take(bucket, one).await.is_err());
    }
}
