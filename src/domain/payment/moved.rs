//! Owns a move: a payment as it shall be, and the changes that make it so.

use super::Payment;
use crate::change::Change;

/// A payment after a move, and the changes that make it durable.
#[derive(Clone, Debug)]
pub struct Moved {
    /// As it shall be.
    pub payment: Payment,
    /// To commit together.
    pub changes: Vec<Change>,
}

impl Moved {
    /// Nothing has moved so far.
    pub(super) const fn still(payment: Payment) -> Self {
        let changes = Vec::new();
        Self { payment, changes }
    }

    /// Applies one more move on top of this one.
    pub(super) fn and(mut self, next: Self) -> Self {
        self.changes.extend(next.changes);
        Self {
            payment: next.payment,
            changes: self.changes,
        }
    }
}
