//! Owns a payment in every place that it can stand in, led there by its own moves.

use chrono::DateTime;
use domain::change::{Change, GatewayOrder};
use domain::decline::{Class, Decline, Reason};
use domain::event::{Draft, Hash, Sealed};
use domain::id::{GatewayAccountId, GatewayOrderId, MerchantId, PaymentId, RawId, SagaId};
use domain::money::{Currency, Money};
use domain::payment::{
    ApproveRequest, CancelBegun, CancelRequest, Customer, Facts, Kind, Known, Observed, Payment,
};
use domain::principal::{Actor, Mode, Scope};
use domain::saga::{Policy, Saga};
use domain::snapshot::{Answer, Cancel, Snapshot, Status};
use domain::trace::Trace;
use domain::{Ctx, Timestamp};

pub(crate) const AMOUNT: i64 = 10_000;
pub(crate) const KEY: &str = "tgen_key";
const MERCHANT: &str = "tgen_merchant";
const START: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).expect("a date");

pub(crate) fn krw(minor: i64) -> Money {
    Money::new(minor, Currency::Krw).unwrap()
}

fn raw(number: u128) -> RawId {
    RawId::from_parts(1, number)
}

pub(crate) fn order(number: u128) -> GatewayOrderId {
    GatewayOrderId::new(raw(number))
}

pub(crate) fn other_payment() -> PaymentId {
    PaymentId::new(raw(99))
}

fn seal(_: &Draft, previous: &Hash) -> Sealed {
    Sealed {
        payload: Vec::new(),
        hash: *previous,
    }
}

/// A cancellation at the gateway's console.
pub(crate) fn given_back(number: u8, minor: i64) -> Cancel {
    Cancel {
        transaction_key: format!("txrd_{number}").parse().unwrap(),
        amount: krw(minor),
        tax_free: Some(krw(0)),
        reason: "console".to_owned(),
        done: true,
        canceled_at: Some(START),
    }
}

/// What the gateway shows of a payment of the usual amount.
pub(crate) fn shown(
    key: &str,
    order: GatewayOrderId,
    status: Status,
    cancels: Vec<Cancel>,
) -> Snapshot {
    let given_back: i64 = cancels.iter().map(|cancel| cancel.amount.minor()).sum();
    let mut snapshot = Snapshot {
        payment_key: key.parse().unwrap(),
        order_id: order.to_string(),
        merchant_id: MERCHANT.to_owned(),
        status,
        total: Some(krw(AMOUNT)),
        balance: Some(krw(AMOUNT.saturating_sub(given_back))),
        tax_free: None,
        approved_at: None,
        last_transaction_key: None,
        cancels,
        failure: None,
        method: None,
        receipt_url: None,
        account: None,
    };
    let captured = [Status::Done, Status::PartialCanceled, Status::Canceled];
    snapshot.approved_at = captured.contains(&snapshot.status).then_some(START);
    snapshot
}

/// A payment, its sagas, and the opening of the window that is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) payment: Payment,
    pub(crate) sagas: Vec<Saga>,
    pub(crate) order: GatewayOrder,
    drawn: u128,
}

impl Scene {
    /// A payment of which that is true.
    pub(crate) fn named(name: &str) -> Self {
        let here = Self::prepared();
        match name {
            "prepared" => here,
            "approving" => here.approving(KEY),
            "declined" => here.approving(KEY).declined(Class::Buyer),
            "aborted" => here.approving(KEY).declined(Class::Merchant),
            "done" => here.paid(),
            "canceling" => here.paid().canceling(4_000),
            "refused" => here.paid().canceling(4_000).refused(),
            "partly" => here.paid().canceling(4_000).canceled(),
            "wholly" => here.paid().canceling(AMOUNT).canceled(),
            "withdrawn" => here.withdrawn(),
            "expired" => here.expired(),
            "lapsed" => here.approving(KEY).declined(Class::Buyer).expired(),
            _ => panic!("{name}"),
        }
    }

    pub(crate) fn ctx<'a>(&mut self, policy: &'a Policy) -> Ctx<'a> {
        self.drawn = self.drawn.saturating_add(1);
        Ctx {
            now: START,
            spare: SagaId::new(raw(self.drawn)),
            policy,
            seal,
            trace: Trace::begun(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        }
    }

    fn prepared() -> Self {
        let facts = Facts {
            id: PaymentId::new(raw(1)),
            scope: Scope {
                merchant: MerchantId::new(raw(1)),
                mode: Mode::Test,
            },
            account: GatewayAccountId::new(raw(1)),
            order_id: "order-0001".parse().unwrap(),
            order_name: "생수".parse().unwrap(),
            amount: krw(AMOUNT),
            tax_free: krw(0),
            customer: Customer::default(),
            kind: Kind::OneOff,
            created_at: START,
            expires_at: DateTime::from_timestamp(1_800_003_600, 0).unwrap(),
        };
        let policy = Policy::default();
        let ctx = Ctx {
            now: START,
            spare: SagaId::new(raw(1)),
            policy: &policy,
            seal,
            trace: Trace::NONE,
        };
        let payment = Payment::prepare(facts, Actor::Merchant, &ctx).payment;
        let order = GatewayOrder {
            id: order(1),
            payment: payment.facts.id,
            created_at: START,
        };
        Self {
            payment,
            sagas: Vec::new(),
            order,
            drawn: 1,
        }
    }

    /// As these changes leave it.
    pub(crate) fn after(&self, changes: &[Change]) -> Self {
        let mut next = self.clone();
        for change in changes {
            if let Change::UpdatePayment { payment, expected } = change {
                assert_eq!(next.payment.version, *expected);
                next.payment = payment.as_ref().clone();
            }
            if let Change::InsertSaga { saga, .. } = change {
                next.sagas.push(saga.as_ref().clone());
            }
            if let Change::UpdateSaga { saga, .. } = change {
                let mut sagas = next.sagas.iter_mut();
                let known = sagas.find(|known| known.head.id == saga.head.id);
                *known.unwrap() = saga.as_ref().clone();
            }
        }
        next
    }

    fn approving(mut self, key: &str) -> Self {
        let policy = Policy::default();
        let ctx = self.ctx(&policy);
        let request = ApproveRequest {
            payment_key: key.parse().unwrap(),
            amount: krw(AMOUNT),
            actor: Actor::Merchant,
            credential_version: 1,
            keyed: false,
            hold: None,
            asynchronous: false,
        };
        let begun = self
            .payment
            .clone()
            .begin_approval(&request, &self.order, &[], &ctx);
        self.after(&begun.unwrap().0.changes)
    }

    /// The open saga gets this answer.
    fn told(mut self, answer: &Answer) -> Self {
        let policy = Policy::default();
        let ctx = self.ctx(&policy);
        let open = self.sagas.iter().rfind(|saga| !saga.is_closed());
        let absorbed = open.unwrap().clone().absorb(&self.payment, answer, &ctx);
        self.after(&absorbed.changes)
    }

    pub(crate) fn answered(self, snapshot: &Snapshot) -> Self {
        self.told(&Answer::Found(Box::new(snapshot.clone())))
    }

    fn declined(self, class: Class) -> Self {
        self.told(&Answer::Declined(decline(class)))
    }

    fn paid(self) -> Self {
        let snapshot = shown(KEY, self.order.id, Status::Done, Vec::new());
        self.approving(KEY).answered(&snapshot)
    }

    fn canceling(mut self, minor: i64) -> Self {
        let policy = Policy::default();
        let ctx = self.ctx(&policy);
        let request = self.wanted(minor);
        let begun = self.payment.clone().begin_cancel(&request, &ctx);
        let Ok(CancelBegun::Reserved(moved, _)) = begun else {
            panic!("{begun:?}")
        };
        self.after(&moved.changes)
    }

    fn wanted(&self, minor: i64) -> CancelRequest {
        CancelRequest {
            amount: Some(krw(minor)),
            tax_free: None,
            reason: "wanted back".parse().unwrap(),
            actor: Actor::Merchant,
            order: Some(self.order.id),
            credential_version: 1,
            keyed: false,
            hold: None,
            to: None,
        }
    }

    fn withdrawn(mut self) -> Self {
        let policy = Policy::default();
        let ctx = self.ctx(&policy);
        let request = self.wanted(AMOUNT);
        let begun = self.payment.clone().begin_cancel(&request, &ctx);
        let Ok(CancelBegun::Withdrawn(moved)) = begun else {
            panic!("{begun:?}")
        };
        self.after(&moved.changes)
    }

    /// What the gateway shows of the cancellation that our last saga made.
    pub(crate) fn cancels_of_ours(&self) -> Vec<Cancel> {
        let saga = self.sagas.last();
        let saga = saga.filter(|saga| saga.head.kind() == domain::saga::Kind::Cancellation);
        let cancel = |saga: &Saga| Cancel {
            reason: format!("wanted back {}", saga.tag()),
            ..given_back(0, saga.head.amount.minor())
        };
        saga.map(cancel).into_iter().collect()
    }

    fn canceled(self) -> Self {
        let status = Status::PartialCanceled;
        let snapshot = shown(KEY, self.order.id, status, self.cancels_of_ours());
        self.answered(&snapshot)
    }

    /// The gateway refuses, and a question shows no effect.
    fn refused(self) -> Self {
        let unchanged = shown(KEY, self.order.id, Status::Done, Vec::new());
        self.told(&Answer::Declined(decline(Class::Merchant)))
            .answered(&unchanged)
    }

    fn expired(mut self) -> Self {
        let policy = Policy::default();
        let ctx = self.ctx(&policy);
        let moved = self.payment.clone().expire(&ctx).unwrap();
        self.after(&moved.changes)
    }

    /// Another approval lost its answer and captured all the same, once this one was paid.
    pub(crate) fn with_wrong_capture(self, key: &str) -> Self {
        let mut declined = Self::prepared().approving(key).declined(Class::Buyer);
        declined.sagas[0].head.id = SagaId::new(raw(77));
        let mut here = self;
        here.sagas.insert(0, declined.sagas[0].clone());
        let snapshot = shown(key, here.order.id, Status::Done, Vec::new());
        let Observed::Booked(moved) = here.observe(&snapshot) else {
            panic!("a wrong capture")
        };
        here.drawn = here.drawn.saturating_add(1);
        here.after(&moved.changes)
    }

    pub(crate) fn observe(&self, snapshot: &Snapshot) -> Observed {
        self.observe_after(snapshot, None)
    }

    pub(crate) fn observe_after(&self, snapshot: &Snapshot, surprise: Option<Money>) -> Observed {
        let policy = Policy::default();
        let ctx = self.clone().ctx(&policy);
        let known = Known {
            order: &self.order,
            sagas: &self.sagas,
            booked: &[],
            merchant_id: Some(MERCHANT),
            surprise,
        };
        self.payment.clone().observe(snapshot, &known, &ctx)
    }
}

fn decline(class: Class) -> Decline {
    Decline {
        reason: Reason::CardRefused,
        class,
        code: "REJECT_CARD_PAYMENT".to_owned(),
        message: "refused".to_owned(),
    }
}
