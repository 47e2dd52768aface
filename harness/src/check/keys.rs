//! Owns I9: one idempotency key, one outcome; one gateway key, one effect.

use std::collections::BTreeMap;

use super::{Findings, Invariant};
use crate::books::Books;
use crate::sandbox::Line;

pub(super) fn check(books: &Books, lines: &[Line], findings: &mut Findings) {
    let mut of_saga: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen: BTreeMap<(&str, &str, &str, &str), usize> = BTreeMap::new();
    for key in &books.keys {
        let name = (&*key.merchant, &*key.mode, &*key.member, &*key.name);
        let uses = seen.entry(name).or_default();
        *uses = uses.saturating_add(1);
        if *uses > 1 {
            findings.breach(Invariant::I9, format!("used {uses} times: {key:?}"));
        }
        let Some(id) = &key.saga else {
            if !key.has_outcome {
                findings.breach(Invariant::I9, format!("no saga will ever finish {key:?}"));
            }
            continue;
        };
        let shared_by = of_saga.entry(id).or_default();
        *shared_by = shared_by.saturating_add(1);
        match books.sagas.get(id) {
            None => findings.breach(Invariant::I9, format!("its saga does not exist: {key:?}")),
            Some(saga) if saga.payment != key.payment => {
                findings.breach(
                    Invariant::I9,
                    format!("its saga is of another payment: {key:?}"),
                );
            }
            Some(saga) if saga.is_open() == key.has_outcome => {
                findings.breach(
                    Invariant::I9,
                    format!("{key:?} and {saga:?} disagree on the end"),
                );
            }
            Some(_) => {}
        }
    }
    for saga in books.sagas.values() {
        let keys = of_saga.get(saga.id.as_str()).copied().unwrap_or(0);
        if keys != usize::from(saga.keyed) {
            findings.breach(Invariant::I9, format!("{keys} keys share {saga:?}"));
        }
    }
    effects(lines, findings);
}

/// A gateway key names one saga and one try: it moves money once.
fn effects(lines: &[Line], findings: &mut Findings) {
    let mut effects: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in lines {
        let Some(key) = &line.idempotency_key else {
            continue;
        };
        // All tries of one saga together: a second effect under the next key is one too many.
        let saga = key.rsplit_once('-').map_or(key.as_str(), |(saga, _)| saga);
        let count = effects.entry((saga, &line.payment_key)).or_default();
        *count = count.saturating_add(1);
        if *count > 1 {
            findings.breach(Invariant::I9, format!("effect {count} of {saga}: {line:?}"));
        }
    }
}
