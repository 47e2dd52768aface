//! Owns what one person may decide alone of money that nobody tells of.

use serde::Deserialize;

use super::Config;
use super::checks::{Check, need};

/// Who may settle what; `config/default.toml` explains every key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// Whether a second person is wanted at all.
    pub second_person: bool,
    /// Up to how much one person decides alone, in minor units of the payment's currency.
    pub alone_minor_max: i64,
}

impl Settle {
    /// Up to how much one person decides alone; none where everything.
    #[must_use]
    pub fn alone_max(&self) -> Option<i64> {
        self.second_person.then_some(self.alone_minor_max)
    }
}

impl Config {
    pub(super) fn check_settle(&self) -> Check {
        need(
            self.settle.alone_minor_max >= 0,
            "settle.alone_minor_max",
            "it is below zero; settle.second_person = false lets one person decide everything",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_decides_everything_on_purpose_alone() {
        let alone = |settings: &str| {
            let config = Config::with(&format!("[settle]\n{settings}"));
            config.map(|config| config.settle.alone_max())
        };
        assert_eq!(alone("").unwrap(), Some(1_000_000));
        assert_eq!(alone("alone_minor_max = 0").unwrap(), Some(0));
        assert_eq!(alone("second_person = false").unwrap(), None);
        let error = alone("alone_minor_max = -1").unwrap_err().to_string();
        assert!(error.contains("settle.alone_minor_max"), "{error}");
    }
}
