//! Owns the controls of automatic payment: a buyer's consent, and the cards behind billing keys.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Unable, read, show, test_card};
use crate::catalogue::Refusal;
use crate::clock::record_date;
use crate::operations::billing;
use crate::sandbox::Sandbox;
use crate::state::billing::BillingKey;
use crate::state::fact::Fact;
use crate::state::payment::Method;
use crate::store::Transaction;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consent {
    customer_key: String,
    method: Option<String>,
    card_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    billing_key: String,
    /// The test card that stands behind it from now on.
    card_number: Option<String>,
    /// Somebody deletes it, without the merchant's program.
    #[serde(default)]
    remove: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    billing_key: String,
    customer_key: String,
    method: &'static str,
    card: Option<String>,
    authenticated_at: String,
    removed_at: Option<String>,
}

pub(super) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/_sandbox/billing-auth", post(consent))
        .route("/_sandbox/billing-keys", get(keys).post(change))
}

/// The buyer registers in the billing window, in one step.
async fn consent(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: Consent = read(&body)?;
    let method = asked.method.as_deref().unwrap_or("CARD");
    let method = Method::named(method).ok_or_else(|| Refusal::of("NOT_SUPPORTED_METHOD"))?;
    let card = asked.card_number.as_deref().map(test_card).transpose()?;
    let auth_key = sandbox
        .store
        .commit(|all| billing::authenticate(all, (&asked.customer_key, method), card, None))
        .await??;
    let told = json!({ "customerKey": asked.customer_key, "authKey": auth_key });
    Ok(show(&told))
}

/// Every key ever issued, oldest first: the gateway itself lists none.
async fn keys(State(sandbox): State<Arc<Sandbox>>) -> Result<Response, Unable> {
    let all = |all: &mut Transaction| all.state().billing.keys().map(shown).collect::<Vec<_>>();
    let keys = sandbox.store.commit(all).await?;
    Ok(show(&json!({ "billingKeys": keys })))
}

/// The card behind a key changes, or the key is deleted by others.
async fn change(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: Change = read(&body)?;
    let card = asked.card_number.as_deref().map(test_card).transpose()?;
    let context = sandbox.context(None);
    let key = sandbox
        .store
        .commit(|all| {
            if let Some(card) = card {
                let known = all.state().billing.key(&asked.billing_key);
                known.ok_or_else(|| Refusal::of("NOT_FOUND_BILLING"))?;
                all.record(Fact::BillingCardChanged {
                    billing_key: asked.billing_key.clone(),
                    card: Some(card.masked()),
                });
            }
            if asked.remove {
                billing::delete(all, context, &asked.billing_key)?;
            }
            let key = all.state().billing.key(&asked.billing_key);
            key.map(shown)
                .ok_or_else(|| Refusal::of("NOT_FOUND_BILLING"))
        })
        .await??;
    Ok(show(&key))
}

fn shown(key: &BillingKey) -> Shown {
    Shown {
        billing_key: key.billing_key.clone(),
        customer_key: key.customer_key.clone(),
        method: key.method.korean(),
        card: key.card.clone(),
        authenticated_at: record_date(key.authenticated_at),
        removed_at: key.removed_at.map(record_date),
    }
}
