//! Owns a feed that keeps fewer promises than Payflow's.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Every so manieth answer is an error.
const FAULT_EVERY: usize = 3;
/// How many events come again at the head of a page.
const REPEATED: usize = 1;

#[derive(Default)]
struct Shared {
    events: Vec<Value>,
    asked: AtomicUsize,
    failed: AtomicUsize,
    is_read: AtomicBool,
    is_restored: AtomicBool,
}

/// A running feed.
pub(crate) struct Feed {
    pub(crate) url: String,
    shared: Arc<Shared>,
    /// Ends with it.
    _serving: JoinSet<()>,
}

impl Feed {
    pub(crate) async fn open(events: Vec<Value>) -> Self {
        let shared = Arc::new(Shared {
            events,
            ..Shared::default()
        });
        let routes = Router::new()
            .route("/api/v1/events", get(page))
            .route("/api/v1/payments/{subject}", get(member))
            .route("/api/v1/subscriptions/{subject}", get(member))
            .route("/api/v1/billing-keys/{subject}", get(member))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { drop(axum::serve(listener, routes).await) });
        Self {
            url,
            shared,
            _serving: serving,
        }
    }

    /// How often it was asked for a page.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(SeqCst)
    }

    /// How often that came to nothing.
    pub(crate) fn failed(&self) -> usize {
        self.shared.failed.load(SeqCst)
    }

    /// Whether somebody has asked for what comes after the last event.
    pub(crate) fn is_read(&self) -> bool {
        self.shared.is_read.load(SeqCst)
    }

    /// From now on it was not read.
    pub(crate) fn forget(&self) {
        self.shared.is_read.store(false, SeqCst);
    }

    /// No place is valid any more, until somebody begins without one.
    pub(crate) fn restore(&self) {
        self.shared.is_restored.store(true, SeqCst);
        self.forget();
    }
}

async fn page(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let asked = shared.asked.fetch_add(1, SeqCst);
    if asked % FAULT_EVERY == FAULT_EVERY - 1 {
        shared.failed.fetch_add(1, SeqCst);
        let body = json!({ "code": "STORE_UNAVAILABLE" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body));
    }
    let known = ["after", "limit", "wait"];
    assert!(
        query.keys().all(|name| known.contains(&name.as_str())),
        "{query:?}"
    );
    let after: Option<usize> = query.get("after").map(|after| after.parse().unwrap());
    if after.is_some() && shared.is_restored.load(SeqCst) {
        return (StatusCode::GONE, Json(json!({ "code": "CURSOR_EXPIRED" })));
    }
    shared.is_restored.store(false, SeqCst);
    let limit: usize = query["limit"].parse().unwrap();
    let after = after.unwrap_or_default();
    let end = shared.events.len().min(after + limit);
    if after >= shared.events.len() {
        shared.is_read.store(true, SeqCst);
        // As Payflow waits for the next one.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Some of what came before comes again, and all of it after itself.
    let mut events = shared.events[after.saturating_sub(REPEATED)..end].to_vec();
    if after < end {
        events.extend(shared.events[after..end].iter().cloned());
    }
    let body = json!({ "data": { "events": events, "nextAfter": end.to_string(), "more": true } });
    (StatusCode::OK, Json(body))
}

async fn member(Path(subject): Path<String>) -> (StatusCode, Json<Value>) {
    let member = match subject.as_str() {
        "nobody" => None,
        subject => Some(format!("member-{subject}")),
    };
    (
        StatusCode::OK,
        Json(json!({ "data": { "memberId": member } })),
    )
}
