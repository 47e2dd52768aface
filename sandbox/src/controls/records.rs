//! Owns the two records a test reads: the ledger of money and the arrivals of calls.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Unable, show};
use crate::calls::{Call, Totals, Wanted};
use crate::clock::record_date;
use crate::sandbox::Sandbox;
use crate::state::fact::{Authorization, Entry, Movement};
use crate::store::Transaction;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LedgerQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallsQuery {
    #[serde(default)]
    after: u64,
    order_id: Option<String>,
}

#[derive(Serialize)]
struct Ledger {
    entries: Vec<Line>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    sequence: u64,
    kind: Movement,
    m_id: String,
    payment_key: String,
    order_id: String,
    transaction_key: String,
    amount: i64,
    tax_free_amount: i64,
    currency: &'static str,
    cancel_reason: Option<String>,
    idempotency_key: Option<String>,
    at: String,
}

#[derive(Serialize)]
struct Authorizations {
    authorizations: Vec<Authorized>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Authorized {
    sequence: u64,
    tid: String,
    merchant_name: String,
    amount: i64,
    ref_no: String,
    auth_code: String,
    at: String,
}

#[derive(Serialize)]
struct Calls {
    calls: Vec<Call>,
    totals: Totals,
}

/// The money that moved, oldest first; only what is safe on disk.
pub(super) async fn ledger(
    State(sandbox): State<Arc<Sandbox>>,
    Query(query): Query<LedgerQuery>,
) -> Result<Response, Unable> {
    let after = usize::try_from(query.after).unwrap_or(usize::MAX);
    let limit = query.limit.unwrap_or(usize::MAX);
    let entries: Vec<Entry> = sandbox
        .store
        .commit(|transaction| {
            transaction
                .state()
                .ledger()
                .iter()
                .skip(after)
                .filter(|entry| entry.kind.moves_money())
                .take(limit)
                .cloned()
                .collect()
        })
        .await?;
    let merchant_id = &sandbox.config.merchant_id;
    let entries = entries
        .into_iter()
        .map(|entry| line(entry, merchant_id))
        .collect();
    Ok(show(&Ledger { entries }))
}

/// What the card company authorised, oldest first; only what is safe on disk.
pub(super) async fn authorizations(
    State(sandbox): State<Arc<Sandbox>>,
) -> Result<Response, Unable> {
    let all = |transaction: &mut Transaction| transaction.state().authorizations().to_vec();
    let authorizations: Vec<Authorization> = sandbox.store.commit(all).await?;
    let authorizations = authorizations.into_iter().map(|made| Authorized {
        sequence: made.sequence,
        tid: made.tid,
        merchant_name: made.merchant_name,
        amount: made.amount,
        ref_no: made.ref_no,
        auth_code: made.auth_code,
        at: record_date(made.at),
    });
    Ok(show(&Authorizations {
        authorizations: authorizations.collect(),
    }))
}

/// The newest arrivals, oldest first, and totals over all.
pub(super) async fn calls(
    State(sandbox): State<Arc<Sandbox>>,
    Query(query): Query<CallsQuery>,
) -> Response {
    let wanted = Wanted {
        after: query.after,
        order_id: query.order_id,
    };
    let (calls, totals) = sandbox.calls.shown(&wanted);
    show(&Calls { calls, totals })
}

fn line(entry: Entry, merchant_id: &str) -> Line {
    Line {
        sequence: entry.sequence,
        kind: entry.kind,
        m_id: merchant_id.to_owned(),
        payment_key: entry.payment_key,
        order_id: entry.order_id,
        transaction_key: entry.transaction_key,
        amount: entry.amount,
        tax_free_amount: entry.tax_free,
        currency: "KRW",
        cancel_reason: entry.cancel_reason,
        idempotency_key: entry.idempotency_key,
        at: record_date(entry.at),
    }
}
