//! Owns the parts that payments play in a run, and the faults that belong to each.

use serde_json::{Value, json};

/// What one payment goes through. Each is there to reach boundaries that the others do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One request, with whatever goes wrong at random.
    Plain,
    /// Three requests with one idempotency key at once.
    Repeated,
    /// Two authentications of one order, approved at once.
    TwoKeys,
    /// The redirect's amount was tampered with; then the true one.
    Tampered,
    /// The client leaves after 50 ms and never comes back.
    Leaver,
    /// The gateway takes more than was asked.
    OverCaptured,
    /// As above, and giving it back fails in every way first.
    StuckReversal,
    /// The card is refused.
    Declined,
    /// Money is taken and the answer lost; the gateway is slow to know of it.
    LostAnswer,
    /// A temporary error is stored under the key; the second key succeeds.
    Temporary,
    /// The request arrives after everybody has given up on it.
    Late,
    /// The first answer is about somebody else's order, the next about none.
    Confused,
    /// The first answer has the right ids and another amount; what was captured is right.
    Misquoted,
    /// Money is taken and the answer lost; the first question is told another amount.
    LostThenMisquoted,
    /// Nobody ever pays.
    Abandoned,
    /// Withdrawn while it is being paid: one of the two comes first.
    Withdrawn,
    /// Paid, and all of it wanted back twice with one key at once.
    CanceledTwice,
    /// Paid, and wanted back in four parts at once, the last of them whatever is left.
    CanceledInParts,
    /// Given back, the answer lost, and the gateway slow to know of it.
    CancelLost,
    /// A temporary error is stored under the cancellation's key; the second key succeeds.
    CancelTemporary,
    /// The cancellation arrives after everybody has given up on it.
    CancelLate,
    /// The gateway does not give it back.
    CancelRefused,
    /// The cancellation's first answer is about another order, the next about another payment.
    CancelConfused,
    /// Who wants it back leaves after 50 ms and never comes back.
    CancelLeaver,
}

impl Part {
    /// Every part.
    pub(super) const ALL: [Self; 24] = [
        Self::Plain,
        Self::Repeated,
        Self::TwoKeys,
        Self::Tampered,
        Self::Leaver,
        Self::OverCaptured,
        Self::StuckReversal,
        Self::Declined,
        Self::LostAnswer,
        Self::Temporary,
        Self::Late,
        Self::Confused,
        Self::Misquoted,
        Self::LostThenMisquoted,
        Self::Abandoned,
        Self::Withdrawn,
        Self::CanceledTwice,
        Self::CanceledInParts,
        Self::CancelLost,
        Self::CancelTemporary,
        Self::CancelLate,
        Self::CancelRefused,
        Self::CancelConfused,
        Self::CancelLeaver,
    ];

    /// Whether the gateway, left alone with this part's own faults, takes the money.
    pub(super) const fn is_approvable(self) -> bool {
        !matches!(
            self,
            Self::OverCaptured
                | Self::StuckReversal
                | Self::Declined
                | Self::Abandoned
                | Self::Withdrawn
        )
    }

    /// The faults that this payment's calls meet, before any random one.
    pub(super) fn rules(self, order: &str, amount: i64) -> Vec<Value> {
        let faults = match self {
            Self::Plain
            | Self::Repeated
            | Self::TwoKeys
            | Self::Tampered
            | Self::Abandoned
            | Self::Withdrawn
            | Self::CanceledTwice
            | Self::CanceledInParts => Vec::new(),
            Self::Leaver => vec![("confirm", 1, lasting("delay", 200))],
            Self::OverCaptured => vec![("confirm", 1, more(amount))],
            Self::StuckReversal => vec![
                ("confirm", 1, more(amount)),
                ("cancel", 1, plain("dropBefore")),
                ("cancel", 1, code("PROVIDER_ERROR")),
                ("cancel", 1, plain("dropAfter")),
            ],
            Self::Declined => vec![("confirm", 1, code("REJECT_CARD_PAYMENT"))],
            Self::LostAnswer => vec![
                ("confirm", 1, plain("dropAfter")),
                ("get", 2, plain("notFound")),
            ],
            Self::Temporary => vec![("confirm", 1, code("PROVIDER_ERROR"))],
            Self::Confused => vec![
                ("confirm", 1, wrong("orderId")),
                ("get", 1, wrong("paymentKey")),
                ("getByOrder", 1, wrong("garbage")),
            ],
            Self::Misquoted => vec![("confirm", 1, wrong("amount"))],
            Self::LostThenMisquoted => vec![
                ("confirm", 1, plain("dropAfter")),
                ("get", 1, wrong("amount")),
            ],
            Self::Late => vec![("confirm", 1, lasting("late", 900))],
            Self::CancelLost => vec![
                ("cancel", 1, plain("dropAfter")),
                ("get", 1, plain("notFound")),
            ],
            Self::CancelTemporary => vec![("cancel", 1, code("PROVIDER_ERROR"))],
            Self::CancelLate => vec![("cancel", 1, lasting("late", 900))],
            Self::CancelRefused => vec![("cancel", 1, code("EXCEED_CANCEL_LIMIT"))],
            Self::CancelConfused => vec![
                ("cancel", 1, wrong("orderId")),
                ("get", 1, wrong("paymentKey")),
            ],
            Self::CancelLeaver => vec![("cancel", 1, lasting("delay", 200))],
        };
        faults.into_iter().map(|met| rule(order, met)).collect()
    }
}

fn rule(order: &str, (operation, times, fault): (&str, u32, Value)) -> Value {
    json!({ "operation": operation, "orderId": order, "times": times, "fault": fault })
}

fn plain(kind: &str) -> Value {
    json!({ "type": kind })
}

fn code(code: &str) -> Value {
    json!({ "type": "code", "code": code })
}

fn wrong(field: &str) -> Value {
    json!({ "type": "wrongBody", "field": field })
}

fn lasting(kind: &str, milliseconds: u64) -> Value {
    json!({ "type": kind, "milliseconds": milliseconds })
}

/// The gateway takes more than it was asked for.
fn more(amount: i64) -> Value {
    json!({ "type": "overCapture", "amount": amount.saturating_add(700) })
}

/// Random faults for all other calls, the same for the same seed.
///
/// Wrong bodies are not among them: two that tell the same lie about an amount cannot be told from
/// a capture of that amount, and are booked as what they say (`docs/adr/0004`).
pub(super) fn random_faults(seed: u64) -> Value {
    json!({
        "random": {
            "seed": seed,
            "perMille": {
                "delay": 60, "dropBefore": 40, "dropAfter": 60, "status": 40,
                "code": 30, "unknownCode": 10, "cutBody": 30, "tooManyRequests": 20,
                "processing": 20, "notFound": 40, "late": 30, "overCapture": 10,
            },
            "delayMilliseconds": 300,
            "lateMilliseconds": 1000,
        }
    })
}
