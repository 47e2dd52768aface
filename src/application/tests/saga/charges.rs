//! Owns the scripts of charges: the gateway captures once for an order, and forgets no key of ours
//! while anybody repeats it.

use std::time::Duration;

use domain::billing::{self, BillingKey, Card, Stage, Stored};
use domain::change::Change;
use domain::id::{BillingKeyId, RawId};
use domain::money::{Currency, Money};
use domain::payment::{ChargeRefusal, Kind, PayStatus};
use domain::saga::ChargeCall;
use domain::snapshot::{Answer, Cause, Snapshot, Status};
use domain::text::MemberId;
use domain::vault::Sealed;
use tokio::time::{Instant, sleep};

use application::Charge;
use application::ports::gateway::{Line, Listed};

use crate::books::{Account, Books, refused};
use crate::bugs::Bug;
use crate::faults::{Fault, OF_CHARGE, of_calls_and_commits};
use crate::given::order;
use crate::judge::{breaches, movements};
use crate::scripts::{all_well, some_well};
use crate::world::{AMOUNT, START, World, in_virtual_time, keyed};

/// What the gateway calls the member's card.
pub(crate) const BILLING_KEY: &str = "card-of-the-member";

/// Who pays.
pub(crate) fn member() -> MemberId {
    "member-1".parse().unwrap()
}

/// The member's card, for this world.
pub(crate) fn card_on_file(world: &World) -> BillingKey {
    let id = BillingKeyId::new(RawId::from_parts(1, u128::from(u64::MAX)));
    let stored = Stored {
        sealed: Sealed(BILLING_KEY.as_bytes().to_vec()),
        index: [7; 32],
        card: Card::default(),
        issued_at: START,
    };
    BillingKey {
        id,
        scope: world.caller.scope,
        account: world.account,
        member: member(),
        customer_key: "cus_1".parse().unwrap(),
        stage: Stage::Active {
            stored,
            is_default: true,
        },
        created_at: START,
        version: 1,
    }
}

impl World {
    /// A world whose payment is charged, with the member's card on file.
    pub(crate) async fn with_a_card(faults: &[Fault], bug: Option<Bug>) -> Self {
        let mut order = order();
        order.kind = Kind::Billing;
        order.customer.member = Some(member());
        let world = Self::of(order, faults, bug).await;
        let insert = billing::Change::Insert(Box::new(card_on_file(&world)));
        let insert = Change::Billing(Box::new(insert));
        world.memory.commit_now(&[insert]).unwrap();
        world
    }

    /// As [`Self::approve_until_final`], for charging the member's card.
    pub(crate) async fn charge_until_final(&self, key: &str) {
        let waits = |refusal: &ChargeRefusal| matches!(refusal, ChargeRefusal::InFlight { .. });
        let once = || {
            let command = Charge {
                payment: self.payment,
                billing_key: None,
            };
            self.app.charge(self.caller.clone(), command, keyed(key))
        };
        self.until_final(key, once, waits).await;
    }
}

impl Books {
    /// `POST /v1/billing/{billingKey}`, with the answer that is stored under the key.
    pub(crate) fn charge(&mut self, call: &ChargeCall, fault: Option<Fault>) -> Answer {
        self.once(call.key.as_str(), |books| books.charge_first(call, fault))
    }

    fn charge_first(&mut self, call: &ChargeCall, fault: Option<Fault>) -> Answer {
        let used = |account: &Account| account.order == call.order && account.captured.is_some();
        if fault == Some(Fault::OrderUsed) || self.accounts.iter().any(used) {
            return Answer::Unknown(Cause::Conflict("DUPLICATED_ORDER_ID".to_owned()));
        }
        let (extra, currency) = match fault {
            Some(Fault::Decline) => return Answer::Declined(refused()),
            Some(Fault::Temporary) => {
                let code = "FAILED_INTERNAL_SYSTEM_PROCESSING".to_owned();
                return Answer::Unknown(Cause::Temporary(code));
            }
            Some(Fault::UnknownCode) => return unknown_code(),
            Some(Fault::WrongOrder) => return Answer::Found(Box::new(somebody_elses(call))),
            Some(Fault::WrongCurrency) => (0, Currency::Usd),
            Some(Fault::WrongAmount) => (1, call.amount.currency()),
            Some(_) | None => (0, call.amount.currency()),
        };
        let amount = Money::new(call.amount.minor() + extra, currency).unwrap();
        let account = taken(call, amount, self.accounts.len());
        self.confirms_with_effect += 1;
        let listed = Listed {
            transaction_key: format!("txrc_{}", account.key).parse().unwrap(),
            payment_key: account.key.clone(),
            order_id: account.order.to_string(),
            line: Line::Capture,
            at: None,
        };
        self.moved.push((Instant::now(), listed));
        let answer = Self::found(&account);
        self.accounts.push(account);
        if fault == Some(Fault::UnknownCodeAfterEffect) {
            return unknown_code();
        }
        answer
    }
}

fn taken(call: &ChargeCall, amount: Money, number: usize) -> Account {
    Account {
        key: format!("bill_{number}").parse().unwrap(),
        order: call.order,
        amount,
        authenticated: Instant::now(),
        status: Status::Done,
        captured: Some(amount),
        cancels: Vec::new(),
        last: None,
        refund: None,
    }
}

fn somebody_elses(call: &ChargeCall) -> Snapshot {
    let mut snapshot = Books::snapshot(&taken(call, call.amount, usize::MAX));
    "somebody-elses-order".clone_into(&mut snapshot.order_id);
    snapshot
}

fn unknown_code() -> Answer {
    Answer::Unknown(Cause::Unreadable("NEW_CODE".to_owned()))
}

/// Runs one script to its end; what is wrong afterwards.
pub(crate) fn run(faults: &[Fault], bug: Option<Bug>) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_a_card(faults, bug).await;
        world.watch_for(faults);
        world.charge_until_final("charge-1").await;
        let settled = world.settle().await;
        // A last repeat is told what the first was told.
        world.charge_until_final("charge-1").await;
        let mut wrong = breaches(&world, settled).await;
        let spoilers = [
            Fault::Decline,
            Fault::WrongAmount,
            Fault::WrongCurrency,
            Fault::Elsewhere,
        ];
        let status = world.memory_payment().await.status();
        let orders_used = faults.iter().filter(|fault| **fault == Fault::OrderUsed);
        // What the watch would give back should not have been taken.
        if world.gateway.books.lock().unwrap().confirms_with_effect > 1 {
            wrong.push("the money was taken twice".to_owned());
        }
        // It goes on under another order once.
        let is_spoilt = faults.iter().any(|fault| spoilers.contains(fault));
        let is_spoilt = is_spoilt || orders_used.count() > 1;
        if !is_spoilt && status != PayStatus::Done {
            wrong.push(format!("nothing forbids the charge, and it is {status}"));
        }
        wrong
    })
}

#[test]
fn without_a_fault_the_money_is_taken_once() {
    in_virtual_time(async {
        let world = World::with_a_card(&[], None).await;
        world.charge_until_final("charge-1").await;
        assert!(world.settle().await);
        let payment = world.memory_payment().await;
        assert_eq!(payment.status(), PayStatus::Done);
        assert_eq!(payment.captured.minor(), AMOUNT);
        assert_eq!(world.gateway.books.lock().unwrap().confirms_with_effect, 1);
    });
}

#[test]
fn every_fault_is_reached() {
    for fault in OF_CHARGE {
        let script = fault.with_a_reason();
        let used = in_virtual_time(async {
            let world = World::with_a_card(&script, None).await;
            world.charge_until_final("charge-1").await;
            world.settle().await;
            world.is_used_up()
        });
        assert!(used, "{fault:?} never struck");
    }
}

#[test]
fn a_declined_card_is_charged_again_for_the_same_order() {
    for faults in [
        vec![Fault::Decline],
        vec![Fault::Decline, Fault::AnswerLost],
        vec![Fault::Decline, Fault::OrderUsed],
        vec![Fault::Decline, Fault::OrderUsed, Fault::AnswerLost],
        vec![Fault::AnswerLost, Fault::QuestionLost, Fault::QuestionLost],
    ] {
        in_virtual_time(async {
            let world = World::with_a_card(&faults, None).await;
            world.charge_until_final("try-1").await;
            world.charge_until_final("try-2").await;
            let settled = world.settle().await;
            let payment = world.memory_payment().await;
            assert_eq!(payment.status(), PayStatus::Done, "{faults:?}");
            let wrong = breaches(&world, settled).await;
            assert!(wrong.is_empty(), "{faults:?}: {wrong:?}");
            assert_eq!(world.gateway.books.lock().unwrap().confirms_with_effect, 1);
        });
    }
}

#[test]
fn two_requests_at_once_charge_once() {
    for fault in OF_CHARGE {
        in_virtual_time(async {
            let world = World::with_a_card(&[fault], None).await;
            tokio::join!(
                world.charge_until_final("try-1"),
                world.charge_until_final("try-2")
            );
            let settled = world.settle().await;
            let wrong = breaches(&world, settled).await;
            assert!(wrong.is_empty(), "{fault:?}: {wrong:?}");
            assert!(world.gateway.books.lock().unwrap().confirms_with_effect <= 1);
        });
    }
}

/// A lost answer was taken for a decline, and what came to light was given back: the order is
/// spent, and the payment is not.
#[test]
fn what_a_reversal_gave_back_is_charged_for_another_order() {
    in_virtual_time(async {
        let world = World::with_a_card(&[Fault::AnswerLost], Some(Bug::LostIsDeclined)).await;
        world.watch();
        world.charge_until_final("try-1").await;
        assert_eq!(world.memory_payment().await.status(), PayStatus::Ready);
        sleep(Duration::from_hours(2)).await;
        let reversed = world
            .memory
            .all_sagas()
            .into_iter()
            .any(|saga| saga.head.kind() == domain::saga::Kind::Reversal && saga.is_closed());
        assert!(reversed, "the bug has no effect");
        world.charge_until_final("try-2").await;
        assert!(world.settle().await, "it is not stuck");
        assert_eq!(world.memory_payment().await.status(), PayStatus::Done);
        let mut wrong = Vec::new();
        movements(&world, &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
    });
}

/// No new key is used beside a call that may still be running, nor a key that was never used.
#[test]
fn keys_are_used_one_after_the_other() {
    for fault in [Fault::RequestLate, Fault::TemporaryLate, Fault::Busy] {
        in_virtual_time(async {
            let world = World::with_a_card(&[fault], None).await;
            world.charge_until_final("charge-1").await;
            assert!(world.settle().await);
            let books = world.gateway.books.lock().unwrap();
            assert_eq!(books.confirms_with_effect, 1, "{fault:?}");
            // The late one was seen by a question before another key was due.
            assert_eq!(
                books.stored.len(),
                1,
                "{fault:?}: {:?}",
                books.stored.keys()
            );
        });
    }
}

#[test]
fn a_key_that_is_gone_is_not_charged() {
    in_virtual_time(async {
        let world = World::with_a_card(&[], None).await;
        let key = card_on_file(&world);
        let expected = key.version;
        let gone = billing::Change::Update {
            key: Box::new(key.deleted().unwrap()),
            expected,
            hold: None,
        };
        let gone = Change::Billing(Box::new(gone));
        world.memory.commit_now(&[gone]).unwrap();
        world.charge_until_final("charge-1").await;
        assert_eq!(world.memory_payment().await.status(), PayStatus::Ready);
        assert!(world.memory.all_sagas().is_empty());
        assert_eq!(world.gateway.books.lock().unwrap().confirms_with_effect, 0);
    });
}

#[test]
fn scripts_of_length_0_to_2() {
    (0..=2).for_each(|length| all_well(&OF_CHARGE, length, |faults| run(faults, None)));
}

/// All 12,167 of them.
#[test]
fn scripts_of_length_3() {
    all_well(&OF_CHARGE, 3, |faults| run(faults, None));
}

/// Of 279,841 one in nine; `scripts/prove` runs them all. The quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_4() {
    some_well(&OF_CHARGE, 4, |faults| run(faults, None));
}

/// Of 537,824, all but those that strike questions, one in nine; `scripts/prove` runs them all.
#[test]
fn exhaustive_scripts_of_length_5() {
    some_well(of_calls_and_commits(), 5, |faults| run(faults, None));
}
