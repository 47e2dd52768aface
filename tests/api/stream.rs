//! One payment's stream: how it is first, then each event once and in order, whichever copy it
//! happened on and however often the client comes back.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::rig::{Answer, Fault, Listener, OTHER, Prepared, Rig, Said, answer, text};

/// Nothing here takes longer, unless nobody comes.
const SOON: Duration = Duration::from_secs(10);

fn path(payment: &Prepared) -> String {
    format!("/api/v1/payments/{}/stream", payment.id)
}

fn streaming(rig: &Rig, payment: &Prepared) -> RequestBuilder {
    rig.request(Method::GET, &path(payment))
}

async fn listen(rig: &Rig, payment: &Prepared) -> Listener {
    Listener::open(streaming(rig, payment)).await
}

/// Everything that has happened to a payment, from its list of events.
async fn log(rig: &Rig, payment: &Prepared) -> Vec<Value> {
    let list = rig
        .get(&format!("/api/v1/payments/{}/events?limit=100", payment.id))
        .await;
    list.body["data"]["events"].as_array().unwrap().clone()
}

/// The events that are said until the stream ends for good.
async fn rest(listener: &mut Listener) -> Vec<Value> {
    let (mut events, mut ends) = (Vec::new(), 0);
    while let Some(said) = listener.next().await {
        if said.name == "event" {
            assert_eq!(said.id, said.data["sequence"].as_i64());
            events.push(said.data);
        } else {
            assert_eq!((said.name.as_str(), said.id), ("end", None), "{said:?}");
            assert_eq!(said.data, json!({ "status": "CANCELED" }));
            ends += 1;
        }
    }
    assert_eq!(ends, 1, "{events:?}");
    events
}

async fn canceled(rig: &Rig, payment: &Prepared) -> Answer {
    let all = json!({ "reason": "r" });
    let told = rig
        .cancel(payment, all, &format!("cancel-{}", payment.id))
        .await;
    assert_eq!(told.status, 200, "{told:?}");
    told
}

fn is_refused(told: &Answer, status: u16, code: &str) {
    assert_eq!((told.status, told.code()), (status, code), "{told:?}");
    assert_ne!(told.header("content-type"), "text/event-stream");
}

#[tokio::test]
async fn the_state_is_said_first_and_then_every_event_to_the_end() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    rig.prepared().await;
    let mut listener = listen(&rig, &payment).await;
    let state = listener.named("state").await;
    let read = rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
    assert_eq!((state.id, &state.data), (Some(1), &read.body["data"]));
    assert!((1_000..4_000).contains(&state.retry.unwrap()), "{state:?}");
    assert_eq!(rig.approve(&payment, "k").await.status, 200);
    canceled(&rig, &payment).await;
    // Of others nothing is said.
    rig.paid().await;
    let told = rest(&mut listener).await;
    let log = log(&rig, &payment).await;
    assert!(log.len() > 4, "{log:?}");
    assert_eq!(told, log[1..]);
}

#[tokio::test]
async fn events_are_said_as_soon_as_they_happen() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let mut listener = listen(&rig, &payment).await;
    listener.named("state").await;
    rig.gateway.hold();
    let approving = rig.approve(&payment, "k");
    let (_, took) = tokio::join!(approving, async {
        let begun = Instant::now();
        let said = listener.named("event").await;
        assert_eq!(said.data["to"], "IN_PROGRESS");
        begun.elapsed()
    });
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn who_comes_back_goes_on_behind_what_they_heard() {
    let rig = Rig::new().await;
    let payment = rig.paid().await;
    let mut listener = listen(&rig, &payment).await;
    let state = listener.named("state").await;
    let heard = state.id.unwrap();
    assert_eq!(state.data["status"], "DONE");
    drop(listener);
    canceled(&rig, &payment).await;
    let log = log(&rig, &payment).await;
    let newest = log.len();
    for last in 0..newest {
        let id = i64::try_from(last).unwrap();
        let mut again = Listener::resume(streaming(&rig, &payment), id).await;
        let state = again.named("state").await;
        // Cut off here, the next time goes on from the same place.
        assert_eq!(state.id, Some(id));
        assert_eq!(state.data["status"], "CANCELED");
        assert_eq!(rest(&mut again).await, log[last..]);
    }
    // Who comes for the first time is told that it is over, too.
    let mut late = listen(&rig, &payment).await;
    assert_eq!(late.named("state").await.id, i64::try_from(newest).ok());
    assert_eq!(rest(&mut late).await, Vec::<Value>::new());
    assert!(heard > 1 && newest > usize::try_from(heard).unwrap());
    let over = streaming(&rig, &payment).header("last-event-id", newest);
    let over = answer(over).await;
    assert_eq!((over.status, &over.body), (204, &json!("")), "{over:?}");
    // One that there is not: it was lost in a restore, and the state says what counts.
    let ahead = i64::try_from(newest).unwrap() + 1;
    let mut ahead = Listener::resume(streaming(&rig, &payment), ahead).await;
    assert_eq!(
        ahead.named("state").await.id,
        Some(i64::try_from(newest).unwrap())
    );
    assert_eq!(rest(&mut ahead).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_happens_at_another_copy_is_said_too() {
    let rig = Rig::new().await;
    let beside = Rig::beside(&rig, "").await;
    let payment = rig.prepared().await;
    let mut listeners = [
        listen(&rig, &payment).await,
        listen(&beside, &payment).await,
    ];
    assert_eq!(beside.approve(&payment, "k").await.status, 200);
    canceled(&rig, &payment).await;
    let log = log(&rig, &payment).await;
    for listener in &mut listeners {
        listener.named("state").await;
        assert_eq!(rest(listener).await, log[1..]);
    }
}

#[tokio::test]
async fn a_silent_stream_shows_that_it_lives() {
    let rig = Rig::with("stream.heartbeat = \"50ms\"\n").await;
    let payment = rig.prepared().await;
    let mut listener = listen(&rig, &payment).await;
    listener.named("state").await;
    let begun = Instant::now();
    for _ in 0..5 {
        let said = listener.any().await.unwrap();
        assert!(said.is_beat && said.id.is_none(), "{said:?}");
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert_eq!(rig.approve(&payment, "k").await.status, 200);
    listener.named("event").await;
}

#[tokio::test]
async fn a_stream_ends_with_its_time_and_nothing_is_missed() {
    let rig = Rig::with("stream.duration_max = \"300ms\"\n").await;
    let payment = rig.prepared().await;
    let mut listener = listen(&rig, &payment).await;
    let begun = Instant::now();
    let id = listener.named("state").await.id.unwrap();
    assert_eq!(listener.next().await, None);
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(200) && took < SOON,
        "{took:?}"
    );
    rig.approve(&payment, "k").await;
    let mut again = Listener::resume(streaming(&rig, &payment), id).await;
    again.named("state").await;
    assert_eq!(again.named("event").await.id, Some(id + 1));
}

#[tokio::test]
async fn a_stopping_copy_ends_its_streams_and_takes_no_more() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let mut listeners = [listen(&rig, &payment).await, listen(&rig, &payment).await];
    rig.running.drain();
    for listener in &mut listeners {
        listener.named("state").await;
        assert_eq!(listener.next().await, None);
    }
    let refused = answer(streaming(&rig, &payment)).await;
    is_refused(&refused, 503, "SHUTTING_DOWN");
    let mut left = listeners;
    let stopped = timeout(SOON, rig.running.stop()).await;
    stopped.expect("streams keep nobody from stopping");
    assert_eq!(left[0].next().await, None);
}

#[tokio::test]
async fn streams_take_no_place_of_requests() {
    let rig = Rig::with("server.requests_max = 1\n").await;
    let payment = rig.prepared().await;
    let mut listeners = Vec::new();
    for _ in 0..5 {
        listeners.push(listen(&rig, &payment).await);
    }
    assert_eq!(rig.approve(&payment, "k").await.status, 200);
    for listener in &mut listeners {
        listener.named("state").await;
        listener.named("event").await;
    }
}

#[tokio::test]
async fn so_many_streams_are_open_and_no_more() {
    // A half of the connections is three of them.
    let limits = "stream.per_merchant_max = 2\nserver.connections_max = 7\n";
    let rig = Rig::with(limits).await;
    let mine = [rig.prepared().await, rig.prepared().await];
    let theirs = rig.prepared_by(OTHER, json!({})).await;
    let of_others = || {
        rig.anonymous(Method::GET, &path(&theirs))
            .bearer_auth(OTHER)
    };
    let first = listen(&rig, &mine[0]).await;
    let _second = listen(&rig, &mine[1]).await;
    let refused = answer(streaming(&rig, &mine[0])).await;
    is_refused(&refused, 429, "STREAM_LIMIT");
    assert_eq!(refused.header("retry-after"), "15");
    // What there is not, there is not for want of a place either.
    let missing = answer(streaming(&rig, &theirs)).await;
    is_refused(&missing, 404, "PAYMENT_NOT_FOUND");
    let _third = Listener::open(of_others()).await;
    let full = answer(of_others()).await;
    is_refused(&full, 503, "OVERLOADED");
    assert_eq!(full.header("retry-after"), "15");
    drop(first);
    let freed = async {
        while answer(streaming(&rig, &mine[0]).header("last-event-id", "x"))
            .await
            .status
            != 400
            || rig
                .request(Method::HEAD, &path(&mine[0]))
                .send()
                .await
                .unwrap()
                .status()
                != 200
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, freed).await.expect("a closed one is free");
}

#[tokio::test]
async fn one_payment_does_not_take_every_stream() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let mut listeners = Vec::new();
    for _ in 0..16 {
        listeners.push(listen(&rig, &payment).await);
    }
    let refused = answer(streaming(&rig, &payment)).await;
    is_refused(&refused, 429, "STREAM_LIMIT");
    listen(&rig, &rig.prepared().await).await;
}

#[tokio::test]
async fn an_id_that_is_none_of_ours_is_refused() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    for odd in ["x", "-1", "01", "1.5", "99999999999999999999"] {
        let refused = answer(streaming(&rig, &payment).header("last-event-id", odd)).await;
        is_refused(&refused, 400, "INVALID_REQUEST");
        assert_eq!(refused.errors(), ["Last-Event-ID: CURSOR_INVALID"]);
    }
    let twice = streaming(&rig, &payment)
        .header("last-event-id", "1")
        .header("last-event-id", "2");
    is_refused(&answer(twice).await, 400, "HEADER_REPEATED");
    // What a browser sends that was told nothing yet.
    Listener::open(streaming(&rig, &payment).header("last-event-id", "")).await;
}

#[tokio::test]
async fn a_stream_outlives_a_store_that_is_away() {
    let rig = Rig::new().await;
    let payment = rig.paid().await;
    let mut listener = listen(&rig, &payment).await;
    listener.named("state").await;
    // Something happens, and when it is to be told the store is away.
    rig.store.is(Some(Fault::Away));
    sleep(Duration::from_millis(500)).await;
    rig.store.is(None);
    canceled(&rig, &payment).await;
    assert!(!rest(&mut listener).await.is_empty());
}

#[tokio::test]
async fn open_streams_are_counted() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let counted = async |wanted: usize| {
        let line = format!("payflow_streams {wanted}\n");
        let url = format!("http://{}/metrics", rig.running.metrics_address);
        let seen = async {
            while !reqwest::get(&url)
                .await
                .unwrap()
                .text()
                .await
                .unwrap()
                .contains(&line)
            {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, seen).await.expect("counted");
    };
    let listeners = [listen(&rig, &payment).await, listen(&rig, &payment).await];
    counted(2).await;
    drop(listeners);
    counted(0).await;
}

#[tokio::test]
async fn a_member_follows_their_own_payment() {
    let rig = Rig::new().await;
    let member = json!({ "customer": { "memberId": "member-1" } });
    let payment = rig.prepared_by(crate::rig::SECRET, member).await;
    let mut own = Listener::open(rig.by("member-1", Method::GET, &path(&payment))).await;
    let Said { data, .. } = own.named("state").await;
    assert_eq!(text(&data["paymentId"]), payment.id);
    let other = answer(rig.by("member-2", Method::GET, &path(&payment))).await;
    is_refused(&other, 404, "PAYMENT_NOT_FOUND");
}
