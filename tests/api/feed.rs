//! Events of all payments: read from a cursor on, waited for, on every copy, and never somebody
//! else's.

use std::collections::BTreeMap;
use std::time::Duration;

use application::ports::store::{Commit as _, Feed as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use domain::change::Change;
use domain::feed::{self, Epoch};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::rig::{Answer, Fault, OTHER, Rig, text};

/// Nothing here takes longer, unless nobody comes.
const SOON: Duration = Duration::from_secs(5);
/// Every timing at a tenth.
const FAST: &str = "[timings]\ndivide_by = 10\n";

async fn until_all_have_positions(rig: &Rig) {
    let positions = async {
        while rig.store.backlog().await.unwrap().count > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, positions)
        .await
        .expect("somebody gives positions");
}

async fn page(rig: &Rig, query: &str) -> Answer {
    let answer = rig.get(&format!("/api/v1/events{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn events(page: &Answer) -> &Vec<Value> {
    page.body["data"]["events"].as_array().expect("a list")
}

fn next(page: &Answer) -> String {
    text(&page.body["data"]["nextAfter"]).to_owned()
}

/// Everything, page by page.
async fn all(rig: &Rig, limit: usize) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut query = format!("?limit={limit}");
    loop {
        let page = page(rig, &query).await;
        seen.extend(events(&page).iter().cloned());
        if page.body["data"]["more"] == json!(false) {
            return seen;
        }
        query = format!("?limit={limit}&after={}", next(&page));
    }
}

#[tokio::test]
async fn events_of_all_payments_are_told_in_one_order() {
    let rig = Rig::new().await;
    let payments = [rig.paid().await, rig.prepared().await, rig.paid().await];
    rig.prepared_by(OTHER, json!({})).await;
    until_all_have_positions(&rig).await;
    let told = all(&rig, 2).await;
    assert_eq!(told, all(&rig, 100).await);
    let mut by_payment: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for event in &told {
        let (id, mut event) = (text(&event["paymentId"]), event.clone());
        let fields = event.as_object_mut().unwrap();
        fields.remove("cursor");
        fields.remove("paymentId");
        by_payment.entry(id).or_default().push(event);
    }
    assert_eq!(by_payment.len(), 3, "nobody else's");
    for payment in &payments {
        let path = format!("/api/v1/payments/{}/events", payment.id);
        let own = rig.get(&path).await;
        let own = own.body["data"]["events"].as_array().unwrap().clone();
        assert_eq!(
            by_payment[payment.id.as_str()],
            own,
            "in the payment's order"
        );
    }
    let third = text(&told[2]["cursor"]);
    let behind = page(&rig, &format!("?after={third}&limit=100")).await;
    assert_eq!(events(&behind)[..], told[3..]);
    let end = page(&rig, &format!("?after={}", next(&behind))).await;
    assert_eq!(events(&end).len(), 0);
    assert_eq!(next(&end), next(&behind), "the same place");
}

#[tokio::test]
async fn who_waits_is_told_at_once_on_every_copy() {
    let rig = Rig::new().await;
    let beside = Rig::beside(&rig, "").await;
    let mut after = next(&page(&rig, "").await);
    for waiting in [&rig, &beside] {
        let begun = Instant::now();
        let query = format!("?wait=30&after={after}");
        // It answers when it is told, whatever the others here still do.
        let told = async { (page(waiting, &query).await, begun.elapsed()) };
        let ((told, took), (payment, prepared)) = tokio::join!(told, async {
            sleep(Duration::from_millis(300)).await;
            // Of another merchant: nothing to be woken for.
            rig.prepared_by(OTHER, json!({})).await;
            sleep(Duration::from_millis(300)).await;
            let before = begun.elapsed();
            (rig.prepared().await, before)
        });
        assert!(
            took >= prepared,
            "it was told {took:?} before there was any"
        );
        assert!(took < prepared + SOON, "{took:?}");
        let of: Vec<&str> = events(&told)
            .iter()
            .map(|event| text(&event["paymentId"]))
            .collect();
        assert_eq!(
            of,
            [payment.id.as_str()],
            "one payment's event, and no other"
        );
        after = next(&told);
    }
}

#[tokio::test]
async fn waiting_ends_with_its_time_and_with_the_process() {
    let rig = Rig::new().await;
    let begun = Instant::now();
    let none = page(&rig, "?wait=1").await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(events(&none).len(), 0);
    let begun = Instant::now();
    let query = format!("?wait=30&after={}", next(&none));
    let (told, ()) = tokio::join!(page(&rig, &query), async {
        sleep(Duration::from_millis(200)).await;
        rig.running.drain();
    });
    assert!(begun.elapsed() < SOON, "a shutdown waits for nobody");
    assert_eq!(events(&told).len(), 0);
}

#[tokio::test]
async fn one_merchants_waiting_is_bounded() {
    let rig = Rig::new().await;
    let wait = || page(&rig, "?wait=3");
    let four = || async { tokio::join!(wait(), wait(), wait(), wait()) };
    let (_, _, ninth) = tokio::join!(four(), four(), async {
        sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        wait().await;
        begun.elapsed()
    });
    assert!(ninth < Duration::from_millis(1_500), "{ninth:?}");
}

async fn assert_expired(rig: &Rig, cursor: &str) {
    let path = format!("/api/v1/events?wait=30&after={cursor}");
    let refused = rig.get(&path).await;
    assert_eq!((refused.status, refused.code()), (410, "CURSOR_EXPIRED"));
}

#[tokio::test]
async fn a_cursor_of_another_epoch_is_over() {
    let rig = Rig::new().await;
    rig.prepared().await;
    until_all_have_positions(&rig).await;
    let after = next(&page(&rig, "").await);
    page(&rig, &format!("?after={after}")).await;
    let head = rig.store.head().await.unwrap();
    let behind_the_end = format!("1.{}.{}", head.epoch, head.position + 1);
    let behind_the_end = URL_SAFE_NO_PAD.encode(behind_the_end);
    let epoch = Epoch {
        number: head.epoch + 1,
        raised_at: Timestamp::UNIX_EPOCH,
        why: "restored".to_owned(),
    };
    assert_expired(&rig, &behind_the_end).await;
    let raise = feed::Change::RaiseEpoch(epoch);
    let raised = rig.store.commit(&[Change::Feed(Box::new(raise))]).await;
    raised.unwrap();
    assert_expired(&rig, &after).await;
    let anew = page(&rig, "").await;
    assert_eq!(events(&anew).len(), 1, "from the first event on");
    page(&rig, &format!("?after={}", next(&anew))).await;
}

/// What is said where the next event is one that this version cannot read.
pub(crate) async fn unreadable(rig: &Rig) -> Answer {
    rig.paid().await;
    until_all_have_positions(rig).await;
    rig.store.is(Some(Fault::Unreadable));
    let mut query = String::new();
    loop {
        let answer = rig.get(&format!("/api/v1/events{query}")).await;
        if answer.status != 200 {
            return answer;
        }
        assert!(!events(&answer).is_empty(), "nothing is skipped in silence");
        assert_eq!(answer.body["data"]["more"], true);
        query = format!("?after={}", next(&answer));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_skipped_only_by_who_decides_to() {
    let rig = Rig::new().await;
    let refused = unreadable(&rig).await;
    assert_eq!((refused.status, refused.code()), (503, "EVENT_UNREADABLE"));
    assert_eq!(refused.header("retry-after"), "1");
    assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
    let data = &refused.body["data"];
    assert!(text(&data["event"]).ends_with("/2"), "{data}");
    // The third one.
    let behind = format!("/api/v1/events?after={}", text(&data["nextAfter"]));
    let next_one = rig.get(&behind).await;
    assert!(text(&next_one.body["data"]["event"]).ends_with("/3"));
    // A copy that can read them.
    rig.store.is(None);
    assert_eq!(events(&page(&rig, "").await).len(), 3);
    let third = rig.get(&behind).await;
    assert_eq!(events(&third)[0]["sequence"], 3);
}

#[tokio::test]
async fn what_is_no_cursor_is_refused() {
    let rig = Rig::new().await;
    for (query, field) in [
        ("after=1", "after: CURSOR_INVALID"),
        ("after=", "after: CURSOR_INVALID"),
        ("after=MS4xLi0x", "after: CURSOR_INVALID"),
        ("limit=0", "limit: FIELD_RANGE"),
        ("limit=101", "limit: FIELD_RANGE"),
        ("wait=31", "wait: FIELD_RANGE"),
        ("wait=-1", "wait: FIELD_RANGE"),
        ("since=1", "since: FIELD_UNKNOWN"),
    ] {
        let refused = rig.get(&format!("/api/v1/events?{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(refused.errors(), [field], "{query}");
    }
}

async fn sequencer(rig: &Rig) -> Option<(String, bool)> {
    let ready = rig.get("/health/ready").await;
    let jobs = ready.body["data"]["jobs"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let job = jobs.iter().find(|job| job["name"] == "sequencer")?;
    Some((text(&job["holder"]).to_owned(), job["held"] == json!(true)))
}

#[tokio::test]
async fn another_copy_goes_on_giving_positions() {
    let rig = Rig::with(FAST).await;
    let begun = Instant::now();
    while sequencer(&rig).await.is_none() {
        assert!(begun.elapsed() < SOON, "nobody gives positions");
        sleep(Duration::from_millis(10)).await;
    }
    let (first, held) = sequencer(&rig).await.unwrap();
    assert!(held && first.starts_with("wrk_"), "{first}");
    let beside = Rig::beside(&rig, FAST).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        sequencer(&beside).await,
        Some((first.clone(), true)),
        "while it lives"
    );
    rig.running.drain();
    let begun = Instant::now();
    while sequencer(&beside)
        .await
        .is_none_or(|(holder, held)| holder == first || !held)
    {
        assert!(begun.elapsed() < Duration::from_secs(2), "nobody took over");
        sleep(Duration::from_millis(10)).await;
    }
    beside.prepared().await;
    until_all_have_positions(&beside).await;
    let given = beside.store.head().await.unwrap().position;
    assert!(given >= 1, "{given}");
}

#[tokio::test]
async fn operators_see_how_far_the_feed_is() {
    let rig = Rig::new().await;
    rig.prepared().await;
    until_all_have_positions(&rig).await;
    let url = format!("http://{}/metrics", rig.running.metrics_address);
    let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
    for line in ["payflow_feed_position 1", "payflow_feed_unsequenced 0"] {
        assert!(
            metrics.lines().any(|known| known == line),
            "{line}: {metrics}"
        );
    }
}
