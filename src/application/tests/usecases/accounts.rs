//! Whose answers count: the merchant id at the gateway is pinned once, by a capture.

use std::time::Duration;

use application::ports::store::{Access, Payments};
use application::{Approve, Outcome};
use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Status};
use tokio::time::sleep;

use crate::installation::{Installation, done, snapshot};
use crate::store::Fault;

async fn account(here: &Installation, command: &Approve) -> GatewayAccountId {
    here.payment(command.payment).await.facts.account
}

async fn pinned(here: &Installation, command: &Approve) -> Option<String> {
    let id = account(here, command).await;
    let found = here.memory.gateway_account(id).await.unwrap();
    found.unwrap().merchant_id
}

/// The same payment at somebody else's shop.
fn foreign(command: &Approve) -> Answer {
    let mut foreign = snapshot(command, Status::Done, 10_000);
    "tgen_other".clone_into(&mut foreign.merchant_id);
    Answer::Found(Box::new(foreign))
}

#[tokio::test(start_paused = true)]
async fn the_first_capture_pins_the_merchant_id_and_others_are_not_believed() {
    let here = Installation::with_merchant_id(None);
    let first = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&first));
    here.approve(&first, "k1").await.unwrap();
    assert_eq!(pinned(&here, &first).await.as_deref(), Some("tgen_test"));

    let second = here.prepared("order-0002").await;
    here.will_answer(Duration::ZERO, foreign(&second));
    let answered = here.approve(&second, "k2").await.unwrap();
    assert!(
        matches!(answered.outcome, Outcome::Pending(_)),
        "{answered:?}"
    );
    assert_eq!(here.memory.entries(second.payment).await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_capture_pins_nothing() {
    for status in [Status::Aborted, Status::Expired] {
        let here = Installation::with_merchant_id(None);
        let command = here.prepared("order-0001").await;
        let ended = snapshot(&command, status, 10_000);
        here.will_answer(Duration::ZERO, Answer::Found(Box::new(ended)));
        let answered = here.approve(&command, "k").await.unwrap();
        assert!(
            matches!(answered.outcome, Outcome::Ended(_)),
            "{answered:?}"
        );
        assert_eq!(pinned(&here, &command).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_only_when_it_can_be_told_whose_it_is() {
    let here = Installation::with_merchant_id(None);
    let command = here.prepared("order-0001").await;
    let id = account(&here, &command).await;
    here.will_answer(Duration::from_secs(30), foreign(&command));
    here.approve(&command, "k").await.unwrap();
    // Another process pins the id while the call is out, and then the account cannot be read.
    let pin = Change::PinMerchantId {
        account: id,
        merchant_id: "tgen_test".to_owned(),
    };
    here.memory.commit_now(&[pin]).unwrap();
    here.store.is(Fault::AccountsAway);
    sleep(Duration::from_secs(25)).await;
    here.store.is(None);
    let entries = here.memory.entries(command.payment).await.unwrap();
    assert!(entries.is_empty(), "a stranger's money was booked");
    here.will_show(done(&command));
    sleep(Duration::from_secs(10)).await;
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let status = here.payment(command.payment).await.status();
    assert_eq!(status, PayStatus::Done, "asked again, and believed");
}
