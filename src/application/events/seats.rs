//! Owns how many callers wait for events at once: so few of one tenant's that others can, too, and
//! so few of all that payments find a place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::principal::Scope;

/// How many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seating {
    /// Of one tenant and mode.
    pub of_one: usize,
    /// Of all.
    pub of_all: usize,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupied {
    /// The tenant has as many as one may have.
    ByOne,
    /// All of them together do.
    ByAll,
}

type Taken = BTreeMap<Scope, usize>;

/// Who waits.
pub(crate) struct Seats {
    seating: Seating,
    taken: Arc<Mutex<Taken>>,
}

/// A place to wait at, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    taken: Arc<Mutex<Taken>>,
    scope: Scope,
}

fn locked(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seats {
    pub(crate) fn new(seating: Seating) -> Self {
        let taken = Arc::default();
        Self { seating, taken }
    }

    /// A place to wait at, where there is one left.
    pub(super) fn take(&self, scope: Scope) -> Result<Seat, Occupied> {
        let mut taken = locked(&self.taken);
        let all: usize = taken.values().sum();
        let own = taken.get(&scope).copied().unwrap_or_default();
        if own >= self.seating.of_one {
            return Err(Occupied::ByOne);
        }
        if all >= self.seating.of_all {
            return Err(Occupied::ByAll);
        }
        taken.insert(scope, own.saturating_add(1));
        let taken = Arc::clone(&self.taken);
        Ok(Seat { taken, scope })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
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

    const SEATING: Seating = Seating {
        of_one: 3,
        of_all: 5,
    };

    fn scope(number: u128) -> Scope {
        Scope {
            merchant: MerchantId::new(RawId::from_parts(1, number)),
            mode: Mode::Test,
        }
    }

    #[test]
    fn one_tenant_does_not_take_every_seat() {
        let seats = Seats::new(SEATING);
        let mut own: Vec<_> = (0..3).map(|_| seats.take(scope(1)).unwrap()).collect();
        assert_eq!(seats.take(scope(1)).unwrap_err(), Occupied::ByOne);
        assert!(seats.take(scope(2)).is_ok(), "others find one");
        own.pop();
        assert!(
            seats.take(scope(1)).is_ok(),
            "one that was given up is free"
        );
        drop(own);
        assert!(locked(&seats.taken).is_empty());
    }

    #[test]
    fn all_of_them_together_are_bounded() {
        let seats = Seats::new(SEATING);
        let taken: Vec<_> = (0..5)
            .map(|number| seats.take(scope(number)).unwrap())
            .collect();
        assert_eq!(seats.take(scope(9)).unwrap_err(), Occupied::ByAll);
        drop(taken);
        assert!(seats.take(scope(9)).is_ok());
    }
}
