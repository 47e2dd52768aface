//! Owns the commands about what gateways tell: `hook-token make|rotate|revoke|list` and
//! `inbox list|show|replay`.

use std::time::Duration;

use anyhow::Context as _;
use application::inbox::{Fresh, Tokens, body_of};
use application::ports::{Clock as _, Store};
use clap::Subcommand;
use domain::change::Change;
use domain::id::{GatewayAccountId, InboundId};
use domain::inbox::{self, Inbound, Token, Verdict};
use serde_json::{Value, json};

use super::{outside, vault};
use crate::adapters::clock::Wall;
use crate::adapters::ids::Drawn;
use crate::config::Config;

/// What the path of a token's address begins with.
pub(super) const PATH: &str = "/webhooks/toss/";
/// As long as somebody may need to enter the new address at the gateway.
const GRACE_HOURS: u64 = 72;

/// What can be done about the tokens that let gateways' notifications in. Every command answers
/// with lines of JSON.
#[derive(Subcommand)]
pub(super) enum TokenAction {
    /// Make an account's token. It is shown this once: enter the address that ends in it at the
    /// gateway.
    Make {
        /// Which account: gwa_….
        account: GatewayAccountId,
    },
    /// Make another one. Those before it stay good for a while.
    Rotate {
        /// Which account: gwa_….
        account: GatewayAccountId,
        /// For how many hours the ones before it let notifications in still.
        #[arg(long, default_value_t = GRACE_HOURS)]
        grace_hours: u64,
    },
    /// Let nothing in any more with any token of an account.
    Revoke {
        /// Which account: gwa_….
        account: GatewayAccountId,
    },
    /// List an account's tokens that let something in, newest first; never their texts.
    List {
        /// Which account: gwa_….
        account: GatewayAccountId,
    },
}

/// What can be done about notifications.
#[derive(Subcommand)]
pub(super) enum Action {
    /// List notifications, newest first, a line of JSON each, without their bodies.
    List {
        /// Only with this verdict, such as `UNKNOWN_ORDER`.
        #[arg(long)]
        verdict: Option<Verdict>,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show one with its headers and its body, as it came. It holds what people are called.
    Show {
        /// Which one: inb_….
        id: InboundId,
    },
    /// Have one looked at again, as if it had just come in.
    Replay {
        /// Which one: inb_….
        id: InboundId,
    },
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// There is no such account, or the store does not take it.
pub(super) async fn tokens(config: &Config, action: TokenAction) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let (ids, clock) = (Drawn::default(), Wall::default());
    let tokens = Tokens {
        store: store.as_ref(),
        ids: &ids,
        clock: &clock,
    };
    match action {
        TokenAction::Make { account } => Ok(shown(&tokens.make(account).await?)),
        TokenAction::Rotate {
            account,
            grace_hours,
        } => {
            let grace = Duration::from_secs(grace_hours.saturating_mul(3600));
            Ok(shown(&tokens.rotate(account, grace).await?))
        }
        TokenAction::Revoke { account } => {
            let revoked = tokens.revoke(account).await?;
            Ok(json!({ "gatewayAccountId": account, "revoked": revoked }).to_string())
        }
        TokenAction::List { account } => {
            let usable = tokens.usable(account).await?;
            let lines: Vec<String> = usable.iter().map(|token| line(token).to_string()).collect();
            Ok(lines.join("\n"))
        }
    }
}

fn line(token: &Token) -> Value {
    json!({
        "gatewayAccountId": token.account,
        "createdAt": token.created_at.to_rfc3339(),
        "expiresAt": token.expires_at.map(|end| end.to_rfc3339()),
    })
}

fn shown(fresh: &Fresh) -> String {
    let mut shown = line(&fresh.token);
    shown["token"] = json!(fresh.text.expose());
    shown["path"] = json!(format!("{PATH}{}", fresh.text.expose()));
    shown.to_string()
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// There is no such notification, or the store does not take it.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    match action {
        Action::List { verdict, limit } => {
            let found = store.inbox().inbounds(verdict, limit).await?;
            let lines: Vec<String> = found.iter().map(|one| facts(one).to_string()).collect();
            Ok(lines.join("\n"))
        }
        Action::Show { id } => {
            let found = named(store.as_ref(), id).await?;
            let vault = vault::open(config, store.clone())?;
            let body = body_of(store.as_ref(), &vault, &found).await?;
            let body = String::from_utf8_lossy(&body);
            Ok(format!("{}\n\n{body}", facts(&found)))
        }
        Action::Replay { id } => replay(store.as_ref(), id).await,
    }
}

async fn named(store: &dyn Store, id: InboundId) -> anyhow::Result<Inbound> {
    let found = store.inbox().inbound(id).await?;
    found.with_context(|| format!("there is no notification {id}"))
}

async fn replay(store: &dyn Store, id: InboundId) -> anyhow::Result<String> {
    let found = named(store, id).await?;
    let expected = found.version;
    let again = found.waiting(Wall::default().now());
    let change = inbox::Change::Update {
        inbound: Box::new(again.clone()),
        expected,
    };
    let written = store.commit(&[Change::Inbox(Box::new(change))]).await;
    written.context("it was not written; try again")?;
    Ok(facts(&again).to_string())
}

fn facts(inbound: &Inbound) -> Value {
    let headers = &inbound.headers;
    json!({
        "id": inbound.id,
        "gatewayAccountId": inbound.account,
        "kind": inbound.kind.as_str(),
        "verdict": inbound.verdict,
        "paymentId": inbound.payment,
        "receivedAt": inbound.received_at.to_rfc3339(),
        "transmissionId": headers.transmission_id,
        "sentAt": headers.sent_at,
        "retried": headers.retried,
    })
}
