//! Billing keys: made once whatever is lost on the way, their members' only, deleted at the gateway
//! and never charged after that.

use std::time::Duration;

use application::ports::gateway::{Deleted, Issued, NewKey};
use application::ports::store::BillingKeys as _;
use application::ports::vault::Secret;
use application::{ActError, Approve, Charge, Register, WalletError};
use domain::billing::{BillingKey, Card, Stage, Status};
use domain::decline::{Class, Decline, Reason};
use domain::payment::{ChargeRefusal, Kind, PayStatus};
use domain::snapshot::Cause;
use domain::text::{CustomerKey, MemberId};
use tokio::time::sleep;

use crate::installation::{Installation, done, keyed, order};
use crate::store::Fault;

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

fn made(customer: &CustomerKey, billing_key: &str) -> Issued {
    Issued::Key(Box::new(NewKey {
        billing_key: Secret::from(billing_key),
        customer_key: customer.to_string(),
        merchant_id: "tgen_test".to_owned(),
        card: Card {
            method: Some("카드".to_owned()),
            company: Some("21".to_owned()),
            last4: Some("789*".to_owned()),
        },
        authenticated_at: None,
    }))
}

fn refusal() -> Decline {
    Decline {
        reason: Reason::SessionExpired,
        class: Class::Buyer,
        code: "INVALID_BILLING_AUTH".to_owned(),
        message: String::new(),
    }
}

impl Installation {
    /// A customer key of this member's.
    async fn customer(&self, name: &str) -> CustomerKey {
        let opened = self.app.open_wallet(&self.caller, member(name)).await;
        opened.unwrap().key.customer_key
    }

    fn will_issue(&self, answers: impl IntoIterator<Item = Issued>) {
        self.gateway.issues.lock().unwrap().extend(answers);
    }

    fn will_delete(&self, answers: impl IntoIterator<Item = Deleted>) {
        self.gateway.deletions.lock().unwrap().extend(answers);
    }

    async fn register(&self, customer: &CustomerKey) -> Result<BillingKey, WalletError> {
        let command = Register {
            customer_key: customer.clone(),
            auth_key: Secret::from("bln_auth_1"),
        };
        self.app.register_card(&self.caller, &command).await
    }

    /// A card that can be charged.
    pub(crate) async fn card(&self, name: &str, billing_key: &str) -> BillingKey {
        let customer = self.customer(name).await;
        self.will_issue([made(&customer, billing_key)]);
        let key = self.register(&customer).await.unwrap();
        assert_eq!(key.status(), Status::Active);
        key
    }

    pub(crate) async fn read(&self, key: &BillingKey) -> BillingKey {
        self.memory.any_billing_key(key.id).await.unwrap().unwrap()
    }

    /// Recovery goes on until nobody has anything to do for the key.
    async fn recovered(&self, key: &BillingKey) -> BillingKey {
        for _ in 0..600 {
            let found = self.read(key).await;
            if found.work().is_none() {
                return found;
            }
            self.app.recover_billing_keys().await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        self.read(key).await
    }

    /// A payment of this member's that is charged, and what it would be approved with.
    pub(crate) async fn cycle(&self, name: &str, id: &str) -> Approve {
        let mut order = order(id);
        order.kind = Kind::Billing;
        order.customer.member = Some(member(name));
        self.prepared_as(&order).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_is_registered_sealed_and_becomes_the_default() {
    let here = Installation::new();
    let key = here.card("member-1", "bk-1").await;
    assert!(key.is_default());
    let stored = key.stored().unwrap();
    let sealed = String::from_utf8(stored.sealed.0.clone()).unwrap();
    assert!(
        sealed.contains("member-1"),
        "the place names the member: {sealed}"
    );
    assert_eq!(stored.card.last4.as_deref(), Some("789*"));
    assert!(!format!("{key:?}").contains("bk-1"), "{key:?}");
    let second = here.card("member-1", "bk-2").await;
    assert!(!second.is_default());
    let listed = here.app.wallet(&here.caller, &member("member-1")).await;
    let listed: Vec<_> = listed.unwrap().iter().map(|key| key.id).collect();
    assert_eq!(listed, [second.id, key.id]);
    // What the browser brought is kept no longer than it takes.
    assert!(matches!(key.stage, Stage::Active { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_value_moved_to_another_member_does_not_open() {
    let here = Installation::new();
    let (mine, theirs) = (
        here.card("member-1", "bk-1").await,
        here.card("member-2", "bk-2").await,
    );
    let mut moved = theirs.clone();
    let stored = mine.stored().unwrap().clone();
    let index = theirs.stored().unwrap().index;
    moved.stage = Stage::Active {
        stored: domain::billing::Stored { index, ..stored },
        is_default: true,
    };
    moved.version += 1;
    let update = domain::billing::Change::Update {
        key: Box::new(moved),
        expected: theirs.version,
        hold: None,
    };
    let update = domain::change::Change::Billing(Box::new(update));
    here.memory.commit_now(&[update]).unwrap();
    let payment = here.cycle("member-2", "cycle-0001").await.payment;
    let command = Charge {
        payment,
        billing_key: Some(theirs.id),
    };
    let charge = here.app.charge(here.caller.clone(), command, keyed("k", 1));
    charge.await.unwrap();
    assert!(here.gateway.charged.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_repeated_under_the_same_gateway_key() {
    let here = Installation::new();
    let customer = here.customer("member-1").await;
    let lost = || Issued::Unknown(Cause::Lost);
    here.will_issue([lost(), lost(), lost(), made(&customer, "bk-1")]);
    let pending = here.register(&customer).await.unwrap();
    assert_eq!(pending.status(), Status::Issuing);
    let key = here.recovered(&pending).await;
    assert_eq!(key.status(), Status::Active);
    let used = here.keys_used();
    assert_eq!(used.len(), 4);
    assert!(used.iter().all(|key| *key == used[0]), "{used:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_row_could_not_be_written_is_not_lost() {
    let here = Installation::new();
    let customer = here.customer("member-1").await;
    // It is issued, and the process cannot keep it: what comes after asks the same again.
    here.will_issue([made(&customer, "bk-1"), made(&customer, "bk-1")]);
    here.store.is(Fault::CardsUnkept);
    let key = here.register(&customer).await.unwrap();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(here.read(&key).await.status(), Status::Issuing);
    assert_eq!(here.keys_used().len(), 1, "it was issued");
    here.store.is(None);
    let key = here.recovered(&key).await;
    assert_eq!(key.status(), Status::Active);
    let used = here.keys_used();
    assert_eq!(used.len(), 2);
    assert_eq!(used[0], used[1]);
}

#[tokio::test(start_paused = true)]
async fn after_an_error_a_new_gateway_key_waits_until_the_call_is_over() {
    let here = Installation::new();
    let customer = here.customer("member-1").await;
    let error = Cause::Temporary("FAILED_BILL_KEY_AUTH_CREATION".to_owned());
    here.will_issue([Issued::Unknown(error), made(&customer, "bk-1")]);
    let begun = tokio::time::Instant::now();
    let pending = here.register(&customer).await.unwrap();
    let key = here.recovered(&pending).await;
    assert_eq!(key.status(), Status::Active);
    assert!(begun.elapsed() >= Duration::from_secs(75));
    let used = here.keys_used();
    assert_ne!(used[0], used[1]);
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_refuses_fails_and_somebody_elses_key_is_not_kept() {
    let here = Installation::new();
    let customer = here.customer("member-1").await;
    here.will_issue([Issued::Declined(refusal())]);
    let failed = here.register(&customer).await.unwrap();
    assert_eq!(failed.status(), Status::Failed);
    // A repeat is told the same, and nothing is sent.
    assert_eq!(here.register(&customer).await.unwrap(), failed);
    assert_eq!(here.keys_used().len(), 1);
    let other = here.customer("member-1").await;
    let stranger: CustomerKey = "cus_stranger".parse().unwrap();
    here.will_issue([made(&stranger, "bk-9")]);
    let pending = here.register(&other).await.unwrap();
    assert_eq!(pending.status(), Status::Issuing);
}

#[tokio::test(start_paused = true)]
async fn the_gateway_is_not_called_without_a_pause() {
    let here = Installation::new();
    let customer = here.customer("member-1").await;
    let pending = here.register(&customer).await.unwrap();
    for _ in 0..600 {
        here.app.recover_billing_keys().await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(here.read(&pending).await.status(), Status::Issuing);
    let calls = here.keys_used().len();
    assert!((5..=12).contains(&calls), "{calls} calls in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_card_is_gone_at_the_gateway_and_charged_no_more() {
    let here = Installation::new();
    let first = here.card("member-1", "bk-1").await;
    let second = here.card("member-1", "bk-2").await;
    here.will_delete([Deleted::Unknown(Cause::Lost), Deleted::Gone]);
    let deleted = here.app.delete_card(&here.caller, first.id).await.unwrap();
    let deleted = here.recovered(&deleted).await;
    assert_eq!(deleted.status(), Status::Deleted);
    assert!(
        deleted.stored().is_none(),
        "nothing is kept that could be charged"
    );
    assert!(
        here.read(&second).await.is_default(),
        "the other takes its place"
    );
    let payment = here.cycle("member-1", "cycle-0001").await.payment;
    let command = Charge {
        payment,
        billing_key: Some(first.id),
    };
    let refused = here.app.charge(here.caller.clone(), command, keyed("k", 1));
    let refused = refused.await.unwrap_err();
    let gone = ChargeRefusal::KeyUnusable(Status::Deleted);
    assert!(matches!(refused, ActError::Refused(why) if why == gone));
    assert!(here.gateway.charged.lock().unwrap().is_empty());
}

/// A gateway that refuses for good is asked ever less often, and operators are told.
#[tokio::test(start_paused = true)]
async fn a_refused_deletion_is_tried_once_a_day_in_the_end() {
    let here = Installation::new();
    let key = here.card("member-1", "bk-1").await;
    here.will_delete(std::iter::repeat_n(Deleted::Declined(refusal()), 40));
    here.app.delete_card(&here.caller, key.id).await.unwrap();
    let left = async || here.gateway.deletions.lock().unwrap().len();
    for _ in 0..2_880 {
        here.app.recover_billing_keys().await.unwrap();
        sleep(Duration::from_mins(1)).await;
    }
    let after_two_days = left().await;
    assert!((17..=20).contains(&after_two_days), "{after_two_days}");
    for _ in 0..1_440 {
        here.app.recover_billing_keys().await.unwrap();
        sleep(Duration::from_mins(1)).await;
    }
    assert!(after_two_days - left().await <= 1);
    assert_eq!(here.read(&key).await.status(), Status::Deleting);
}

#[tokio::test(start_paused = true)]
async fn the_default_is_charged_however_many_cards_are_newer() {
    let here = Installation::new();
    let first = here.card("member-1", "bk-0").await;
    for number in 1..=110 {
        let card = here.card("member-1", &format!("bk-{number}")).await;
        assert!(!card.is_default(), "{number}");
    }
    assert!(here.read(&first).await.is_default());
    let payment = here.cycle("member-1", "cycle-0001").await.payment;
    let command = Charge {
        payment,
        billing_key: None,
    };
    let charge = here.app.charge(here.caller.clone(), command, keyed("k", 1));
    charge.await.unwrap();
    assert_eq!(*here.gateway.charged.lock().unwrap(), ["bk-0"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_charged_with_cards_says_so() {
    let here = Installation::new();
    let payment = here.prepared_as(&order("order-0001")).await.payment;
    let command = Charge {
        payment,
        billing_key: None,
    };
    let refused = here.app.charge(here.caller.clone(), command, keyed("k", 1));
    let refused = refused.await.unwrap_err();
    let wrong = matches!(refused, ActError::Refused(ChargeRefusal::WrongKind));
    assert!(wrong, "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_card_that_is_being_charged_is_not_deleted() {
    let here = Installation::new();
    let key = here.card("member-1", "bk-1").await;
    let payment = here.cycle("member-1", "cycle-0001").await.payment;
    let command = Charge {
        payment,
        billing_key: None,
    };
    // Nobody ever answers.
    let charge = here.app.charge(here.caller.clone(), command, keyed("k", 1));
    charge.await.unwrap();
    assert_eq!(here.payment(payment).await.status(), PayStatus::InProgress);
    assert_eq!(here.gateway.charged.lock().unwrap()[0], "bk-1");
    let refused = here.app.delete_card(&here.caller, key.id).await;
    assert!(matches!(refused, Err(WalletError::InUse)), "{refused:?}");
    assert_eq!(here.read(&key).await.status(), Status::Active);
}

#[tokio::test(start_paused = true)]
async fn a_charge_takes_the_default_card_and_the_payments_amount() {
    let here = Installation::new();
    here.card("member-1", "bk-1").await;
    let second = here.card("member-1", "bk-2").await;
    let preferred = here.app.prefer_card(&here.caller, second.id).await;
    assert!(preferred.unwrap().is_default());
    let mut order = order("cycle-0001");
    order.kind = Kind::Billing;
    order.customer.member = Some(member("member-1"));
    let approve = here.prepared_as(&order).await;
    here.will_answer(Duration::ZERO, done(&approve));
    let command = Charge {
        payment: approve.payment,
        billing_key: None,
    };
    let charge = here.app.charge(here.caller.clone(), command, keyed("k", 1));
    charge.await.unwrap();
    assert_eq!(
        here.payment(approve.payment).await.status(),
        PayStatus::Done
    );
    assert_eq!(*here.gateway.charged.lock().unwrap(), ["bk-2"]);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_card_is_not_there() {
    let here = Installation::new();
    let key = here.card("member-1", "bk-1").await;
    let mut other = here.caller.clone();
    other.member = Some(member("member-2"));
    let refused = here.app.delete_card(&other, key.id).await;
    assert!(matches!(refused, Err(WalletError::NotFound)), "{refused:?}");
    let refused = here.app.prefer_card(&other, key.id).await;
    assert!(matches!(refused, Err(WalletError::NotFound)), "{refused:?}");
    let refused = here.app.wallet(&other, &member("member-1")).await;
    assert!(matches!(refused, Err(WalletError::NotFound)), "{refused:?}");
    let refused = here.app.open_wallet(&other, member("member-1")).await;
    assert!(matches!(refused, Err(WalletError::NotFound)), "{refused:?}");
    let payment = here.cycle("member-2", "cycle-0001").await.payment;
    let command = Charge {
        payment,
        billing_key: Some(key.id),
    };
    for caller in [here.caller.clone(), other] {
        let refused = here.app.charge(caller, command.clone(), keyed("k", 1));
        let refused = refused.await.unwrap_err();
        let mismatch = matches!(refused, ActError::Refused(ChargeRefusal::KeyMismatch));
        assert!(mismatch, "{refused:?}");
    }
    assert!(here.gateway.charged.lock().unwrap().is_empty());
}
