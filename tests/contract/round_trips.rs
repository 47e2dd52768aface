//! Payments and sagas read back equal, in every state.

use application::ports::Store;
use domain::change::Change;
use domain::decline::{Class, Decline, Reason};
use domain::id::SagaId;
use domain::money::{Currency, Money};
use domain::payment::{Customer, Kind, Paid, Payment, State};
use domain::principal::{Mode, Owner, Scope};
use domain::saga::{self, Heard, Outcome, Phase};

use crate::samples::{self, at, raw, tenant, won};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    payments,
    every_state,
    sagas,
    every_progress,
    a_nul_keeps_nothing_from_settling
);

/// A member reads a payment that names them, and no other.
async fn read_by_members(store: &dyn Store, payment: &Payment) {
    let facts = &payment.facts;
    let customer = facts.customer.member.clone();
    for member in [customer.clone(), "somebody-else".parse().ok()] {
        let owner = Owner {
            member: member.clone(),
            ..facts.scope.into()
        };
        let found = store.payment(&owner, facts.id).await.expect("read");
        let theirs = member.is_none() || member == customer;
        assert_eq!(found.is_some(), theirs, "{member:?}");
    }
}

async fn payments(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        for currency in Currency::ALL {
            let mut payment = samples::ready(&tenant);
            payment.facts.kind = kind;
            let most = Money::new(Money::MINOR_MAX, currency).expect("the limit");
            payment.facts.amount = most;
            payment.facts.tax_free = if number == 0 {
                Money::zero(currency)
            } else {
                most
            };
            payment.captured = Money::zero(currency);
            payment.captured_tax_free = Money::zero(currency);
            payment.canceled = Money::zero(currency);
            if number == 0 {
                payment.facts.customer = Customer::default();
            }
            store
                .commit(&[samples::insert(&payment)])
                .await
                .expect("inserted");
            let read = store
                .payment(&tenant.scope.into(), payment.facts.id)
                .await
                .expect("read");
            assert_eq!(read.as_ref(), Some(&payment));
            let order = &payment.facts.order_id;
            let read = store
                .payment_of_order(tenant.scope, order)
                .await
                .expect("read");
            assert_eq!(read.as_ref(), Some(&payment));
            let elsewhere = Scope {
                mode: Mode::Live,
                ..tenant.scope
            };
            let id = payment.facts.id;
            assert_eq!(
                store.payment(&elsewhere.into(), id).await.expect("read"),
                None
            );
            read_by_members(store, &payment).await;
            assert_eq!(
                store
                    .payment_of_order(elsewhere, order)
                    .await
                    .expect("read"),
                None
            );
        }
    }
    let (payment, order) = samples::stored(store, &tenant).await;
    let mut later = samples::order(&payment);
    later.created_at = at(60);
    store
        .commit(&[Change::InsertGatewayOrder(later.clone())])
        .await
        .expect("inserted");
    assert_eq!(
        store.gateway_order(order.id).await.expect("read"),
        Some(order.clone())
    );
    assert_eq!(
        store.gateway_orders(payment.facts.id).await.expect("read"),
        [later, order]
    );
}

/// One of each state, with sums that fit it.
fn states(saga: SagaId) -> Vec<(State, i64, i64)> {
    let (approved_at, canceled_at) = (at(100), at(200));
    vec![
        (
            State::Ready {
                declined: Some(samples::decline(Class::Buyer)),
            },
            0,
            0,
        ),
        (State::InProgress { saga }, 0, 0),
        (State::WaitingForDeposit { due_at: at(300) }, 0, 0),
        (State::Done { approved_at }, 50_000, 0),
        (State::CancelRequested { saga, approved_at }, 50_000, 10),
        (State::PartialCanceled { approved_at }, 50_000, 49_999),
        (
            State::Canceled {
                canceled_at,
                approved_at: Some(approved_at),
            },
            50_000,
            50_000,
        ),
        (
            State::Canceled {
                canceled_at,
                approved_at: None,
            },
            0,
            0,
        ),
        (
            State::Aborted {
                declined: samples::decline(Class::Merchant),
            },
            0,
            0,
        ),
        (State::Expired, 0, 0),
        (State::Ready { declined: None }, 0, 0),
    ]
}

async fn every_state(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (mut payment, _) = samples::stored(store, &tenant).await;
    for (state, captured, canceled) in states(SagaId::new(raw())) {
        let paid = |receipt: Option<&str>| Paid {
            payment_key: "tgen_1".parse().expect("a key"),
            method: receipt.map(|_| "카드".to_owned()),
            receipt_url: receipt.map(ToOwned::to_owned),
        };
        payment = Payment {
            captured: won(captured),
            captured_tax_free: won(captured.min(1)),
            canceled: won(canceled),
            cancels: samples::cancels(canceled),
            paid: match (captured, canceled) {
                (0, _) => None,
                (_, 0) => Some(paid(None)),
                (_, _) => Some(paid(Some("https://receipt"))),
            },
            ..samples::next(&payment, state)
        };
        store
            .commit(&[samples::update(&payment)])
            .await
            .expect("updated");
        let read = store.any_payment(payment.facts.id).await.expect("read");
        assert_eq!(read.as_ref(), Some(&payment));
    }
}

async fn sagas(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let approval = samples::saga(&payment, &order, saga::Kind::Approval);
    let mut reversal = samples::saga(&payment, &order, saga::Kind::Reversal);
    reversal.head.reason = None;
    reversal.head.keyed = false;
    reversal.head.created_at = at(1);
    reversal.progress.refundable = won(Money::MINOR_MAX);
    // What was taken may be of another currency than what was asked for.
    let dollars = Money::new(Money::MINOR_MAX, Currency::Usd).expect("an amount");
    reversal.progress.surprise = Some(dollars);
    let held = Some(samples::hold(std::time::Duration::from_secs(5)));
    let changes = [
        samples::open(&approval, held),
        samples::open(&reversal, None),
    ];
    store.commit(&changes).await.expect("opened");
    assert_eq!(
        store.saga(approval.head.id).await.expect("read"),
        Some(approval.clone())
    );
    let listed = store.sagas_of(payment.facts.id).await.expect("read");
    assert_eq!(listed, [reversal, approval]);
    assert_eq!(store.saga(SagaId::new(raw())).await.expect("read"), None);

    let mut open = store.open_sagas(at(11)).await.expect("read");
    open.sort_by_key(|row| row.oldest);
    let counted: Vec<_> = open
        .iter()
        .map(|row| (row.kind, row.phase, row.count, row.stuck, row.oldest))
        .collect();
    let expected = [
        (saga::Kind::Reversal, Phase::Call, 1, 1, at(1)),
        (saga::Kind::Approval, Phase::Call, 1, 0, at(12)),
    ];
    assert_eq!(counted, expected);
}

async fn every_progress(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let refusals = Reason::ALL.iter().map(|reason| {
        Heard::Refused(Decline {
            reason: *reason,
            ..samples::decline(Class::Merchant)
        })
    });
    let heard = [
        Heard::Nothing,
        Heard::Temporary,
        Heard::SessionGone,
        Heard::Noise,
        Heard::OrderUsed,
    ];
    let mut saga = samples::saga(&payment, &order, saga::Kind::Approval);
    store
        .commit(&[samples::open(&saga, None)])
        .await
        .expect("opened");
    for heard in heard.into_iter().chain(refusals) {
        saga = samples::moved(&saga, |progress| {
            progress.phase = Phase::Ask;
            progress.n = u32::MAX;
            progress.unanswered = u32::MAX;
            progress.asks += 1;
            progress.heard = heard;
            progress.asked_at = Some(at(70));
            progress.due_at = at(80);
            progress.intent_at = at(60);
        });
        store
            .commit(&[samples::progress(&saga)])
            .await
            .expect("moved");
        assert_eq!(
            store.saga(saga.head.id).await.expect("read").as_ref(),
            Some(&saga)
        );
    }
    let outcomes = [
        Outcome::Approved,
        Outcome::Declined(samples::decline(Class::Buyer)),
        Outcome::Misfit {
            reversal: SagaId::new(raw()),
        },
        Outcome::Reversed,
    ];
    for outcome in outcomes {
        let open = samples::saga(&payment, &order, saga::Kind::Reversal);
        store
            .commit(&[samples::open(&open, None)])
            .await
            .expect("opened");
        let closed = samples::moved(&open, |progress| {
            progress.phase = Phase::Closed;
            // A decline of its own beside the one it ends with: neither may shadow the other.
            progress.heard = Heard::Refused(samples::decline(Class::Merchant));
            progress.outcome = Some(outcome);
        });
        store
            .commit(&[samples::progress(&closed)])
            .await
            .expect("closed");
        assert_eq!(store.saga(open.head.id).await.expect("read"), Some(closed));
    }
}

/// What a gateway words for people may hold anything.
async fn a_nul_keeps_nothing_from_settling(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let mut declined = samples::decline(Class::Merchant);
    "잔액\0부족".clone_into(&mut declined.message);
    let open = samples::saga(&payment, &order, saga::Kind::Approval);
    let closed = samples::moved(&open, |progress| {
        progress.phase = Phase::Closed;
        progress.outcome = Some(Outcome::Declined(declined.clone()));
    });
    let code = declined.code.clone();
    let aborted = samples::next(&payment, State::Aborted { declined });
    let mut event = samples::event(&payment, 1);
    event.reason = Some("\0".to_owned());
    store
        .commit(&[samples::open(&open, None)])
        .await
        .expect("opened");
    let changes = [
        samples::progress(&closed),
        samples::update(&aborted),
        Change::AppendEvent(Box::new(event)),
    ];
    store.commit(&changes).await.expect("settled");
    let read = store
        .any_payment(payment.facts.id)
        .await
        .expect("read")
        .expect("a payment");
    assert_eq!(
        read.state.declined().map(|declined| declined.code.clone()),
        Some(code)
    );
}
