//! Owns the commands about merchants: `merchant create|list|suspend|resume|currencies|zone`.

use application::Tenancy;
use application::ports::Store;
use clap::Subcommand;
use domain::id::MerchantId;
use domain::merchant::{Currencies, Merchant, Status, Zone};
use domain::principal::Mode;
use domain::text::MerchantName;
use serde::Serialize;
use serde_json::json;

use super::merchants::{self, Keys, New};
use super::outside;
use crate::adapters::clock::Wall;
use crate::adapters::ids::Drawn;
use crate::config::Config;

/// What can be done about merchants. Every command answers with lines of JSON.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Make a merchant and print its keys, this once.
    Create {
        /// Its name, for people.
        name: MerchantName,
        /// What its payments may be in, for example KRW,USD; `payments.currencies` otherwise.
        #[arg(long)]
        currencies: Option<Currencies>,
        /// Where its days begin and end: a name of the IANA database.
        #[arg(long, default_value_t = Zone::SEOUL)]
        zone: Zone,
        /// Whether its keys are for test or live; what the gateway's key is for, otherwise.
        #[arg(long)]
        mode: Option<Mode>,
    },
    /// List the merchants, oldest first.
    List,
    /// Refuse whatever a merchant asks for. What is under way is still finished.
    Suspend {
        /// Which one: mer_….
        id: MerchantId,
    },
    /// Let a suspended merchant go on.
    Resume {
        /// Which one: mer_….
        id: MerchantId,
    },
    /// Choose what a merchant's further payments may be in.
    Currencies {
        /// Which one: mer_….
        id: MerchantId,
        /// For example KRW,USD.
        currencies: Currencies,
    },
    /// Choose where a merchant's days begin and end.
    Zone {
        /// Which one: mer_….
        id: MerchantId,
        /// A name of the IANA database, for example Asia/Seoul.
        zone: Zone,
    },
}

/// A merchant as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    merchant_id: String,
    name: String,
    status: &'static str,
    currencies: Vec<&'static str>,
    zone: &'static str,
    created_at: String,
}

impl From<&Merchant> for Line {
    fn from(merchant: &Merchant) -> Self {
        Self {
            merchant_id: merchant.id.to_string(),
            name: merchant.name.to_string(),
            status: merchant.status.as_str(),
            currencies: merchant
                .currencies
                .iter()
                .map(domain::money::Currency::code)
                .collect(),
            zone: merchant.zone.name(),
            created_at: merchant.created_at.to_rfc3339(),
        }
    }
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// The store does not take it, or there is no such merchant.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let (clock, ids) = (Wall::default(), Drawn::default());
    let tenancy = Tenancy {
        store: store.as_ref(),
        clock: &clock,
        ids: &ids,
        conflicts_max: config.bounds.conflicts_max,
    };
    let merchant = match action {
        Action::Create {
            name,
            currencies,
            zone,
            mode,
        } => {
            let currencies = currencies.map_or_else(|| merchants::currencies(config), Ok)?;
            let mode = mode.unwrap_or_else(|| outside::mode(config));
            let keys = Keys::fresh(mode);
            let new = New {
                name,
                currencies,
                zone,
                mode,
            };
            let id = merchants::add(&tenancy, new, &keys).await?;
            return Ok(
                json!({ "merchantId": id, "publishableKey": keys.publishable_key,
                              "secretKey": keys.secret_key })
                .to_string(),
            );
        }
        Action::List => return list(store.as_ref()).await,
        Action::Suspend { id } => tenancy.set_status(id, Status::Suspended).await,
        Action::Resume { id } => tenancy.set_status(id, Status::Active).await,
        Action::Currencies { id, currencies } => tenancy.set_currencies(id, &currencies).await,
        Action::Zone { id, zone } => tenancy.set_zone(id, zone).await,
    };
    line(&merchant?)
}

async fn list(store: &dyn Store) -> anyhow::Result<String> {
    let merchants = store.merchants().await?;
    let lines: Result<Vec<String>, _> = merchants.iter().map(line).collect();
    Ok(lines?.join("\n"))
}

fn line(merchant: &Merchant) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&Line::from(merchant))?)
}
