//! Virtual accounts: read back with their payments, asked for by sagas that know no key, and paid
//! into and taken back by movements of their own.

use application::ports::store::CommitError;
use domain::change::Change;
use domain::ledger::Movement;
use domain::payment::{Kind, Payment, State};
use domain::saga::{self, Intent, Outcome, Phase};
use domain::vault::Sealed;
use domain::virtual_account::VirtualAccount;

use crate::samples::{self, at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    an_account_reads_back,
    the_issue_knows_no_key_and_keeps_nothing,
    deposits_are_counted,
);

fn account() -> VirtualAccount {
    VirtualAccount {
        payment_key: "va_1".parse().expect("a key"),
        bank: "20".parse().expect("a bank"),
        due_at: at(9_000),
        sealed: Sealed(vec![1, 2, 3]),
        reversals: 0,
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
    store
        .commit(&[samples::update(&waiting)])
        .await
        .expect("waits");
    let found = store.any_payment(payment.facts.id).await.expect("read");
    assert_eq!(found.as_ref(), Some(&waiting));
    let taken_back = Payment {
        account: Some(Box::new(VirtualAccount {
            reversals: 7,
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
