//! Owns what the sandbox knows about billing: windows, authentications, and the keys they become.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::payment::Method;
use crate::cards::{self, TestCard};
use crate::clock::Timestamp;

/// A window in which a buyer registers a card or an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Window {
    pub(crate) id: String,
    pub(crate) customer_key: String,
    pub(crate) method: Method,
    pub(crate) success_url: String,
    pub(crate) fail_url: String,
    pub(crate) opened_at: Timestamp,
    /// Whether somebody registered in it.
    #[serde(default)]
    pub(crate) passed: bool,
}

/// A buyer's consent: worth one billing key, for one customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the gateway calls it an auth key"
)]
pub(crate) struct Auth {
    pub(crate) auth_key: String,
    pub(crate) customer_key: String,
    pub(crate) method: Method,
    /// The masked number of a test card.
    pub(crate) card: Option<String>,
    pub(crate) at: Timestamp,
    /// Whether a key was issued for it.
    #[serde(default)]
    pub(crate) spent: bool,
}

/// What charges go to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the gateway calls it a billing key"
)]
pub(crate) struct BillingKey {
    pub(crate) billing_key: String,
    pub(crate) customer_key: String,
    pub(crate) method: Method,
    /// The masked number of a test card.
    pub(crate) card: Option<String>,
    pub(crate) authenticated_at: Timestamp,
    /// When it was deleted: it is known for ever, and never charged again.
    #[serde(default)]
    pub(crate) removed_at: Option<Timestamp>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Billing {
    windows: HashMap<String, Window>,
    auths: HashMap<String, Auth>,
    keys: HashMap<String, BillingKey>,
    /// The keys in the order of their issue.
    issued: Vec<String>,
}

impl Auth {
    /// Whether its time to become a key is over.
    pub(crate) fn overdue(&self, now: Timestamp, lifetime: TimeDelta) -> bool {
        now.signed_duration_since(self.at) >= lifetime
    }
}

impl BillingKey {
    pub(crate) fn test_card(&self) -> Option<&'static TestCard> {
        self.card.as_deref().and_then(cards::masked_as)
    }
}

impl Billing {
    pub(crate) fn window(&self, id: &str) -> Option<&Window> {
        self.windows.get(id)
    }

    pub(crate) fn auth(&self, auth_key: &str) -> Option<&Auth> {
        self.auths.get(auth_key)
    }

    pub(crate) fn key(&self, billing_key: &str) -> Option<&BillingKey> {
        self.keys.get(billing_key)
    }

    /// All keys ever issued, oldest first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &BillingKey> {
        self.issued.iter().filter_map(|key| self.keys.get(key))
    }

    pub(super) fn open(&mut self, window: Window) {
        self.windows.insert(window.id.clone(), window);
    }

    pub(super) fn pass(&mut self, auth: Auth, window: Option<&str>) {
        if let Some(window) = window.and_then(|id| self.windows.get_mut(id)) {
            window.passed = true;
        }
        self.auths.insert(auth.auth_key.clone(), auth);
    }

    pub(super) fn issue(&mut self, auth_key: &str, key: BillingKey) {
        if let Some(auth) = self.auths.get_mut(auth_key) {
            auth.spent = true;
        }
        self.issued.push(key.billing_key.clone());
        self.keys.insert(key.billing_key.clone(), key);
    }

    pub(super) fn remove(&mut self, billing_key: &str, at: Timestamp) {
        self.change(billing_key, |key| key.removed_at = Some(at));
    }

    pub(super) fn change_card(&mut self, billing_key: &str, card: Option<String>) {
        self.change(billing_key, |key| key.card = card);
    }

    fn change(&mut self, billing_key: &str, change: impl FnOnce(&mut BillingKey)) {
        let key = self.keys.get_mut(billing_key);
        change(key.expect("a fact speaks of a billing key issued by an earlier fact"));
    }
}
