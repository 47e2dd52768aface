//! Owns the part without VAT: what the gateway counts decides, and a difference is told.

use std::time::Duration;

use application::ports::store::Payments;
use application::{Approve, Cancel};
use domain::event::Kind;
use domain::money::Money;
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cancel as Canceled, Snapshot, Status};
use tokio::time::sleep;

use crate::installation::{Installation, keyed, krw, order, snapshot};

/// A payment of 10 000 won, 3 000 of them said to be without VAT.
async fn prepared(here: &Installation) -> Approve {
    let mut mixed = order("order-0001");
    mixed.tax_free = Some(krw(3_000));
    here.prepared_as(&mixed).await
}

fn counted(command: &Approve, tax_free: Option<i64>) -> Snapshot {
    Snapshot {
        tax_free: tax_free.map(krw),
        ..snapshot(command, Status::Done, 10_000)
    }
}

/// Captures it; what the gateway counts then, and what was told.
async fn captured(tax_free: Option<i64>) -> (Money, Vec<String>) {
    let here = Installation::new();
    let command = prepared(&here).await;
    let answer = Answer::Found(Box::new(counted(&command, tax_free)));
    here.will_answer(Duration::ZERO, answer);
    here.approve(&command, "k").await.unwrap();
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::Done);
    assert_eq!(payment.tax_free_balance(), payment.captured_tax_free);
    let events = here.memory.events(command.payment, 2, 9).await.unwrap();
    let told = |event: &domain::event::PaymentEvent| {
        let payload: serde_json::Value = serde_json::from_slice(&event.payload).unwrap();
        format!("{} {}", event.kind, payload["taxFree"])
    };
    (payment.captured_tax_free, events.iter().map(told).collect())
}

#[tokio::test(start_paused = true)]
async fn the_same_part_needs_no_word() {
    let approved = vec!["payment.approved null".to_owned()];
    assert_eq!(captured(Some(3_000)).await, (krw(3_000), approved.clone()));
    assert_eq!(
        captured(None).await,
        (krw(3_000), approved.clone()),
        "not said"
    );
    let odd = captured(Some(10_001)).await;
    assert_eq!(
        odd,
        (krw(3_000), approved),
        "more than the amount is no part of it"
    );
}

#[tokio::test(start_paused = true)]
async fn another_part_is_taken_as_the_gateway_counts_it_and_told() {
    for found in [0, 2_999, 10_000] {
        let told = format!(
            "{} {{\"asked\":3000,\"captured\":{found}}}",
            Kind::TaxFreeDiffers
        );
        let events = vec!["payment.approved null".to_owned(), told];
        assert_eq!(captured(Some(found)).await, (krw(found), events));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_fits_what_the_gateway_counts() {
    let here = Installation::new();
    let command = prepared(&here).await;
    let shown = counted(&command, Some(0));
    here.will_answer(Duration::ZERO, Answer::Found(Box::new(shown)));
    here.approve(&command, "k").await.unwrap();

    let part = |tax_free_minor| Cancel {
        payment: command.payment,
        amount_minor: Some(8_000),
        tax_free_minor,
        reason: "half of it".parse().unwrap(),
        to: None,
    };
    let refused = here
        .app
        .cancel(here.caller.clone(), part(Some(1_000)), keyed("c", 2))
        .await;
    assert!(refused.is_err(), "the gateway counts nothing as tax-free");

    here.app
        .cancel(here.caller.clone(), part(None), keyed("d", 2))
        .await
        .unwrap();
    let sent = here.gateway.cancels.lock().unwrap().clone();
    let sent: Vec<_> = sent
        .iter()
        .map(|call| (call.amount, call.tax_free))
        .collect();
    assert_eq!(sent, [(krw(8_000), None)]);
}

#[tokio::test(start_paused = true)]
async fn the_part_that_we_gave_back_is_ours_where_nobody_repeats_it() {
    let here = Installation::new();
    let command = prepared(&here).await;
    let mut shown = counted(&command, Some(3_000));
    here.will_answer(Duration::ZERO, Answer::Found(Box::new(shown.clone())));
    here.approve(&command, "k").await.unwrap();

    let part = Cancel {
        payment: command.payment,
        amount_minor: Some(2_000),
        tax_free_minor: Some(1_500),
        reason: "some of it".parse().unwrap(),
        to: None,
    };
    let asked = here.app.cancel(here.caller.clone(), part, keyed("c", 2));
    let answered = async {
        sleep(Duration::from_secs(1)).await;
        let reason = here.gateway.cancels.lock().unwrap()[0].reason.clone();
        shown.status = Status::PartialCanceled;
        (shown.balance, shown.tax_free) = (Some(krw(8_000)), None);
        shown.cancels.push(Canceled {
            transaction_key: "txrd_2".parse().unwrap(),
            amount: krw(2_000),
            tax_free: None,
            reason,
            done: true,
            canceled_at: None,
        });
        assert_eq!(shown.tax_free_captured(), None, "a part is not told");
        here.will_show(Answer::Found(Box::new(shown)));
    };
    let (asked, ()) = tokio::join!(asked, answered);
    asked.unwrap();
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::PartialCanceled);
    assert_eq!(payment.cancels[0].tax_free, krw(1_500));
    assert_eq!(payment.tax_free_balance(), krw(1_500));
}
