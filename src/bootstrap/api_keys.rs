//! Owns the commands about API keys: `api-key issue|list|rotate|revoke`.

use std::time::Duration;

use anyhow::Context as _;
use application::ports::Store;
use application::{LastKey, NewKey, Tenancy};
use clap::{Subcommand, value_parser};
use domain::id::{ApiKeyId, MerchantId};
use domain::merchant::{ApiKey, KeyKind};
use domain::principal::{Mode, Scope};
use domain::text::KeyName;
use serde_json::{Value, json};

use super::outside;
use crate::adapters::clock::Wall;
use crate::adapters::ids::Drawn;
use crate::config::Config;

/// The longest time of grace.
const GRACE_SECONDS_MAX: u64 = 30 * 86_400;

/// What can be done about API keys. Every command answers with lines of JSON.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Issue a key and print it, this once.
    Issue {
        /// Whose: mer_….
        merchant: MerchantId,
        /// What it may do: secret or publishable.
        #[arg(long, default_value = "secret")]
        kind: KeyKind,
        /// What to call it.
        #[arg(long)]
        name: Option<KeyName>,
        /// Whether it is for test or live; what the gateway's key is for, otherwise.
        #[arg(long)]
        mode: Option<Mode>,
    },
    /// List a merchant's keys by how they begin, the newest first.
    List {
        /// Whose: mer_….
        merchant: MerchantId,
        /// Test or live; what the gateway's key is for, otherwise.
        #[arg(long)]
        mode: Option<Mode>,
    },
    /// Replace a key by another, and print that, this once.
    Rotate {
        /// Which one: key_….
        key: ApiKeyId,
        /// How long the old key goes on; 0 ends it at once.
        #[arg(long, default_value_t = 86_400)]
        #[arg(value_parser = value_parser!(u64).range(..=GRACE_SECONDS_MAX))]
        grace_seconds: u64,
    },
    /// Refuse a key from now on, also a merchant's last one.
    Revoke {
        /// Which one: key_….
        key: ApiKeyId,
    },
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// The store does not take it, or there is no such merchant or key.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let (clock, ids) = (Wall::default(), Drawn::default());
    let tenancy = Tenancy {
        store: store.as_ref(),
        clock: &clock,
        ids: &ids,
        conflicts_max: config.bounds.conflicts_max,
    };
    let scope_of = |merchant, mode: Option<Mode>| Scope {
        merchant,
        mode: mode.unwrap_or_else(|| outside::mode(config)),
    };
    let printed = match action {
        Action::Issue {
            merchant,
            kind,
            name,
            mode,
        } => {
            let scope = scope_of(merchant, mode);
            vec![new(&tenancy.issue_key(scope, kind, name).await?)]
        }
        Action::List { merchant, mode } => {
            let keys = tenancy.api_keys(scope_of(merchant, mode)).await?;
            keys.iter().map(line).collect()
        }
        Action::Rotate { key, grace_seconds } => {
            let scope = owner(store.as_ref(), key).await?;
            let grace = Duration::from_secs(grace_seconds);
            vec![new(&tenancy.rotate_key(scope, key, grace).await?.new)]
        }
        Action::Revoke { key } => {
            let scope = owner(store.as_ref(), key).await?;
            vec![line(&tenancy.revoke_key(scope, key, LastKey::Goes).await?)]
        }
    };
    let lines: Vec<String> = printed.iter().map(ToString::to_string).collect();
    Ok(lines.join("\n"))
}

async fn owner(store: &dyn Store, key: ApiKeyId) -> anyhow::Result<Scope> {
    let found = store.any_api_key(key).await?;
    Ok(found.context("no such key")?.scope)
}

fn line(key: &ApiKey) -> Value {
    json!({
        "apiKeyId": key.id,
        "merchantId": key.scope.merchant,
        "mode": key.scope.mode.as_str(),
        "kind": key.kind.as_str(),
        "prefix": key.prefix,
        "name": key.name,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
        "expiresAt": key.expires_at,
    })
}

/// With the text, which is printed to whoever runs the command and nowhere else.
fn new(new: &NewKey) -> Value {
    let mut shown = line(&new.key);
    shown["key"] = json!(new.text.expose());
    shown
}
