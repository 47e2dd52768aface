//! Owns the enumeration: every script of faults up to a length, each run to its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::payment::PayStatus;

use crate::bugs::Bug;
use crate::faults::Fault;
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
pub(crate) fn script(mut index: usize, length: usize) -> Vec<Fault> {
    let mut faults = Vec::with_capacity(length);
    for _ in 0..length {
        faults.push(Fault::ALL[index % Fault::ALL.len()]);
        index /= Fault::ALL.len();
    }
    faults
}

pub(crate) fn count(length: u32) -> usize {
    Fault::ALL.len().pow(length)
}

/// Runs all scripts of a length on all cores; the first few breaches.
fn enumerate(length: u32) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let one = || {
            let mut found = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count(length) || found.len() > 5 {
                    return found;
                }
                let faults = script(index, usize::try_from(length).unwrap());
                let wrong = run(&faults, None);
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

fn all_well(length: u32) {
    let found = enumerate(length);
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
    for fault in Fault::ALL {
        let used = in_virtual_time(async {
            let world = World::new(&[fault], None).await;
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
    (0..=3).for_each(all_well);
}

/// All 38,416 of them; the quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_4() {
    all_well(4);
}

/// All 537,824 of them.
#[test]
fn exhaustive_scripts_of_length_5() {
    all_well(5);
}
