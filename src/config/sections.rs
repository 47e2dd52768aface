//! Owns the typed sections of the configuration; `config/default.toml` explains every key.
#![expect(
    missing_docs,
    reason = "config/default.toml explains every key, in one place"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::step_up::Action;
use serde::Deserialize;

use super::identity::Word;
use super::{Config, Span};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    pub header_timeout: Span,
    pub body_timeout: Span,
    pub write_timeout: Span,
    pub body_bytes_max: usize,
    pub headers_max: usize,
    pub connections_max: usize,
    pub requests_max: usize,
    pub trusted_proxies: Vec<String>,
    pub forwarded_by: ForwardedBy,
    pub cors_origins: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    Forwarded,
    XForwardedFor,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub merchant_per_second: u32,
    pub address_per_second: u32,
    pub failures_per_minute: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    pub listen: SocketAddr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    pub dir: PathBuf,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: String,
    pub create: bool,
    pub migrate: bool,
    pub pool_size: usize,
    pub acquire_timeout: Span,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    pub demanded_for: Vec<Word<Action>>,
    pub challenge_lifetime: Span,
    pub known_device_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    pub currencies: Vec<String>,
    pub amount_minor_max: i64,
    pub lifetime_max: Span,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toss {
    pub secret_key: String,
    pub client_key: String,
    pub merchant_id: String,
    pub api_url: String,
    pub sdk_url: String,
    pub connect_timeout: Span,
    pub read_timeout: Span,
    pub total_timeout: Span,
    pub calls_max: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardCompany {
    pub api_url: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    pub master_keys: String,
    pub master_key_file: PathBuf,
}

impl Vault {
    /// Whether somebody named a master key.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !self.master_keys.is_empty() || !self.master_key_file.as_os_str().is_empty()
    }
}

/// Without the keys.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("master_key_file", &self.master_key_file)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    pub listen: SocketAddr,
    pub url: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    pub enabled: bool,
    pub listen: SocketAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    System,
    Sandbox,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    pub source: ClockSource,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    pub divide_by: u32,
    patience: Span,
    lease: Span,
    heartbeat: Span,
    commit_patience: Span,
    drain: Span,
    recovery_every: Span,
    expiry_every: Span,
    upkeep_every: Span,
    watch_every: Span,
    watch_overlap: Span,
    watch_grace: Span,
    stuck_after: Span,
    switches_every: Span,
    question_gap: Span,
    access_believed: Span,
    pub(super) payment_lifetime: Span,
    confirm_window: Span,
    call_bound: Span,
    ask_after: Vec<Span>,
    ask_every: Span,
    doubt_for: Span,
    job_lease: Span,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    pub conflicts_max: u32,
    pub recovered_at_once: usize,
    pub pass_rows: u32,
    pub watch_rows: u32,
    pub gateway_keys_max: u32,
    pub issued_key_lifetime: Span,
    pub key_lifetime: Span,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    pub every: Span,
    pub lease: Span,
    pub charges_at_once: usize,
    pub charges_per_second: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub rows: u32,
    pub poll: Span,
    pub pause_max: Span,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    pub brokers: String,
    pub delivery_timeout: Span,
    pub linger: Span,
    pub session_timeout: Span,
    pub partitions: i32,
    pub replication: i32,
    pub orders_merchant: String,
    pub orders_mode: String,
    pub properties: BTreeMap<String, String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    pub url: String,
    pub connect_timeout: Span,
    pub response_timeout: Span,
    pub prefix: String,
    pub under_way_max: Span,
    pub answers_kept: Span,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    pub heartbeat: Span,
    pub duration_max: Span,
    pub per_merchant_max: usize,
    pub open_max: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub timeout: Span,
    pub retry_first: Span,
    pub retry_cap: Span,
    pub retry_for: Span,
    pub dead_after: Span,
    pub kept_for: Span,
    pub poll: Span,
    pub tries_per_endpoint_max: usize,
    pub tries_per_merchant_max: usize,
    pub tries_max: usize,
    pub endpoints_max: u32,
    pub exempt: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    pub requests_max: usize,
    pub account_per_second: u32,
    pub unreadable_per_hour: u32,
    pub idle_per_hour: u32,
    pub questions_per_minute: u32,
    pub looks_max: usize,
    pub grace: Span,
    pub poll: Span,
    pub kept_for: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Pretty,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

macro_rules! divided {
    ($($name:ident),+) => {
        $(pub fn $name(&self) -> Duration {
            self.$name.divided(self.divide_by)
        })+
    };
}

#[expect(clippy::must_use_candidate, reason = "plain readings of settings")]
impl Timings {
    divided!(
        patience,
        lease,
        heartbeat,
        commit_patience,
        drain,
        recovery_every,
        expiry_every,
        upkeep_every,
        watch_every,
        watch_overlap,
        watch_grace,
        stuck_after,
        switches_every,
        question_gap,
        access_believed,
        payment_lifetime,
        confirm_window,
        call_bound,
        ask_every,
        doubt_for,
        job_lease
    );

    pub fn ask_after(&self) -> Vec<Duration> {
        let divided = |span: &Span| span.divided(self.divide_by);
        self.ask_after.iter().map(divided).collect()
    }
}

/// How long a call to the gateway may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TossTimeouts {
    pub connect: Duration,
    pub read: Duration,
    pub total: Duration,
}

impl Config {
    /// How long a message waits for its acknowledgement.
    #[must_use]
    pub fn delivery_timeout(&self) -> Duration {
        let by = self.timings.divide_by;
        self.kafka.delivery_timeout.divided(by)
    }

    /// How long a call to the gateway may take.
    #[must_use]
    pub fn toss_timeouts(&self) -> TossTimeouts {
        let by = self.timings.divide_by;
        TossTimeouts {
            connect: self.toss.connect_timeout.divided(by),
            read: self.toss.read_timeout.divided(by),
            total: self.toss.total_timeout.divided(by),
        }
    }
}

/// Without the password that a database address may hold.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("create", &self.create)
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

/// Without the passwords that properties may hold.
impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka")
            .field("brokers", &self.brokers)
            .finish_non_exhaustive()
    }
}

/// Without the password that its address may hold.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Without the keys.
impl fmt::Debug for Toss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Toss")
            .field("api_url", &self.api_url)
            .field("calls_max", &self.calls_max)
            .finish_non_exhaustive()
    }
}
