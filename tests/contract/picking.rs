//! What taking due cycles costs, however many are not due: the same in one run.

use std::time::{Duration, Instant};

use application::ports::Store;
use domain::change::Change;

use crate::samples::{self, at, tenant};
use crate::stores::{Tested, on_postgres, sqlite_file};
use crate::subscriptions::{LONG, begun, made, plan};

/// How many are due, in both.
const DUE: i64 = 1_000;
/// How many are taken at once.
const PAGE: u32 = 50;
/// How many changes are written at once.
const CHUNK: usize = 600;

/// How many subscriptions there are where there are many.
const MANY: i64 = 30_000;

/// So many subscriptions, of which the first are due.
async fn filled(tested: Tested, count: i64) -> Tested {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let plan = plan(tenant.scope, "monthly");
    store.commit(&[made(&plan)]).await.expect("offered");
    let mut changes: Vec<Change> = Vec::new();
    for number in 0..count {
        let due_at = if number < DUE { 0 } else { 1_000_000 };
        changes.extend(begun(&plan, "member-1", at(due_at + number % 50)).changes);
        if changes.len() >= CHUNK || number + 1 == count {
            store.commit(&changes).await.expect("subscribed");
            changes.clear();
        }
    }
    tested
}

async fn taking(store: &dyn Store) -> Duration {
    let begun = Instant::now();
    let hold = samples::hold(LONG);
    let taken = store.claim_cycles(at(1_000), hold, &[], PAGE).await;
    assert_eq!(taken.expect("taken").len(), 50);
    begun.elapsed()
}

/// By the fastest of many: whatever else the machine does only adds to it.
async fn costs_the_same(few: Tested, lots: Tested) {
    let (few, lots) = (filled(few, DUE).await, filled(lots, MANY).await);
    let (mut small, mut large) = (Duration::MAX, Duration::MAX);
    for _ in 0..DUE / i64::from(PAGE) {
        small = small.min(taking(few.store.as_ref()).await);
        large = large.min(taking(lots.store.as_ref()).await);
    }
    // One and a half times as much at most.
    assert!(large * 2 <= small * 3, "{small:?} and {large:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exhaustive_taking_costs_the_same_on_sqlite() {
    costs_the_same(sqlite_file().await, sqlite_file().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exhaustive_taking_costs_the_same_on_postgres() {
    costs_the_same(on_postgres().await, on_postgres().await).await;
}
