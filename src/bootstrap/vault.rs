//! Owns where the master keys come from, and the command that rotates them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use application::ports::Store;
use serde_json::json;

use super::outside;
use crate::adapters::vault::{MasterKeys, Vault};
use crate::config::Config;

/// The vault over `store`, with the master keys that are configured or, in the embedded default,
/// one that is made at the first start.
///
/// # Errors
/// They cannot be read.
pub(super) fn open(config: &Config, store: Arc<dyn Store>) -> anyhow::Result<Vault> {
    Ok(Vault::new(masters(config)?, store))
}

/// Whether there is a master key, or one that was made before.
pub(super) fn is_there(config: &Config) -> bool {
    config.vault.is_given() || Path::new(&config.files.dir).join("master.key").exists()
}

/// The master keys.
///
/// # Errors
/// They cannot be read.
pub(super) fn masters(config: &Config) -> anyhow::Result<MasterKeys> {
    let settings = &config.vault;
    if !settings.master_keys.is_empty() {
        MasterKeys::parse(&settings.master_keys).context("vault.master_keys")
    } else if settings.is_given() {
        MasterKeys::read(&settings.master_key_file).context("vault.master_key_file")
    } else {
        let path = Path::new(&config.files.dir).join("master.key");
        MasterKeys::keep(&path).context("cannot keep a master key (files.dir)")
    }
}

/// Wraps every data key with the current master key, and says how many.
///
/// # Errors
/// The store is away, or one of them is wrapped with a master key that is not configured.
pub(super) async fn rotate(config: &Config) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let rotated = open(config, store)?.rotate().await?;
    for why in &rotated.left {
        tracing::error!(%why, "a data key was left as it is");
    }
    let left = rotated.left.len();
    ensure!(
        rotated.left.is_empty(),
        "{} data keys were rewrapped, {left} could not be; the first: {}",
        rotated.rewrapped,
        rotated.left[0]
    );
    let (rewrapped, current) = (rotated.rewrapped, rotated.current);
    Ok(json!({ "rewrapped": rewrapped, "alreadyCurrent": current }).to_string())
}
