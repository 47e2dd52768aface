//! Owns how the payments of each part ended, as the books say: the gateway's jump in time must not
//! pass for an approval, nor a stuck saga for a refusal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parts::Part;
use crate::books::{Books, Saga};

/// The code of a decline for want of time.
const LAPSED: &str = "PAYFLOW_SESSION_EXPIRED";

/// How many payments of each part ended how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ends(BTreeMap<String, BTreeMap<End, u64>>);

/// How one payment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum End {
    /// Money was taken for the merchant, whatever was given back later.
    Approved,
    /// What was taken was wrong and is to go back.
    Reversed,
    /// The gateway refused.
    Declined,
    /// Nobody could take the money any more: its time was over.
    Lapsed,
    /// A saga is open.
    Open,
    /// It was never asked to be approved.
    Unasked,
}

impl End {
    /// How `payment` ended.
    fn of(books: &Books, payment: &str) -> Self {
        let approvals = books
            .sagas
            .values()
            .filter(|saga| saga.kind == "APPROVAL" && saga.payment == payment);
        let ends = approvals.map(Self::of_saga);
        // An order with two authentications has two approvals: the better one counts.
        ends.min().unwrap_or(Self::Unasked)
    }

    fn of_saga(saga: &Saga) -> Self {
        match saga.outcome.as_deref() {
            Some("APPROVED") => Self::Approved,
            Some("MISFIT") => Self::Reversed,
            Some(_) if saga.outcome_code.as_deref() == Some(LAPSED) => Self::Lapsed,
            Some(_) => Self::Declined,
            None => Self::Open,
        }
    }
}

impl Ends {
    /// How these payments ended.
    pub(super) fn of(books: &Books, played: &BTreeMap<String, Part>) -> Self {
        let mut ends = Self::default();
        for (payment, part) in played {
            ends.add(&format!("{part:?}"), End::of(books, payment), 1);
        }
        ends
    }

    /// Adds those of another run.
    pub(super) fn merge(&mut self, other: &Self) {
        for (part, counts) in &other.0 {
            for (end, count) in counts {
                self.add(part, *end, *count);
            }
        }
    }

    fn add(&mut self, part: &str, end: End, count: u64) {
        let counts = self.0.entry(part.to_owned()).or_default();
        let counter = counts.entry(end).or_default();
        *counter = counter.saturating_add(count);
    }
}

/// The payments that the gateway can approve, and that are not: with no kill and no window at its
/// end, nothing excuses them.
pub(super) fn unapproved(books: &Books, played: &BTreeMap<String, Part>) -> Vec<String> {
    let approvable = played.iter().filter(|(_, part)| part.is_approvable());
    approvable
        .map(|(payment, part)| (payment, part, End::of(books, payment)))
        .filter(|(_, part, end)| {
            // Who leaves may leave before the request has arrived.
            let left = **part == Part::Leaver && *end == End::Unasked;
            *end != End::Approved && !left
        })
        .map(|(payment, part, end)| format!("{part:?} {payment} ended {end:?}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saga(payment: &str, outcome: Option<&str>, code: Option<&str>) -> Saga {
        Saga {
            id: format!("sag of {payment} {outcome:?}"),
            kind: "APPROVAL".to_owned(),
            payment: payment.to_owned(),
            payment_key: Some(String::new()),
            amount: 1,
            phase: "CLOSED".to_owned(),
            outcome: outcome.map(str::to_owned),
            outcome_code: code.map(str::to_owned),
            reversal: None,
            keyed: true,
            actor: "MERCHANT".to_owned(),
        }
    }

    #[test]
    fn what_was_not_approved_is_named_where_it_could_have_been() {
        let mut books = Books::default();
        for saga in [
            saga("approved", Some("APPROVED"), None),
            saga("approved", Some("DECLINED"), Some("X")),
            saga("lapsed", Some("DECLINED"), Some(LAPSED)),
            saga("refused", Some("DECLINED"), Some("X")),
            saga("wrong", Some("MISFIT"), None),
            saga("open", None, None),
        ] {
            books.sagas.insert(saga.id.clone(), saga);
        }
        let played = ["approved", "lapsed", "refused", "wrong", "open", "unasked"];
        let all = |part| {
            let played = played.iter().map(|payment| ((*payment).to_owned(), part));
            played.collect::<BTreeMap<String, Part>>()
        };
        assert_eq!(unapproved(&books, &all(Part::Plain)).len(), 5);
        assert_eq!(unapproved(&books, &all(Part::Leaver)).len(), 4);
        assert_eq!(unapproved(&books, &all(Part::Declined)).len(), 0);
        let mut ends = Ends::of(&books, &all(Part::Plain));
        ends.merge(&Ends::of(&books, &all(Part::Plain)));
        let expected = [
            End::Approved,
            End::Reversed,
            End::Declined,
            End::Lapsed,
            End::Open,
            End::Unasked,
        ];
        let counts = expected.map(|end| (end, 2));
        assert_eq!(ends.0["Plain"], BTreeMap::from(counts));
    }
}
