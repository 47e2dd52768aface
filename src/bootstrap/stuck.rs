//! Owns `payflow stuck`: the sagas whose outcome is unknown for too long, and what the gateway says
//! against what people found out, for a person to look into there.

use std::collections::HashMap;

use application::ports::Clock as _;
use application::ports::store::SagaAfter;
use application::stuck_since;
use clap::Args;
use domain::id::GatewayAccountId;
use domain::saga::{Heard, Saga};
use serde_json::json;

use super::{outside, settle};
use crate::adapters::clock::Wall;
use crate::config::Config;

/// How many are read at once.
const PAGE_ROWS: u32 = 200;

/// What is listed.
#[derive(Args)]
pub(super) struct Listed {
    /// Also what the gateway contradicts and somebody dealt with.
    #[arg(long)]
    all: bool,
}

/// What the gateway says against what people found out, and then every saga, oldest first: a line
/// of JSON each, with what the gateway knows it by; after each what waits for a second person.
///
/// # Errors
/// The store is away.
pub(super) async fn run(config: &Config, listed: &Listed) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let accounts = store.every_gateway_account().await?;
    let gateways: HashMap<GatewayAccountId, String> = accounts
        .into_iter()
        .map(|account| (account.id, account.gateway))
        .collect();
    let since = stuck_since(Wall::default().now(), config.timings.stuck_after());
    let contradicted = store.contradicted(listed.all, PAGE_ROWS).await?;
    let contradicted = contradicted.iter().map(|one| settle::line(one).to_string());
    let mut lines: Vec<String> = contradicted.collect();
    let mut after = None;
    loop {
        let page = store.stuck_sagas(since, after, PAGE_ROWS).await?;
        let Some(last) = page.last() else {
            return Ok(lines.join("\n"));
        };
        after = Some(SagaAfter {
            created_at: last.head.created_at,
            id: last.head.id,
        });
        let gateway = |saga: &Saga| gateways.get(&saga.head.account).map(String::as_str);
        for saga in &page {
            lines.push(line(saga, gateway(saga)));
            let proposals = store.proposals(saga.head.id).await?;
            lines.extend(
                proposals
                    .iter()
                    .map(|one| settle::proposed(one).to_string()),
            );
        }
    }
}

fn line(saga: &Saga, gateway: Option<&str>) -> String {
    let (head, progress) = (&saga.head, &saga.progress);
    json!({
        "sagaId": head.id,
        "kind": head.kind().as_str(),
        "paymentId": head.payment,
        "merchantId": head.scope.merchant,
        "mode": head.scope.mode.as_str(),
        "gateway": gateway,
        "gatewayAccountId": head.account,
        "gatewayOrderId": saga.order(),
        "paymentKey": head.intent.payment_key().map(ToString::to_string),
        "amount": head.amount.minor(),
        "currency": head.amount.currency().code(),
        "heard": heard(&progress.heard),
        "callsUnanswered": progress.unanswered,
        "createdAt": head.created_at.to_rfc3339(),
        "lastCallAt": progress.intent_at.to_rfc3339(),
        "traceId": head.trace.id().to_string(),
    })
    .to_string()
}

/// What the gateway last said about the call.
fn heard(heard: &Heard) -> String {
    match heard {
        Heard::Nothing => "NOTHING".to_owned(),
        Heard::Temporary => "TEMPORARY_ERROR".to_owned(),
        Heard::SessionGone => "SESSION_GONE".to_owned(),
        Heard::Refused(decline) => format!("REFUSED {}", decline.code),
        Heard::Noise => "NOT_UNDERSTOOD".to_owned(),
        Heard::OrderUsed => "ORDER_USED".to_owned(),
    }
}
