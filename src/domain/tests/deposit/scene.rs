//! Owns a payment that is paid by deposit, its saga, and the bank.

use chrono::{DateTime, TimeDelta};
use domain::change::{Change, GatewayOrder};
use domain::event::{Draft, Hash, Kind as EventKind, Sealed as SealedEvent};
use domain::id::{GatewayAccountId, GatewayOrderId, MerchantId, PaymentId, RawId, SagaId};
use domain::ledger::{Account, Entry};
use domain::money::{Currency, Money};
use domain::payment::{
    AccountRequest, ApproveRefusal, Customer, Facts, Kind, Known, Observed, Payment, Strange,
};
use domain::principal::{Actor, Mode, Scope};
use domain::saga::{Policy, Saga, Step};
use domain::snapshot::{Answer, Cancel, Cause, Snapshot, Status};
use domain::trace::Trace;
use domain::vault::Sealed;
use domain::virtual_account::{Concealed, ShownAccount};
use domain::{Ctx, Timestamp};

pub(crate) const START: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).expect("a date");
pub(crate) const AMOUNT: i64 = 15_000;

fn raw(number: u128) -> RawId {
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

/// The account as the gateway has it.
#[derive(Clone, Debug)]
pub(crate) struct Bank {
    pub(crate) status: Status,
    pub(crate) amount: i64,
    /// How often something moved.
    moved: u32,
    /// How it was before something moved last.
    pub(crate) before: (Status, u32),
    /// The names of what was paid in.
    pub(crate) paid_in: Vec<String>,
    /// Whether our own seal is missing.
    pub(crate) unsealed: bool,
}

/// A payment, its sagas, its ledger, and the bank.
#[derive(Clone)]
pub(crate) struct Scene {
    policy: Policy,
    pub(crate) now: Timestamp,
    drawn: u128,
    pub(crate) payment: Payment,
    pub(crate) order: GatewayOrder,
    pub(crate) sagas: Vec<Saga>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) told: Vec<EventKind>,
    pub(crate) bank: Bank,
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
            order_id: "order-0001".parse().unwrap(),
            order_name: "water".parse().unwrap(),
            amount: krw(AMOUNT),
            tax_free: krw(1_000),
            customer: Customer::default(),
            kind,
            created_at: START,
            expires_at: START + TimeDelta::hours(1),
        };
        let policy = Policy::default();
        let ctx = Ctx {
            now: START,
            spare: SagaId::new(raw(1)),
            policy: &policy,
            seal,
            trace: Trace::NONE,
        };
        let moved = Payment::prepare(facts, Actor::Merchant, &ctx);
        let order = GatewayOrder {
            id: GatewayOrderId::new(raw(1)),
            payment: moved.payment.facts.id,
            created_at: START,
        };
        Self {
            policy,
            now: START,
            drawn: 1,
            payment: moved.payment,
            order,
            sagas: Vec::new(),
            entries: Vec::new(),
            told: vec![EventKind::Prepared],
            bank: Bank {
                status: Status::WaitingForDeposit,
                amount: AMOUNT,
                moved: 0,
                before: (Status::WaitingForDeposit, 0),
                paid_in: Vec::new(),
                unsealed: false,
            },
        }
    }

    /// One whose account is asked for; the gateway has issued it, and its answer is on its way.
    pub(crate) fn asking() -> Self {
        let mut scene = Self::new(Kind::VirtualAccount);
        scene.begin().unwrap();
        scene
    }

    pub(crate) fn saga(&self) -> &Saga {
        &self.sagas[0]
    }

    pub(crate) fn begin(&mut self) -> Result<(), ApproveRefusal> {
        let request = AccountRequest {
            wish: Sealed(vec![1]),
            actor: Actor::Merchant,
            credential_version: 1,
            keyed: false,
            hold: None,
        };
        let (payment, order) = (self.payment.clone(), self.order.clone());
        let (moved, _) = self.with(|ctx| payment.begin_account(&request, &order, ctx))?;
        self.apply(moved.changes);
        Ok(())
    }

    pub(crate) fn with<T>(&mut self, act: impl FnOnce(&Ctx<'_>) -> T) -> T {
        self.drawn += 1;
        act(&Ctx {
            now: self.now,
            spare: SagaId::new(raw(self.drawn)),
            policy: &self.policy,
            seal,
            trace: Trace::NONE,
        })
    }

    pub(crate) fn apply(&mut self, changes: Vec<Change>) {
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
            if let Change::AppendEvent(event) = &change {
                self.told.push(event.kind);
            }
            if let Change::InsertEntry(entry) = &change {
                let same = |known: &Entry| {
                    (&known.payment_key, &known.movement) == (&entry.payment_key, &entry.movement)
                };
                assert!(!self.entries.iter().any(same), "booked twice: {entry:?}");
                let again = self.taken().into_iter().any(|name| {
                    let shown = entry.transaction_key.as_ref().map(ToString::to_string);
                    entry.debit == Account::GatewayReceivable && shown == Some(name)
                });
                assert!(!again, "under its name twice: {entry:?}");
                self.entries.push(entry.as_ref().clone());
            }
        }
    }

    /// What the books say that the gateway holds.
    pub(crate) fn booked(&self) -> i64 {
        let held = |entry: &Entry| match entry.debit {
            Account::GatewayReceivable => entry.amount.minor(),
            Account::MerchantPayable | Account::Suspense => -entry.amount.minor(),
        };
        self.entries.iter().map(held).sum()
    }

    pub(crate) fn balance_at_bank(&self) -> i64 {
        if self.bank.status == Status::Done {
            AMOUNT
        } else {
            0
        }
    }

    pub(crate) fn moves(&mut self, status: Status) {
        let bank = &mut self.bank;
        bank.before = (bank.status.clone(), bank.moved);
        bank.status = status;
        bank.moved += 1;
    }

    pub(crate) fn pay_in(&mut self) {
        if self.bank.status == Status::WaitingForDeposit {
            self.moves(Status::Done);
            self.bank.paid_in.push(format!("tx_{}", self.bank.moved));
        }
    }

    pub(crate) fn take_back(&mut self) {
        if self.bank.status == Status::Done {
            self.moves(Status::WaitingForDeposit);
        }
    }

    /// What the books have as paid in, by the bank's names.
    pub(crate) fn taken(&self) -> Vec<String> {
        let taken = self.entries.iter();
        let taken = taken.filter(|entry| entry.debit == Account::GatewayReceivable);
        let name = |entry: &Entry| entry.transaction_key.as_ref().map(ToString::to_string);
        taken.filter_map(name).collect()
    }

    pub(crate) fn shown(&self, (status, moved): (Status, u32)) -> Snapshot {
        let captured = status == Status::Done;
        let total = krw(self.bank.amount);
        Snapshot {
            payment_key: "va_1".parse().unwrap(),
            order_id: self.order.id.to_string(),
            merchant_id: "m".to_owned(),
            status,
            total: Some(total),
            balance: Some(total),
            tax_free: Some(krw(1_000)),
            approved_at: captured.then_some(self.now),
            last_transaction_key: format!("tx_{moved}").parse().ok(),
            cancels: Vec::new(),
            failure: None,
            method: None,
            receipt_url: None,
            account: Some(Box::new(ShownAccount {
                bank: "20".parse().unwrap(),
                number: Concealed::new("X6505636518308"),
                holder: None,
                due_at: START + TimeDelta::hours(24),
                secret: None,
                refund: None,
                sealed: (!self.bank.unsealed).then(|| Sealed(vec![2])),
            })),
        }
    }

    /// What the gateway shows now.
    pub(crate) fn now_shown(&self) -> Snapshot {
        self.shown((self.bank.status.clone(), self.bank.moved))
    }

    fn told(&mut self, answer: &Answer) {
        let (saga, payment) = (self.saga().clone(), self.payment.clone());
        if !saga.is_closed() {
            let absorbed = self.with(|ctx| saga.absorb(&payment, answer, ctx));
            self.apply(absorbed.changes);
        }
    }

    /// Our call is answered: the account was issued, whatever became of it since.
    pub(crate) fn answered(&mut self) {
        let answer = Answer::Found(Box::new(self.shown((Status::WaitingForDeposit, 0))));
        self.told(&answer);
    }

    pub(crate) fn lost(&mut self) {
        self.told(&Answer::Unknown(Cause::Lost));
    }

    pub(crate) fn nothing_there(&mut self) {
        self.told(&Answer::NotFound);
    }

    /// What the issue wants done, once it is due.
    pub(crate) fn next(&mut self) -> Step {
        self.now = self.now.max(self.saga().progress.due_at);
        self.saga().next(self.now)
    }

    pub(crate) fn look(&mut self, shown: Snapshot) -> &'static str {
        if !self.saga().is_closed() {
            // Hastened: its own question. A call that is on its way is given up for it.
            let resumed = self.saga().clone().resumed(self.now);
            self.sagas[0] = resumed;
            self.told(&Answer::Found(Box::new(shown)));
            return "its own";
        }
        let (payment, sagas, order) =
            (self.payment.clone(), self.sagas.clone(), self.order.clone());
        let booked = self.entries.clone();
        let known = Known {
            order: &order,
            sagas: &sagas,
            booked: &booked,
            merchant_id: None,
            surprise: None,
        };
        match self.with(|ctx| payment.observe(&shown, &known, ctx)) {
            Observed::Booked(moved) => {
                self.apply(moved.changes);
                "booked"
            }
            Observed::Noted(Some(moved)) => {
                self.apply(moved.changes);
                "noted"
            }
            Observed::Noted(None) => "doubted",
            Observed::Disputed(moved, _) => {
                self.apply(moved.changes);
                "disputed"
            }
            Observed::Strange(Strange::Again) => "again",
            Observed::Strange(_) => "strange",
            Observed::Nothing => "nothing",
            Observed::Later => "later",
        }
    }

    /// One look.
    pub(crate) fn glimpsed(&mut self) -> &'static str {
        self.look(self.now_shown())
    }

    /// One look at an answer that was true before something moved last.
    pub(crate) fn lied_to(&mut self) -> &'static str {
        self.look(self.shown(self.bank.before.clone()))
    }

    pub(crate) fn passes(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    /// It is about to be asked about.
    pub(crate) fn looked(&mut self) {
        let payment = self.payment.clone();
        let moved = self.with(|ctx| payment.looked(ctx));
        self.apply(moved.unwrap().changes);
    }

    /// All of it, by a person at the gateway's console.
    pub(crate) fn given_back(&self) -> Cancel {
        Cancel {
            transaction_key: "tx_console".parse().unwrap(),
            amount: krw(AMOUNT),
            tax_free: None,
            reason: "console".to_owned(),
            done: true,
            canceled_at: Some(self.now),
        }
    }

    /// A look, and another one a minute later.
    pub(crate) fn polled(&mut self) {
        self.glimpsed();
        self.passes(60);
        self.glimpsed();
    }

    /// What the gateway answers to the question of a saga.
    pub(crate) fn asked_by(&mut self, at: usize, shown: Snapshot) {
        let (saga, payment) = (self.sagas[at].clone(), self.payment.clone());
        let answer = Answer::Found(Box::new(shown));
        let absorbed = self.with(|ctx| saga.absorb(&payment, &answer, ctx));
        self.apply(absorbed.changes);
    }
}
