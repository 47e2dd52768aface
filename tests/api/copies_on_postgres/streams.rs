//! What happens to a payment at one copy is streamed by the other.

use reqwest::Method;
use serde_json::json;

use super::{Copies, Pace, unique};
use crate::rig::Listener;

#[tokio::test(flavor = "multi_thread")]
async fn each_streams_what_happens_at_the_other() {
    let mut copies = Copies::start(Pace::Whole).await;
    let (id, approval) = copies.waiting(0, json!({})).await;
    let stream = format!("/api/v1/payments/{id}/stream");
    let open = |copies: &Copies, place| {
        let request = copies.to(place, Method::GET, &stream);
        request.bearer_auth(&copies.secret)
    };
    let mut first = Listener::open(open(&copies, 0)).await;
    let mut second = Listener::open(open(&copies, 1)).await;
    for listener in [&mut first, &mut second] {
        assert_eq!(listener.named("state").await.data["status"], "READY");
    }
    let approve = format!("/api/v1/payments/{id}/approve");
    let approved = copies.post(0, &approve, &unique(), &approval).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let mut last = 0;
    for listener in [&mut first, &mut second] {
        for (sequence, to) in [(2, "IN_PROGRESS"), (3, "DONE")] {
            let said = listener.named("event").await;
            assert_eq!((said.id, &said.data["to"]), (Some(sequence), &json!(to)));
            last = sequence;
        }
    }
    // The copy ends; its client goes on at the other where it was.
    copies.close(0);
    assert_eq!(first.next().await, None);
    let mut first = Listener::resume(open(&copies, 1), last).await;
    assert_eq!(first.named("state").await.id, Some(last));
    let cancel = format!("/api/v1/payments/{id}/cancel");
    let all = json!({ "reason": "r" });
    let canceled = copies.post(1, &cancel, &unique(), &all).await;
    assert_eq!(canceled.status, 200, "{canceled:?}");
    for listener in [&mut first, &mut second] {
        assert_eq!(listener.named("event").await.id, Some(last + 1));
        assert_eq!(listener.named("event").await.data["to"], "CANCELED");
        listener.named("end").await;
        assert_eq!(listener.next().await, None);
    }
}
