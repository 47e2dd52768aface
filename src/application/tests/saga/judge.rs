//! Owns the verdict on a finished run: the gateway's books against ours.

use std::collections::BTreeMap;

use application::ports::store::Payments;
use application::seal::hash_of;
use application::{Ended, Outcome};
use domain::event::{Hash, Kind};
use domain::ledger::{Account, Movement};
use domain::money::Money;
use domain::payment::{PayStatus, TRANSITIONS};

use crate::world::{AMOUNT, World};

/// Everything that is wrong; nothing, when all is well.
pub(crate) async fn breaches(world: &World, settled: bool) -> Vec<String> {
    let mut found = Vec::new();
    if !settled {
        found.push("a saga is still open".to_owned());
    }
    movements(world, &mut found);
    payment(world, &mut found).await;
    events(world, &mut found).await;
    answers(world, &mut found).await;
    found
}

/// Every movement at the gateway is booked exactly once, with its amount, and nothing else is.
pub(crate) fn movements(world: &World, found: &mut Vec<String>) {
    let entries = world.memory.all_entries();
    let books = world.gateway.books.lock().unwrap();
    let mut expected = 0;
    for account in &books.accounts {
        let captures = account.captured.map(|amount| (Movement::Capture, amount));
        // An account is shown as given back, too, where it is closed before anybody pays in.
        let is_held = account.captured.is_some();
        let cancels = account.cancels.iter().filter(|_| is_held).map(|cancel| {
            (
                Movement::Cancel(cancel.transaction_key.clone()),
                cancel.amount,
            )
        });
        for (movement, amount) in captures.into_iter().chain(cancels) {
            expected += 1;
            let booked: Vec<_> = entries
                .iter()
                .filter(|e| e.payment_key == account.key && e.movement == movement)
                .collect();
            if booked.len() != 1 || booked[0].amount != amount {
                found.push(format!(
                    "{} {movement}: booked {} times",
                    account.key,
                    booked.len()
                ));
            }
        }
    }
    if entries.len() != expected {
        found.push(format!(
            "{} entries for {expected} movements",
            entries.len()
        ));
    }
}

async fn payment(world: &World, found: &mut Vec<String>) {
    let payment = world
        .memory
        .any_payment(world.payment)
        .await
        .unwrap()
        .unwrap();
    let sum = |account: Account| {
        world.memory.all_entries().iter().fold(0, |sum, entry| {
            let credit = if entry.credit == account {
                entry.amount.minor()
            } else {
                0
            };
            let debit = if entry.debit == account {
                entry.amount.minor()
            } else {
                0
            };
            sum + credit - debit
        })
    };
    if sum(Account::Suspense) != 0 {
        found.push("money is left in suspense".to_owned());
    }
    let kept = sum(Account::MerchantPayable);
    if payment.balance().unwrap().minor() != kept {
        found.push("the payment's balance is not the ledger's".to_owned());
    }
    let fits = match payment.status() {
        PayStatus::Done => kept == AMOUNT,
        PayStatus::PartialCanceled => kept > 0 && kept < AMOUNT,
        PayStatus::Canceled
        | PayStatus::Ready
        | PayStatus::Aborted
        | PayStatus::Expired
        | PayStatus::InProgress
        | PayStatus::CancelRequested
        | PayStatus::WaitingForDeposit => kept == 0,
    };
    if !fits {
        found.push(format!("{} with {kept} kept", payment.status()));
    }
    let listed = payment.cancels.iter().map(|cancel| cancel.amount.minor());
    if listed.sum::<i64>() != payment.canceled.minor() {
        found.push("the list of cancellations is not what was given back".to_owned());
    }
    if payment.state.saga().is_some() {
        found.push(format!(
            "{} waits for a saga that is over",
            payment.status()
        ));
    }
}

async fn events(world: &World, found: &mut Vec<String>) {
    let payment = world
        .memory
        .any_payment(world.payment)
        .await
        .unwrap()
        .unwrap();
    let events = world.memory.events(world.payment, 0, 1_000).await.unwrap();
    let (mut previous, mut status) = (Hash::GENESIS, None);
    for (place, event) in (1_i64..).zip(&events) {
        if event.sequence != place || event.previous != previous || hash_of(event) != event.hash {
            found.push(format!("event {place} breaks the chain"));
        }
        let legal = status == Some(event.to)
            || TRANSITIONS
                .iter()
                .any(|row| Some(row.from) == status && row.to == event.to);
        if event.from != status || !(legal || place == 1) {
            found.push(format!("event {place} is no legal step"));
        }
        previous = event.hash;
        status = Some(event.to);
    }
    if status != Some(payment.status()) || payment.head.hash != previous {
        found.push("the payment is not where its events end".to_owned());
    }
    let approved = events
        .iter()
        .filter(|event| matches!(event.kind, Kind::Approved | Kind::Deposited))
        .count();
    if approved != usize::from(!payment.captured.is_zero()) {
        found.push(format!("{approved} events say approved"));
    }
    let canceled = events
        .iter()
        .filter(|event| matches!(event.kind, Kind::Canceled | Kind::PartiallyCanceled))
        .count();
    if canceled != payment.cancels.len() {
        found.push(format!("{canceled} events say canceled"));
    }
}

/// What clients were told is what happened, and repeats were told the same.
async fn answers(world: &World, found: &mut Vec<String>) {
    let payment = world
        .memory
        .any_payment(world.payment)
        .await
        .unwrap()
        .unwrap();
    let answers = world.answers.lock().unwrap();
    let mut told: BTreeMap<&str, &Ended> = BTreeMap::new();
    for (key, answered) in &*answers {
        if let Outcome::Ended(ended) = &answered.outcome
            && told.insert(key, ended).is_some_and(|first| first != ended)
        {
            found.push(format!("{key} was told two ends"));
        }
    }
    let approved = told.values().any(|e| matches!(e, Ended::Approved { .. }));
    if approved && payment.captured.is_zero() {
        found.push("a client was told of an approval that is none".to_owned());
    }
    let books = world.gateway.books.lock().unwrap();
    for (key, ended) in &told {
        let kept = |account: &&crate::books::Account| {
            let cancels = account.cancels.iter().map(|cancel| cancel.amount.minor());
            let captured = account.captured.map_or(0, Money::minor);
            let asked = *key == format!("approve-{}", account.key) || *key == "charge-1";
            asked && captured > cancels.sum()
        };
        if matches!(ended, Ended::Declined { .. }) && books.accounts.iter().any(|a| kept(&a)) {
            found.push(format!(
                "{key} was told of a decline, and the money is kept"
            ));
        }
    }
    let canceled = told
        .values()
        .filter(|e| matches!(e, Ended::Canceled { .. }));
    let wanted = books
        .accounts
        .iter()
        .flat_map(|account| &account.cancels)
        .filter(|cancel| cancel.reason.starts_with("wanted back"));
    // Before the deposit nothing is given back.
    let unpaid = payment.account.is_some() && payment.captured.is_zero();
    let closed = unpaid && payment.status() == PayStatus::Canceled;
    if canceled.count() != wanted.count() + usize::from(closed) {
        found.push("clients were not told of every cancellation once".to_owned());
    }
    if told.is_empty() {
        found.push("no client got a final answer".to_owned());
    }
    let reservations = world.memory.all_reservations();
    if reservations.iter().any(|key| key.outcome.is_none()) {
        found.push("an idempotency key never got its outcome".to_owned());
    }
}
