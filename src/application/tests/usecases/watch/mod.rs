//! The watch: pages of the gateway's list, what of it is asked about, and how far it is kept.

mod bounds;
mod late;
mod open;

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use application::Approve;
use application::ports::gateway::{Line, ListPage, Listed};
use application::ports::store::Payments;
use chrono::TimeDelta;
use domain::Timestamp;
use domain::id::{GatewayOrderId, RawId};
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cancel, Cause, Snapshot, Status};
use tokio::time::sleep;

use crate::installation::{Installation, START, done, krw, snapshot};

const MINUTE: Duration = Duration::from_mins(1);
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// Older than the grace.
fn long_ago() -> Timestamp {
    START - TimeDelta::minutes(5)
}

fn line(command: &Approve, key: &str, line: Line, at: Timestamp) -> Listed {
    Listed {
        transaction_key: key.parse().unwrap(),
        payment_key: command.payment_key.clone(),
        order_id: command.gateway_order.to_string(),
        line,
        at: Some(at),
    }
}

fn page(listed: Vec<Listed>) -> ListPage {
    let next = listed.last().map(|listed| listed.transaction_key.clone());
    ListPage {
        listed,
        unreadable: 0,
        next,
    }
}

/// As it is after others gave back so much, in parts named after their place.
fn canceled(command: &Approve, parts: &[i64]) -> Snapshot {
    let mut shown = snapshot(command, Status::PartialCanceled, 10_000);
    shown.balance = Some(krw(10_000 - parts.iter().sum::<i64>()));
    shown.cancels = (1..)
        .zip(parts)
        .map(|(number, part)| Cancel {
            transaction_key: format!("cancel_{number}").parse().unwrap(),
            amount: krw(*part),
            tax_free: Some(krw(0)),
            reason: "console".to_owned(),
            done: true,
            canceled_at: None,
        })
        .collect();
    shown
}

impl Installation {
    /// An approved payment with a payment key of its own.
    async fn paid(&self, name: &str) -> Approve {
        let mut command = self.prepared(&format!("order-{name}")).await;
        command.payment_key = format!("tgen_{name}").parse().unwrap();
        self.will_answer(Duration::ZERO, done(&command));
        self.approve(&command, name).await.unwrap();
        command
    }

    fn will_list(&self, page: ListPage) {
        self.gateway.pages.lock().unwrap().push_back(Ok(page));
    }

    /// A page with this movement of the payment alone, older than the grace.
    fn will_list_one(&self, command: &Approve, key: &str, kind: Line) {
        self.will_list(page(vec![line(command, key, kind, long_ago())]));
    }

    fn will_not_list(&self, cause: Cause) {
        self.gateway.pages.lock().unwrap().push_back(Err(cause));
    }

    fn will_find(&self, snapshot: Snapshot) {
        self.will_show(Answer::Found(Box::new(snapshot)));
    }

    /// A watch when it is due.
    async fn watched(&self) {
        sleep(MINUTE).await;
        self.app.watch().await.unwrap();
    }

    fn now(&self) -> Timestamp {
        self.app.clock().now()
    }

    fn questions(&self) -> usize {
        self.gateway.asked.lock().unwrap().len()
    }

    fn listed(&self) -> Vec<(Range<Timestamp>, Option<String>)> {
        std::mem::take(&mut self.gateway.listed.lock().unwrap())
    }

    fn booked_and_strange(&self) -> (usize, usize) {
        let found = &self.found;
        (
            found.booked.load(Ordering::SeqCst),
            found.strange.load(Ordering::SeqCst),
        )
    }

    /// From when the list is read next.
    async fn next_start(&self) -> Timestamp {
        self.listed();
        self.watched().await;
        self.listed()[0].0.start
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_gave_back_is_booked_once() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    let lines = || {
        vec![
            line(&command, "txrd_1", Line::Capture, long_ago()),
            line(&command, "cancel_1", Line::Cancel, long_ago()),
            line(&command, "cancel_2", Line::Cancel, long_ago()),
        ]
    };
    here.will_list(page(lines()));
    here.will_find(canceled(&command, &[3_000, 2_000]));
    here.watched().await;
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::PartialCanceled);
    assert_eq!(payment.balance().unwrap(), krw(5_000));
    let entries = here.memory.entries(command.payment).await.unwrap();
    let by: Vec<bool> = entries.iter().map(|entry| entry.saga.is_some()).collect();
    assert_eq!(by, [true, false, false]);
    assert_eq!(here.questions(), 1, "one question tells of both");
    assert_eq!(here.booked_and_strange(), (2, 0));
    here.will_list(page(lines()));
    here.watched().await;
    assert_eq!(here.questions(), 1, "the books have all of it");
    assert_eq!(here.booked_and_strange(), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_until_an_empty_one() {
    let here = Installation::new();
    let (first, second) = (here.paid("0001").await, here.paid("0002").await);
    here.will_list_one(&first, "cancel_1", Line::Cancel);
    here.will_list_one(&second, "cancel_1b", Line::Cancel);
    here.will_find(canceled(&first, &[1]));
    let mut shown = canceled(&second, &[2]);
    shown.cancels[0].transaction_key = "cancel_1b".parse().unwrap();
    here.will_find(shown);
    here.watched().await;
    let after: Vec<Option<String>> = here.listed().into_iter().map(|(_, after)| after).collect();
    let keys = ["cancel_1", "cancel_1b"].map(|key| Some(key.to_owned()));
    assert_eq!(after, [None, keys[0].clone(), keys[1].clone()]);
    for (command, left) in [(&first, 9_999), (&second, 9_998)] {
        let payment = here.payment(command.payment).await;
        assert_eq!(payment.balance().unwrap(), krw(left));
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_keeps_the_place() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    here.watched().await;
    let reached = here.now();
    let (window, _) = here.listed().remove(0);
    assert_eq!(window.start, START - OVERLAP, "the account's creation");
    assert!(window.end > reached, "a clock may be ahead of ours");

    for failure in [
        Cause::Lost,
        Cause::NotSent,
        Cause::Unreadable("new".to_owned()),
    ] {
        here.will_list_one(&command, "cancel_1", Line::Other);
        here.will_find(canceled(&command, &[1]));
        here.will_not_list(failure);
        assert_eq!(here.next_start().await, reached - OVERLAP);
    }
    // What was read before the failure is booked all the same.
    assert_eq!(
        here.payment(command.payment).await.balance().unwrap(),
        krw(9_999)
    );
    assert_eq!(here.next_start().await, reached - OVERLAP);
    let last = here.now();
    assert_eq!(here.next_start().await, last - OVERLAP, "read to its end");
    // A list that begins anew with every page would be read for ever.
    let same = || page(vec![line(&command, "cancel_1", Line::Cancel, long_ago())]);
    let reached = here.now();
    here.will_list(same());
    here.will_list(same());
    here.watched().await;
    assert_eq!(here.next_start().await, reached - OVERLAP);
}

#[tokio::test(start_paused = true)]
async fn of_several_only_one_watches() {
    let here = Installation::new();
    sleep(MINUTE).await;
    let watches = tokio::join!(here.app.watch(), here.app.watch());
    assert!(watches.0.is_ok() && watches.1.is_ok());
    assert_eq!(here.listed().len(), 1);
    sleep(Duration::from_secs(59)).await;
    here.app.watch().await.unwrap();
    assert_eq!(here.listed().len(), 0, "not due yet");
    sleep(Duration::from_secs(1)).await;
    here.app.watch().await.unwrap();
    assert_eq!(here.listed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn lines_of_others_are_passed_over() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    let mut foreign = line(&command, "t1", Line::Cancel, long_ago());
    foreign.order_id = "ord_20260315_000001".to_owned();
    let mut elsewhere = line(&command, "t2", Line::Cancel, long_ago());
    elsewhere.order_id = GatewayOrderId::new(RawId::from_parts(9, 9)).to_string();
    let mut listed = page(vec![foreign, elsewhere]);
    listed.unreadable = 1;
    here.will_list(listed);
    here.watched().await;
    assert_eq!(here.questions(), 0);
    assert_eq!(here.booked_and_strange(), (0, 0));
    assert_eq!(here.found.unreadable.load(Ordering::SeqCst), 1);
    assert_eq!(here.memory.all_sightings(), []);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_read_a_day_at_a_time() {
    let here = Installation::new();
    sleep(Duration::from_hours(60)).await;
    here.app.watch().await.unwrap();
    let now = here.now();
    // The first watch begins a day back at most.
    let windows = here.listed();
    assert_eq!(windows.len(), 1);
    assert_eq!(windows[0].0.start, now - TimeDelta::days(1) - OVERLAP);
    sleep(Duration::from_hours(60)).await;
    here.will_list(page(Vec::new()));
    here.will_not_list(Cause::Lost);
    here.app.watch().await.unwrap();
    let starts: Vec<Timestamp> = here
        .listed()
        .iter()
        .map(|(window, _)| window.start)
        .collect();
    let day = |days| now + TimeDelta::days(days) - OVERLAP;
    assert_eq!(starts, [day(0), day(1)], "the second day failed");
    here.watched().await;
    let starts: Vec<Timestamp> = here
        .listed()
        .iter()
        .map(|(window, _)| window.start)
        .collect();
    assert_eq!(starts, [day(1), day(2)], "the first is done with");
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_the_process() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    here.tasks.spawn(here.app.clone().watch_continuously());
    sleep(Duration::from_secs(1)).await;
    here.will_list_one(&command, "cancel_1", Line::Cancel);
    here.will_find(canceled(&command, &[1]));
    sleep(MINUTE).await;
    assert_eq!(
        here.payment(command.payment).await.balance().unwrap(),
        krw(9_999)
    );
    here.drain.cancel();
    here.tasks.close();
    let ended = tokio::time::timeout(Duration::from_secs(1), here.tasks.wait());
    ended.await.unwrap();
}
