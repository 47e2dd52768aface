//! Owns what a shop is started with, and where it finds the service that takes its payments.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// What a shop is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The database file; without one everything is forgotten at the end.
    pub data: Option<PathBuf>,
    /// How Payflow is reached.
    pub access: Access,
    /// Where Payflow reaches the shop; where it listens, otherwise.
    pub public_url: Option<String>,
    /// A file with secrets of its webhook endpoint that were rotated since, a line each.
    pub hook_secrets: Option<PathBuf>,
    /// Whether browsers may send the shop's cookies over HTTPS only.
    pub secure_cookies: bool,
}

/// How Payflow is reached.
#[derive(Clone, Debug)]
pub enum Access {
    /// By the file that Payflow writes when it is started with nothing configured. It is read at
    /// each use: Payflow may be started after the shop, or again, on another port.
    KeysFile(PathBuf),
    /// By these keys.
    Given(Keys),
}

/// The addresses and keys of one merchant.
#[derive(Clone)]
pub struct Keys {
    /// Where Payflow's API is, without a slash at the end.
    pub payflow_url: String,
    /// The merchant's secret key at Payflow; never leaves this server.
    pub secret_key: String,
    /// The gateway's client key, with which a browser opens the payment window.
    pub client_key: String,
    /// Where a browser loads the gateway's SDK from.
    pub sdk_url: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Keys")
            .field("payflow_url", &self.payflow_url)
            .field("client_key", &self.client_key)
            .field("sdk_url", &self.sdk_url)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// The keys as they are now.
    ///
    /// # Errors
    /// Payflow has not written them yet.
    pub(crate) async fn keys(&self) -> Result<Keys, NoKeys> {
        match self {
            Self::Given(keys) => Ok(keys.clone()),
            Self::KeysFile(path) => {
                let unreadable = |why: String| NoKeys {
                    path: path.clone(),
                    why,
                };
                let bytes = tokio::fs::read(path)
                    .await
                    .map_err(|error| unreadable(error.to_string()))?;
                let written: Written = serde_json::from_slice(&bytes)
                    .map_err(|error| unreadable(error.to_string()))?;
                written
                    .keys()
                    .ok_or_else(|| unreadable("Payflow is starting still".to_owned()))
            }
        }
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[error("no keys in {}: {why}", path.display())]
pub(crate) struct NoKeys {
    path: PathBuf,
    why: String,
}

/// What of Payflow's file the shop needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    payflow_url: String,
    sandbox_url: String,
    client_key: String,
    secret_key: String,
}

impl Written {
    /// The file is written before the service listens, then without addresses.
    fn keys(self) -> Option<Keys> {
        let given = !self.payflow_url.is_empty() && !self.sandbox_url.is_empty();
        given.then(|| Keys {
            payflow_url: self.payflow_url,
            secret_key: self.secret_key,
            client_key: self.client_key,
            sdk_url: format!("{}/v2/standard", self.sandbox_url),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_are_read_once_payflow_listens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev-keys.json");
        let access = Access::KeysFile(path.clone());
        assert!(access.keys().await.is_err(), "no file yet");

        let write = |payflow: &str, sandbox: &str| {
            let text = format!(
                r#"{{"payflowUrl":"{payflow}","sandboxUrl":"{sandbox}","metricsUrl":"",
                "clientKey":"ck","gatewaySecretKey":"g","publishableKey":"pk","secretKey":"sk"}}"#
            );
            std::fs::write(&path, text).unwrap();
        };
        write("", "");
        assert!(access.keys().await.is_err(), "it does not listen yet");

        write("http://a:1", "http://b:2");
        let keys = access.keys().await.unwrap();
        assert_eq!(keys.payflow_url, "http://a:1");
        assert_eq!(keys.sdk_url, "http://b:2/v2/standard");
        assert!(!format!("{keys:?}").contains("sk"), "a secret in the logs");
    }
}
