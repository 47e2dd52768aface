//! Owns the configuration: defaults, then a file, then the environment, and what is refused.

mod checks;
pub mod identity;
mod sections;
mod settle;
mod span;
mod traces;
mod unreadable;

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::Deserialize;

pub use checks::Unsafe;
pub use identity::Identity;
pub use sections::{
    Billing, Bounds, CardCompany, Clock, ClockSource, Database, Feed, Files, ForwardedBy, Inbox,
    Kafka, Limits, Log, LogFormat, Metrics, Payments, Redis, Sandbox, Server, Shop, StepUp, Stream,
    Timings, Toss, Vault, Webhooks,
};
pub use settle::Settle;
pub use span::Span;
pub use traces::Traces;
pub use unreadable::Unreadable;

/// Every key with its default and its explanation.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Names that are read besides `PAYFLOW_…`, and the settings they stand for.
const WELL_KNOWN: [(&str, &str); 10] = [
    ("database_url", "database.url"),
    ("kafka_brokers", "kafka.brokers"),
    ("redis_url", "redis.url"),
    ("toss_secret_key", "toss.secret_key"),
    ("toss_client_key", "toss.client_key"),
    ("toss_merchant_id", "toss.merchant_id"),
    ("toss_api_url", "toss.api_url"),
    ("toss_sdk_url", "toss.sdk_url"),
    ("rust_log", "log.filter"),
    ("otel_exporter_otlp_endpoint", "traces.endpoint"),
];

/// Every setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The edge.
    pub server: Server,
    /// How often callers may come.
    pub limits: Limits,
    /// The metrics.
    pub metrics: Metrics,
    /// Where files are kept.
    pub files: Files,
    /// The store.
    pub database: Database,
    /// Whose tokens members may come with.
    pub identity: Identity,
    /// For what members prove themselves.
    pub step_up: StepUp,
    /// What payments may be.
    pub payments: Payments,
    /// The gateway.
    pub toss: Toss,
    /// The card company.
    pub card_company: CardCompany,
    /// What secrets are sealed with.
    pub vault: Vault,
    /// The gateway's stand-in.
    pub sandbox: Sandbox,
    /// The merchant that comes with the embedded stand-in.
    pub shop: Shop,
    /// What payments are dated by.
    pub clock: Clock,
    /// How long things take.
    pub timings: Timings,
    /// How much is done at once.
    pub bounds: Bounds,
    /// How due cycles are charged.
    pub billing: Billing,
    /// How events leave.
    pub feed: Feed,
    /// The broker that hears of them.
    pub kafka: Kafka,
    /// What copies of the service share.
    pub redis: Redis,
    /// How payments are streamed.
    pub stream: Stream,
    /// How webhooks are brought.
    pub webhooks: Webhooks,
    /// How gateways' notifications are taken.
    pub inbox: Inbox,
    /// What one person may settle alone.
    pub settle: Settle,
    /// Where spans go.
    pub traces: Traces,
    /// What is logged.
    pub log: Log,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be read, is unknown or is of the wrong type.
    #[error("the configuration cannot be read: {0}")]
    Unreadable(Unreadable),
    /// The settings together would not be safe.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
}

/// Which gateway the settings choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway<'a> {
    /// A sandbox inside this process, where the build has one.
    Embedded,
    /// A sandbox that runs already.
    Sandbox {
        /// Its base address.
        url: &'a str,
    },
    /// Toss Payments.
    Toss,
}

impl Config {
    /// The configuration of this process: defaults, then `file`, then the environment.
    ///
    /// # Errors
    /// A setting is unreadable, or the settings together are not safe.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        let mut layers = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            layers = layers.merge(Toml::file_exact(file));
        }
        Self::of(&layers.merge(well_known()).merge(environment()))
    }

    /// The defaults overridden by `overrides`, a TOML text; for tests and tools.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn with(overrides: &str) -> Result<Self, Error> {
        Self::of(&Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(overrides)))
    }

    fn of(layers: &Figment) -> Result<Self, Error> {
        let config: Self = layers
            .extract()
            .map_err(|error| Error::Unreadable(error.into()))?;
        config.check()?;
        Ok(config)
    }

    /// Which gateway the settings choose.
    #[must_use]
    pub fn gateway(&self) -> Gateway<'_> {
        if !self.sandbox.url.is_empty() {
            let url = &self.sandbox.url;
            return Gateway::Sandbox { url };
        }
        if self.toss.secret_key.is_empty() {
            Gateway::Embedded
        } else {
            Gateway::Toss
        }
    }

    /// Whether real money is at stake.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.toss.secret_key.starts_with("live_")
    }
}

/// `PAYFLOW_SECTION__KEY`. Names without the double underscore are not settings.
fn environment() -> Env {
    Env::prefixed("PAYFLOW_")
        .filter(|name| name.as_str().contains("__"))
        .split("__")
}

fn well_known() -> Env {
    let known = |name: &str| {
        let known = WELL_KNOWN.iter();
        let mut found = known.filter(|(known, _)| name.eq_ignore_ascii_case(known));
        found.next().map(|(_, setting)| *setting)
    };
    Env::raw().filter_map(move |name| known(name.as_str()).map(Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_a_configuration() {
        let config = Config::with("").unwrap();
        assert_eq!(config.gateway(), Gateway::Embedded);
        assert!(!config.is_live());
        assert_eq!(config.timings.patience().as_secs(), 8);
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        let error = Config::with("[server]\nlisten_to = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.to_string().contains("listen_to"), "{error}");
        let error = Config::with("[timings]\npatience = \"soon\"").unwrap_err();
        assert!(error.to_string().contains("timings.patience"), "{error}");
    }

    #[test]
    fn what_was_mistyped_is_not_shown() {
        for (settings, named) in [
            ("toss.secret_key = \"4912", "line 1, column"),
            ("toss.secret_key 4912", "line 1, column"),
            ("toss = \"4912\"", "toss: a text instead of"),
            ("toss.secret_key = 4912", "toss.secret_key: a number"),
            ("toss.secret_key = [\"4912\"]", "toss.secret_key: a list"),
            (
                "vault.master_keys = { a = \"4912\" }",
                "vault.master_keys: a table",
            ),
            ("log.format = \"4912\"", "log.format: none of"),
        ] {
            let error = Config::with(settings).unwrap_err();
            let (shown, inside) = (error.to_string(), format!("{error:?}"));
            assert!(shown.contains(named), "{settings}: {shown}");
            assert!(
                !shown.contains("4912") && !inside.contains("4912"),
                "{inside}"
            );
        }
    }

    #[test]
    fn timings_are_divided_together() {
        let config = Config::with("[timings]\ndivide_by = 10").unwrap();
        assert_eq!(config.timings.patience().as_millis(), 800);
        assert_eq!(config.timings.lease().as_millis(), 1500);
        assert_eq!(config.timings.ask_after()[0].as_millis(), 200);
        assert_eq!(config.toss_timeouts().total.as_millis(), 6500);
    }
}
