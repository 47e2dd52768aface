//! Owns a payment that is charged, its saga, its order and its key, and the time.

use chrono::{DateTime, TimeDelta};
use domain::billing::{BillingKey, Card, Stage, Stored};
use domain::change::{Change, GatewayOrder};
use domain::decline::{Class, Decline, Reason};
use domain::event::{Draft, Hash, Sealed as SealedEvent};
use domain::id::{
    BillingKeyId, GatewayAccountId, GatewayOrderId, MerchantId, PaymentId, RawId, SagaId,
};
use domain::money::{Currency, Money};
use domain::payment::{ChargeRefusal, ChargeRequest, Customer, Facts, Kind, Payment};
use domain::principal::{Actor, Mode, Scope};
use domain::saga::{Policy, Saga, Step};
use domain::snapshot::{Answer, Cause, Snapshot, Status};
use domain::trace::Trace;
use domain::vault::Sealed;
use domain::{Ctx, Timestamp};

pub(crate) const START: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).expect("a date");
pub(crate) const AMOUNT: i64 = 4_900;

pub(crate) fn raw(number: u128) -> RawId {
    RawId::from_parts(1, number)
}

pub(crate) fn krw(minor: i64) -> Money {
    Money::new(minor, Currency::Krw).unwrap()
}

fn seal(_: &Draft, previous: &Hash) -> SealedEvent {
    SealedEvent {
        payload: Vec::new(),
        hash: *previous,
    }
}

/// A payment, its charge, and the time.
pub(crate) struct Scene {
    policy: Policy,
    pub(crate) now: Timestamp,
    drawn: u128,
    pub(crate) payment: Payment,
    pub(crate) orders: Vec<GatewayOrder>,
    pub(crate) key: BillingKey,
    pub(crate) sagas: Vec<Saga>,
}

impl Scene {
    pub(crate) fn new(kind: Kind) -> Self {
        let facts = Facts {
            id: PaymentId::new(raw(1)),
            scope: Scope {
                merchant: MerchantId::new(raw(1)),
                mode: Mode::Test,
            },
            account: GatewayAccountId::new(raw(1)),
            order_id: "cycle-0001".parse().unwrap(),
            order_name: "monthly plan".parse().unwrap(),
            amount: krw(AMOUNT),
            tax_free: krw(900),
            customer: Customer {
                name: None,
                member: "member-1".parse().ok(),
            },
            kind,
            created_at: START,
            expires_at: START + TimeDelta::hours(1),
        };
        let stored = Stored {
            sealed: Sealed(vec![1]),
            index: [1; 32],
            card: Card::default(),
            issued_at: START,
        };
        let key = BillingKey {
            id: BillingKeyId::new(raw(1)),
            scope: facts.scope,
            account: facts.account,
            member: "member-1".parse().unwrap(),
            customer_key: "cus_1".parse().unwrap(),
            stage: Stage::Active {
                stored,
                is_default: true,
            },
            created_at: START,
            version: 1,
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
            id: GatewayOrderId::new(raw(1)),
            payment: payment.facts.id,
            created_at: START,
        };
        Self {
            policy,
            now: START,
            drawn: 1,
            payment,
            orders: vec![order],
            key,
            sagas: Vec::new(),
        }
    }

    pub(crate) fn charging() -> Self {
        let mut scene = Self::new(Kind::Billing);
        scene.begin().unwrap();
        scene
    }

    pub(crate) fn begin(&mut self) -> Result<(), ChargeRefusal> {
        self.drawn += 1;
        let ctx = Ctx {
            now: self.now,
            spare: SagaId::new(raw(self.drawn)),
            policy: &self.policy,
            seal,
            trace: Trace::NONE,
        };
        let request = ChargeRequest {
            actor: Actor::Merchant,
            credential_version: 1,
            keyed: false,
            hold: None,
        };
        let order = self.orders.last().unwrap();
        let payment = self.payment.clone();
        let (moved, _) = payment.begin_charge(&request, order, &self.key, &ctx)?;
        self.apply(moved.changes);
        Ok(())
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Change::UpdatePayment { payment, expected } = &change {
                assert_eq!(self.payment.version, *expected);
                self.payment = payment.as_ref().clone();
            }
            if let Change::InsertSaga { saga, .. } = &change {
                self.sagas.push(saga.as_ref().clone());
            }
            if let Change::UpdateSaga { saga, expected } = &change {
                let mut sagas = self.sagas.iter_mut();
                let known = sagas.find(|known| known.head.id == saga.head.id).unwrap();
                assert_eq!(known.version, *expected);
                *known = saga.as_ref().clone();
            }
            if let Change::InsertGatewayOrder(order) = &change {
                self.orders.push(order.clone());
            }
            if let Change::Billing(change) = &change
                && let domain::billing::Change::Update { key, expected, .. } = change.as_ref()
            {
                assert_eq!(self.key.version, *expected);
                self.key = key.as_ref().clone();
            }
        }
    }

    pub(crate) fn saga(&self) -> &Saga {
        &self.sagas[0]
    }

    /// The charge is told this, now; whether it entered anything into the ledger.
    pub(crate) fn told(&mut self, answer: &Answer) -> Vec<Change> {
        self.drawn += 1;
        let ctx = Ctx {
            now: self.now,
            spare: SagaId::new(raw(self.drawn)),
            policy: &self.policy,
            seal,
            trace: Trace::NONE,
        };
        let absorbed = self.saga().clone().absorb(&self.payment, answer, &ctx);
        self.apply(absorbed.changes.clone());
        absorbed.changes
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    /// What it wants done, once it is due.
    pub(crate) fn next(&mut self) -> Step {
        self.now = self.now.max(self.saga().progress.due_at);
        self.saga().next(self.now)
    }

    pub(crate) fn called_with(&mut self) -> String {
        let step = self.next();
        let Step::Charge(call) = step else {
            panic!("{step:?}")
        };
        call.key.to_string()
    }

    pub(crate) fn asks(&mut self) -> GatewayOrderId {
        let step = self.next();
        let Step::AskByOrder(order) = step else {
            panic!("{step:?}")
        };
        order
    }

    pub(crate) fn key_of(&self, n: u32) -> String {
        format!("{}-{n}", self.saga().head.id)
    }

    pub(crate) fn shown(status: Status, total: Money, order: GatewayOrderId) -> Answer {
        let captured = status == Status::Done;
        Answer::Found(Box::new(Snapshot {
            payment_key: "bill_1".parse().unwrap(),
            order_id: order.to_string(),
            merchant_id: "m".to_owned(),
            status,
            total: Some(total),
            balance: Some(total),
            tax_free: None,
            approved_at: captured.then_some(START),
            last_transaction_key: None,
            cancels: Vec::new(),
            failure: None,
            method: None,
            receipt_url: None,
            account: None,
        }))
    }

    pub(crate) fn done(&self) -> Answer {
        Self::shown(Status::Done, krw(AMOUNT), self.saga().order())
    }
}

pub(crate) fn unknown(cause: Cause) -> Answer {
    Answer::Unknown(cause)
}

pub(crate) fn refusal(class: Class) -> Decline {
    Decline {
        reason: Reason::CardRefused,
        class,
        code: "REJECT_CARD_COMPANY".to_owned(),
        message: String::new(),
    }
}
