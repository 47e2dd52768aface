//! Owns how a duration is written in a setting: `250ms`, `8s`, `10m`, `1h`, `14d`.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// A duration as a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// The duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// A part of it.
    #[must_use]
    pub fn divided(self, by: u32) -> Duration {
        self.0.checked_div(by).unwrap_or(self.0)
    }
}

/// Text that is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a duration is written as a number and ms, s, m, h or d, for example 8s")]
pub struct Malformed;

impl FromStr for Span {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| Malformed)?;
        let seconds_each = match unit {
            "ms" => return Ok(Self(Duration::from_millis(number))),
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(Malformed),
        };
        let seconds = number.checked_mul(seconds_each).ok_or(Malformed)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit_and_nothing_else() {
        for (text, seconds) in [("8s", 8), ("10m", 600), ("2h", 7200), ("14d", 1_209_600)] {
            assert_eq!(
                text.parse(),
                Ok(Span(Duration::from_secs(seconds))),
                "{text}"
            );
        }
        assert_eq!("250ms".parse(), Ok(Span(Duration::from_millis(250))));
        for wrong in [
            "",
            "8",
            "s",
            "8 s",
            "-8s",
            "8.5s",
            "8S",
            "99999999999999999999s",
            "8w",
        ] {
            assert_eq!(wrong.parse::<Span>(), Err(Malformed), "{wrong}");
        }
        assert_eq!(format!("{}d", u64::MAX).parse::<Span>(), Err(Malformed));
    }
}
