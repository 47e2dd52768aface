//! Owns how many calls of a kind a minute may have: the real test environment takes 100.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::calls::Operation;
use crate::clock::Timestamp;

const SECONDS_PER_MINUTE: i64 = 60;

/// The calls of the present minute, by kind.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    counts: Mutex<HashMap<Operation, Count>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    minute: i64,
    calls: i64,
}

impl Rates {
    /// Counts a call; false when its minute is full. A limit of 0 is none.
    pub(crate) fn admit(&self, operation: Operation, now: Timestamp, limit: i64) -> bool {
        if limit == 0 {
            return true;
        }
        let minute = now.timestamp().div_euclid(SECONDS_PER_MINUTE);
        let mut counts = self
            .counts
            .lock()
            .expect("nothing panics while the rates are locked");
        let count = counts.entry(operation).or_default();
        if count.minute != minute {
            *count = Count { minute, calls: 0 };
        }
        count.calls = count.calls.saturating_add(1);
        count.calls <= limit
    }
}
