//! Owns what lies in the store of secrets: sealed values, and the wrapped keys that seal them.

use std::fmt;

use crate::Timestamp;
use crate::id::{DataKeyId, MerchantId};

/// A sealed value: authenticated and unreadable without its data key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// A data key, wrapped with a master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Which master key unwraps it.
    pub master_key: String,
    /// The wrapped key.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped")
            .field("master_key", &self.master_key)
            .finish_non_exhaustive()
    }
}

/// The key that seals a merchant's secrets; there is one per merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKey {
    /// Its id, which every value it sealed names.
    pub id: DataKeyId,
    /// Whose.
    pub merchant: MerchantId,
    /// The key itself.
    pub wrapped: Wrapped,
    /// Since when.
    pub created_at: Timestamp,
}
