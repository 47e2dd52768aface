//! Owns what is refused where money is real, and what master keys have to be.

use std::time::Duration;

use super::{Check, Config, Unsafe, is_loopback, is_memory, need};
use crate::adapters::vault::{Malformed, MasterKeys};

/// How long a client may take to repeat a request whose answer it never saw.
const KEY_LIFETIME_MIN: Duration = Duration::from_hours(15 * 24);

impl Config {
    /// Whether real money is safe with these settings; asked when a live key is configured, and
    /// before a live account that the store holds is served.
    ///
    /// # Errors
    /// The setting that is not safe.
    pub fn fit_for_live(&self) -> Result<(), Unsafe> {
        need(
            !is_loopback(&self.toss.api_url),
            "toss.api_url",
            "a live key must not be sent to a stand-in on this machine",
        )?;
        let sqlite = self.database.url.strip_prefix("sqlite:");
        need(
            !sqlite.is_some_and(is_memory),
            "database.url",
            "real money must not be booked in memory",
        )?;
        need(
            sqlite.is_none() || !self.database.create,
            "database.create",
            "with a live key a mistyped path must not start with empty books; set it to false, \
             and create the file with `payflow migrate` before the key is set",
        )?;
        need(
            self.timings.divide_by == 1,
            "timings.divide_by",
            "shortened timings are for test rigs",
        )?;
        need(
            self.bounds.key_lifetime.duration() >= KEY_LIFETIME_MIN,
            "bounds.key_lifetime",
            "a repeat within 15 days must not be taken for a new order",
        )?;
        need(
            self.vault.is_given(),
            "vault.master_keys",
            "live credentials must not be sealed with a key that nobody keeps; set it, or \
             vault.master_key_file",
        )
    }

    pub(super) fn check_vault(&self) -> Check {
        let vault = &self.vault;
        need(
            vault.master_keys.is_empty() || vault.master_key_file.as_os_str().is_empty(),
            "vault.master_keys",
            "vault.master_key_file is set, too",
        )?;
        if vault.master_keys.is_empty() {
            return Ok(());
        }
        let refused = |Malformed(why): Malformed| Unsafe {
            setting: "vault.master_keys".into(),
            why,
        };
        MasterKeys::parse(&vault.master_keys)
            .map(drop)
            .map_err(refused)
    }
}
