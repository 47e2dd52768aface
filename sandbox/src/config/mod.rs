//! Owns what a sandbox is started with.

pub(crate) mod choices;
mod knobs;
mod settings;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use self::choices::{
    CancelSign, CardDiscount, Decline, ErrorData, FailedCharge, OldConfirm, OrderIdCharacters,
    Padding, PaymentOfOrder, PaymentType, RangeEnd, RefundBegins, RefundableAmount, RepeatedTid,
    SecondApproval, Secret, SecurityKeyForm, ServerErrors, Settlements, TaxFreeMismatch,
    TemporaryError, TooManyRequests, Typing, WebhookSuccess, WebhookTargets,
};
pub use self::knobs::SettingError;
pub use self::settings::Settings;

/// 64 hexadecimal digits, as the real ones have; nobody's.
pub const SECURITY_KEY: &str = "921c63fcc7019542dde78b8e1609d23f89943262c1077f41021a3d27af28762a";

/// The version since which billing objects name their card only once.
pub(crate) const API_VERSION_2024: &str = "2024-06-01";

/// What a sandbox is started with.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The journal file; without one everything lives in memory only.
    pub data: Option<PathBuf>,
    /// A file of scripted scenarios: faults per order.
    pub scenarios: Option<PathBuf>,
    /// The merchant id (MID) that payments carry.
    pub merchant_id: String,
    /// The secret key the API accepts.
    pub secret_key: String,
    /// The client key the payment window accepts.
    pub client_key: String,
    /// The keys that sign webhooks of payouts and sellers: two while one takes over from the other.
    pub security_keys: Vec<String>,
    /// How long every API call takes before it has its effect.
    pub latency: Duration,
    /// The behaviours that are undocumented at the real gateway.
    pub settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data: None,
            scenarios: None,
            merchant_id: "tsimshop".to_owned(),
            secret_key: "test_sk_sandbox".to_owned(),
            client_key: "test_ck_sandbox".to_owned(),
            security_keys: vec![SECURITY_KEY.to_owned()],
            latency: Duration::ZERO,
            settings: Settings::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("listen", &self.listen)
            .field("data", &self.data)
            .field("scenarios", &self.scenarios)
            .field("merchant_id", &self.merchant_id)
            .field("latency", &self.latency)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
