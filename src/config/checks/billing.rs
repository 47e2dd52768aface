//! Owns the checks of how due cycles are charged.

use super::{Check, need};
use crate::config::Config;

impl Config {
    pub(super) fn check_billing(&self) -> Check {
        let billing = &self.billing;
        need(
            !billing.every.duration().is_zero(),
            "billing.every",
            "it is zero",
        )?;
        need(
            billing.lease.duration() > billing.every.duration(),
            "billing.lease",
            "it must be longer than billing.every, or a cycle is taken again while it waits",
        )?;
        need(
            billing.charges_at_once > 0,
            "billing.charges_at_once",
            "it is zero",
        )?;
        need(
            billing.charges_per_second > 0,
            "billing.charges_per_second",
            "it is zero",
        )
    }
}
