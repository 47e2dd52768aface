//! Owns what a gateway is told and tells about billing keys: secrets in the open, never kept so.

use domain::Timestamp;
use domain::billing::Card;
use domain::decline::Decline;
use domain::snapshot::Cause;
use domain::text::{CustomerKey, GatewayKey, OrderName};

use super::vault::Secret;

/// What a charge is made with, besides what its saga says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The gateway's billing key.
    pub billing_key: Secret,
    /// Whose card it is at the gateway; the gateway compares.
    pub customer_key: CustomerKey,
    /// What the member reads on the bill.
    pub order_name: OrderName,
}

/// A billing key to be made (`toss-api.md §11`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueCall {
    /// At most one effect under this key.
    pub key: GatewayKey,
    /// What the member's browser brought; the gateway takes it once.
    pub auth_key: Secret,
    /// Whose card it is to be.
    pub customer_key: CustomerKey,
}

/// What became of a key to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issued {
    /// It was made.
    Key(Box<NewKey>),
    /// A definitive refusal, from the explicit list of codes.
    Declined(Decline),
    /// Anything else: the repeat under the same gateway key tells.
    Unknown(Cause),
}

/// A billing key as the gateway made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The key.
    pub billing_key: Secret,
    /// Whose card it says it is; to be compared.
    pub customer_key: String,
    /// The gateway's merchant id.
    pub merchant_id: String,
    /// What the card is recognised by.
    pub card: Card,
    /// When the member confirmed it, where that is told.
    pub authenticated_at: Option<Timestamp>,
}

/// A billing key to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteCall {
    /// What the log calls it by; a deletion is the same however often it is made.
    pub key: GatewayKey,
    /// The key.
    pub billing_key: Secret,
}

/// What became of a key to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The gateway has it no more.
    Gone,
    /// A definitive refusal, from the explicit list of codes.
    Declined(Decline),
    /// Anything else.
    Unknown(Cause),
}
