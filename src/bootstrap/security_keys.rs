//! Owns the commands about the keys that gateways sign some of what they tell with:
//! `security-key set|rotate|revoke|list`.

use std::io::Read as _;
use std::time::Duration;

use anyhow::Context as _;
use application::inbox::SecurityKeys;
use application::ports::vault::Secret;
use clap::Subcommand;
use domain::id::GatewayAccountId;
use domain::inbox::SecurityKey;
use serde_json::json;

use super::{outside, vault};
use crate::adapters::clock::Wall;
use crate::config::Config;

/// Where a key is read from, before standard input is.
const SECURITY_KEY: &str = "GATEWAY_SECURITY_KEY";
/// More than any key.
const INPUT_BYTES_MAX: u64 = 4096;
/// For so long the gateway signs with the one before it, too (`toss-api.md §2.1`).
const GRACE_HOURS: u64 = 7 * 24;

/// What can be done about security keys. Every command answers with lines of JSON, which never hold
/// a key. A key is read from `GATEWAY_SECURITY_KEY`, or else from standard input.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Keep an account's first security key.
    Set {
        /// Which account: gwa_….
        account: GatewayAccountId,
    },
    /// Keep another one. The one before it stays good for a while, and none before that one.
    Rotate {
        /// Which account: gwa_….
        account: GatewayAccountId,
        /// For how many hours the one before it proves something still.
        #[arg(long, default_value_t = GRACE_HOURS)]
        grace_hours: u64,
    },
    /// Have none prove anything any more.
    Revoke {
        /// Which account: gwa_….
        account: GatewayAccountId,
    },
    /// List an account's keys that prove something, newest first; never the keys themselves.
    List {
        /// Which account: gwa_….
        account: GatewayAccountId,
    },
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// There is no such account, it is no such key, or the store does not take it.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    // Before anything is opened: what was typed may already be wrong.
    let key = match &action {
        Action::Set { .. } | Action::Rotate { .. } => Some(read_key()?),
        Action::Revoke { .. } | Action::List { .. } => None,
    };
    let store = outside::open(config, false).await?;
    let sealer = vault::open(config, store.clone())?;
    let clock = Wall::default();
    let keys = SecurityKeys {
        store: store.as_ref(),
        vault: &sealer,
        clock: &clock,
    };
    match (action, key) {
        (Action::Set { account }, Some(key)) => Ok(line(&keys.set(account, &key).await?)),
        (
            Action::Rotate {
                account,
                grace_hours,
            },
            Some(key),
        ) => {
            let grace = Duration::from_secs(grace_hours.saturating_mul(3600));
            Ok(line(&keys.rotate(account, &key, grace).await?))
        }
        (Action::Revoke { account }, _) => {
            let revoked = keys.revoke(account).await?;
            Ok(json!({ "gatewayAccountId": account, "revoked": revoked }).to_string())
        }
        (Action::List { account }, _) => {
            let usable = keys.usable(account).await?;
            let lines: Vec<String> = usable.iter().map(line).collect();
            Ok(lines.join("\n"))
        }
        (Action::Set { .. } | Action::Rotate { .. }, None) => anyhow::bail!("no key was read"),
    }
}

fn line(key: &SecurityKey) -> String {
    json!({
        "gatewayAccountId": key.account,
        "number": key.number.get(),
        "createdAt": key.created_at.to_rfc3339(),
        "expiresAt": key.expires_at.map(|end| end.to_rfc3339()),
    })
    .to_string()
}

/// The key that whoever runs the command gives, by a way that no other user of the machine sees.
#[expect(
    clippy::disallowed_methods,
    reason = "a key that a command is given once is no setting"
)]
fn read_key() -> anyhow::Result<Secret> {
    if let Ok(key) = std::env::var(SECURITY_KEY) {
        return Ok(Secret::new(key));
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text)
        .context("cannot read the key from standard input")?;
    Ok(Secret::from(text.trim()))
}
