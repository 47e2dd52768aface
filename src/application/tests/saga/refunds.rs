//! Owns the scripts of deposits that are given back: once, to the account that was named, whatever
//! is lost on the way; and of what the bank makes of it.

use std::time::Duration;

use application::ports::gateway::{Line, RefundAccount};
use application::{ActError, Cancel};
use domain::event::Kind as EventKind;
use domain::payment::{CancelRefusal, PayStatus};
use domain::refund::RefundStatus;
use domain::saga::{Kind, Outcome, Saga};
use tokio::time::sleep;

use crate::faults::{Fault, OF_CANCELLATION};
use crate::judge::breaches;
use crate::scripts::all_well;
use crate::world::{AMOUNT, World, in_virtual_time, keyed};

/// The account that the buyer names.
pub(crate) fn buyers() -> RefundAccount {
    RefundAccount {
        bank: "88".parse().unwrap(),
        number: "110123456789".into(),
        holder: "홍길동".into(),
    }
}

impl World {
    fn wanted_back(&self, minor: i64, to: Option<RefundAccount>) -> Cancel {
        Cancel {
            payment: self.payment,
            amount_minor: Some(minor),
            tax_free_minor: None,
            reason: "wanted back".parse().unwrap(),
            to,
        }
    }

    /// As [`Self::cancel_until_final`], to the buyer's account.
    async fn refund_until_final(&self, key: &str, minor: i64) {
        let waits = |refusal: &CancelRefusal| matches!(refusal, CancelRefusal::InFlight { .. });
        let once = || {
            let command = self.wanted_back(minor, Some(buyers()));
            let (app, caller) = (self.app.clone(), self.caller.clone());
            async move { app.cancel(caller, command, keyed(key)).await }
        };
        self.until_final(key, once, waits).await;
    }

    /// What the bank says of what was given back.
    fn bank_paid_out(&self, status: Option<RefundStatus>) {
        let mut books = self.gateway.books.lock().unwrap();
        books.accounts.last_mut().unwrap().refund = status;
    }

    async fn refund_status(&self) -> Option<RefundStatus> {
        let account = self.memory_payment().await.account;
        account
            .and_then(|account| account.refund)
            .map(|refund| refund.status)
    }

    async fn told_of_refunds(&self) -> Vec<EventKind> {
        let events = application::ports::store::Payments::events(
            self.memory.as_ref(),
            self.payment,
            0,
            1_000,
        );
        let kinds = events.await.unwrap().into_iter().map(|event| event.kind);
        let about =
            |kind: &EventKind| [EventKind::RefundCompleted, EventKind::RefundFailed].contains(kind);
        kinds.filter(about).collect()
    }
}

/// A world whose account was paid into, and is watched.
async fn deposited() -> World {
    let world = World::with_an_account(&[]).await;
    world.watch();
    world.ask_until_final("account-1").await;
    world.moved_at_the_bank(Line::Capture, 1);
    sleep(Duration::from_mins(10)).await;
    assert_eq!(world.status().await, PayStatus::Done);
    world
}

/// What of it is kept by sagas that are over, or was sent without an account.
fn careless(world: &World) -> Vec<String> {
    let sagas = world.memory.all_sagas();
    let kept = |saga: &&Saga| saga.is_closed() && saga.progress.sealed.is_some();
    let kept = sagas.iter().filter(kept);
    kept.map(|saga| format!("{} keeps the account", saga.head.id))
        .collect()
}

/// Runs one script over a deposit that is given back; what is wrong afterwards.
fn run_for(minor: i64, faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = deposited().await;
        world.script.refill(faults);
        world.refund_until_final("cancel-1", minor).await;
        // What is late has arrived by then.
        sleep(Duration::from_mins(10)).await;
        let settled = world.settle().await;
        world.refund_until_final("cancel-1", minor).await;
        let mut wrong = breaches(&world, settled).await;
        wrong.extend(careless(&world));
        let refusable = [Fault::Decline, Fault::Elsewhere];
        if !faults.iter().any(|fault| refusable.contains(fault)) && !world.gave_back("cancel-1") {
            wrong.push("what fits was not given back".to_owned());
        }
        let canceled = !world.memory_payment().await.canceled.is_zero();
        if world.refund_status().await != canceled.then_some(RefundStatus::Pending) {
            wrong.push("the bank has said nothing".to_owned());
        }
        wrong
    })
}

#[test]
fn scripts_of_refunds_of_length_0_to_2() {
    for minor in [4_000, AMOUNT] {
        (0..=2).for_each(|length| {
            all_well(&OF_CANCELLATION, length, |faults| run_for(minor, faults));
        });
    }
}

/// The quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_refunds_of_length_3() {
    all_well(&OF_CANCELLATION, 3, |faults| run_for(4_000, faults));
}

#[test]
fn every_fault_of_a_refund_is_reached() {
    for fault in OF_CANCELLATION {
        let used = in_virtual_time(async {
            let world = deposited().await;
            world.script.refill(&fault.with_a_reason());
            world.refund_until_final("cancel-1", 4_000).await;
            world.refund_until_final("cancel-2", 1).await;
            world.settle().await;
            world.is_used_up()
        });
        assert!(used, "{fault:?} never struck");
    }
}

/// The bank takes the deposit back just before it is given back: nothing is given back twice.
fn raced(minor: i64, faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = deposited().await;
        world.moved_quietly(Line::Other, 2);
        world.script.refill(faults);
        world.refund_until_final("cancel-1", minor).await;
        sleep(Duration::from_mins(30)).await;
        let mut wrong = careless(&world);
        if !world.settle().await {
            wrong.push("a saga is still open".to_owned());
        }
        let entries = world.memory.all_entries();
        let booked: Vec<String> = entries.iter().map(|one| one.movement.to_string()).collect();
        if booked != ["capture", "reversal:1"] {
            wrong.push(format!("booked: {booked:?}"));
        }
        let status = world.status().await;
        let whole = minor == AMOUNT && status == PayStatus::Canceled;
        if !(whole || status == PayStatus::WaitingForDeposit) {
            wrong.push(format!("nothing is held, and it is {status}"));
        }
        let sagas = world.memory.all_sagas();
        let mut cancels = sagas
            .iter()
            .filter(|saga| saga.head.kind() == Kind::Cancellation);
        let refused = |saga: &Saga| matches!(saga.progress.outcome, Some(Outcome::Declined(_)));
        if !cancels.all(refused) {
            wrong.push("somebody was told that it was given back".to_owned());
        }
        wrong
    })
}

#[test]
fn scripts_of_refunds_that_the_bank_outran_of_length_0_to_1() {
    for minor in [4_000, AMOUNT] {
        (0..=1).for_each(|length| {
            let faults: Vec<Fault> = OF_CANCELLATION
                .into_iter()
                .filter(|fault| {
                    // Whoever sits at the console cannot give back what is not there.
                    ![Fault::Elsewhere, Fault::WrongAmount].contains(fault)
                })
                .collect();
            all_well(&faults, length, |faults| raced(minor, faults));
        });
    }
}

#[test]
fn a_deposit_is_not_given_back_to_nowhere_nor_under_another_account() {
    in_virtual_time(async {
        let world = deposited().await;
        let before = world.memory_payment().await;
        let asked = |to, key| {
            let command = world.wanted_back(4_000, to);
            world.app.cancel(world.caller.clone(), command, keyed(key))
        };
        let refused = asked(None, "c-1").await;
        let nowhere = |refused| {
            matches!(
                refused,
                Err(ActError::Refused(CancelRefusal::NoRefundAccount))
            )
        };
        assert!(nowhere(refused));
        assert_eq!(world.memory_payment().await, before);
        asked(Some(buyers()), "c-2").await.unwrap();
        // What lies under the key is no hash that trying all numbers could find.
        let keys = world.memory.all_reservations();
        let open = keyed("c-2").fingerprint;
        let mut kept = keys.iter().filter(|key| key.key.key.as_str() == "c-2");
        assert!(kept.next().is_some_and(|key| key.fingerprint != open));
        assert!(asked(None, "c-2").await.is_err(), "another request");
        assert!(world.settle().await);
        assert!(careless(&world).is_empty());
    });
}

/// The bank takes its time, and says how it ended; nobody else moves anything by that.
#[test]
fn the_bank_says_when_the_buyer_has_it() {
    for (said, told) in [
        (RefundStatus::Completed, EventKind::RefundCompleted),
        (RefundStatus::Failed, EventKind::RefundFailed),
        (RefundStatus::PartialFailed, EventKind::RefundFailed),
    ] {
        in_virtual_time(async {
            let world = deposited().await;
            world.refund_until_final("cancel-1", AMOUNT).await;
            assert_eq!(world.status().await, PayStatus::Canceled);
            sleep(Duration::from_hours(12)).await;
            assert_eq!(world.refund_status().await, Some(RefundStatus::Pending));
            world.bank_paid_out(Some(said));
            sleep(Duration::from_hours(7)).await;
            assert_eq!(world.refund_status().await, Some(said));
            assert_eq!(world.told_of_refunds().await, [told]);
            if said.is_failed() {
                let standing = application::ports::store::Watches::standing;
                assert_eq!(standing(world.memory.as_ref()).await.unwrap().strange, 1);
                world.bank_paid_out(Some(RefundStatus::Completed));
                sleep(Duration::from_hours(7)).await;
                assert_eq!(standing(world.memory.as_ref()).await.unwrap().open, 0);
            }
            assert_eq!(world.refund_status().await, Some(RefundStatus::Completed));
            assert!(breaches(&world, world.settle().await).await.is_empty());
        });
    }
}
