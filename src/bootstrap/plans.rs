//! Owns the commands about plans: `plans load|list`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use application::ports::Store;
use application::{Loaded, Plans, WantedPlan};
use clap::Subcommand;
use domain::id::MerchantId;
use domain::money::{Currency, Money};
use domain::principal::{Mode, Scope};
use domain::subscription::{Dunning, Manner, Missed, Plan, Terms};
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;
use serde_json::json;

use super::outside;
use crate::adapters::clock::Wall;
use crate::config::Config;

/// What the demo merchant offers.
const DEMO: &str = include_str!("../../config/demo-plans.toml");

/// What can be done about plans. Every command answers with lines of JSON.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Add the plans of a file and change those that differ; see docs/subscriptions.md. Those that
    /// it does not name stay.
    Load {
        /// A TOML file.
        file: PathBuf,
        /// Whose: mer_….
        #[arg(long)]
        merchant: MerchantId,
        /// Test or live; what the gateway's key is for, otherwise.
        #[arg(long)]
        mode: Option<Mode>,
    },
    /// List a merchant's plans, by code.
    List {
        /// Whose: mer_….
        #[arg(long)]
        merchant: MerchantId,
        /// Test or live; what the gateway's key is for, otherwise.
        #[arg(long)]
        mode: Option<Mode>,
    },
}

/// A file of plans.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: Vec<Entry>,
}

/// One plan of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: String,
    name: String,
    benefits: Option<String>,
    kind: String,
    period: String,
    currency: String,
    price: i64,
    #[serde(default)]
    tax_free: i64,
    #[serde(default = "offered")]
    offered: bool,
    missed: Option<String>,
    #[serde(default)]
    dunning: Waits,
}

/// What follows a decline; what is not said is as usual.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waits {
    first_minutes: Option<u32>,
    cap_hours: Option<u32>,
    tries_max: Option<u32>,
    card_grace_days: Option<u32>,
}

const fn offered() -> bool {
    true
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// The file is none of plans, or the store does not take them.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let clock = Wall::default();
    let plans = Plans {
        store: store.as_ref(),
        clock: &clock,
        conflicts_max: config.bounds.conflicts_max,
    };
    let scope = |merchant, mode: Option<Mode>| Scope {
        merchant,
        mode: mode.unwrap_or_else(|| outside::mode(config)),
    };
    let lines: Vec<String> = match action {
        Action::Load {
            file,
            merchant,
            mode,
        } => {
            let wanted = read(&file)?;
            affordable(&wanted, config.payments.amount_minor_max)?;
            let loaded = plans.load(scope(merchant, mode), &wanted).await?;
            let told = |(plan, became): &(Plan, Loaded)| line(plan, Some(*became));
            loaded.iter().map(told).collect()
        }
        Action::List { merchant, mode } => {
            let found = plans.list(scope(merchant, mode)).await?;
            found.iter().map(|plan| line(plan, None)).collect()
        }
    };
    Ok(lines.join("\n"))
}

/// The demo merchant offers something to subscribe to, unless it does already.
///
/// # Errors
/// The store does not answer, or does not take it.
pub(super) async fn demo(store: &dyn Store, config: &Config, scope: Scope) -> anyhow::Result<()> {
    let plans = Plans {
        store,
        clock: &Wall::default(),
        conflicts_max: config.bounds.conflicts_max,
    };
    if !plans.list(scope).await?.is_empty() {
        return Ok(());
    }
    let wanted = parse(&Figment::from(Toml::string(DEMO)), "config/demo-plans.toml")?;
    // One that takes no won, or nothing so dear, offers nothing.
    if let Err(error) = plans.load(scope, &wanted).await {
        tracing::warn!(
            error = format!("{error:#}"),
            "the demo merchant offers no plans"
        );
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<WantedPlan>> {
    let shown = path.display().to_string();
    anyhow::ensure!(path.is_file(), "there is no file {shown}");
    parse(&Figment::from(Toml::file_exact(path)), &shown)
}

fn parse(file: &Figment, shown: &str) -> anyhow::Result<Vec<WantedPlan>> {
    let file = file.extract::<File>();
    let file = file.with_context(|| format!("{shown} is no list of plans"))?;
    let wanted = |entry: Entry| {
        let code = entry.code.clone();
        wanted(entry).with_context(|| format!("plan {code:?} of {shown}"))
    };
    file.plan.into_iter().map(wanted).collect()
}

/// What no payment may be for, no cycle could ever be charged.
fn affordable(wanted: &[WantedPlan], amount_minor_max: i64) -> anyhow::Result<()> {
    let over = |plan: &&WantedPlan| plan.terms.price().minor() > amount_minor_max;
    if let Some(plan) = wanted.iter().find(over) {
        let code = &plan.code;
        anyhow::bail!("{code}: the price is over payments.amount_minor_max, {amount_minor_max}");
    }
    Ok(())
}

fn wanted(entry: Entry) -> anyhow::Result<WantedPlan> {
    let currency: Currency = entry.currency.parse().context("currency")?;
    let money = |minor| Money::new(minor, currency);
    let terms = Terms::new(
        entry.kind.parse().context("kind")?,
        entry.period.parse().context("period")?,
        money(entry.price).context("price")?,
        money(entry.tax_free).context("tax_free")?,
    )?;
    let missed = entry.missed.map(|word| word.parse()).transpose();
    let benefits = entry.benefits.map(|text| text.parse()).transpose();
    Ok(WantedPlan {
        code: entry.code.parse().context("code")?,
        terms,
        manner: Manner {
            name: entry.name.parse().context("name")?,
            benefits: benefits.context("benefits")?,
            offered: entry.offered,
            missed: missed.context("missed")?.unwrap_or(Missed::ChargeNewest),
            dunning: dunning(&entry.dunning)?,
        },
    })
}

fn dunning(waits: &Waits) -> anyhow::Result<Dunning> {
    let usual = Dunning::USUAL;
    let times = |count: Option<u32>, unit: Duration, otherwise| {
        count.map_or(otherwise, |count| unit.saturating_mul(count))
    };
    let day = Duration::from_hours(24);
    let dunning = Dunning {
        first: times(waits.first_minutes, Duration::from_mins(1), usual.first),
        cap: times(waits.cap_hours, Duration::from_hours(1), usual.cap),
        tries_max: waits.tries_max.unwrap_or(usual.tries_max),
        card_grace: times(waits.card_grace_days, day, usual.card_grace),
    };
    anyhow::ensure!(
        !dunning.first.is_zero() && dunning.cap >= dunning.first && dunning.tries_max > 0,
        "dunning: a wait is a minute or more, the cap no shorter, and one try the least"
    );
    Ok(dunning)
}

fn line(plan: &Plan, became: Option<Loaded>) -> String {
    let (terms, manner) = (&plan.terms, &plan.manner);
    let became = became.map(|became| match became {
        Loaded::Added => "ADDED",
        Loaded::Revised => "REVISED",
        Loaded::Unchanged => "UNCHANGED",
    });
    json!({
        "code": plan.code,
        "became": became,
        "name": manner.name,
        "benefits": manner.benefits,
        "kind": terms.kind(),
        "period": terms.period(),
        "price": terms.price().minor(),
        "taxFree": terms.tax_free().minor(),
        "currency": terms.price().currency(),
        "offered": manner.offered,
        "missed": manner.missed,
        "version": plan.version,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_dearer_than_a_payment_may_be_is_refused() {
        let entry = Entry {
            code: "monthly".to_owned(),
            name: "monthly".to_owned(),
            benefits: None,
            kind: "SUBSCRIPTION".to_owned(),
            period: "MONTHLY".to_owned(),
            currency: "KRW".to_owned(),
            price: 1_000,
            tax_free: 0,
            offered: true,
            missed: None,
            dunning: Waits::default(),
        };
        let plan = wanted(entry).expect("a plan");
        affordable(std::slice::from_ref(&plan), 1_000).expect("as dear as a payment may be");
        let refused = affordable(&[plan], 999).expect_err("no payment may be for so much");
        assert!(refused.to_string().contains("monthly"), "{refused}");
    }
}
