//! Owns how many requests wait for events at once: so few of one tenant's that others can, too,
//! and so few of all that payments find a place.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::principal::Scope;

/// How many of one tenant and mode wait at once.
const OF_ONE_MAX: usize = 8;
/// How many of all wait at once.
const OF_ALL_MAX: usize = 512;

/// Who waits.
#[derive(Default)]
pub(crate) struct Seats(Mutex<BTreeMap<Scope, usize>>);

/// A place to wait at, given up when it is dropped.
pub(super) struct Seat<'s> {
    seats: &'s Seats,
    scope: Scope,
}

impl Seats {
    fn taken(&self) -> MutexGuard<'_, BTreeMap<Scope, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place to wait at, where there is one left.
    pub(super) fn take(&self, scope: Scope) -> Option<Seat<'_>> {
        let mut taken = self.taken();
        let all: usize = taken.values().sum();
        let own = taken.get(&scope).copied().unwrap_or_default();
        if all >= OF_ALL_MAX || own >= OF_ONE_MAX {
            return None;
        }
        taken.insert(scope, own.saturating_add(1));
        Some(Seat { seats: self, scope })
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        let left = taken
            .get(&self.scope)
            .map_or(0, |own| own.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.scope);
        } else {
            taken.insert(self.scope, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{MerchantId, RawId};
    use domain::principal::Mode;

    fn scope(number: u128) -> Scope {
        Scope {
            merchant: MerchantId::new(RawId::from_parts(1, number)),
            mode: Mode::Test,
        }
    }

    #[test]
    fn one_tenant_does_not_take_every_seat() {
        let seats = Seats::default();
        let mut own: Vec<_> = (0..OF_ONE_MAX).map(|_| seats.take(scope(1))).collect();
        assert!(own.iter().all(Option::is_some));
        assert!(seats.take(scope(1)).is_none());
        assert!(seats.take(scope(2)).is_some(), "others find one");
        own.pop();
        assert!(
            seats.take(scope(1)).is_some(),
            "one that was given up is free"
        );
        drop(own);
        assert!(seats.taken().is_empty());
    }

    #[test]
    fn all_of_them_together_are_bounded() {
        let seats = Seats::default();
        let taken: Vec<_> = (0..OF_ALL_MAX)
            .filter_map(|number| seats.take(scope(u128::try_from(number).ok()?)))
            .collect();
        assert_eq!(taken.len(), OF_ALL_MAX);
        assert!(seats.take(scope(9_999)).is_none());
    }
}
