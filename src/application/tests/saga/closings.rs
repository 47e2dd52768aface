//! Owns the scripts of accounts that nobody paid into: closed because the buyer changed their mind
//! or the due date is over, whatever is lost on the way.

use std::time::Duration;

use application::ports::gateway::Line;
use domain::ledger;
use domain::payment::PayStatus;
use domain::saga::Kind;
use domain::snapshot::{Answer, Cause, Status};
use tokio::time::sleep;

use crate::books::{Books, refused};
use crate::faults::{Fault, OF_ACCOUNT};
use crate::judge::breaches;
use crate::scripts::all_well;
use crate::world::{AMOUNT, World, in_virtual_time};

impl Books {
    /// `POST /v1/payments/{paymentKey}/cancel` of a virtual account: all of it before the deposit;
    /// after it, not without an account for the refund.
    pub(crate) fn close(&mut self, at: usize) -> Answer {
        let account = &mut self.accounts[at];
        if account.status == Status::WaitingForDeposit {
            account.status = Status::Canceled;
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

/// Somebody cancels the payment; what is wrong afterwards.
fn canceled(faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_an_account(&[]).await;
        world.ask_until_final("account-1").await;
        world.script.refill(faults);
        world.cancel_until_final("cancel-1", AMOUNT).await;
        sleep(Duration::from_mins(10)).await;
        let settled = world.settle().await;
        world.cancel_until_final("cancel-1", AMOUNT).await;
        let mut wrong = breaches(&world, settled).await;
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
    (0..=2).for_each(|length| all_well(&OF_ACCOUNT, length, canceled));
}

/// The due date passes; what is wrong afterwards.
fn past_due(faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_an_account(&[]).await;
        world.watch();
        world.ask_until_final("account-1").await;
        sleep(Duration::from_mins(23 * 60 + 58)).await;
        world.script.refill(faults);
        // One that is refused is tried again.
        sleep(Duration::from_hours(3)).await;
        let settled = world.settle().await;
        let mut wrong = breaches(&world, settled).await;
        let (status, bank) = (world.status().await, world.bank_says());
        if (status, &bank) != (PayStatus::Expired, &Status::Canceled) {
            wrong.push(format!("{status}, and the bank says {bank:?}"));
        }
        wrong
    })
}

#[test]
fn scripts_of_accounts_past_due_of_length_0_to_1() {
    (0..=1).for_each(|length| all_well(&OF_ACCOUNT, length, past_due));
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
