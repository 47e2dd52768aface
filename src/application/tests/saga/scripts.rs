//! Owns the enumeration: every script of faults up to a length, each run to its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::payment::PayStatus;

use crate::bugs::Bug;
use crate::faults::{Fault, OF_APPROVAL, of_calls_and_commits};
use crate::judge::breaches;
use crate::world::{World, in_virtual_time};

/// Runs one script to its end; what is wrong afterwards.
pub(crate) fn run(faults: &[Fault], bug: Option<Bug>) -> Vec<String> {
    in_virtual_time(async {
        let world = World::new(faults, bug).await;
        let key = world.authenticate("tgen_script0001");
        world.approve_until_final(&key).await;
        let settled = world.settle().await;
        // A last repeat is told what the first was told.
        world.approve_until_final(&key).await;
        breaches(&world, settled).await
    })
}

/// The `index`-th script of `length` faults.
pub(crate) fn script(alphabet: &[Fault], mut index: usize, length: usize) -> Vec<Fault> {
    let mut faults = Vec::with_capacity(length);
    for _ in 0..length {
        faults.push(alphabet[index % alphabet.len()]);
        index /= alphabet.len();
    }
    faults
}

pub(crate) fn count(alphabet: &[Fault], length: u32) -> usize {
    alphabet.len().pow(length)
}

/// Of the longest scripts one in so many is run; all of them where this is in the environment.
const EVERY_SCRIPT: &str = "PAYFLOW_TEST_EVERY_SCRIPT";
/// Shares no factor with the number of faults, so that each is met at every place.
const ONE_IN: usize = 9;

/// Runs one in `step` scripts of a length on all cores; the first few breaches.
fn enumerate(
    alphabet: &[Fault],
    (length, step): (u32, usize),
    run: impl Fn(&[Fault]) -> Vec<String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let one = || {
            let mut found = Vec::new();
            loop {
                let index = next.fetch_add(step, Ordering::Relaxed);
                if index >= count(alphabet, length) || found.len() > 5 {
                    return found;
                }
                let faults = script(alphabet, index, usize::try_from(length).unwrap());
                let wrong = run(&faults);
                if !wrong.is_empty() {
                    found.push(format!("{faults:?}: {wrong:?}"));
                }
            }
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(one)).collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().unwrap())
            .collect()
    })
}

/// Every script of this length ends well.
pub(crate) fn all_well(
    alphabet: &[Fault],
    length: u32,
    run: impl Fn(&[Fault]) -> Vec<String> + Sync,
) {
    let found = enumerate(alphabet, (length, 1), run);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Of the scripts of this length some end well, or all where all are run.
pub(crate) fn some_well(
    alphabet: &[Fault],
    length: u32,
    run: impl Fn(&[Fault]) -> Vec<String> + Sync,
) {
    assert_ne!(
        alphabet.len() % 3,
        0,
        "some faults would not be met at some places"
    );
    let step = std::env::var_os(EVERY_SCRIPT).map_or(ONE_IN, |_| 1);
    let found = enumerate(alphabet, (length, step), run);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn without_a_fault_the_money_is_taken_once() {
    in_virtual_time(async {
        let world = World::new(&[], None).await;
        let key = world.authenticate("tgen_script0001");
        world.approve_until_final(&key).await;
        assert!(world.settle().await);
        let view = world.memory_payment().await;
        assert_eq!(view.status(), PayStatus::Done);
        assert_eq!(world.gateway.books.lock().unwrap().confirms_with_effect, 1);
    });
}

#[test]
fn every_fault_is_reached() {
    for fault in OF_APPROVAL {
        let script = fault.with_a_reason();
        let used = in_virtual_time(async {
            let world = World::new(&script, None).await;
            let key = world.authenticate("tgen_script0001");
            world.approve_until_final(&key).await;
            world.settle().await;
            world.is_used_up()
        });
        assert!(used, "{fault:?} never struck");
    }
}

#[test]
fn an_unauthenticated_key_is_declined_at_once() {
    in_virtual_time(async {
        let world = World::new(&[], None).await;
        let begun = tokio::time::Instant::now();
        world.approve_until_final(&"garbage".parse().unwrap()).await;
        assert!(
            begun.elapsed() < Duration::from_secs(8),
            "{:?}",
            begun.elapsed()
        );
        let payment = world.memory_payment().await;
        assert_eq!(payment.status(), PayStatus::Ready);
        assert!(payment.state.declined().is_some());
    });
}

#[test]
fn scripts_of_length_0_to_3() {
    (0..=3).for_each(|length| all_well(&OF_APPROVAL, length, |faults| run(faults, None)));
}

/// All 160,000 of them; the quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_4() {
    all_well(&OF_APPROVAL, 4, |faults| run(faults, None));
}

/// Of 537,824, all but those that strike questions, one in nine; `scripts/prove` runs them all.
#[test]
fn exhaustive_scripts_of_length_5() {
    some_well(of_calls_and_commits(), 5, |faults| run(faults, None));
}
