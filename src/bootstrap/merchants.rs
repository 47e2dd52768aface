//! Owns new merchants: their keys and gateway account, and the file with the demo merchant's keys.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use application::inbox::{SecurityKeys, Tokens};
use application::ports::vault::Secret;
use application::ports::{Ids as _, Store, Vault};
use application::{Tenancy, hash_of_key};
use domain::change::Change;
use domain::event::Hash;
use domain::id::{GatewayAccountId, MerchantId};
use domain::inbox::TokenText;
use domain::merchant::{Currencies, GatewayAccount, KeyKind, KeyText, Merchant, Zone};
use domain::principal::{Mode, Scope};
use domain::text::MerchantName;
use serde::{Deserialize, Serialize};

use super::{inbox, plans};
use crate::adapters::clock::Wall;
use crate::adapters::ids::Drawn;
use crate::config::{Config, Gateway};

/// A merchant's keys; shown once, only their hashes are kept.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// For browsers.
    pub(super) publishable_key: String,
    /// For the merchant's server.
    pub(super) secret_key: String,
}

impl Keys {
    /// Fresh ones, of 256 random bits each.
    #[must_use]
    pub(super) fn fresh(mode: Mode) -> Self {
        let text = |kind| {
            let random = Drawn::default().secret();
            KeyText::new(kind, mode, &random).expose().to_owned()
        };
        Self {
            publishable_key: text(KeyKind::Publishable),
            secret_key: text(KeyKind::Secret),
        }
    }
}

/// What a new merchant takes where nobody says.
pub(super) fn currencies(config: &Config) -> anyhow::Result<Currencies> {
    let codes = config.payments.currencies.join(",");
    codes.parse().context("payments.currencies")
}

/// A merchant that is to be made.
pub(super) struct New {
    pub(super) name: MerchantName,
    pub(super) currencies: Currencies,
    pub(super) zone: Zone,
    /// What its keys are for.
    pub(super) mode: Mode,
}

/// Writes a merchant with these keys and an account at the gateway; its id.
///
/// # Errors
/// The store does not take it.
pub(super) async fn add(
    tenancy: &Tenancy<'_>,
    new: New,
    keys: &Keys,
) -> anyhow::Result<MerchantId> {
    let mode = new.mode;
    let (ids, created_at) = (tenancy.ids, tenancy.clock.now());
    let id = MerchantId::new(ids.draw());
    let scope = Scope { merchant: id, mode };
    let api_key = |kind, text: &str| {
        let text = KeyText::presented(text);
        Change::InsertApiKey(Box::new(tenancy.key_of(scope, kind, None, text).key))
    };
    let merchant = Merchant {
        zone: new.zone,
        ..Merchant::new(id, new.name, new.currencies, created_at)
    };
    let changes = [
        Change::InsertMerchant(merchant),
        api_key(KeyKind::Publishable, &keys.publishable_key),
        api_key(KeyKind::Secret, &keys.secret_key),
        Change::InsertGatewayAccount(GatewayAccount::new(
            GatewayAccountId::new(ids.draw()),
            scope,
            created_at,
        )),
    ];
    tenancy
        .store
        .commit(&changes)
        .await
        .context("cannot add the merchant")?;
    Ok(id)
}

/// `dev-keys.json`: where everything is, and the demo merchant's keys.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DevKeys {
    /// Empty where no shop is open, as in a file of an earlier version.
    #[serde(default)]
    pub(super) shop_url: String,
    pub(super) payflow_url: String,
    pub(super) sandbox_url: String,
    pub(super) metrics_url: String,
    /// What the payment window is opened with.
    #[serde(default)]
    pub(super) client_key: String,
    /// What the embedded sandbox takes from the service.
    #[serde(default)]
    pub(super) gateway_secret_key: String,
    /// What the embedded sandbox signs with.
    #[serde(default)]
    pub(super) gateway_security_key: String,
    /// Where the sandbox tells what happens; it ends in the token.
    #[serde(default)]
    pub(super) gateway_webhook_url: String,
    /// What lets its notifications in.
    #[serde(default)]
    pub(super) gateway_webhook_token: String,
    #[serde(flatten)]
    pub(super) keys: Keys,
}

/// 256 random bits, as Toss writes them.
fn fresh_security_key() -> String {
    Hash(hash_of_key(&Drawn::default().secret())).to_string()
}

fn fresh_token() -> String {
    let text = TokenText::new(&Drawn::default().secret());
    text.expose().to_owned()
}

impl DevKeys {
    fn path(folder: &Path) -> PathBuf {
        folder.join("dev-keys.json")
    }

    /// Where the service is, and so where the sandbox on this machine tells it something.
    pub(super) fn listens_at(&mut self, address: SocketAddr) {
        let mut reached = address;
        if address.ip().is_unspecified() {
            let here: IpAddr = match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            reached.set_ip(here);
        }
        let token = &self.gateway_webhook_token;
        self.gateway_webhook_url = format!("http://{reached}{}{token}", inbox::PATH);
        self.payflow_url = format!("http://{address}");
    }

    /// The kept keys, or fresh ones, written before they are used.
    pub(super) fn keep(folder: &Path) -> anyhow::Result<Self> {
        let path = Self::path(folder);
        if path.exists() {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let mut kept: Self = serde_json::from_str(&text)
                .with_context(|| format!("{} is unreadable; delete it", path.display()))?;
            if kept.gateway_webhook_token.is_empty() {
                kept.gateway_webhook_token = fresh_token();
            }
            if kept.gateway_security_key.is_empty() {
                kept.gateway_security_key = fresh_security_key();
            }
            return Ok(kept);
        }
        let fresh = Self {
            client_key: format!("test_ck_{}", Drawn::default().secret()),
            gateway_secret_key: format!("test_sk_{}", Drawn::default().secret()),
            gateway_webhook_token: fresh_token(),
            gateway_security_key: fresh_security_key(),
            keys: Keys::fresh(Mode::Test),
            ..Self::default()
        };
        fresh.write(folder)?;
        Ok(fresh)
    }

    /// Replaces the file as a whole, readable by its owner only.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = Self::path(folder);
        let draft = path.with_extension("json.new");
        let written = || -> anyhow::Result<()> {
            fs::create_dir_all(folder)?;
            // Left behind by a start that was cut off, perhaps with other rights.
            drop(fs::remove_file(&draft));
            let mut options = fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            Ok(fs::rename(&draft, &path)?)
        };
        written().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The demo merchant is in the store, with the kept keys, and its sandbox may tell it something.
pub(super) async fn demo(store: &dyn Store, config: &Config, kept: &DevKeys) -> anyhow::Result<()> {
    let hash = hash_of_key(&kept.keys.secret_key);
    if store.api_key(&hash).await?.is_none() {
        add_demo(store, config, &kept.keys).await?;
    }
    let Some(known) = store.api_key(&hash).await? else {
        return Ok(());
    };
    let tokens = Tokens {
        store,
        ids: &Drawn::default(),
        clock: &Wall::default(),
    };
    if config.gateway() == Gateway::Embedded && config.shop.enabled {
        plans::demo(store, config, known.key.scope).await?;
    }
    let text = TokenText::presented(&kept.gateway_webhook_token);
    let accounts = store.gateway_accounts(known.key.scope).await?;
    if let Some(account) = accounts.first() {
        tokens.keep(account.id, &text).await?;
    }
    Ok(())
}

/// What the built-in sandbox signs is known to be its own.
pub(super) async fn demo_signed(
    config: &Config,
    store: &dyn Store,
    vault: &dyn Vault,
    kept: Option<&DevKeys>,
) -> anyhow::Result<()> {
    let (Some(kept), Gateway::Embedded) = (kept, config.gateway()) else {
        return Ok(());
    };
    let hash = hash_of_key(&kept.keys.secret_key);
    let Some(known) = store.api_key(&hash).await? else {
        return Ok(());
    };
    let keys = SecurityKeys {
        store,
        vault,
        clock: &Wall::default(),
    };
    let key = Secret::from(kept.gateway_security_key.as_str());
    let accounts = store.gateway_accounts(known.key.scope).await?;
    if let Some(account) = accounts.first() {
        keys.keep(account.id, &key).await?;
    }
    Ok(())
}

async fn add_demo(store: &dyn Store, config: &Config, keys: &Keys) -> anyhow::Result<()> {
    let new = New {
        name: "demo".parse()?,
        currencies: currencies(config)?,
        zone: Zone::SEOUL,
        mode: Mode::Test,
    };
    let tenancy = Tenancy {
        store,
        clock: &Wall::default(),
        ids: &Drawn::default(),
        conflicts_max: config.bounds.conflicts_max,
    };
    add(&tenancy, new, keys).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_told_on_this_machine() {
        let mut keys = DevKeys {
            gateway_webhook_token: "hook_a".to_owned(),
            ..DevKeys::default()
        };
        for (listens, told) in [
            ("0.0.0.0:8080", "http://127.0.0.1:8080/webhooks/toss/hook_a"),
            ("[::]:1", "http://[::1]:1/webhooks/toss/hook_a"),
            (
                "127.0.0.2:8080",
                "http://127.0.0.2:8080/webhooks/toss/hook_a",
            ),
        ] {
            keys.listens_at(listens.parse().unwrap());
            assert_eq!(keys.gateway_webhook_url, told);
            assert_eq!(keys.payflow_url, format!("http://{listens}"));
        }
    }
}
