//! Owns random faults: so many of a thousand calls each, the same for the same seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fault, When, WrongField, dice};

/// How likely each fault is, and the seed that decides.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Chaos {
    seed: u64,
    per_mille: BTreeMap<Kind, u16>,
    #[serde(default = "delay_milliseconds")]
    delay_milliseconds: u64,
    #[serde(default = "late_milliseconds")]
    late_milliseconds: u64,
}

/// The types of fault, in the order in which they are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Delay,
    DropBefore,
    DropAfter,
    CutBody,
    Status,
    Code,
    UnknownCode,
    WrongBody,
    TooManyRequests,
    Processing,
    NotFound,
    Late,
    OverCapture,
}

impl Chaos {
    pub(super) fn check(&self) -> Result<(), String> {
        let sum: u64 = self.per_mille.values().copied().map(u64::from).sum();
        if sum <= 1000 {
            Ok(())
        } else {
            Err("perMille adds up to more than 1000".to_owned())
        }
    }

    /// The fault of this arrival, if it has one.
    pub(super) fn draw(&self, arrival: u64) -> Option<Fault> {
        let mut rest = dice(self.seed, arrival, 1000);
        for (kind, per_mille) in &self.per_mille {
            match rest.checked_sub(u64::from(*per_mille)) {
                None => return Some(self.fault(*kind, arrival)),
                Some(left) => rest = left,
            }
        }
        None
    }

    fn fault(&self, kind: Kind, arrival: u64) -> Fault {
        // A second die, so that the variant does not follow from the kind's.
        let variant = |count| dice(!self.seed, arrival, count);
        match kind {
            Kind::Delay => Fault::Delay {
                milliseconds: variant(self.delay_milliseconds),
            },
            Kind::DropBefore => Fault::DropBefore,
            Kind::DropAfter => Fault::DropAfter,
            Kind::CutBody => Fault::CutBody,
            Kind::Status => Fault::Status {
                status: if variant(4) < 2 { 502 } else { 503 },
                when: if variant(2) == 0 {
                    When::Before
                } else {
                    When::After
                },
                html: true,
            },
            Kind::Code => {
                let temporary = match variant(3) {
                    0 => "PROVIDER_ERROR",
                    1 => "FAILED_INTERNAL_SYSTEM_PROCESSING",
                    _ => "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING",
                };
                Fault::Code {
                    code: temporary.to_owned(),
                }
            }
            Kind::UnknownCode => Fault::UnknownCode,
            Kind::WrongBody => Fault::WrongBody {
                field: match variant(6) {
                    0 => WrongField::OrderId,
                    1 => WrongField::Amount,
                    2 => WrongField::PaymentKey,
                    3 => WrongField::MId,
                    4 => WrongField::Currency,
                    _ => WrongField::Garbage,
                },
            },
            Kind::TooManyRequests => Fault::TooManyRequests,
            Kind::Processing => Fault::Processing,
            Kind::NotFound => Fault::NotFound,
            Kind::Late => Fault::Late {
                milliseconds: variant(self.late_milliseconds),
            },
            Kind::OverCapture => {
                let amount = i64::try_from(variant(100_000))
                    .unwrap_or(0)
                    .saturating_add(100);
                Fault::OverCapture { amount }
            }
        }
    }
}

fn delay_milliseconds() -> u64 {
    300
}

fn late_milliseconds() -> u64 {
    2000
}
