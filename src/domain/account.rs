//! Owns a merchant's accounts at gateways: whether each takes payments, and its sealed credentials.

use std::str::FromStr;

use crate::Timestamp;
use crate::id::GatewayAccountId;
use crate::payment::Methods;
use crate::principal::{Scope, UnknownWord};
use crate::vault::Sealed;

/// Whether an account takes new payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It does.
    Active,
    /// Nothing new is prepared or approved on it. What is under way is finished, and money can be
    /// given back: both still need its credentials.
    Disabled,
}

impl Status {
    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Active => Self::Disabled,
            Self::Disabled => Self::Active,
        }
    }
}

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Active, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// What an account calls its gateway with, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// For the service's calls.
    pub secret_key: Sealed,
    /// For the payment window.
    pub client_key: Sealed,
    /// Whether the configuration named them: then it may replace them, too.
    pub seeded: bool,
}

/// A merchant's account at a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAccount {
    /// Its id.
    pub id: GatewayAccountId,
    /// Whose, and in which mode.
    pub scope: Scope,
    /// Its name, for people; empty where nobody gave one.
    pub name: String,
    /// Whether it takes new payments.
    pub status: Status,
    /// Which gateway adapter serves it, for example `toss`.
    pub gateway: String,
    /// What it takes payments by, where not by all that its gateway can.
    pub methods: Option<Methods>,
    /// The merchant id at the gateway: given, or pinned at the first answer.
    pub merchant_id: Option<String>,
    /// Raised when the credentials are replaced: the gateway's key scope includes our API key.
    pub credential_version: i32,
    /// What it is called with; none until somebody gives them.
    pub credentials: Option<Credentials>,
    /// Since when.
    pub created_at: Timestamp,
}

impl GatewayAccount {
    /// A new account at Toss, active and still without credentials.
    #[must_use]
    pub fn new(id: GatewayAccountId, scope: Scope, created_at: Timestamp) -> Self {
        Self {
            id,
            scope,
            name: String::new(),
            status: Status::Active,
            gateway: "toss".to_owned(),
            methods: None,
            merchant_id: None,
            credential_version: 1,
            credentials: None,
            created_at,
        }
    }
}
