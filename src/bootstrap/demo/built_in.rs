//! Owns the sandbox and the shop of this process, which know it by its public API alone.

use std::sync::Arc;

use anyhow::Context as _;
use application::ports::Clock;

use super::hearing;
use crate::adapters::clock::Following;
use crate::bootstrap::merchants::DevKeys;
use crate::config::Config;

/// A sandbox that runs, and the shop once it is open.
pub(in crate::bootstrap) struct Demo {
    sandbox: toss_sandbox::Running,
    shop: Option<payflow_shop::Running>,
}

impl Demo {
    /// Starts the sandbox, which takes the kept keys.
    pub(in crate::bootstrap) async fn start(
        config: &Config,
        kept: &DevKeys,
    ) -> anyhow::Result<Self> {
        let sandbox = toss_sandbox::start(toss_sandbox::Config {
            listen: config.sandbox.listen,
            data: Some(config.files.dir.join("sandbox.journal")),
            secret_key: kept.gateway_secret_key.clone(),
            client_key: kept.client_key.clone(),
            security_keys: vec![kept.gateway_security_key.clone()],
            ..toss_sandbox::Config::default()
        })
        .await
        .context("cannot start the sandbox (sandbox.listen)")?;
        Ok(Self {
            sandbox,
            shop: None,
        })
    }

    /// Where the sandbox is.
    pub(in crate::bootstrap) fn sandbox_url(&self) -> String {
        self.sandbox.url()
    }

    /// A clock that follows the sandbox's.
    pub(in crate::bootstrap) fn clock(&self) -> Arc<dyn Clock> {
        let sandbox = self.sandbox.clock();
        Arc::new(Following::new(move || sandbox.offset()))
    }

    /// Has the sandbox tell the service, and opens the shop of the merchant with these keys; its
    /// address, empty where none is wanted.
    pub(in crate::bootstrap) async fn open(
        &mut self,
        config: &Config,
        keys: &DevKeys,
    ) -> anyhow::Result<String> {
        Self::tell(keys).await;
        self.open_shop(config, keys).await
    }

    /// Has the sandbox tell the service what happens at it. Nothing depends on it: what is not told
    /// the watch finds.
    async fn tell(keys: &DevKeys) {
        let told = hearing::begin(&keys.sandbox_url, &keys.gateway_webhook_url).await;
        if let Err(error) = told {
            tracing::warn!(
                error = format!("{error:#}"),
                "the sandbox tells the service nothing"
            );
        }
    }

    async fn open_shop(&mut self, config: &Config, keys: &DevKeys) -> anyhow::Result<String> {
        if !config.shop.enabled {
            return Ok(String::new());
        }
        let opened = payflow_shop::start(payflow_shop::Config {
            listen: config.shop.listen,
            data: Some(config.files.dir.join("shop.db")),
            access: payflow_shop::Access::Given(payflow_shop::Keys {
                payflow_url: keys.payflow_url.clone(),
                secret_key: keys.keys.secret_key.clone(),
                client_key: keys.client_key.clone(),
                sdk_url: format!("{}/v2/standard", keys.sandbox_url),
            }),
            public_url: None,
            hook_secrets: Some(config.files.dir.join("hook-secrets")),
            secure_cookies: false,
        });
        let shop = opened.await.map_err(|error| {
            let context = match &error {
                payflow_shop::Error::Listen { .. } => {
                    "cannot open the demo shop (shop.listen; shop.enabled = false leaves it out)"
                }
                payflow_shop::Error::Database(_) => "cannot open the demo shop (files.dir)",
                payflow_shop::Error::Client(_) => "cannot open the demo shop",
            };
            anyhow::Error::new(error).context(context)
        })?;
        Ok(self.shop.insert(shop).url())
    }

    /// Closes the shop, while the service still answers it.
    pub(in crate::bootstrap) async fn close_shop(&mut self) {
        if let Some(shop) = self.shop.take() {
            tracing::info!("the demo shop closes");
            shop.shutdown().await;
        }
    }

    /// Stops the sandbox, which the service needs to the end.
    pub(in crate::bootstrap) async fn shutdown(self) {
        tracing::info!("the sandbox stops");
        self.sandbox.shutdown().await;
    }
}
