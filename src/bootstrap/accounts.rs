//! Owns which accounts this process serves: each with its own credentials and in its own mode, as
//! the store has them now.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use application::ports::gateway::Terms;
use application::ports::vault;
use application::ports::{PaymentGateway, Store, Vault};
use application::{KeyPair, Keyring, Seeded};
use domain::account::{GatewayAccount, Status};
use domain::id::GatewayAccountId;
use domain::payment::Methods;
use domain::principal::Mode;

use super::outside::{self, Counterpart};
use crate::adapters::gateway::bulkhead::Room;
use crate::adapters::gateway::card_company::{self, CardCompany};
use crate::adapters::gateway::toss::{self, Settings, Timeouts, Toss};
use crate::adapters::gateway::{Guard, Guarded, Registry};
use crate::adapters::telemetry::Metrics;
use crate::config::{Config, Unsafe};

/// How often the accounts are read: what another process changed counts within twice of it.
const EVERY: Duration = Duration::from_secs(5);

/// Lets the gateways serve the accounts in the store, also what changes while it runs.
pub(super) struct Accounts {
    store: Arc<dyn Store>,
    vault: Arc<dyn Vault>,
    registry: Arc<Registry>,
    served: HashMap<GatewayAccountId, Served>,
    /// Which failures are logged already.
    failed: HashMap<GatewayAccountId, String>,
    reach: Reach,
    seed: Seed,
    guard: Guard,
    metrics: Arc<Metrics>,
}

/// How gateways are reached.
struct Reach {
    /// The sandbox, or Toss.
    test_url: String,
    /// Toss, never the sandbox.
    live_url: String,
    /// The sandbox, or the card company where one is named.
    test_card_url: Option<String>,
    /// The card company, never the sandbox.
    live_card_url: Option<String>,
    timeouts: Timeouts,
    /// Whether real money is safe with the settings.
    live: Result<(), Unsafe>,
}

/// The credentials that configuration names.
struct Seed {
    mode: Mode,
    keys: KeyPair,
    /// The merchant id that goes with them.
    merchant_id: Option<String>,
    /// A sandbox of ours knows one key: every account has it. At the real gateway it is the
    /// first merchant's only.
    everybody: bool,
}

/// An account that is served.
struct Served {
    credential_version: i32,
    /// Lets it take new payments or not, whichever adapter serves it.
    set_active: Box<dyn Fn(bool) + Send + Sync>,
}

impl Accounts {
    pub(super) fn new(
        config: &Config,
        counterpart: &Counterpart,
        (store, vault): (Arc<dyn Store>, Arc<dyn Vault>),
        metrics: Arc<Metrics>,
    ) -> Self {
        let timeouts = config.toss_timeouts();
        let toss = &config.toss;
        let sandbox = counterpart.sandbox_url.clone();
        let card_url = Some(config.card_company.api_url.clone()).filter(|url| !url.is_empty());
        let room = Room {
            actions_max: toss.calls_max,
            ..Room::default()
        };
        Self {
            store,
            vault,
            registry: Arc::default(),
            served: HashMap::new(),
            failed: HashMap::new(),
            reach: Reach {
                test_url: sandbox.clone().unwrap_or_else(|| toss.api_url.clone()),
                live_url: toss.api_url.clone(),
                // No key tells whose money it is there: what is for test is at no real one.
                test_card_url: sandbox.clone(),
                live_card_url: card_url,
                timeouts: Timeouts {
                    connect: timeouts.connect,
                    read: timeouts.read,
                    total: timeouts.total,
                },
                live: config.fit_for_live(),
            },
            seed: Seed {
                mode: outside::mode(config),
                keys: counterpart.keys.clone(),
                merchant_id: Some(toss.merchant_id.clone()).filter(|id| !id.is_empty()),
                everybody: sandbox.is_some(),
            },
            guard: Guard {
                room,
                ..Guard::default()
            },
            metrics,
        }
    }

    pub(super) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Serves every account, after it has given those of the configuration what it names.
    ///
    /// # Errors
    /// The settings are at fault, not an account.
    pub(super) async fn serve_first(&mut self) -> anyhow::Result<()> {
        self.look(true).await
    }

    /// Looks for changes until it is dropped.
    pub(super) async fn serve_continuously(mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.look(false).await {
                tracing::warn!(%error, "gateway accounts not read");
            }
        }
    }

    /// One look at the store. What a running process finds replaced it does not replace back:
    /// another copy may have been started with newer settings.
    async fn look(&mut self, first: bool) -> anyhow::Result<()> {
        self.seed(first).await.context("cannot seed credentials")?;
        for account in self.store.every_gateway_account().await? {
            let served = self.serve(&account).await;
            let Err(error) = served else {
                self.failed.remove(&account.id);
                continue;
            };
            if first && is_of_settings(&error) {
                return Err(error.context(format!("cannot serve {}", account.id)));
            }
            let why = format!("{error:#}");
            if self.failed.get(&account.id) != Some(&why) {
                tracing::error!(account = %account.id, why, "gateway account not served");
                self.failed.insert(account.id, why);
            }
        }
        Ok(())
    }

    async fn seed(&self, first: bool) -> anyhow::Result<()> {
        let merchants = self.store.merchants().await?;
        let age = |account: &GatewayAccount| {
            let mut merchants = merchants.iter();
            merchants.position(|merchant| merchant.id == account.scope.merchant)
        };
        let mut accounts = self.store.every_gateway_account().await?;
        // The keys are for one gateway only; another's accounts never see them.
        accounts.retain(|account| {
            account.scope.mode == self.seed.mode && account.gateway == toss::NAME
        });
        // Stable: within a merchant the oldest account stays first.
        accounts.sort_by_key(age);
        if !self.seed.everybody {
            accounts.truncate(1);
        }
        let keyring = Keyring {
            store: self.store.as_ref(),
            vault: self.vault.as_ref(),
        };
        for account in accounts {
            let id = account.id;
            match keyring.seed(&account, &self.seed.keys, first).await? {
                Seeded::First => tracing::info!(account = %id, "configured credentials sealed"),
                Seeded::Replaced => {
                    tracing::warn!(account = %id, "credentials replaced by those configured");
                }
                Seeded::Foreign if first => {
                    tracing::info!(account = %id, "keeps the credentials it was given by hand");
                }
                Seeded::Foreign | Seeded::Unchanged => {}
            }
        }
        Ok(())
    }

    async fn serve(&mut self, account: &GatewayAccount) -> anyhow::Result<()> {
        let active = account.status == Status::Active;
        if let Some(served) = self.served.get(&account.id)
            && served.credential_version == account.credential_version
        {
            (served.set_active)(active);
            return Ok(());
        }
        let served = match account.gateway.as_str() {
            toss::NAME => {
                let keyring = Keyring {
                    store: self.store.as_ref(),
                    vault: self.vault.as_ref(),
                };
                let Some(keys) = keyring.open(account).await? else {
                    return Ok(());
                };
                self.serve_by(account, Toss::new(self.settings(account, keys)?)?)
            }
            card_company::NAME => {
                self.serve_by(account, CardCompany::new(self.card_settings(account)?)?)
            }
            unknown => anyhow::bail!("there is no gateway called {unknown}"),
        };
        self.served.insert(account.id, served);
        Ok(())
    }

    /// Lets `gateway`, guarded, serve the account from now on.
    fn serve_by<G>(&self, account: &GatewayAccount, gateway: G) -> Served
    where
        G: PaymentGateway + 'static,
    {
        let observer = Arc::clone(&self.metrics);
        let gateway = Arc::new(Guarded::new(gateway, account.id, self.guard, observer));
        self.registry
            .put(account.id, Arc::<Guarded<G>>::clone(&gateway));
        let (metrics, id) = (Arc::clone(&self.metrics), account.id);
        let set_active = move |active| {
            gateway.set_active(active);
            metrics.breaker_stands(id, active && gateway.is_open());
        };
        // Whatever guarded it before told last, it is this one that counts.
        set_active(account.status == Status::Active);
        Served {
            credential_version: account.credential_version,
            set_active: Box::new(set_active),
        }
    }

    fn settings(&self, account: &GatewayAccount, keys: KeyPair) -> anyhow::Result<Settings> {
        let reach = &self.reach;
        let base_url = match account.scope.mode {
            Mode::Test => &reach.test_url,
            Mode::Live => {
                self.ensure_live()?;
                &reach.live_url
            }
        };
        let seeded = account.credentials.as_ref().is_some_and(|own| own.seeded);
        let configured = self.seed.merchant_id.clone().filter(|_| seeded);
        Ok(Settings {
            base_url: base_url.clone(),
            merchant_id: account.merchant_id.clone().or(configured),
            timeouts: reach.timeouts,
            terms: Terms {
                credential_version: account.credential_version,
                client_key: Some(keys.client_key.expose().into()),
                active: account.status == Status::Active,
                methods: account.methods.unwrap_or(Methods::ALL),
                ..Terms::default()
            },
            secret_key: keys.secret_key,
        })
    }

    fn card_settings(&self, account: &GatewayAccount) -> anyhow::Result<card_company::Settings> {
        let reach = &self.reach;
        let base_url = match account.scope.mode {
            Mode::Test => &reach.test_card_url,
            Mode::Live => {
                self.ensure_live()?;
                &reach.live_card_url
            }
        };
        let base_url = base_url.clone();
        Ok(card_company::Settings {
            base_url: base_url.context(
                "an account at a card company is at card_company.api_url, for test at the sandbox",
            )?,
            merchant_name: account.name.clone(),
            timeouts: reach.timeouts,
            active: account.status == Status::Active,
        })
    }

    fn ensure_live(&self) -> anyhow::Result<()> {
        let live = self.reach.live.clone();
        live.context("a live account is not safe with these settings")
    }
}

/// Whether the settings have to be mended, for one account as for all: then it does not start. A
/// row that is at fault takes its own account away, and nobody else's.
fn is_of_settings(error: &anyhow::Error) -> bool {
    let of_vault = error.downcast_ref::<vault::Error>().is_some_and(|error| {
        matches!(
            error,
            vault::Error::MasterKeyMissing { .. } | vault::Error::Wrapping { .. }
        )
    });
    of_vault || error.downcast_ref::<Unsafe>().is_some()
}
