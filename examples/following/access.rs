//! Owns where Payflow is, and the key to it.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// How Payflow is reached.
pub(crate) enum Access {
    /// By the file that it writes when it is started with nothing configured. Read at each use: it
    /// may be started after this service, or again, on another port.
    File(PathBuf),
    /// By these.
    Given(Keys),
}

/// The address and the key of one merchant.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Keys {
    /// Without a slash at the end.
    pub(crate) payflow_url: String,
    /// Never leaves this server.
    pub(crate) secret_key: String,
}

impl Access {
    /// The keys as they are now.
    pub(crate) fn keys(&self) -> anyhow::Result<Keys> {
        match self {
            Self::Given(keys) => Ok(keys.clone()),
            Self::File(path) => {
                let name = path.display();
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("no keys in {name}: is Payflow running?"))?;
                let keys: Keys =
                    serde_json::from_str(&text).with_context(|| format!("no keys in {name}"))?;
                ensure!(!keys.payflow_url.is_empty(), "Payflow is starting still");
                Ok(keys)
            }
        }
    }
}
