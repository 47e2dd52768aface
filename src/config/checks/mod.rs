//! Owns what is refused: settings that are each possible but together would not be safe.

mod billing;
mod edge;
mod feed;
mod identity;
mod inbox;
mod kafka;
mod live;
mod redis;
mod webhooks;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use domain::money::{Currency, Money};

use super::{Config, Gateway};

/// A setting that would not be safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {why}")]
pub struct Unsafe {
    /// Which one.
    pub setting: Cow<'static, str>,
    /// Why not.
    pub why: &'static str,
}

pub(super) type Check = Result<(), Unsafe>;

pub(super) fn need(holds: bool, setting: impl Into<Cow<'static, str>>, why: &'static str) -> Check {
    if holds {
        return Ok(());
    }
    let setting = setting.into();
    Err(Unsafe { setting, why })
}

impl Config {
    pub(super) fn check(&self) -> Check {
        self.check_gateway()?;
        self.check_keys()?;
        self.check_sandbox()?;
        self.check_database()?;
        self.check_payments()?;
        self.check_edge()?;
        self.check_identity()?;
        self.check_timings()?;
        self.check_watch()?;
        self.check_bounds()?;
        self.check_feed()?;
        self.check_billing()?;
        self.check_kafka()?;
        self.check_redis()?;
        self.check_webhooks()?;
        self.check_inbox()?;
        self.check_settle()?;
        self.check_traces()?;
        self.check_vault()?;
        if self.is_live() {
            self.fit_for_live()?;
        }
        Ok(())
    }

    /// What serving takes besides; the other commands need no gateway.
    ///
    /// # Errors
    /// There is nobody to call: no gateway is named, and the build does not embed a sandbox.
    pub fn check_serving(&self, embeds_sandbox: bool) -> Check {
        need(
            embeds_sandbox || self.gateway() != Gateway::Embedded,
            "toss.secret_key",
            "it is empty, and this build has no sandbox to stand in; set it, or sandbox.url",
        )
    }

    /// What sharing the work between processes takes besides.
    ///
    /// # Errors
    /// The database or the gateway is inside of one process, which others cannot reach.
    pub fn check_shared(&self) -> Check {
        need(
            self.database.url.starts_with("postgres"),
            "database.url",
            "with --role it must be PostgreSQL: a service on SQLite is alone, and does everything",
        )?;
        need(
            self.gateway() != Gateway::Embedded,
            "toss.secret_key",
            "with --role the gateway has to be one for all: set it, or sandbox.url",
        )
    }

    fn check_gateway(&self) -> Check {
        let toss = &self.toss;
        need(
            is_http(&toss.api_url) && is_http(&toss.sdk_url),
            "toss.api_url",
            "it and toss.sdk_url must begin with https://",
        )?;
        need(
            is_encrypted(&toss.api_url) || is_loopback(&toss.api_url),
            "toss.api_url",
            "plain http would show the secret key to the network",
        )?;
        let card_company = &self.card_company.api_url;
        need(
            card_company.is_empty() || is_encrypted(card_company) || is_loopback(card_company),
            "card_company.api_url",
            "plain http would show payments to the network",
        )?;
        need(
            toss.calls_max > 0,
            "toss.calls_max",
            "no call could ever be made",
        )
    }

    fn check_keys(&self) -> Check {
        let (secret, client) = (&self.toss.secret_key, &self.toss.client_key);
        if secret.is_empty() {
            return need(
                client.is_empty(),
                "toss.secret_key",
                "there is only a client key",
            );
        }
        let kinds = ["test_sk_", "live_sk_", "test_gsk_", "live_gsk_"];
        need(
            kinds.iter().any(|kind| secret.starts_with(kind)),
            "toss.secret_key",
            "a secret key begins with test_sk_, live_sk_, test_gsk_ or live_gsk_",
        )?;
        need(
            secret.bytes().all(|byte| byte.is_ascii_graphic()),
            "toss.secret_key",
            "it holds a space or another character that no key has",
        )?;
        need(
            !client.is_empty(),
            "toss.client_key",
            "the payment window needs it",
        )?;
        need(
            ["test_ck_", "live_ck_", "test_gck_", "live_gck_"]
                .iter()
                .any(|kind| client.starts_with(kind)),
            "toss.client_key",
            "a client key begins with test_ck_, live_ck_, test_gck_ or live_gck_",
        )?;
        need(
            client.starts_with("live_") == self.is_live(),
            "toss.client_key",
            "one key is for tests, the other is live",
        )
    }

    fn check_sandbox(&self) -> Check {
        let url = &self.sandbox.url;
        need(
            url.is_empty() || is_http(url),
            "sandbox.url",
            "it must begin with http://",
        )?;
        need(
            url.is_empty() || !self.is_live(),
            "sandbox.url",
            "a live key must not be sent to a sandbox",
        )?;
        need(
            url.is_empty() || is_encrypted(url) || is_loopback(url),
            "sandbox.url",
            "plain http would show the secret key to the network",
        )?;
        need(
            self.gateway() != Gateway::Embedded || self.sandbox.listen.ip().is_loopback(),
            "sandbox.listen",
            "the embedded sandbox has a well-known key; it may listen on this machine only",
        )?;
        let opens = self.gateway() == Gateway::Embedded && self.shop.enabled;
        need(
            !opens || self.shop.listen.ip().is_loopback(),
            "shop.listen",
            "its buyers pay at the embedded sandbox, which only this machine reaches",
        )
    }

    fn check_database(&self) -> Check {
        let database = &self.database;
        need(database.pool_size > 0, "database.pool_size", "it is zero")?;
        let url = database.url.as_str();
        let Some(path) = url.strip_prefix("sqlite:") else {
            let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
            return need(postgres, "database.url", "neither sqlite: nor postgres://");
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        need(!path.is_empty(), "database.url", "sqlite: needs a path")?;
        need(
            database.create || is_memory(path) || Path::new(path).exists(),
            "database.url",
            "there is no such file, and database.create is false",
        )
    }

    fn check_payments(&self) -> Check {
        let payments = &self.payments;
        need(
            !payments.currencies.is_empty(),
            "payments.currencies",
            "there is none",
        )?;
        need(
            payments
                .currencies
                .iter()
                .all(|code| code.parse::<Currency>().is_ok()),
            "payments.currencies",
            "one of them is not kept books in",
        )?;
        need(
            (1..=Money::MINOR_MAX).contains(&payments.amount_minor_max),
            "payments.amount_minor_max",
            "not an amount above zero that every JSON reader keeps exactly",
        )?;
        need(
            self.timings.payment_lifetime.duration() >= Duration::from_mins(1),
            "timings.payment_lifetime",
            "nobody pays in less than a minute",
        )?;
        need(
            self.timings.payment_lifetime <= payments.lifetime_max,
            "payments.lifetime_max",
            "it is less than timings.payment_lifetime",
        )
    }

    fn check_timings(&self) -> Check {
        let timings = &self.timings;
        need(timings.divide_by > 0, "timings.divide_by", "it is zero")?;
        let total = self.toss_timeouts().total;
        let pause = timings.recovery_every().min(timings.expiry_every());
        need(
            !pause.is_zero(),
            "timings.recovery_every",
            "it or timings.expiry_every is zero",
        )?;
        need(
            !timings.upkeep_every().is_zero(),
            "timings.upkeep_every",
            "it is zero",
        )?;
        let switches = timings.switches_every();
        need(
            !switches.is_zero() && switches <= Duration::from_secs(5),
            "timings.switches_every",
            "it must be above zero, and at most 5s, for a switch to count within 10s",
        )?;
        need(
            timings.patience() < timings.stuck_after(),
            "timings.stuck_after",
            "it must be longer than timings.patience, or a payment is stuck while its caller waits",
        )?;
        need(
            !timings.patience().is_zero(),
            "timings.patience",
            "it is zero",
        )?;
        need(
            timings.patience() < timings.drain(),
            "timings.drain",
            "it must be longer than timings.patience, so that requests end before the process",
        )?;
        need(
            timings.drain() < total,
            "toss.total_timeout",
            "it must be longer than timings.drain",
        )?;
        need(
            total < timings.call_bound(),
            "timings.call_bound",
            "it must be longer than toss.total_timeout, or a late call is taken for none",
        )?;
        need(
            timings.call_bound() < timings.confirm_window(),
            "timings.confirm_window",
            "it must be longer than timings.call_bound",
        )?;
        need(
            timings.heartbeat().saturating_mul(2) < timings.lease(),
            "timings.heartbeat",
            "two of them must fit into timings.lease, so that one may be lost",
        )?;
        need(
            !timings.heartbeat().is_zero(),
            "timings.heartbeat",
            "it is zero",
        )?;
        need(
            !timings.ask_every().is_zero(),
            "timings.ask_every",
            "it is zero",
        )
    }

    fn check_watch(&self) -> Check {
        let (timings, bounds) = (&self.timings, &self.bounds);
        need(
            !timings.doubt_for().is_zero(),
            "timings.doubt_for",
            "it is zero, and one stale answer is believed",
        )?;
        need(
            timings.watch_every() < timings.watch_overlap(),
            "timings.watch_overlap",
            "it must be longer than timings.watch_every, or what is listed late is never seen",
        )?;
        let grace = timings.watch_grace();
        need(
            grace.saturating_add(timings.watch_every()) < timings.watch_overlap(),
            "timings.watch_grace",
            "with timings.watch_every it must be below timings.watch_overlap, or what is too young \
             to be asked about is not read again",
        )?;
        need(
            (1..=1000).contains(&bounds.watch_rows),
            "bounds.watch_rows",
            "outside of 1 to 1000: a page must fit into what is read of an answer",
        )
    }

    fn check_bounds(&self) -> Check {
        let bounds = &self.bounds;
        need(
            bounds.conflicts_max > 0,
            "bounds.conflicts_max",
            "it is zero",
        )?;
        need(
            bounds.recovered_at_once > 0,
            "bounds.recovered_at_once",
            "it is zero",
        )?;
        need(bounds.pass_rows > 0, "bounds.pass_rows", "it is zero")?;
        need(
            self.timings.access_believed() <= Duration::from_secs(10),
            "timings.access_believed",
            "a merchant that is suspended could go on for more than ten seconds",
        )?;
        need(
            bounds.gateway_keys_max > 0,
            "bounds.gateway_keys_max",
            "it is zero",
        )?;
        need(
            bounds.key_lifetime >= bounds.issued_key_lifetime,
            "bounds.key_lifetime",
            "it is less than bounds.issued_key_lifetime: an issued key could be used twice",
        )
    }
}

/// Whether this path of an `SQLite` address is no file.
fn is_memory(path: &str) -> bool {
    let path = path.strip_prefix("//").unwrap_or(path);
    path.starts_with(":memory:") || path.contains("mode=memory")
}

fn is_encrypted(url: &str) -> bool {
    url.starts_with("https://")
}

fn is_http(url: &str) -> bool {
    is_encrypted(url) || url.starts_with("http://")
}

/// Whether the host of this address is this machine.
fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_matches(['[', ']']);
    name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
