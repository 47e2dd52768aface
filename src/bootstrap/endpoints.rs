//! Owns the commands about webhook endpoints:
//! `webhook add|list|show|change|rotate|delete|deliveries|attempts|redeliver`.

use std::time::Duration;

use anyhow::Context as _;
use application::ports::Store;
use application::ports::store::Listed;
use application::webhooks::{Edit, Office, Range, Shown};
use clap::{Subcommand, value_parser};
use domain::feed::Cursor;
use domain::id::{EndpointId, MerchantId};
use domain::principal::{Actor, Mode, Scope};
use domain::text::EndpointUrl;
use domain::webhook::{Attempt, Endpoint, EventId, Filter, Note, State, Topic};
use serde_json::{Value, json};

use super::{outside, vault, webhooks};
use crate::adapters::clock::Wall;
use crate::adapters::ids::Drawn;
use crate::config::Config;

/// The longest time of grace.
const GRACE_SECONDS_MAX: u64 = 30 * 86_400;
/// How many deliveries are listed at most.
const LISTED_MAX: u32 = 1_000;

/// What can be done about webhook endpoints. Every command answers with lines of JSON.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Make an endpoint and print it with its secret, this once.
    Add {
        /// Whose: mer_….
        merchant: MerchantId,
        /// Where to.
        url: EndpointUrl,
        /// A type of events to be told of, may be repeated; all of them otherwise.
        #[arg(long = "event")]
        events: Vec<Topic>,
        /// Whether it is for test or live; what the gateway's key is for, otherwise.
        #[arg(long)]
        mode: Option<Mode>,
    },
    /// List a merchant's endpoints, the newest first.
    List {
        /// Whose: mer_….
        merchant: MerchantId,
        /// Test or live; what the gateway's key is for, otherwise.
        #[arg(long)]
        mode: Option<Mode>,
    },
    /// Show an endpoint and what was done to it.
    Show {
        /// Which one: whe_….
        endpoint: EndpointId,
    },
    /// Change an endpoint; what is not named stays.
    Change {
        /// Which one: whe_….
        endpoint: EndpointId,
        /// Where to, from now on.
        #[arg(long)]
        url: Option<EndpointUrl>,
        /// A type of events to be told of, may be repeated.
        #[arg(long = "event", conflicts_with = "all_events")]
        events: Vec<Topic>,
        /// Tell it of all events.
        #[arg(long)]
        all_events: bool,
        /// Whether it is told of events.
        #[arg(long)]
        enabled: Option<bool>,
    },
    /// Replace an endpoint's secret by another, and print that, this once.
    Rotate {
        /// Which one: whe_….
        endpoint: EndpointId,
        /// How long messages are signed with the old secret, too; 0 ends all old ones.
        #[arg(long, default_value_t = 86_400)]
        #[arg(value_parser = value_parser!(u64).range(..=GRACE_SECONDS_MAX))]
        grace_seconds: u64,
    },
    /// Delete an endpoint: it is sent nothing any more, also not what waits.
    Delete {
        /// Which one: whe_….
        endpoint: EndpointId,
    },
    /// List the deliveries to an endpoint, the newest events first, those about endpoints last.
    Deliveries {
        /// To which: whe_….
        endpoint: EndpointId,
        /// Only those that are PENDING, DELIVERED or FAILED.
        #[arg(long)]
        status: Option<State>,
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        #[arg(value_parser = value_parser!(u32).range(1..=i64::from(LISTED_MAX)))]
        limit: u32,
    },
    /// List the tries of a delivery, the newest first.
    Attempts {
        /// To which: whe_….
        endpoint: EndpointId,
        /// Of which event: pay_…-1, or whe_…-2.
        event: EventId,
    },
    /// Send again: one event, or all that the endpoint has not taken.
    Redeliver {
        /// To which: whe_….
        endpoint: EndpointId,
        /// This event alone: pay_…-1, or whe_…-2.
        #[arg(long, conflicts_with_all = ["after", "taken_too"])]
        event: Option<EventId>,
        /// Behind this position of the feed.
        #[arg(long, value_parser = value_parser!(i64).range(0..))]
        after: Option<i64>,
        /// Also what was taken.
        #[arg(long)]
        taken_too: bool,
    },
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// The store does not take it, or there is no such merchant, endpoint or delivery.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let sealer = vault::open(config, store.clone())?;
    let courier = webhooks::courier(config)?;
    let (clock, ids) = (Wall::default(), Drawn::default());
    let office = Office {
        store: store.as_ref(),
        vault: &sealer,
        courier: &courier,
        clock: &clock,
        ids: &ids,
        endpoints_max: config.webhooks.endpoints_max,
    };
    let mode = |mode: Option<Mode>| mode.unwrap_or_else(|| outside::mode(config));
    let printed = match action {
        Action::Add {
            merchant,
            url,
            events,
            mode: wanted,
        } => {
            let mode = mode(wanted);
            let who = (Scope { merchant, mode }, Actor::Operator);
            let shown = office.add(who, url, Filter::of(events)).await?;
            vec![new(&shown)]
        }
        Action::List {
            merchant,
            mode: wanted,
        } => {
            let mode = mode(wanted);
            let found = office.list(Scope { merchant, mode }).await?;
            found.iter().map(line).collect()
        }
        Action::Deliveries {
            endpoint,
            status,
            limit,
        } => {
            let of = (owner(store.as_ref(), endpoint).await?, endpoint);
            let found = office.deliveries(of, status, None, limit).await?;
            found.iter().map(delivery).collect()
        }
        Action::Attempts { endpoint, event } => {
            let of = (owner(store.as_ref(), endpoint).await?, endpoint);
            let found = office.attempts(of, event).await?;
            found.iter().map(attempt).collect()
        }
        action @ (Action::Show { .. }
        | Action::Change { .. }
        | Action::Rotate { .. }
        | Action::Delete { .. }
        | Action::Redeliver { .. }) => on_one(office, action).await?,
    };
    let lines: Vec<String> = printed.iter().map(ToString::to_string).collect();
    Ok(lines.join("\n"))
}

/// What is done to one endpoint.
async fn on_one(office: Office<'_>, action: Action) -> anyhow::Result<Vec<Value>> {
    let who = async |id| anyhow::Ok((owner(office.store, id).await?, Actor::Operator));
    Ok(match action {
        Action::Show { endpoint } => {
            let seen = office.read(who(endpoint).await?.0, endpoint).await?;
            let mut shown = line(&seen.endpoint);
            shown["changes"] = seen.notes.iter().map(note).collect();
            vec![shown]
        }
        Action::Change {
            endpoint,
            url,
            events,
            all_events,
            enabled,
        } => {
            let named = all_events || !events.is_empty();
            let edit = Edit {
                url,
                events: named.then(|| Filter::of(events)),
                enabled,
            };
            vec![line(
                &office.change(who(endpoint).await?, endpoint, &edit).await?,
            )]
        }
        Action::Rotate {
            endpoint,
            grace_seconds,
        } => {
            let grace = Duration::from_secs(grace_seconds);
            vec![new(&office
                .rotate(who(endpoint).await?, endpoint, grace)
                .await?)]
        }
        Action::Delete { endpoint } => {
            vec![line(&office.delete(who(endpoint).await?, endpoint).await?)]
        }
        Action::Redeliver {
            endpoint,
            event: Some(event),
            ..
        } => {
            let of = (who(endpoint).await?.0, endpoint);
            vec![delivery(&office.redeliver(of, event).await?)]
        }
        Action::Redeliver {
            endpoint,
            after,
            taken_too,
            event: None,
        } => vec![redeliver(office, endpoint, after, taken_too).await?],
        Action::Add { .. }
        | Action::List { .. }
        | Action::Deliveries { .. }
        | Action::Attempts { .. } => Vec::new(),
    })
}

/// The whole of a range, page by page.
async fn redeliver(
    office: Office<'_>,
    endpoint: EndpointId,
    after: Option<i64>,
    taken_too: bool,
) -> anyhow::Result<Value> {
    let of = (owner(office.store, endpoint).await?, endpoint);
    let head = office.store.head().await?;
    let mut after = after.map(|position| Cursor { position, ..head });
    let (mut count, mut unsendable) = (0_u64, 0_u64);
    loop {
        let range = Range {
            after,
            until: None,
            taken_too,
        };
        let page = office.redeliver_range(of, range).await?;
        count = count.saturating_add(page.count);
        unsendable = unsendable.saturating_add(page.unsendable);
        if !page.more {
            return Ok(json!({ "redelivered": count, "unsendable": unsendable }));
        }
        after = Some(page.next);
    }
}

async fn owner(store: &dyn Store, endpoint: EndpointId) -> anyhow::Result<Scope> {
    let found = store.endpoint(endpoint).await?;
    Ok(found.context("no such endpoint")?.scope)
}

fn line(endpoint: &Endpoint) -> Value {
    let previous = endpoint.secrets.previous.as_ref();
    json!({
        "endpointId": endpoint.id,
        "merchantId": endpoint.scope.merchant,
        "mode": endpoint.scope.mode.as_str(),
        "url": endpoint.url,
        "events": endpoint.events.words().collect::<Vec<_>>(),
        "status": endpoint.status.as_str(),
        "failingSince": endpoint.failing_since,
        "oldSecretUntil": previous.map(|(_, until)| *until),
        "createdAt": endpoint.created_at,
    })
}

/// With the secret, which is printed to whoever runs the command and nowhere else.
fn new(shown: &Shown) -> Value {
    let mut value = line(&shown.endpoint);
    value["secret"] = json!(shown.secret.expose());
    value
}

fn note(note: &Note) -> Value {
    json!({
        "change": note.deed.as_str(),
        "actor": note.actor.as_str(),
        "at": note.at,
    })
}

fn delivery(listed: &Listed) -> Value {
    let delivery = &listed.delivery;
    json!({
        "eventId": delivery.key.event.to_string(),
        "type": listed.kind,
        "position": delivery.in_feed(),
        "status": delivery.state.as_str(),
        "tries": delivery.tries,
        "dueAt": delivery.due_at,
        "createdAt": delivery.created_at,
    })
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "number": attempt.number,
        "at": attempt.at,
        "milliseconds": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
        "outcome": attempt.outcome.as_str(),
        "httpStatus": attempt.status,
        "detail": attempt.detail,
    })
}
