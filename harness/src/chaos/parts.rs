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
    /// Nobody ever pays.
    Abandoned,
}

impl Part {
    /// Every part.
    pub(super) const ALL: [Self; 14] = [
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
        Self::Abandoned,
    ];

    /// The faults that this payment's calls meet, before any random one.
    pub(super) fn rules(self, order: &str, amount: i64) -> Vec<Value> {
        let rule = |operation: &str, times: u32, fault: Value| {
            let target = json!({ "operation": operation, "orderId": order });
            with(target, times, fault)
        };
        let more = json!({ "type": "overCapture", "amount": amount.saturating_add(700) });
        let code = |code: &str| json!({ "type": "code", "code": code });
        let plain = |kind: &str| json!({ "type": kind });
        let wrong = |field: &str| json!({ "type": "wrongBody", "field": field });
        match self {
            Self::Plain | Self::Repeated | Self::TwoKeys | Self::Tampered | Self::Abandoned => {
                Vec::new()
            }
            Self::Leaver => {
                vec![rule(
                    "confirm",
                    1,
                    json!({ "type": "delay", "milliseconds": 200 }),
                )]
            }
            Self::OverCaptured => vec![rule("confirm", 1, more)],
            Self::StuckReversal => vec![
                rule("confirm", 1, more),
                rule("cancel", 1, plain("dropBefore")),
                rule("cancel", 1, code("PROVIDER_ERROR")),
                rule("cancel", 1, plain("dropAfter")),
            ],
            Self::Declined => vec![rule("confirm", 1, code("REJECT_CARD_PAYMENT"))],
            Self::LostAnswer => {
                vec![
                    rule("confirm", 1, plain("dropAfter")),
                    rule("get", 2, plain("notFound")),
                ]
            }
            Self::Temporary => vec![rule("confirm", 1, code("PROVIDER_ERROR"))],
            Self::Confused => vec![
                rule("confirm", 1, wrong("orderId")),
                rule("get", 1, wrong("paymentKey")),
                rule("getByOrder", 1, wrong("garbage")),
            ],
            Self::Misquoted => vec![rule("confirm", 1, wrong("amount"))],
            Self::Late => {
                vec![rule(
                    "confirm",
                    1,
                    json!({ "type": "late", "milliseconds": 900 }),
                )]
            }
        }
    }
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

/// A rule that strikes `times` calls of `target` with `fault`.
fn with(mut target: Value, times: u32, fault: Value) -> Value {
    target["times"] = times.into();
    target["fault"] = fault;
    target
}
