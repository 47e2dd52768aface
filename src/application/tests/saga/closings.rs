//! Owns the scripts of accounts that nobody paid into: closed because the buyer changed their mind
//! or the due date is over, whatever is lost on the way.

use std::time::Duration;

use application::ports::gateway::Line;
use domain::ledger;
use domain::payment::PayStatus;
use domain::saga::{CancelCall, Kind, Saga};
use domain::snapshot::{Answer, Cause, Status};
use domain::switch::Operation;
use tokio::time::sleep;

use crate::books::{Books, refused};
use crate::faults::{Fault, OF_ACCOUNT};
use crate::judge::breaches;
use crate::scripts::all_well;
use crate::world::{AMOUNT, START, World, in_virtual_time};

impl Books {
    /// `POST /v1/payments/{paymentKey}/cancel` of a virtual account: all of it before the deposit;
    /// after it, not without an account for the refund.
    pub(crate) fn close(&mut self, at: usize, call: &CancelCall) -> Answer {
        // It is shown as given back, and nobody had paid in.
        let line = call
            .to
            .as_ref()
            .map(|_| self.transaction(call.amount, &call.reason));
        let account = &mut self.accounts[at];
        if account.status == Status::WaitingForDeposit {
            if call.amount != account.amount {
                return Answer::Declined(refused());
            }
            account.status = Status::Canceled;
            account.cancels.extend(line);
            return Self::found(account);
        }
        if account.captured.is_some() {
            return Answer::Declined(refused());
        }
        Answer::Unknown(Cause::Conflict("ALREADY_CANCELED_PAYMENT".to_owned()))
    }
}

impl World {
    fn bank_says(&self) -> Status {
        let books = self.gateway.books.lock().unwrap();
        books.accounts.last().unwrap().status.clone()
    }
}

/// What was paid in before, and taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    TakenBack,
}

/// A world whose account waits.
async fn waiting(before: Before) -> World {
    let world = World::with_an_account(&[]).await;
    world.watch();
    world.ask_until_final("account-1").await;
    if before == Before::TakenBack {
        for (number, line) in [(1, Line::Capture), (2, Line::Other)] {
            world.moved_at_the_bank(line, number);
            sleep(Duration::from_mins(10)).await;
        }
        assert_eq!(world.memory.all_entries().len(), 2);
    }
    assert_eq!(world.status().await, PayStatus::WaitingForDeposit);
    world
}

/// What is wrong in the end, but for how payment and bank stand.
async fn amiss(before: Before, world: &World, settled: bool) -> Vec<String> {
    if before == Before::Nothing {
        return breaches(world, settled).await;
    }
    // Whatever was lost since: the deposit and that it was taken back, each once.
    let entries = world.memory.all_entries();
    let fits = settled && entries.len() == 2;
    let wrong = (!fits).then(|| format!("settled: {settled}, {entries:?}"));
    wrong.into_iter().collect()
}

/// Waits until this long after the account was issued.
async fn until(world: &World, passed: Duration) {
    let at = START + passed;
    let left = at.signed_duration_since(world.app.clock().now());
    sleep(left.to_std().unwrap()).await;
}

/// Somebody cancels the payment; what is wrong afterwards.
fn canceled(before: Before, faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = waiting(before).await;
        world.script.refill(faults);
        world.cancel_until_final("cancel-1", AMOUNT).await;
        sleep(Duration::from_mins(10)).await;
        let settled = world.settle().await;
        world.cancel_until_final("cancel-1", AMOUNT).await;
        let mut wrong = amiss(before, &world, settled).await;
        let (status, bank) = (world.status().await, world.bank_says());
        let is_closed = (status, &bank) == (PayStatus::Canceled, &Status::Canceled);
        let stays = status == PayStatus::WaitingForDeposit && faults.contains(&Fault::Decline);
        if !(is_closed || stays) {
            wrong.push(format!("{status}, and the bank says {bank:?}"));
        }
        wrong
    })
}

#[test]
fn scripts_of_cancelled_accounts_of_length_0_to_2() {
    let well = |faults: &[Fault]| canceled(Before::Nothing, faults);
    (0..=2).for_each(|length| all_well(&OF_ACCOUNT, length, well));
}

#[test]
fn scripts_of_accounts_cancelled_after_a_reversal_of_length_0_to_1() {
    let well = |faults: &[Fault]| canceled(Before::TakenBack, faults);
    (0..=1).for_each(|length| all_well(&OF_ACCOUNT, length, well));
}

/// The due date passes; what is wrong afterwards.
fn past_due(before: Before, faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = waiting(before).await;
        until(&world, Duration::from_mins(23 * 60 + 58)).await;
        world.script.refill(faults);
        // One that is refused is tried again.
        sleep(Duration::from_hours(3)).await;
        let settled = world.settle().await;
        let mut wrong = amiss(before, &world, settled).await;
        let (status, bank) = (world.status().await, world.bank_says());
        if (status, &bank) != (PayStatus::Expired, &Status::Canceled) {
            wrong.push(format!("{status}, and the bank says {bank:?}"));
        }
        wrong
    })
}

#[test]
fn scripts_of_accounts_past_due_of_length_0_to_1() {
    for before in [Before::Nothing, Before::TakenBack] {
        let well = |faults: &[Fault]| past_due(before, faults);
        (0..=1).for_each(|length| all_well(&OF_ACCOUNT, length, well));
    }
}

/// The gateway shows a deposit again that is booked and was taken back, as long as it likes: no
/// closing asks for ever, and nothing is booked twice.
#[test]
fn a_booked_deposit_that_is_shown_again_keeps_no_closing_open() {
    for is_cancelled in [false, true] {
        in_virtual_time(async {
            let world = waiting(Before::TakenBack).await;
            until(&world, Duration::from_mins(23 * 60 + 58)).await;
            world.moved_quietly(Line::Capture, 1);
            if is_cancelled {
                world.cancel_until_final("cancel-1", AMOUNT).await;
            }
            sleep(Duration::from_hours(3)).await;
            assert_eq!(world.status().await, PayStatus::WaitingForDeposit);
            let sagas = world.memory.all_sagas();
            let mut closings = sagas
                .iter()
                .filter(|saga| saga.head.kind() == Kind::AccountClose);
            assert!(closings.clone().count() > 1, "{sagas:?}");
            assert!(closings.all(Saga::is_closed), "{sagas:?}");
            assert_eq!(world.memory.all_entries().len(), 2);
            // Then it is one of its own, after all.
            world.moved_quietly(Line::Capture, 3);
            sleep(Duration::from_hours(6)).await;
            assert_eq!(world.status().await, PayStatus::Done);
            assert_eq!(world.memory.all_entries().len(), 3);
            assert!(world.settle().await);
        });
    }
}

/// Who pauses cancellations pauses these, too.
#[test]
fn while_cancellations_are_paused_no_account_is_closed() {
    in_virtual_time(async {
        let world = World::with_an_account(&[]).await;
        world.watch_too();
        world.ask_until_final("account-1").await;
        let turn = |paused| {
            let why = (paused, "looked into".to_owned());
            world
                .app
                .turn_switch(&world.caller, Operation::Cancels, why)
        };
        turn(true).await.unwrap();
        sleep(Duration::from_hours(26)).await;
        assert_eq!(world.status().await, PayStatus::WaitingForDeposit);
        assert_eq!(world.memory.all_sagas().len(), 1);
        turn(false).await.unwrap();
        sleep(Duration::from_hours(4)).await;
        assert_eq!(world.status().await, PayStatus::Expired);
    });
}

#[test]
fn who_pays_in_before_the_cancellation_has_paid() {
    in_virtual_time(async {
        let world = World::with_an_account(&[]).await;
        world.ask_until_final("account-1").await;
        world.moved_at_the_bank(Line::Capture, 1);
        world.cancel_until_final("cancel-1", AMOUNT).await;
        let settled = world.settle().await;
        assert_eq!(breaches(&world, settled).await, Vec::<String>::new());
        assert_eq!(world.status().await, PayStatus::Done);
    });
}

/// Money that comes in later is booked where it is nobody's, and a person has to give it back.
#[test]
fn a_closed_account_is_looked_at_for_a_while() {
    in_virtual_time(async {
        let world = World::with_an_account(&[]).await;
        world.watch();
        world.ask_until_final("account-1").await;
        sleep(Duration::from_mins(24 * 60 + 10)).await;
        assert_eq!(world.status().await, PayStatus::Expired);
        let given_back = world.gateway.books.lock().unwrap().cancels_with_effect;
        world.moved_quietly(Line::Capture, 1);
        sleep(Duration::from_hours(2)).await;
        assert_eq!(world.status().await, PayStatus::Expired);
        let entries = world.memory.all_entries();
        let credits: Vec<_> = entries.iter().map(|entry| entry.credit).collect();
        assert_eq!(credits, [ledger::Account::Suspense]);
        let sagas = world.memory.all_sagas();
        let reversal = sagas.iter().find(|saga| saga.head.kind() == Kind::Reversal);
        let reversal = reversal.unwrap();
        assert!(!reversal.is_closed());
        assert!(reversal.progress.asks > 3, "{reversal:?}");
        let books = world.gateway.books.lock().unwrap();
        assert_eq!(books.cancels_with_effect, given_back, "it was called");
        assert_eq!(reversal.progress.unanswered, 0);
    });
}

/// Nor is one closed at a gateway that gives nothing back.
#[test]
fn where_nothing_is_given_back_no_account_is_closed() {
    in_virtual_time(async {
        let world = World::with_an_account(&[]).await;
        world.watch();
        world.ask_until_final("account-1").await;
        world.gateway.books.lock().unwrap().mute = true;
        sleep(Duration::from_hours(26)).await;
        assert_eq!(world.status().await, PayStatus::WaitingForDeposit);
        assert_eq!(world.memory.all_sagas().len(), 1);
    });
}
