//! Domain values to store: each valid by every constraint, each different from the last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use application::ports::Store;
use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use domain::change::{Change, GatewayOrder, Hold};
use domain::decline::{Class, Decline, Reason};
use domain::event::{Hash, Head, Kind, PaymentEvent};
use domain::id::{
    ApiKeyId, DataKeyId, GatewayAccountId, GatewayOrderId, MerchantId, PaymentId, RawId, SagaId,
    WorkerId,
};
use domain::idempotency::{Fingerprint, KeyRef, Reservation};
use domain::ledger::{Account, Entry, Movement};
use domain::merchant::{ApiKey, GatewayAccount, KeyKind, KeyText, Merchant};
use domain::money::{Currency, Money};
use domain::payment::{self, Canceled, Customer, Facts, PayStatus, Payment, ReasonCode, State};
use domain::principal::{Actor, Mode, Scope};
use domain::saga::{self, Intent, Progress, Saga};
use domain::switch::{Operation, Reach, Turn};
use domain::vault::{DataKey, Wrapped};

static DRAWN: AtomicU64 = AtomicU64::new(1);

/// Never the same twice in one test process.
pub(crate) fn raw() -> RawId {
    let number = DRAWN.fetch_add(1, Ordering::Relaxed);
    RawId::from_parts(1_800_000_000_000 + number, u128::from(number))
}

/// Whole microseconds, far from any boundary.
pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).expect("a date")
}

pub(crate) fn won(minor: i64) -> Money {
    Money::new(minor, Currency::Krw).expect("an amount")
}

pub(crate) fn hold(lease: Duration) -> Hold {
    Hold {
        holder: WorkerId::new(raw()),
        lease,
    }
}

/// A tenant with one account, stored.
pub(crate) struct Tenant {
    pub(crate) scope: Scope,
    pub(crate) account: GatewayAccountId,
}

pub(crate) fn merchant() -> Merchant {
    let (name, currencies) = ("생수 가게".parse(), "KRW,USD".parse());
    let (name, currencies) = (name.expect("a name"), currencies.expect("currencies"));
    Merchant::new(MerchantId::new(raw()), name, currencies, at(0))
}

pub(crate) fn account(scope: Scope) -> GatewayAccount {
    GatewayAccount {
        credential_version: 3,
        methods: "CARD,TRANSFER".parse().ok(),
        ..GatewayAccount::new(GatewayAccountId::new(raw()), scope, at(1))
    }
}

pub(crate) fn data_key(merchant: MerchantId) -> DataKey {
    DataKey {
        id: DataKeyId::new(raw()),
        merchant,
        wrapped: Wrapped {
            master_key: "k-1".to_owned(),
            bytes: (0..61).collect(),
        },
        created_at: at(3),
    }
}

pub(crate) fn turn(reach: Reach) -> Turn {
    Turn {
        operation: Operation::Approvals,
        reach,
        number: 1,
        paused: true,
        actor: Actor::Operator,
        who: "운영자".to_owned(),
        why: "a reason of more than twenty-five".to_owned(),
        at: at(4),
    }
}

pub(crate) fn api_key(scope: Scope, kind: KeyKind) -> ApiKey {
    let id = ApiKeyId::new(raw());
    let mut hash = [7; 32];
    hash.copy_from_slice(&id.to_string().as_bytes()[6..]);
    ApiKey {
        id,
        scope,
        kind,
        hash,
        prefix: KeyText::new(kind, scope.mode, "abcd").prefix(),
        name: None,
        created_at: at(2),
        last_used_at: None,
        expires_at: None,
    }
}

pub(crate) async fn tenant(store: &dyn Store) -> Tenant {
    let merchant = merchant();
    let scope = Scope {
        merchant: merchant.id,
        mode: Mode::Test,
    };
    let account = account(scope);
    let id = account.id;
    let changes = [
        Change::InsertMerchant(merchant),
        Change::InsertGatewayAccount(account),
    ];
    store.commit(&changes).await.expect("a tenant");
    Tenant { scope, account: id }
}

pub(crate) fn ready(tenant: &Tenant) -> Payment {
    let id = PaymentId::new(raw());
    Payment {
        facts: Facts {
            id,
            scope: tenant.scope,
            account: tenant.account,
            order_id: format!("order-{}", &id.to_string()[4..])
                .parse()
                .expect("an order id"),
            order_name: "생수 외 1건".parse().expect("a name"),
            amount: won(50_000),
            tax_free: won(1_000),
            customer: Customer {
                name: Some("김토스".parse().expect("a name")),
                member: Some("member-1".parse().expect("a member")),
            },
            kind: payment::Kind::OneOff,
            created_at: at(10),
            expires_at: at(3_610),
        },
        state: State::Ready { declined: None },
        paid: None,
        account: None,
        captured: won(0),
        captured_tax_free: won(0),
        canceled: won(0),
        cancels: Vec::new(),
        version: 1,
        head: Head {
            sequence: 1,
            hash: Hash([1; 32]),
        },
    }
}

/// As it shall be after an update: the next version, the rest alike.
pub(crate) fn next(payment: &Payment, state: State) -> Payment {
    let head = Head {
        sequence: payment.head.sequence + 1,
        hash: Hash([2; 32]),
    };
    Payment {
        state,
        version: payment.version + 1,
        head,
        ..payment.clone()
    }
}

pub(crate) fn update(payment: &Payment) -> Change {
    Change::UpdatePayment {
        payment: Box::new(payment.clone()),
        expected: payment.version - 1,
    }
}

pub(crate) fn insert(payment: &Payment) -> Change {
    Change::InsertPayment(Box::new(payment.clone()))
}

pub(crate) fn order(payment: &Payment) -> GatewayOrder {
    GatewayOrder {
        id: GatewayOrderId::new(raw()),
        payment: payment.facts.id,
        created_at: at(11),
    }
}

/// What lies behind `canceled`: one cancellation of ours, and one that others made.
pub(crate) fn cancels(canceled: i64) -> Vec<Canceled> {
    let by_others = Canceled {
        transaction_key: "txrd_1".parse().expect("a key"),
        amount: won(1),
        tax_free: won(0),
        reason: None,
        reason_code: None,
        saga: None,
        canceled_at: at(200),
    };
    let ours = |amount| Canceled {
        transaction_key: "txrd_2".parse().expect("a key"),
        amount,
        tax_free: won(1),
        reason: Some("포장이 \"다르다\"".to_owned()),
        reason_code: Some(ReasonCode::AdminCancel),
        saga: Some(SagaId::new(raw())),
        ..by_others.clone()
    };
    match canceled {
        0 => Vec::new(),
        1 => vec![by_others],
        _ => vec![ours(won(canceled - 1)), by_others],
    }
}

/// A payment and an opening of its window, stored.
pub(crate) async fn stored(store: &dyn Store, tenant: &Tenant) -> (Payment, GatewayOrder) {
    let payment = ready(tenant);
    let order = order(&payment);
    let changes = [insert(&payment), Change::InsertGatewayOrder(order.clone())];
    store.commit(&changes).await.expect("a payment");
    (payment, order)
}

fn intent(kind: saga::Kind) -> Intent {
    let key = "tgen_20271231".parse().ok();
    Intent::of(kind, key, None).expect("a kind that knows its payment key")
}

pub(crate) fn saga(payment: &Payment, order: &GatewayOrder, kind: saga::Kind) -> Saga {
    Saga {
        head: saga::Head {
            id: SagaId::new(raw()),
            intent: intent(kind),
            scope: payment.facts.scope,
            account: payment.facts.account,
            payment: payment.facts.id,
            gateway_order: order.id,
            amount: payment.facts.amount,
            tax_free: payment.facts.tax_free,
            actor: Actor::Buyer,
            reason: Some("because".to_owned()),
            credential_version: 3,
            trace: "00-0123456789abcdef0123456789abcdef-89abcdef01234567-01"
                .parse()
                .expect("one"),
            keyed: true,
            created_at: at(12),
        },
        progress: Progress::intended(won(0), at(12)),
        version: 1,
    }
}

pub(crate) fn open(saga: &Saga, hold: Option<Hold>) -> Change {
    Change::InsertSaga {
        saga: Box::new(saga.clone()),
        hold,
    }
}

pub(crate) fn progress(saga: &Saga) -> Change {
    Change::UpdateSaga {
        saga: Box::new(saga.clone()),
        expected: saga.version - 1,
    }
}

/// The saga after its next step.
pub(crate) fn moved(saga: &Saga, change: impl FnOnce(&mut Progress)) -> Saga {
    let mut saga = saga.clone();
    saga.version += 1;
    change(&mut saga.progress);
    saga
}

pub(crate) fn entry(payment: &Payment, saga: Option<SagaId>) -> Entry {
    Entry {
        scope: payment.facts.scope,
        account: payment.facts.account,
        payment_key: format!("tgen_{}", raw()).parse().expect("a key"),
        movement: Movement::Capture,
        payment: payment.facts.id,
        saga,
        debit: Account::GatewayReceivable,
        credit: Account::MerchantPayable,
        amount: payment.facts.amount,
        transaction_key: Some("txn-1".parse().expect("a key")),
        occurred_at: Some(at(20)),
        booked_at: at(21),
    }
}

pub(crate) fn event(payment: &Payment, sequence: i64) -> PaymentEvent {
    let first = sequence == 1;
    PaymentEvent {
        scope: payment.facts.scope,
        payment: payment.facts.id,
        sequence,
        kind: if first {
            Kind::Prepared
        } else {
            Kind::WindowReopened
        },
        from: (!first).then_some(PayStatus::Ready),
        to: PayStatus::Ready,
        actor: Actor::Merchant,
        reason: Some("사유".to_owned()),
        trace: "00-0123456789abcdef0123456789abcdef-89abcdef01234567-01"
            .parse()
            .expect("one"),
        at: at(30 + sequence),
        payload: b"{\"orderId\":\"\\u0000 kept as it is\"}".to_vec(),
        previous: Hash([u8::try_from(sequence - 1).unwrap_or(9); 32]),
        hash: Hash([u8::try_from(sequence).unwrap_or(9); 32]),
    }
}

pub(crate) fn reservation(payment: &Payment, saga: Option<SagaId>) -> Reservation {
    Reservation {
        key: key_ref(payment.facts.scope),
        fingerprint: Fingerprint([5; 32]),
        payment: Some(payment.facts.id),
        saga,
        patience_until: at(48),
        created_at: at(40),
        outcome: saga.is_none().then(|| b"v1 done".to_vec()),
    }
}

pub(crate) fn key_ref(scope: Scope) -> KeyRef {
    let key = format!("key-{}", raw()).parse().expect("a key");
    KeyRef {
        scope,
        member: String::new(),
        key,
    }
}

pub(crate) fn decline(class: Class) -> Decline {
    Decline {
        reason: Reason::InsufficientFunds,
        class,
        code: "NOT_ENOUGH_BALANCE".to_owned(),
        message: "잔액이 부족합니다.".to_owned(),
    }
}

pub(crate) fn minute() -> TimeDelta {
    TimeDelta::minutes(1)
}
