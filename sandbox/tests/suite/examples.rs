//! Owns which captured examples the suite compares the sandbox with, and why not the others.

use std::collections::BTreeSet;

/// Beginnings of the names of examples that no endpoint here answers with or is asked with.
const NOT_SERVED: [(&str, &str); 7] = [
    (
        "req-billing-card",
        "billing keys are not issued for card data",
    ),
    ("req-key-in", "card numbers are not taken by the API"),
    ("cash-receipt", "cash receipts are not issued by themselves"),
    ("promotions-", "promotions are not listed"),
    ("signature-vectors", "compared where signatures are made"),
    ("wh-method-updated", "there is no Brandpay"),
    ("wh-customer-status", "there is no Brandpay"),
];

/// The tests that compare, to see which examples they name.
const COMPARING: [&str; 6] = [
    include_str!("accounts/mod.rs"),
    include_str!("accounts/refunds.rs"),
    include_str!("billing/mod.rs"),
    include_str!("golden.rs"),
    include_str!("lists.rs"),
    include_str!("webhooks/mod.rs"),
];

#[test]
fn every_example_is_compared_or_not_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/toss-examples");
    let entries = std::fs::read_dir(folder).expect("the examples");
    let all: BTreeSet<String> = entries
        .map(|entry| entry.expect("an example").file_name())
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".json")?.to_owned()))
        .collect();
    let compared: BTreeSet<String> = COMPARING
        .iter()
        .flat_map(|source| source.split("example!(\"").skip(1))
        .filter_map(|after| Some(after.split_once('"')?.0.to_owned()))
        .collect();
    let served: BTreeSet<String> = all
        .iter()
        .filter(|name| !NOT_SERVED.iter().any(|(begin, _)| name.starts_with(begin)))
        .cloned()
        .collect();
    assert_eq!(compared, served);
    for (begin, _) in NOT_SERVED {
        assert!(all.iter().any(|name| name.starts_with(begin)), "{begin}");
    }
}
