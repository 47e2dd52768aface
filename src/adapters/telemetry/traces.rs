//! Owns sending spans to a collector by OTLP. Whoever ends a span hands it over without waiting:
//! where the collector is slow or gone, spans are dropped and counted, and payments go on.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use application::ports::Clock as _;
use application::trace::{Collector, Share, Side, Span, Tag};
use async_trait::async_trait;
use domain::trace::SpanId as OwnId;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use prometheus::{IntCounterVec, Opts};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::Metrics;
use super::book::{Book, registered};
use crate::adapters::cause::chain;
use crate::adapters::clock::Wall;
use crate::config::{Traces, Unsafe};

/// How many spans go in one request.
const BATCH_SPANS: usize = 512;
/// How long spans wait for others to go with.
const GATHERED_FOR: Duration = Duration::from_millis(500);
/// How long the end of the process waits for the last spans.
const LAST_WITHIN: Duration = Duration::from_secs(2);
/// A collector's answer says little.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What becomes of spans.
#[derive(Clone)]
pub(super) struct Spans(IntCounterVec);

impl Spans {
    pub(super) fn registered(registry: &Book) -> Result<Self, prometheus::Error> {
        let spans = Opts::new(
            "payflow_spans_total",
            "Spans for the collector: `sent`, `dropped` for want of room, `failed` to be sent",
        );
        let spans = registered(registry, IntCounterVec::new(spans, &["result"])?)?;
        let spans = Self(spans);
        for result in ["sent", "dropped", "failed"] {
            spans.count(result, 0);
        }
        Ok(spans)
    }

    fn count(&self, result: &'static str, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        self.0.with_label_values(&[result]).inc_by(spans);
    }
}

/// Hands spans over to whoever sends them.
struct Queue {
    spans: Sender<SpanData>,
    counted: Spans,
    scope: InstrumentationScope,
}

/// Who sends spans, and what ends it.
pub struct Sending {
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why spans cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum Unsendable {
    /// The client of HTTP cannot be set up.
    #[error("traces.endpoint: the HTTP client cannot be built: {0}")]
    Http(#[from] reqwest::Error),
    /// The address is none.
    #[error(transparent)]
    Address(#[from] Unsafe),
    /// The exporter does not take it, or the environment says something else that does not fit.
    #[error("traces.endpoint: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Begins to send the spans of this process; nobody where the settings name no collector. Where
/// they name none that spans could be sent to, that is said, and payments go on without.
pub fn send_spans(settings: &Traces, metrics: &Metrics) -> Option<Sending> {
    let sender = exporter(settings).unwrap_or_else(|error| {
        let error = error.to_string();
        warn!(error, "spans are sent to nobody: see payflow doctor");
        None
    })?;
    let (spans, queued) = channel(settings.queue_max);
    let counted = metrics.spans.clone();
    let queue = Queue {
        spans,
        counted: counted.clone(),
        scope: InstrumentationScope::builder("payflow")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    };
    let share = Share::of_a_thousand(settings.per_thousand).unwrap_or(Share::ALL);
    application::trace::install(Arc::new(queue), share);
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let stopping = stop.clone();
    tasks.spawn(async move { send(sender, queued, counted, stopping).await });
    tasks.close();
    Some(Sending { tasks, stop })
}

impl Sending {
    /// Sends what is queued, as far as the collector takes it soon.
    pub async fn end(self) {
        self.stop.cancel();
        if timeout(LAST_WITHIN, self.tasks.wait()).await.is_err() {
            warn!("the last spans are not sent");
        }
    }
}

impl Collector for Queue {
    fn ended(&self, span: Span) {
        let ended = SystemTime::from(Wall::default().now());
        let data = data_of(span, ended, self.scope.clone());
        if self.spans.try_send(data).is_err() {
            self.counted.count("dropped", 1);
        }
    }
}

/// A span in the words of the protocol.
fn data_of(span: Span, ended: SystemTime, scope: InstrumentationScope) -> SpanData {
    let trace = TraceId::from_bytes(span.trace.id().to_bytes());
    let own = span.trace.span().map_or([0; 8], OwnId::to_bytes);
    let parent = span.parent.map_or([0; 8], OwnId::to_bytes);
    let told = |(name, tag)| match tag {
        Tag::Word(word) => KeyValue::new(name, Value::String(word.into())),
        Tag::Number(number) => KeyValue::new(name, Value::I64(number)),
    };
    SpanData {
        span_context: SpanContext::new(
            trace,
            SpanId::from_bytes(own),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: SpanId::from_bytes(parent),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: match span.side {
            Side::Within => SpanKind::Internal,
            Side::Asked => SpanKind::Server,
            Side::Asks => SpanKind::Client,
            Side::Tells => SpanKind::Producer,
            Side::Told => SpanKind::Consumer,
        },
        name: span.name.into(),
        start_time: ended.checked_sub(span.took).unwrap_or(ended),
        end_time: ended,
        attributes: span.tags.into_iter().map(told).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if span.failed {
            Status::error("")
        } else {
            Status::Unset
        },
        instrumentation_scope: scope,
    }
}

/// Sends batches, one at a time, until the end of the process.
async fn send(
    exporter: SpanExporter,
    mut queued: Receiver<SpanData>,
    counted: Spans,
    stop: CancellationToken,
) {
    let mut went = true;
    loop {
        let ends = tokio::select! {
            () = stop.cancelled() => true,
            () = sleep(GATHERED_FOR) => false,
        };
        loop {
            let batch: Vec<SpanData> = std::iter::from_fn(|| queued.try_recv().ok())
                .take(BATCH_SPANS)
                .collect();
            let spans = batch.len();
            if spans == 0 {
                break;
            }
            let sent = exporter.export(batch).await;
            counted.count(if sent.is_ok() { "sent" } else { "failed" }, spans);
            if let Err(error) = sent.as_ref().map_err(ToString::to_string)
                && went
            {
                warn!(error, "spans are not taken by the collector");
            }
            went = sent.is_ok();
        }
        if ends {
            return;
        }
    }
}

/// Whether spans can be sent as it is set; whether anybody wants them.
///
/// # Errors
/// See [`Unsendable`].
pub fn sends_spans(settings: &Traces) -> Result<bool, Unsendable> {
    Ok(exporter(settings)?.is_some())
}

fn exporter(settings: &Traces) -> Result<Option<SpanExporter>, Unsendable> {
    let Some(base) = settings.collector()? else {
        return Ok(None);
    };
    let base = base.trim_end_matches('/');
    let endpoint = if base.ends_with("/v1/traces") {
        base.to_owned()
    } else {
        format!("{base}/v1/traces")
    };
    let limit = settings.timeout.duration();
    let http = reqwest::Client::builder()
        .timeout(limit)
        .connect_timeout(limit)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!("payflow/", env!("CARGO_PKG_VERSION")));
    // A collector on plain HTTP needs no certificates, and a bare machine has none.
    let http = if endpoint.starts_with("https") {
        http
    } else {
        http.tls_certs_only([])
    };
    let built = SpanExporter::builder()
        .with_http()
        .with_http_client(Post(http.build()?))
        .with_endpoint(endpoint)
        .with_timeout(limit)
        // A batch that was not taken is dropped: the next one is worth as much.
        .with_retry_policy(RetryPolicy::disabled())
        .build();
    let mut exporter = built?;
    exporter.set_resource(
        &Resource::builder()
            .with_service_name("payflow")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build(),
    );
    Ok(Some(exporter))
}

/// Our client of HTTP, as the exporter asks for one.
#[derive(Debug)]
struct Post(reqwest::Client);

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let lost = |error: reqwest::Error| HttpError::from(chain(&error.without_url()));
        let request = request.try_into().map_err(lost)?;
        let mut answer = self.0.execute(request).await.map_err(lost)?;
        let mut said = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if said.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                return Err("the collector's answer is too long".into());
            }
            said.extend_from_slice(&chunk);
        }
        let mut heard = Response::new(Bytes::from(said));
        *heard.status_mut() = answer.status();
        Ok(heard)
    }
}
