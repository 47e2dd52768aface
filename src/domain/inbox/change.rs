//! Owns the writes about what gateways tell unasked.

use super::{Hint, Inbound, Number, SecurityKey, Token};
use crate::Timestamp;
use crate::event::Hash;
use crate::id::GatewayAccountId;

/// One write about what gateways tell unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new token; its hash must be free.
    InsertToken(Token),
    /// Lets a token end at a time, as it was revoked or replaced.
    EndToken {
        /// Which one, by its hash.
        hash: [u8; 32],
        /// From when on it lets nothing in.
        expires_at: Timestamp,
        /// The end that it must have now.
        expected: Option<Timestamp>,
    },
    /// A notification that came in; its account must have none of the same digest.
    Insert(Box<Inbound>),
    /// Replaces what became of a notification, and ends whoever's hold on it.
    Update {
        /// The notification as it shall be; its version is `expected + 1`.
        inbound: Box<Inbound>,
        /// The version it must have now.
        expected: i64,
    },
    /// Another security key of an account: its number must be free, and all others must have an
    /// end.
    InsertSecurityKey(Box<SecurityKey>),
    /// Lets a security key end at a time, as it was revoked or replaced.
    EndSecurityKey {
        /// Whose.
        account: GatewayAccountId,
        /// Which one.
        number: Number,
        /// From when on it proves nothing.
        expires_at: Timestamp,
        /// The end that it must have now.
        expected: Option<Timestamp>,
    },
    /// The first hint at a payment.
    InsertHint(Box<Hint>),
    /// Replaces everything of a hint, and ends whoever's hold on it.
    UpdateHint {
        /// The hint as it shall be; its version is `expected + 1`.
        hint: Box<Hint>,
        /// The version it must have now: the fence.
        expected: i64,
    },
}

impl Change {
    /// Where it stands in the order of locks, see [`crate::change::Change::lock_order`]. The same
    /// notification twice is one row, so that no two of it are written together.
    pub(crate) fn lock_order(&self) -> (u8, String) {
        match self {
            Self::InsertToken(token) => (40, Hash(token.hash).to_string()),
            Self::EndToken { hash, .. } => (40, Hash(*hash).to_string()),
            Self::Insert(inbound) | Self::Update { inbound, .. } => {
                (41, place(inbound.account, &inbound.digest))
            }
            Self::InsertHint(hint) | Self::UpdateHint { hint, .. } => {
                (42, hint.payment.to_string())
            }
            // One that ends comes before the one that takes its place.
            Self::InsertSecurityKey(key) => (43, numbered(key.account, key.number)),
            Self::EndSecurityKey {
                account, number, ..
            } => (43, numbered(*account, *number)),
        }
    }
}

fn place(account: GatewayAccountId, digest: &[u8; 32]) -> String {
    format!("{account}/{}", Hash(*digest))
}

fn numbered(account: GatewayAccountId, number: Number) -> String {
    format!("{account}/{:020}", number.get())
}
