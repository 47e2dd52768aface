//! Owns the commands about accounts at gateways: `gateway-account add|list|disable|enable` and
//! `replace-key`.

use std::io::Read as _;

use anyhow::{Context as _, ensure};
use application::ports::vault::Secret;
use application::ports::{Clock as _, Ids as _, PaymentGateway as _};
use application::{KeyPair, Keyring};
use clap::Subcommand;
use domain::account::{GatewayAccount, Status};
use domain::id::{GatewayAccountId, MerchantId};
use domain::payment::Methods;
use domain::principal::{Mode, Scope};
use domain::snapshot::{Answer, Cause};
use serde_json::json;

use super::{outside, vault};
use crate::adapters::clock::Wall;
use crate::adapters::gateway::card_company;
use crate::adapters::gateway::toss::keys::{hint, mode_of};
use crate::adapters::gateway::toss::{self, Settings, Toss};
use crate::adapters::ids::Drawn;
use crate::config::{Config, Gateway};

/// Where a key is read from, before standard input is.
const SECRET_KEY: &str = "GATEWAY_SECRET_KEY";
/// Likewise.
const CLIENT_KEY: &str = "GATEWAY_CLIENT_KEY";
/// More than any two keys.
const INPUT_BYTES_MAX: u64 = 4096;
const NAME_MAX: usize = 100;

/// What can be done about accounts at gateways. Every command answers with lines of JSON, which
/// never hold a key.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Give a merchant an account. Its keys are read from `GATEWAY_SECRET_KEY` and
    /// `GATEWAY_CLIENT_KEY`, or else as two lines of standard input: secret key, client key. A
    /// card company takes none, and is told the account's name for the buyer's bill.
    Add {
        /// At which gateway.
        #[arg(long, default_value = toss::NAME, value_parser = [toss::NAME, card_company::NAME])]
        gateway: String,
        /// What it is there for, for example `CARD,EASY_PAY`: payments that name one of these are
        /// taken here rather than elsewhere, and no others are; all that its gateway can if not.
        #[arg(long)]
        methods: Option<Methods>,
        /// Whose: mer_….
        #[arg(long)]
        merchant: MerchantId,
        /// Its name, for people.
        #[arg(long, default_value = "")]
        name: String,
        /// What the keys must be for: test or live.
        #[arg(long)]
        mode: Option<Mode>,
    },
    /// List the accounts, oldest first.
    List {
        /// Of this merchant only.
        #[arg(long)]
        merchant: Option<MerchantId>,
    },
    /// Take no new payments on an account. What is under way is finished, and money can still be
    /// given back.
    Disable {
        /// Which one: gwa_….
        id: GatewayAccountId,
    },
    /// Let a disabled account take payments again.
    Enable {
        /// Which one: gwa_….
        id: GatewayAccountId,
    },
    /// Give an account other keys of the same merchant at the gateway, read as `add` does.
    ReplaceKey {
        /// Which one: gwa_….
        id: GatewayAccountId,
        /// Do not ask the gateway whether the keys are of the same merchant there.
        #[arg(long)]
        unchecked: bool,
    },
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// There is no such account or merchant, the keys do not fit, or the store does not take it.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    // Before anything is opened: what was typed may already be wrong.
    let keys = match &action {
        Action::Add { gateway, .. } if gateway == card_company::NAME => None,
        Action::Add { .. } | Action::ReplaceKey { .. } => Some(read_keys()?),
        Action::List { .. } | Action::Disable { .. } | Action::Enable { .. } => None,
    };
    let store = outside::open(config, false).await?;
    let sealer = vault::open(config, store.clone())?;
    let keyring = Keyring {
        store: store.as_ref(),
        vault: &sealer,
    };
    let account = match (action, keys) {
        (Action::Disable { id }, _) => keyring.set_status(id, Status::Disabled).await?,
        (Action::Enable { id }, _) => keyring.set_status(id, Status::Active).await?,
        (Action::List { merchant }, _) => return list(keyring, merchant).await,
        (
            Action::Add {
                merchant,
                name,
                mode,
                methods,
                ..
            },
            Some(keys),
        ) => {
            let mode = fitting(config, &keys, mode)?;
            let account = GatewayAccount {
                methods,
                ..account(merchant, mode, name)?
            };
            keyring.add(account, &keys).await?
        }
        (
            Action::Add {
                merchant,
                name,
                mode,
                methods,
                ..
            },
            None,
        ) => {
            let mode = mode.unwrap_or_else(|| outside::mode(config));
            let account = account(merchant, mode, name)?;
            keyring
                .add_keyless(at_card_company(config, account, methods)?)
                .await?
        }
        (Action::ReplaceKey { id, unchecked }, Some(keys)) => {
            let known = store.gateway_account(id).await?;
            let known = known.with_context(|| format!("there is no gateway account {id}"))?;
            ensure!(
                known.gateway == toss::NAME,
                "an account at {} takes no keys",
                known.gateway
            );
            fitting(config, &keys, Some(known.scope.mode))?;
            if !unchecked {
                ensure_same_merchant(config, keyring, &known, &keys).await?;
            }
            keyring.replace(id, &keys).await?
        }
        (Action::ReplaceKey { .. }, None) => anyhow::bail!("no keys were read"),
    };
    line(keyring, &account).await
}

/// Whether these keys see what was taken on the account. Those of another merchant would take money
/// there, and its answers would never be believed here.
async fn ensure_same_merchant(
    config: &Config,
    keyring: Keyring<'_>,
    account: &GatewayAccount,
    keys: &KeyPair,
) -> anyhow::Result<()> {
    let base_url = match (config.gateway(), account.scope.mode) {
        // Where it is only the running service knows, and it has one merchant.
        (Gateway::Embedded, Mode::Test) => return Ok(()),
        (Gateway::Sandbox { url }, Mode::Test) => url,
        (Gateway::Embedded | Gateway::Sandbox { .. } | Gateway::Toss, _) => &config.toss.api_url,
    };
    let Some(payment) = keyring.witness(account).await? else {
        return Ok(());
    };
    let gateway = Toss::new(Settings {
        merchant_id: account.merchant_id.clone(),
        ..Settings::new(base_url, keys.secret_key.expose())
    })?;
    match gateway.payment_by_key(&payment).await {
        Answer::Found(_) => Ok(()),
        Answer::NotFound | Answer::Declined(_) => anyhow::bail!(
            "with these keys the gateway does not know payment {payment}, which was taken on this \
             account: they are of another merchant"
        ),
        Answer::Unknown(Cause::Configuration(code)) => {
            anyhow::bail!("the gateway refuses these keys: {code}")
        }
        Answer::Unknown(why) => anyhow::bail!(
            "the gateway did not tell whether these keys are of the same merchant ({why:?}); try \
             again, or give --unchecked"
        ),
    }
}

fn account(merchant: MerchantId, mode: Mode, name: String) -> anyhow::Result<GatewayAccount> {
    ensure!(
        name.chars().count() <= NAME_MAX && !name.chars().any(char::is_control),
        "a name has at most {NAME_MAX} characters, all of them printable"
    );
    let id = GatewayAccountId::new(Drawn::default().draw());
    let scope = Scope { merchant, mode };
    Ok(GatewayAccount {
        name,
        ..GatewayAccount::new(id, scope, Wall::default().now())
    })
}

/// The account at a card company, if such a one can be served.
fn at_card_company(
    config: &Config,
    account: GatewayAccount,
    methods: Option<Methods>,
) -> anyhow::Result<GatewayAccount> {
    card_company::check_name(&account.name)?;
    ensure!(
        methods.is_none_or(|methods| methods == card_company::METHODS),
        "a card company takes {} only",
        card_company::METHODS
    );
    if account.scope.mode == Mode::Live {
        config.fit_for_live()?;
        ensure!(
            !config.card_company.api_url.is_empty(),
            "card_company.api_url is not set"
        );
    }
    Ok(GatewayAccount {
        gateway: card_company::NAME.to_owned(),
        methods,
        ..account
    })
}

/// The mode of these keys, which must be the one that was asked for and safe to use here.
fn fitting(config: &Config, keys: &KeyPair, asked: Option<Mode>) -> anyhow::Result<Mode> {
    let mode = mode_of(keys.secret_key.expose(), keys.client_key.expose())?;
    if let Some(asked) = asked {
        ensure!(mode == asked, "the keys are {mode} keys, not {asked} ones");
    }
    if mode == Mode::Live {
        config.fit_for_live()?;
    }
    Ok(mode)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key that a command is given once is no setting"
)]
fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The keys that whoever runs the command gives, by a way that no other user of the machine sees.
fn read_keys() -> anyhow::Result<KeyPair> {
    let (secret_key, client_key) = match (given(SECRET_KEY), given(CLIENT_KEY)) {
        (Some(secret_key), Some(client_key)) => (secret_key, client_key),
        (None, None) => {
            let mut text = zeroize::Zeroizing::new(String::new());
            std::io::stdin()
                .take(INPUT_BYTES_MAX)
                .read_to_string(&mut text)
                .context("cannot read the keys from standard input")?;
            let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let (Some(secret_key), Some(client_key), None) =
                (lines.next(), lines.next(), lines.next())
            else {
                anyhow::bail!(
                    "give the keys by {SECRET_KEY} and {CLIENT_KEY}, or as two lines of standard \
                     input: secret key, client key"
                );
            };
            (secret_key.to_owned(), client_key.to_owned())
        }
        (_, _) => anyhow::bail!("{SECRET_KEY} and {CLIENT_KEY} come together"),
    };
    Ok(KeyPair {
        secret_key: Secret::new(secret_key),
        client_key: Secret::new(client_key),
    })
}

async fn list(keyring: Keyring<'_>, merchant: Option<MerchantId>) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for account in keyring.store.every_gateway_account().await? {
        if merchant.is_none_or(|merchant| account.scope.merchant == merchant) {
            lines.push(line(keyring, &account).await?);
        }
    }
    Ok(lines.join("\n"))
}

/// An account as it is printed.
async fn line(keyring: Keyring<'_>, account: &GatewayAccount) -> anyhow::Result<String> {
    let shown = |key: &Secret| hint(key.expose());
    let (secret_key, client_key) = match keyring.open(account).await {
        Ok(Some(keys)) => (Some(shown(&keys.secret_key)), Some(shown(&keys.client_key))),
        Ok(None) => (None, None),
        Err(error) => {
            tracing::error!(account = %account.id, %error, "credentials do not open");
            (Some("unreadable".to_owned()), Some("unreadable".to_owned()))
        }
    };
    let credentials = account.credentials.as_ref();
    Ok(json!({
        "gatewayAccountId": account.id,
        "merchantId": account.scope.merchant,
        "mode": account.scope.mode.as_str(),
        "name": account.name,
        "status": account.status.as_str(),
        "gateway": account.gateway,
        "methods": account.methods.map(|methods| methods.to_string()),
        "gatewayMerchantId": account.merchant_id,
        "secretKey": secret_key,
        "clientKey": client_key,
        "credentialVersion": account.credential_version,
        "configured": credentials.is_some_and(|credentials| credentials.seeded),
        "createdAt": account.created_at.to_rfc3339(),
    })
    .to_string())
}
