//! Preparing, listing, reopening, expiring.

use std::time::Duration;

use application::ports::store::PaymentFilter;
use application::{Approve, ApproveError, Ended, Outcome, PrepareError, ReadError};
use domain::id::{PaymentId, RawId};
use domain::payment::{ApproveRefusal, PayStatus};

use crate::installation::{Installation, done, krw, order};
use crate::store::Fault;

#[tokio::test(start_paused = true)]
async fn an_order_has_one_payment() {
    let here = Installation::new();
    let first = here.prepared("order-0001").await;
    match here
        .app
        .prepare(&here.caller, &order("order-0001"), None)
        .await
    {
        Err(PrepareError::OrderTaken { payment }) => assert_eq!(payment, first.payment),
        other => panic!("{other:?}"),
    }
    let mut free = order("order-0002");
    free.tax_free = Some(krw(10_001));
    let refused = here.app.prepare(&here.caller, &free, None).await;
    assert!(
        matches!(refused, Err(PrepareError::TaxFreeOverAmount)),
        "{refused:?}"
    );
    let mut nothing = order("order-0003");
    nothing.amount = krw(0);
    let refused = here.app.prepare(&here.caller, &nothing, None).await;
    assert!(
        matches!(refused, Err(PrepareError::ZeroAmount)),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_window_is_reopened_with_a_fresh_order_and_both_orders_are_ours() {
    let here = Installation::new();
    let mut command = here.prepared("order-0001").await;
    let opening = here
        .app
        .reopen(&here.caller, command.payment)
        .await
        .unwrap();
    assert_ne!(opening.gateway_order, command.gateway_order);
    let read = here
        .app
        .payment(&here.caller, command.payment)
        .await
        .unwrap();
    assert_eq!(
        read.gateway_order_id,
        Some(opening.gateway_order.to_string())
    );
    command.gateway_order = opening.gateway_order;
    here.will_answer(Duration::ZERO, done(&command));
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(matches!(
        answered.outcome,
        Outcome::Ended(Ended::Approved { .. })
    ));
    let refused = here.app.reopen(&here.caller, command.payment).await;
    let approved = ApproveRefusal::AlreadyApproved;
    assert!(matches!(refused, Err(PrepareError::Refused(r)) if r == approved));
}

#[tokio::test(start_paused = true)]
async fn unpaid_payments_expire_and_late_approvals_are_refused() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    assert_eq!(here.app.expire_unpaid().await.unwrap(), 0);
    tokio::time::sleep(Duration::from_hours(1)).await;
    let late = here.approve(&command, "k").await;
    assert!(
        matches!(late, Err(ApproveError::Refused(ApproveRefusal::Expired))),
        "{late:?}"
    );
    assert_eq!(here.app.expire_unpaid().await.unwrap(), 1);
    assert_eq!(here.app.expire_unpaid().await.unwrap(), 0);
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Expired
    );
    let late = here.approve(&command, "k").await;
    assert!(
        matches!(late, Err(ApproveError::Refused(ApproveRefusal::Expired))),
        "{late:?}"
    );
    assert!(here.keys_used().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_cannot_expire_keeps_no_other_from_it() {
    let here = Installation::new();
    let first = here.prepared("order-0001").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = here.prepared("order-0002").await;
    tokio::time::sleep(Duration::from_hours(2)).await;
    here.store.is(Fault::Refuses(first.payment));
    assert_eq!(here.app.expire_unpaid().await.unwrap(), 1);
    let status = async |command: &Approve| here.payment(command.payment).await.status();
    assert_eq!(status(&first).await, PayStatus::Ready);
    assert_eq!(status(&second).await, PayStatus::Expired);
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_where_they_ended() {
    let here = Installation::new();
    for number in 0..25 {
        here.prepared(&format!("order-{number:04}")).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let filter = PaymentFilter::default();
        let page = here
            .app
            .payments(&here.caller, filter.clone(), after, 10)
            .await
            .unwrap();
        seen.extend(page.rows.into_iter().map(|row| row.order_id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<String> = (0..25).map(|number| format!("order-{number:04}")).collect();
    expected.reverse();
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let here = Installation::new();
    let id = PaymentId::new(RawId::from_parts(1, 77));
    let read = here.app.payment(&here.caller, id).await;
    assert!(matches!(read, Err(ReadError::NotFound)));
    assert!(matches!(
        here.app.events(&here.caller, id, 0, 10).await,
        Err(ReadError::NotFound)
    ));
}
