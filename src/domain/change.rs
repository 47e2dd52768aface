//! Owns the list of everything that can be written: one variant per conditional statement.

use std::time::Duration;

use crate::Timestamp;
use crate::account::{Credentials, GatewayAccount, Status};
use crate::billing;
use crate::event::PaymentEvent;
use crate::feed;
use crate::id::{
    ApiKeyId, ChallengeId, DataKeyId, GatewayAccountId, GatewayOrderId, PaymentId, SagaId, WorkerId,
};
use crate::idempotency::{IssuedKey, Reservation};
use crate::inbox;
use crate::ledger::Entry;
use crate::member_event::{Facts, MemberEvent};
use crate::merchant::{ApiKey, Merchant};
use crate::payment::Payment;
use crate::saga::Saga;
use crate::settlement;
use crate::step_up::Challenge;
use crate::subscription;
use crate::switch::Turn;
use crate::vault::{DataKey, Wrapped};
use crate::webhook;

/// A worker's hold on a saga, measured by the database's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who holds it.
    pub holder: WorkerId,
    /// For how long from now.
    pub lease: Duration,
}

/// One opening of the payment window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayOrder {
    /// The order id that the gateway sees.
    pub id: GatewayOrderId,
    /// For which payment.
    pub payment: PaymentId,
    /// When it was issued.
    pub created_at: Timestamp,
}

/// One write. Each must touch exactly one row (an insert: a key that is free), else the whole
/// commit is a conflict and nothing of it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new tenant.
    InsertMerchant(Merchant),
    /// Replaces a tenant's status, currencies and version.
    UpdateMerchant {
        /// The tenant as it shall be; its version is `expected + 1`.
        merchant: Merchant,
        /// The version it must have now.
        expected: i64,
    },
    /// A new API key.
    InsertApiKey(Box<ApiKey>),
    /// Lets an API key end at a time, as it was revoked or replaced.
    EndApiKey {
        /// Which key.
        key: ApiKeyId,
        /// From when on it is refused.
        expires_at: Timestamp,
        /// The end that it must have now.
        expected: Option<Timestamp>,
    },
    /// New credentials at a gateway.
    InsertGatewayAccount(GatewayAccount),
    /// Pins the merchant id that the gateway showed first; conflicts when one is pinned.
    PinMerchantId {
        /// Of which account.
        account: GatewayAccountId,
        /// The gateway's merchant id.
        merchant_id: String,
    },
    /// Gives an account its credentials: the first ones where it has none, or others in place of
    /// those of a version, which is raised.
    SetCredentials {
        /// Of which account.
        account: GatewayAccountId,
        /// From now on.
        credentials: Box<Credentials>,
        /// The version they replace; none where there must be none.
        replaced: Option<i32>,
    },
    /// Disables an active account, or lets a disabled one take payments again.
    SetAccountStatus {
        /// Which account.
        account: GatewayAccountId,
        /// From now on; it must have the other one now.
        status: Status,
    },
    /// A new data key; its merchant must have none.
    InsertDataKey(Box<DataKey>),
    /// Wraps a data key with another master key.
    RewrapDataKey {
        /// Which data key.
        id: DataKeyId,
        /// As it shall lie there.
        wrapped: Wrapped,
        /// The master key that it must be wrapped with now.
        expected: String,
    },
    /// A new turn of a safety switch; its number must be free.
    TurnSwitch(Box<Turn>),
    /// A new payment; its order id must be free for merchant and mode.
    InsertPayment(Box<Payment>),
    /// Replaces a payment's state, balance, version and hash head.
    UpdatePayment {
        /// The payment as it shall be; its version is `expected + 1`.
        payment: Box<Payment>,
        /// The version it must have now.
        expected: i64,
    },
    /// A new opening of the window.
    InsertGatewayOrder(GatewayOrder),
    /// A new saga; there must be no other open one for the payment, reversals excepted.
    InsertSaga {
        /// The saga.
        saga: Box<Saga>,
        /// Who drives it from the start; `None` leaves it to recovery.
        hold: Option<Hold>,
    },
    /// Replaces a saga's progress. A saga that rests loses its holder with it.
    UpdateSaga {
        /// The saga as it shall be; its version is `expected + 1`.
        saga: Box<Saga>,
        /// The version it must have now: the fence.
        expected: i64,
    },
    /// A new line of the ledger; the movement must not be booked yet.
    InsertEntry(Box<Entry>),
    /// A new line of the event log; the sequence must be free.
    AppendEvent(Box<PaymentEvent>),
    /// A new line of the log of what is no payment; the sequence must be free.
    AppendMemberEvent(Box<MemberEvent<Facts>>),
    /// Takes an idempotency key into use; it must be free.
    ReserveKey(Box<Reservation>),
    /// Stores the outcome under the key of this saga; there must be a key without one.
    FinishKey {
        /// Whose end it is.
        saga: SagaId,
        /// The versioned outcome.
        outcome: Vec<u8>,
    },
    /// A key we hand out; it must be free.
    IssueKey(Box<IssuedKey>),
    /// A new challenge.
    InsertChallenge(Box<Challenge>),
    /// Spends the proof of a challenge; it must be unspent, and expire later than `at`. Committed
    /// with what it is a proof for, so that neither exists without the other.
    SpendChallenge {
        /// Which challenge.
        challenge: ChallengeId,
        /// When.
        at: Timestamp,
        /// Until when it is worth remembering.
        kept_until: Timestamp,
    },
    /// What is charged when.
    Subscription(Box<subscription::Change>),
    /// Who reads what of the feed.
    Feed(Box<feed::Change>),
    /// Where events are brought.
    Webhook(Box<webhook::Change>),
    /// What members pay with.
    Billing(Box<billing::Change>),
    /// What gateways tell unasked.
    Inbox(Box<inbox::Change>),
    /// What people find out about sagas.
    Settlement(Box<settlement::Change>),
}

impl Change {
    /// Where the change stands in the one order in which all commits take their locks: by table,
    /// then by the row's key. Sorting must be stable: two updates of one row keep their order.
    #[must_use]
    pub fn lock_order(&self) -> (u8, String) {
        match self {
            Self::InsertMerchant(merchant) | Self::UpdateMerchant { merchant, .. } => {
                (0, merchant.id.to_string())
            }
            Self::InsertApiKey(key) => (1, key.id.to_string()),
            Self::EndApiKey { key, .. } => (1, key.to_string()),
            Self::InsertGatewayAccount(account) => (2, account.id.to_string()),
            Self::PinMerchantId { account, .. }
            | Self::SetCredentials { account, .. }
            | Self::SetAccountStatus { account, .. } => (2, account.to_string()),
            Self::InsertPayment(payment) | Self::UpdatePayment { payment, .. } => {
                (3, payment.facts.id.to_string())
            }
            Self::InsertGatewayOrder(order) => (4, order.id.to_string()),
            Self::InsertSaga { saga, .. } | Self::UpdateSaga { saga, .. } => {
                (5, saga.head.id.to_string())
            }
            Self::InsertEntry(entry) => (6, format!("{}/{}", entry.payment_key, entry.movement)),
            Self::AppendEvent(event) => (7, format!("{}/{:020}", event.payment, event.sequence)),
            Self::AppendMemberEvent(event) => {
                (4, format!("event/{}/{:020}", event.subject, event.sequence))
            }
            Self::ReserveKey(reservation) => (8, reservation.key.key.to_string()),
            Self::FinishKey { saga, .. } => (8, saga.to_string()),
            Self::IssueKey(issued) => (9, issued.key.key.to_string()),
            Self::TurnSwitch(turn) => (11, format!("{}/{}", turn.operation, turn.reach)),
            Self::InsertDataKey(key) => (10, key.id.to_string()),
            Self::RewrapDataKey { id, .. } => (10, id.to_string()),
            Self::InsertChallenge(challenge) => (12, challenge.id.to_string()),
            Self::SpendChallenge { challenge, .. } => (12, challenge.to_string()),
            Self::Subscription(change) => change.lock_order(),
            Self::Feed(change) => change.lock_order(),
            Self::Webhook(change) => change.lock_order(),
            Self::Billing(change) => change.lock_order(),
            Self::Inbox(change) => change.lock_order(),
            Self::Settlement(change) => change.lock_order(),
        }
    }
}
