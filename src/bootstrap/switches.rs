//! Owns the commands about safety switches: `pause`, `unpause`, `switches`.

use anyhow::Context as _;
use application::{Reason, turn};
use clap::Args;
use domain::id::{GatewayAccountId, MerchantId};
use domain::principal::Actor;
use domain::switch::{Operation, Reach, Turn};
use domain::text::SwitchReason;
use serde_json::json;

use super::outside;
use crate::adapters::clock::Wall;
use crate::config::Config;

/// How many turns `switches --history` shows.
const HISTORY_ROWS: u32 = 200;
/// The longest name of who turns one.
const WHO_MAX: usize = 100;

/// Which switch, and why it is turned.
#[derive(Args)]
pub(super) struct Named {
    /// approvals, cancels or charges.
    operation: Operation,
    /// For this merchant: mer_….
    #[arg(long, group = "reach", required_unless_present_any = ["account", "everywhere"])]
    merchant: Option<MerchantId>,
    /// On this account at a gateway: gwa_….
    #[arg(long, group = "reach")]
    account: Option<GatewayAccountId>,
    /// For everybody.
    #[arg(long, group = "reach")]
    everywhere: bool,
    /// Why, for who reads it later.
    #[arg(long)]
    why: SwitchReason,
    /// Who does it.
    #[arg(long, env = "USER", default_value = "")]
    by: String,
}

/// Turns a switch, and answers with what is to be printed.
///
/// # Errors
/// There is no such merchant or account, or the store does not take it.
pub(super) async fn set(config: &Config, named: Named, paused: bool) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let reach = match (named.merchant, named.account) {
        (Some(merchant), _) => {
            let found = store.merchant(merchant).await?;
            let found = found.with_context(|| format!("there is no merchant {merchant}"))?;
            Reach::Merchant(found.id)
        }
        (None, Some(account)) => {
            let found = store.gateway_account(account).await?;
            let found = found.with_context(|| format!("there is no gateway account {account}"))?;
            Reach::Account(found.id)
        }
        (None, None) => Reach::Everywhere,
    };
    let reason = Reason {
        actor: Actor::Operator,
        who: named.by.chars().take(WHO_MAX).collect(),
        why: named.why.to_string(),
    };
    let clock = Wall::default();
    let turned = turn(
        (store.as_ref(), &clock),
        (named.operation, reach),
        paused,
        &reason,
    )
    .await?;
    Ok(line(&turned))
}

/// What is paused now, or every turn of late.
///
/// # Errors
/// The store is away.
pub(super) async fn list(config: &Config, history: bool) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let turns = if history {
        store.turns(HISTORY_ROWS).await?
    } else {
        let mut now = store.switches().await?;
        now.retain(|turn| turn.paused);
        now
    };
    let lines: Vec<String> = turns.iter().map(line).collect();
    Ok(lines.join("\n"))
}

fn line(turn: &Turn) -> String {
    json!({
        "operation": turn.operation.as_str(),
        "reach": turn.reach.to_string(),
        "paused": turn.paused,
        "actor": turn.actor,
        "who": turn.who,
        "why": turn.why,
        "at": turn.at.to_rfc3339(),
    })
    .to_string()
}
