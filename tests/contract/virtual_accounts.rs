//! Virtual accounts: read back with their payments, asked for by sagas that know no key, and paid
//! into and taken back by movements of their own.

use application::ports::store::CommitError;
use domain::change::Change;
use domain::id::SagaId;
use domain::ledger::{Account, Movement};
use domain::payment::{Kind, Payment, State};
use domain::refund::{Doubted, Refund, RefundStatus};
use domain::saga::{self, Intent, Outcome, Phase};
use domain::vault::Sealed;
use domain::virtual_account::{Denied, Doubt, VirtualAccount};

use crate::samples::{self, at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    an_account_reads_back,
    how_far_the_bank_is_with_a_refund_reads_back,
    the_issue_knows_no_key_and_keeps_nothing,
    an_account_is_closed_by_a_saga,
    deposits_are_counted,
    accounts_are_asked_about_when_they_are_due,
);

fn account() -> VirtualAccount {
    VirtualAccount {
        payment_key: "va_1".parse().expect("a key"),
        bank: "20".parse().expect("a bank"),
        due_at: at(9_000),
        sealed: Sealed(vec![1, 2, 3]),
        reversals: 0,
        closing: None,
        doubt: None,
        look_at: None,
        refund: None,
    }
}

async fn an_account_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let mut payment = samples::ready(&tenant);
    payment.facts.kind = Kind::VirtualAccount;
    store
        .commit(&[samples::insert(&payment)])
        .await
        .expect("a payment");
    let waiting = Payment {
        account: Some(Box::new(account())),
        ..samples::next(&payment, State::WaitingForDeposit { due_at: at(9_000) })
    };
    let mut waiting = waiting;
    if let Some(account) = &mut waiting.account {
        account.closing = Some(SagaId::new(samples::raw()));
    }
    store
        .commit(&[samples::update(&waiting)])
        .await
        .expect("waits");
    let found = store.any_payment(payment.facts.id).await.expect("read");
    assert_eq!(found.as_ref(), Some(&waiting));
    let taken_back = Payment {
        account: Some(Box::new(VirtualAccount {
            reversals: 7,
            doubt: Some(Doubt {
                denied: Denied::Deposit,
                since: at(9_001),
            }),
            look_at: Some(at(9_061)),
            refund: None,
            ..account()
        })),
        ..samples::next(&waiting, State::Expired)
    };
    store
        .commit(&[samples::update(&taken_back)])
        .await
        .expect("over");
    let found = store.any_payment(payment.facts.id).await.expect("read");
    assert_eq!(found, Some(taken_back));
}

async fn how_far_the_bank_is_with_a_refund_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let mut payment = samples::ready(&tenant);
    payment.facts.kind = Kind::VirtualAccount;
    store
        .commit(&[samples::insert(&payment)])
        .await
        .expect("a payment");
    let canceled = State::Canceled {
        canceled_at: at(50),
        approved_at: Some(at(40)),
    };
    let doubted = |word| {
        Some(Doubted {
            word,
            since: at(60),
        })
    };
    for (status, doubted) in RefundStatus::ALL.iter().zip([
        None,
        doubted(RefundStatus::Failed),
        doubted(RefundStatus::Completed),
        doubted(RefundStatus::PartialFailed),
    ]) {
        payment = samples::next(&payment, canceled.clone());
        payment.account = Some(Box::new(VirtualAccount {
            refund: Some(Refund {
                status: *status,
                since: at(50),
                doubted,
            }),
            ..account()
        }));
        store
            .commit(&[samples::update(&payment)])
            .await
            .expect("how far it is");
        let found = store.any_payment(payment.facts.id).await.expect("read");
        assert_eq!(found.as_ref(), Some(&payment));
    }
}

async fn the_issue_knows_no_key_and_keeps_nothing(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let mut issue = samples::saga(&payment, &order, saga::Kind::Approval);
    issue.head.intent = Intent::IssueAccount;
    issue.progress.sealed = Some(Sealed(vec![9, 9]));
    store
        .commit(&[samples::open(&issue, None)])
        .await
        .expect("opened");
    let found = store.saga(issue.head.id).await.expect("read");
    assert_eq!(found.as_ref(), Some(&issue));
    let closed = samples::moved(&issue, |progress| {
        progress.phase = Phase::Closed;
        progress.sealed = None;
        progress.outcome = Some(Outcome::Issued);
    });
    store
        .commit(&[samples::progress(&closed)])
        .await
        .expect("closed");
    let found = store.saga(issue.head.id).await.expect("read");
    assert_eq!(found, Some(closed));
}

async fn deposits_are_counted(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let first = samples::entry(&payment, None);
    for movement in [
        Movement::Capture,
        Movement::Reversal(1),
        Movement::Deposit(2),
    ] {
        let mut entry = first.clone();
        entry.movement = movement;
        match &entry.movement {
            // What the bank takes back may go by the deposit's name.
            Movement::Reversal(_) => {
                entry.debit = Account::MerchantPayable;
                entry.credit = Account::GatewayReceivable;
            }
            Movement::Deposit(_) => {
                let again = Change::InsertEntry(Box::new(entry.clone()));
                let again = store.commit(&[again]).await;
                assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
                entry.transaction_key = Some("txn-3".parse().expect("a key"));
            }
            Movement::Capture | Movement::Cancel(_) => {}
        }
        let entry = Change::InsertEntry(Box::new(entry));
        store
            .commit(std::slice::from_ref(&entry))
            .await
            .expect("booked");
        let twice = store.commit(&[entry]).await;
        assert!(matches!(twice, Err(CommitError::Conflict)), "{twice:?}");
    }
    let entries = store.entries(payment.facts.id).await.expect("read");
    let movements: Vec<String> = entries
        .iter()
        .map(|entry| entry.movement.to_string())
        .collect();
    assert_eq!(movements, ["capture", "reversal:1", "deposit:2"]);
}

async fn accounts_are_asked_about_when_they_are_due(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let mut due = Vec::new();
    for look_at in [Some(at(30)), None, Some(at(20)), Some(at(31)), Some(at(10))] {
        let mut payment = samples::ready(&tenant);
        payment.facts.kind = Kind::VirtualAccount;
        payment.account = Some(Box::new(VirtualAccount {
            look_at,
            ..account()
        }));
        payment.state = State::WaitingForDeposit { due_at: at(9_000) };
        store
            .commit(&[samples::insert(&payment)])
            .await
            .expect("a payment");
        due.push(payment);
    }
    let asked = async |limit| {
        let found = store.accounts_to_ask(at(30), limit).await.expect("read");
        let found = found.into_iter().map(|payment| payment.facts.id);
        found.collect::<Vec<_>>()
    };
    let expected = [4, 2, 0].map(|place: usize| due[place].facts.id);
    assert_eq!(asked(9).await, expected);
    assert_eq!(asked(2).await, expected[..2]);
}

async fn an_account_is_closed_by_a_saga(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let mut close = samples::saga(&payment, &order, saga::Kind::Approval);
    close.head.intent = Intent::CloseAccount("va_1".parse().expect("a key"));
    store
        .commit(&[samples::open(&close, None)])
        .await
        .expect("opened");
    let mut second = close.clone();
    second.head.id = SagaId::new(samples::raw());
    let rival = store.commit(&[samples::open(&second, None)]).await;
    assert!(matches!(rival, Err(CommitError::Conflict)), "{rival:?}");
    let closed = samples::moved(&close, |progress| {
        progress.phase = Phase::Closed;
        progress.outcome = Some(Outcome::Closed);
    });
    store
        .commit(&[samples::progress(&closed)])
        .await
        .expect("closed");
    let found = store.saga(close.head.id).await.expect("read");
    assert_eq!(found, Some(closed));
}
