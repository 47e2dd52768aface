//! Owns the controls of webhooks: where they go, what is told by hand, what goes wrong, what left.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{delete, get, post};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Unable, read, show};
use crate::catalogue::Refusal;
use crate::clock::record_date;
use crate::config::WebhookTargets;
use crate::ids;
use crate::mailer::{Disturbance, Letter};
use crate::objects::webhook;
use crate::sandbox::Sandbox;
use crate::state::fact::Fact;
use crate::state::hooks::{Delivery, Endpoint, Event, Standing};
use crate::store::Transaction;

const URL_CHARACTERS_MAX: usize = 2000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Registration {
    url: String,
    /// None given: all there are.
    events: Option<Vec<Event>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveriesQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    order_id: Option<String>,
}

/// What is told although nothing happened here: payouts, sellers, overseas cancellations.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sending {
    event_type: Event,
    /// Of a payment that was cancelled; of any payment.
    payment_key: Option<String>,
    /// Of a payout or a seller; made up when it is not given.
    entity_body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Resend {
    sequence: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    sequence: u64,
    transmission_id: &'a str,
    event_type: Event,
    endpoint: u64,
    url: &'a str,
    order_id: Option<&'a str>,
    state: Standing,
    at: String,
    /// When it is tried next; null once it is over.
    next_at: Option<String>,
    tries: Vec<ShownTry<'a>>,
    body: &'a str,
}

#[derive(Serialize)]
struct ShownTry<'a> {
    at: String,
    status: Option<u16>,
    problem: Option<&'a str>,
}

pub(super) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/_sandbox/webhooks", get(endpoints).post(register))
        .route("/_sandbox/webhooks/{id}", delete(unregister))
        .route("/_sandbox/webhooks/deliveries", get(deliveries))
        .route("/_sandbox/webhooks/resend", post(resend))
        .route("/_sandbox/webhooks/send", post(tell))
        .route(
            "/_sandbox/webhooks/faults",
            get(disturbance).post(disturb).delete(heal),
        )
}

async fn endpoints(State(sandbox): State<Arc<Sandbox>>) -> Result<Response, Unable> {
    let all = |all: &mut Transaction| all.state().hooks.endpoints().cloned().collect::<Vec<_>>();
    let endpoints = sandbox.store.commit(all).await?;
    Ok(show(&json!({ "webhooks": endpoints })))
}

async fn register(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: Registration = read(&body)?;
    check(&asked.url, sandbox.config.settings.webhook_targets).map_err(Unable::Unreadable)?;
    let mut events = asked.events.unwrap_or_else(|| Event::ALL.to_vec());
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err(Unable::Unreadable("no event to be told of".to_owned()));
    }
    let endpoint = sandbox
        .store
        .commit(|all| {
            // Who registers again, after a restart perhaps, is not told everything twice.
            let same = |known: &&Endpoint| known.url == asked.url;
            let known = all
                .state()
                .hooks
                .endpoints()
                .find(same)
                .map(|known| known.id);
            let endpoint = Endpoint {
                id: known.unwrap_or_else(|| all.state().hooks.next_endpoint()),
                url: asked.url,
                events,
            };
            all.record(Fact::HookRegistered {
                endpoint: endpoint.clone(),
            });
            endpoint
        })
        .await?;
    // The courier begins to watch the clock.
    sandbox.store.mailer.wake.notify_one();
    Ok(show(&endpoint))
}

async fn unregister(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<u64>,
) -> Result<Response, Unable> {
    let known = sandbox
        .store
        .commit(|all| {
            let known = all
                .state()
                .hooks
                .endpoints()
                .any(|endpoint| endpoint.id == id);
            if known {
                all.record(Fact::HookRemoved { id });
            }
            known
        })
        .await?;
    if known {
        Ok(show(&json!({ "removed": id })))
    } else {
        Err(Unable::Refused(Refusal::of("NOT_FOUND")))
    }
}

/// What was to be told, oldest first, and what came of it; only what is safe on disk.
async fn deliveries(
    State(sandbox): State<Arc<Sandbox>>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Response, Unable> {
    let limit = query.limit.unwrap_or(usize::MAX);
    let meant = |delivery: &&Delivery| {
        let asked = query.order_id.as_ref();
        asked.is_none_or(|order_id| delivery.order_id.as_ref() == Some(order_id))
    };
    let found: Vec<Delivery> = sandbox
        .store
        .commit(|all| {
            let later = all.state().hooks.deliveries(query.after);
            later.filter(meant).take(limit).cloned().collect()
        })
        .await?;
    let shown: Vec<Shown> = found.iter().map(shown).collect();
    Ok(show(&json!({ "deliveries": shown })))
}

/// One delivery is tried again now, whatever came of it.
async fn resend(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let Resend { sequence } = read(&body)?;
    let known = sandbox
        .store
        .commit(|all| {
            let known = all.state().hooks.delivery(sequence).is_some();
            if known {
                let at = all.now();
                all.record(Fact::Resent { sequence, at });
            }
            known
        })
        .await?;
    if !known {
        return Err(Unable::Refused(Refusal::of("NOT_FOUND")));
    }
    sandbox.store.mailer.wake.notify_one();
    Ok(show(&json!({ "resent": sequence })))
}

/// Tells what has no cause here.
async fn tell(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: Sending = read(&body)?;
    let told = sandbox
        .store
        .commit(|all| {
            let letter = write(all, &sandbox, asked)?;
            Ok::<_, Refusal>(all.post(&letter))
        })
        .await??;
    Ok(show(&json!({ "deliveries": told })))
}

fn write(transaction: &Transaction, sandbox: &Sandbox, asked: Sending) -> Result<Letter, Refusal> {
    let (config, now) = (&sandbox.config, transaction.now());
    let payment = asked.payment_key.as_deref();
    let payment = payment.and_then(|key| transaction.state().payment(key));
    let missing = || Refusal::of("NOT_FOUND_PAYMENT");
    let body = match asked.event_type {
        Event::PayoutChanged | Event::SellerChanged => {
            let entity = (ids::event_id(), asked.entity_body);
            webhook::signed(asked.event_type, (&entity.0, entity.1), config, now)
        }
        Event::PaymentStatusChanged => {
            webhook::payment(payment.ok_or_else(missing)?, config, &sandbox.base, now)
        }
        Event::CancelStatusChanged => {
            let last = payment.and_then(|payment| payment.cancels.last());
            webhook::cancel(last.ok_or_else(missing)?, config, now)
        }
        Event::DepositCallback | Event::BillingDeleted => {
            return Err(Refusal::of("INVALID_REQUEST"));
        }
    };
    Ok(Letter {
        event: asked.event_type,
        order_id: payment.map(|payment| payment.order_id.clone()),
        body,
    })
}

async fn disturbance(State(sandbox): State<Arc<Sandbox>>) -> Response {
    show(&*sandbox.store.mailer.disturbance())
}

async fn disturb(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: Disturbance = read(&body)?;
    asked.check().map_err(Unable::Unreadable)?;
    let response = show(&asked);
    *sandbox.store.mailer.disturbance() = asked;
    Ok(response)
}

async fn heal(State(sandbox): State<Arc<Sandbox>>) -> Response {
    *sandbox.store.mailer.disturbance() = Disturbance::default();
    show(&*sandbox.store.mailer.disturbance())
}

/// Whether a webhook may go there; a test must not tell strangers anything.
fn check(url: &str, targets: WebhookTargets) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("url: {error}"))?;
    let plain = parsed.username().is_empty() && parsed.password().is_none();
    if url.len() > URL_CHARACTERS_MAX || !plain || !matches!(parsed.scheme(), "http" | "https") {
        return Err("url is a web address without credentials".to_owned());
    }
    let host = parsed.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match targets {
        WebhookTargets::Loopback if !is_here => {
            Err("webhooks go to this machine alone, unless webhookTargets is any".to_owned())
        }
        WebhookTargets::Loopback | WebhookTargets::Any => Ok(()),
    }
}

fn shown(delivery: &Delivery) -> Shown<'_> {
    let tries = delivery.tries.iter().map(|made| ShownTry {
        at: record_date(made.at),
        status: made.status,
        problem: made.problem.as_deref(),
    });
    let waits = delivery.standing == Standing::Waiting;
    Shown {
        sequence: delivery.sequence,
        transmission_id: &delivery.transmission_id,
        event_type: delivery.event,
        endpoint: delivery.endpoint,
        url: &delivery.url,
        order_id: delivery.order_id.as_deref(),
        state: delivery.standing,
        at: record_date(delivery.at),
        next_at: waits.then(|| record_date(delivery.due_at)),
        tries: tries.collect(),
        body: &delivery.body,
    }
}
