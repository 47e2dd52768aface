//! Owns the writes about billing keys.

use super::BillingKey;
use crate::change::Hold;

/// One write about billing keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new key; its customer key must be free.
    Insert(Box<BillingKey>),
    /// Replaces everything of a key that changes. One that has no work left loses its holder. At
    /// most one key of a member may be the default.
    Update {
        /// The key as it shall be; its version is `expected + 1`.
        key: Box<BillingKey>,
        /// The version it must have now: the fence.
        expected: i64,
        /// Who works on it from now on, where somebody begins.
        hold: Option<Hold>,
    },
}

impl Change {
    /// Where it stands in the order of locks, see [`crate::change::Change::lock_order`]: before the
    /// sagas, whose rows refer to the key that they charge and so lock it. The old default gives
    /// way before another key becomes it.
    pub(crate) fn lock_order(&self) -> (u8, String) {
        let key = match self {
            Self::Insert(key) | Self::Update { key, .. } => key,
        };
        let last = u8::from(key.is_default());
        (4, format!("key/{last}/{}", key.id))
    }
}
