//! A collector of spans: takes what the service sends by OTLP over HTTP, and keeps it decoded.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

const PATIENCE: Duration = Duration::from_secs(20);

type Kept = Arc<Mutex<Vec<Span>>>;

/// A collector that runs for as long as its test.
pub(crate) struct Collector {
    url: String,
    kept: Kept,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let kept = Kept::default();
        let routes = Router::new().route("/v1/traces", post(take));
        let routes = routes.with_state(Arc::clone(&kept));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let url = format!("http://{address}");
        TaskTracker::new().spawn(async move { axum::serve(listener, routes).await });
        Self { url, kept }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What came of this trace, once `enough` says so.
    pub(crate) async fn trace(&self, id: &str, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let begun = Instant::now();
        loop {
            let mut spans = self.all();
            spans.retain(|span| hex(&span.trace_id) == id);
            if enough(&spans) {
                return spans;
            }
            assert!(begun.elapsed() < PATIENCE, "{spans:#?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything that came.
    pub(crate) fn all(&self) -> Vec<Span> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}

async fn take(State(kept): State<Kept>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let resources = request.resource_spans.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.extend(spans);
    StatusCode::OK
}

/// Bytes as W3C writes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

/// A word that a span tells.
pub(crate) fn told<'a>(span: &'a Span, name: &str) -> Option<&'a str> {
    let mut attributes = span.attributes.iter();
    let found = attributes.find(|attribute| attribute.key == name)?;
    let Value::StringValue(word) = found.value.as_ref()?.value.as_ref()? else {
        return None;
    };
    Some(word)
}
