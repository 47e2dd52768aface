//! Owns the list of movements as the stand-in shows it, against its own ledger.

use std::ops::Range;

use application::ports::PaymentGateway;
use application::ports::gateway::{Line, ListPage};
use chrono::TimeDelta;
use domain::Timestamp;
use domain::snapshot::Cause;
use domain::text::TransactionKey;
use payflow::adapters::gateway::toss::{Settings, Toss};
use serde_json::json;

use super::{Bench, found};
use crate::support::settings;

impl Bench {
    async fn now(&self) -> Timestamp {
        let clock = self.see("clock").await;
        clock["now"].as_str().unwrap().parse().unwrap()
    }

    async fn around_now(&self) -> Range<Timestamp> {
        let now = self.now().await;
        let minute = TimeDelta::minutes(1);
        now.checked_sub_signed(minute).unwrap()..now.checked_add_signed(minute).unwrap()
    }

    async fn list(&self, within: &Range<Timestamp>, after: Option<&TransactionKey>) -> ListPage {
        self.toss.movements(within, after, 2).await.unwrap()
    }
}

#[tokio::test]
async fn every_movement_is_listed_once_over_pages() {
    let bench = Bench::new().await;
    let empty = bench.list(&bench.around_now().await, None).await;
    assert_eq!(
        empty,
        ListPage::default(),
        "an authentication moves nothing"
    );
    found(bench.confirm(1).await);
    found(bench.cancel(1, 3_000, 33_000).await);
    let last = found(bench.cancel(2, 30_000, 30_000).await);

    let within = bench.around_now().await;
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = bench.list(&within, after.as_ref()).await;
        assert_eq!(page.unreadable, 0);
        let Some(next) = page.next else { break };
        listed.extend(page.listed);
        after = Some(next);
    }
    let lines: Vec<Line> = listed.iter().map(|listed| listed.line).collect();
    assert_eq!(lines, [Line::Capture, Line::Cancel, Line::Cancel]);
    for (listed, cancel) in listed[1..].iter().zip(&last.cancels) {
        assert_eq!(listed.transaction_key, cancel.transaction_key);
        assert_eq!(listed.at, cancel.canceled_at);
    }
    for listed in &listed {
        assert_eq!(listed.payment_key, bench.payment_key);
        assert_eq!(listed.order_id, bench.order.to_string());
    }
}

#[tokio::test]
async fn only_the_time_that_is_asked_for() {
    let bench = Bench::new().await;
    found(bench.confirm(1).await);
    let now = bench.now().await;
    let (day, minute) = (TimeDelta::days(1), TimeDelta::minutes(1));
    for (within, count) in [
        (now - day..now - minute, 0),
        (now - minute..now + minute, 1),
        (now + minute..now + day, 0),
    ] {
        assert_eq!(
            bench.list(&within, None).await.listed.len(),
            count,
            "{within:?}"
        );
    }
    bench
        .control("clock", json!({ "advanceSeconds": 25 * 3_600 }))
        .await;
    let within = bench.around_now().await;
    assert_eq!(
        bench.list(&within, None).await.listed.len(),
        0,
        "a day later"
    );
}

#[tokio::test]
async fn a_list_that_is_refused_is_no_empty_list() {
    let bench = Bench::new().await;
    let within = bench.around_now().await;
    let nowhere: TransactionKey = "nowhere".parse().unwrap();
    let refused = bench.toss.movements(&within, Some(&nowhere), 2).await;
    assert!(matches!(refused, Err(Cause::Unreadable(_))), "{refused:?}");
    let backwards = within.end..within.start;
    let refused = bench.toss.movements(&backwards, None, 2).await;
    assert!(matches!(refused, Err(Cause::Unreadable(_))), "{refused:?}");
    let url = bench.running.url();
    let stranger = Settings {
        secret_key: "test_sk_stranger".into(),
        ..settings(&url)
    };
    let refused = Toss::new(stranger)
        .unwrap()
        .movements(&within, None, 2)
        .await;
    assert!(
        matches!(refused, Err(Cause::Configuration(_))),
        "{refused:?}"
    );
}
