//! Owns the proof of sending again: one event, and what an endpoint has not taken since a place.

use std::time::Duration;

use application::ports::store::Feed as _;
use application::webhooks::{EndpointError, Range};
use domain::feed::Cursor;
use domain::webhook::State;

use super::post::Manner;
use super::stand::{SHOP, Stand, seconds};

#[tokio::test(start_paused = true)]
async fn one_event_is_sent_again() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.happen(2).await;
    seconds(5).await;
    let (of, event) = ((stand.who().0, id), stand.deliveries(id)[0].key.event);
    let again = stand.office().redeliver(of, event).await.unwrap();
    assert_eq!(again.delivery.state, State::Pending);
    seconds(5).await;
    let arrived = stand.arrived(SHOP);
    assert_eq!(arrived.len(), 3);
    assert_eq!(arrived[2].id, event.to_string(), "under the name it had");
    let attempts = stand.office().attempts(of, event).await.unwrap();
    assert_eq!((stand.states(id)[0], attempts.len()), (State::Delivered, 2));
    let mut unknown = event;
    unknown.sequence = 99;
    let refused = stand.office().redeliver(of, unknown).await.unwrap_err();
    assert!(matches!(refused, EndpointError::NotSent), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_next_try_is_tried_at_once() {
    let stand = Stand::patient(Duration::from_hours(1_000));
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(500));
    stand.happen(1).await;
    let due_in = async |least: i64| {
        loop {
            seconds(600).await;
            let due = stand.deliveries(id)[0].due_at;
            if due
                .signed_duration_since(stand.office().clock.now())
                .num_seconds()
                > least
            {
                return;
            }
        }
    };
    due_in(3_600).await;
    let tried = stand.arrived(SHOP).len();
    stand.it.receivers.behave(SHOP, Manner::Takes);
    let event = stand.deliveries(id)[0].key.event;
    let of = (stand.who().0, id);
    stand.office().redeliver(of, event).await.unwrap();
    seconds(60).await;
    assert_eq!(stand.arrived(SHOP).len(), tried + 1);
    assert_eq!(stand.states(id), [State::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn what_an_endpoint_missed_is_sent_again() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let of = (stand.who().0, id);
    stand.happen(3).await;
    seconds(5).await;
    stand.enable(id, false).await;
    stand.happen(4).await;
    seconds(5).await;
    assert_eq!(stand.deliveries(id).len(), 3);
    let range = Range::default();
    let refused = stand.office().redeliver_range(of, range).await.unwrap_err();
    assert!(matches!(refused, EndpointError::NotEnabled), "{refused:?}");
    stand.enable(id, true).await;
    let done = stand.office().redeliver_range(of, range).await.unwrap();
    assert_eq!((done.count, done.more), (4, false));
    seconds(5).await;
    assert_eq!(stand.states(id), [State::Delivered; 7]);
    assert_eq!(stand.arrived(SHOP).len(), 7);
    let nothing = stand.office().redeliver_range(of, range).await.unwrap();
    assert_eq!(nothing.count, 0, "it has taken everything");
    let everything = Range {
        taken_too: true,
        ..range
    };
    let all = stand
        .office()
        .redeliver_range(of, everything)
        .await
        .unwrap();
    assert_eq!(all.count, 7);
    seconds(5).await;
    assert_eq!(stand.arrived(SHOP).len(), 14);
}

#[tokio::test(start_paused = true)]
async fn a_range_has_ends() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let of = (stand.who().0, id);
    stand.happen(6).await;
    seconds(5).await;
    let head = stand.it.memory.head().await.unwrap();
    let place = |position| Some(Cursor { position, ..head });
    let range = Range {
        after: place(2),
        until: place(4),
        taken_too: true,
    };
    let done = stand.office().redeliver_range(of, range).await.unwrap();
    assert_eq!((done.count, done.next.position, done.more), (2, 4, false));
    for wrong in [
        Cursor {
            position: 7,
            ..head
        },
        Cursor {
            epoch: head.epoch + 1,
            position: 1,
        },
    ] {
        for range in [
            Range {
                after: Some(wrong),
                ..Range::default()
            },
            Range {
                until: Some(wrong),
                ..Range::default()
            },
        ] {
            let refused = stand.office().redeliver_range(of, range).await.unwrap_err();
            assert!(
                matches!(refused, EndpointError::CursorExpired),
                "{refused:?}"
            );
        }
    }
}
