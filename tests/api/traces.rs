//! One trace from the caller to the bus: its headers, its spans at a collector, its log lines, and
//! that nobody waits for a collector.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::process::Process;
use crate::rig::{Answer, answer, text};
use crate::support::collector::{Collector, hex, told};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn traced(folder: &TempDir, endpoint: &str, queue: &str) -> Process {
    sampled(folder, endpoint, (queue, "1000"))
}

fn sampled(folder: &TempDir, endpoint: &str, (queue, share): (&str, &str)) -> Process {
    let settings = [
        ("PAYFLOW_TRACES__PER_THOUSAND", share),
        ("PAYFLOW_SHOP__ENABLED", "false"),
        ("PAYFLOW_TIMINGS__DIVIDE_BY", "10"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("PAYFLOW_TRACES__QUEUE_MAX", queue),
    ];
    Process::with(folder.path(), &settings)
}

/// A payment whose buyer has authenticated, and the approval that its merchant asks for.
struct Bought {
    payment: String,
    gateway_order: String,
    approval: Value,
}

impl Bought {
    async fn of(process: &Process, order: &str) -> Self {
        let body = json!({ "orderId": order, "orderName": "생수", "amount": 15000 });
        let prepared = process.post("/api/v1/payments", order, &body).await;
        let data = &prepared.body["data"];
        let window =
            json!({ "orderId": data["gatewayOrderId"], "amount": 15000, "method": "CARD" });
        let paid = sandbox(process, "authenticate", &window).await;
        Self {
            payment: text(&data["paymentId"]).to_owned(),
            gateway_order: text(&data["gatewayOrderId"]).to_owned(),
            approval: json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                              "gatewayOrderId": data["gatewayOrderId"] }),
        }
    }

    async fn approve(&self, process: &Process, parent: &str) -> Answer {
        let payflow = text(&process.keys["payflowUrl"]);
        let url = format!("{payflow}/api/v1/payments/{}/approve", self.payment);
        let request = process.client.post(url).json(&self.approval);
        let request = request.bearer_auth(text(&process.keys["secretKey"]));
        let request = request.header("idempotency-key", format!("{}-approve", self.payment));
        let request = request.header("tracestate", "other=1,=,,");
        answer(request.header("traceparent", parent)).await
    }

    /// What the gateway was told of the trace with each of these calls.
    async fn told(&self, process: &Process, operation: &str) -> Vec<String> {
        let sandbox = text(&process.keys["sandboxUrl"]);
        let url = format!("{sandbox}/_sandbox/calls?orderId={}", self.gateway_order);
        let calls = answer(process.client.get(url)).await.body;
        let calls = calls["calls"].as_array().unwrap().iter();
        let meant = calls.filter(|call| call["operation"] == operation);
        meant
            .map(|call| text(&call["traceparent"]).to_owned())
            .collect()
    }
}

async fn sandbox(process: &Process, control: &str, body: &Value) -> Answer {
    let url = format!("{}/_sandbox/{control}", text(&process.keys["sandboxUrl"]));
    let done = answer(process.client.post(url).json(body)).await;
    assert_eq!(done.status, 200, "{done:?}");
    done
}

/// Pays for an order; the answer to the approval, which comes in this trace.
async fn approved(process: &Process, order: &str, parent: &str) -> Answer {
    let approved = Bought::of(process, order)
        .await
        .approve(process, parent)
        .await;
    assert_eq!(approved.status, 200, "{approved:?}");
    approved
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found = named(spans, name);
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

#[tokio::test]
async fn an_approval_is_one_trace_from_the_caller_to_the_bus() {
    let collector = Collector::start().await;
    let folder = TempDir::new().unwrap();
    let process = traced(&folder, collector.url(), "8192");
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let bought = Bought::of(&process, "order-1").await;
    let approved = bought.approve(&process, &parent).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let enough = |spans: &[Span]| named(spans, "publish").len() == 2;
    let spans = collector.trace(TRACE, enough).await;
    let gateway_told = bought.told(&process, "confirm").await;
    let path = format!("/api/v1/payments/{}/events", bought.payment);
    let events = process.get(&path).await.body["data"]["events"].clone();
    assert_eq!(process.terminate(), Some(0));
    let traces = events.as_array().unwrap().iter();
    let traces: Vec<&str> = traces.map(|event| text(&event["traceId"])).collect();
    assert!(traces[0] != TRACE && traces[1..] == [TRACE; 2], "{events}");

    let request = one(&spans, "request");
    assert_eq!(hex(&request.parent_span_id), CALLER);
    let own = format!("00-{TRACE}-{}-01", hex(&request.span_id));
    assert_eq!(approved.header("traceparent"), own);
    let route = "/api/v1/payments/{paymentId}/approve";
    assert_eq!(told(request, "http.route"), Some(route));
    let saga = one(&spans, "saga");
    assert_eq!(saga.parent_span_id, request.span_id);
    assert_eq!(told(saga, "payflow.saga.kind"), Some("APPROVAL"));
    let gateway = one(&spans, "gateway");
    assert_eq!(gateway.parent_span_id, saga.span_id);
    assert_eq!(told(gateway, "payflow.gateway.operation"), Some("confirm"));
    assert_eq!(told(gateway, "payflow.gateway.outcome"), Some("found"));
    let call = format!("00-{TRACE}-{}-01", hex(&gateway.span_id));
    assert_eq!(gateway_told, [call]);
    let under = |name: &str, parent: &Span| {
        let spans = named(&spans, name);
        let children = spans
            .iter()
            .filter(|span| span.parent_span_id == parent.span_id);
        children.count()
    };
    assert!(under("commit", request) >= 1 && under("commit", saga) >= 1);
    // What was asked for, and what came of it.
    assert_eq!((under("publish", request), under("publish", saga)), (1, 1));
    for span in &spans {
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        let same = spans.iter().filter(|other| other.span_id == span.span_id);
        assert_eq!(same.count(), 1);
        let known = spans
            .iter()
            .any(|other| other.span_id == span.parent_span_id);
        assert!(known || span.name == "request", "no parent: {span:?}");
    }
    lines_name(&folder, saga, gateway);
}

/// The lines of the call name the trace and the saga's span of it.
fn lines_name(folder: &TempDir, saga: &Span, gateway: &Span) {
    assert_ne!(saga.span_id, gateway.span_id);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut calls = lines.filter(|line: &Value| {
        line["message"] == "gateway answered" && line["operation"] == "confirm"
    });
    let call = calls.next().unwrap();
    let spans = call["spans"].as_array().unwrap();
    let named = spans.iter().find(|span| span["name"] == "saga").unwrap();
    assert_eq!(named["trace_id"], TRACE);
    assert_eq!(named["span_id"], hex(&saga.span_id));
}

/// The process that was asked dies before the gateway has heard of it.
#[tokio::test]
async fn whoever_takes_it_up_in_a_later_process_goes_on_in_it() {
    let collector = Collector::start().await;
    let folder = TempDir::new().unwrap();
    let first = traced(&folder, collector.url(), "8192");
    let bought = Bought::of(&first, "order-1").await;
    let deaf = json!({ "operation": "any", "orderId": bought.gateway_order, "times": null,
                       "fault": { "type": "dropBefore" } });
    sandbox(&first, "faults", &deaf).await;
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let pending = bought.approve(&first, &parent).await;
    assert_eq!(pending.status, 202, "{pending:?}");
    let enough = |spans: &[Span]| !named(spans, "request").is_empty();
    collector.trace(TRACE, enough).await;
    drop(first);

    let second = traced(&folder, collector.url(), "8192");
    let closed = |span: &&Span| told(span, "payflow.saga.end") == Some("closed");
    let enough = |spans: &[Span]| spans.iter().any(|span| closed(&span));
    let spans = collector.trace(TRACE, enough).await;
    let path = format!("/api/v1/payments/{}", bought.payment);
    assert_eq!(second.get(&path).await.body["data"]["status"], "DONE");
    let gateway_told = bought.told(&second, "confirm").await;
    assert_eq!(second.terminate(), Some(0));
    let request = one(&spans, "request");
    let saga = spans.iter().find(closed).unwrap();
    assert_eq!(saga.parent_span_id, request.span_id);
    let gateway = named(&spans, "gateway").into_iter();
    let mut confirms = gateway.filter(|call| {
        call.parent_span_id == saga.span_id
            && told(call, "payflow.gateway.operation") == Some("confirm")
    });
    let call = hex(&confirms.next_back().unwrap().span_id);
    assert_eq!(gateway_told, [format!("00-{TRACE}-{call}-01")]);
    lines_name(&folder, saga, &spans[0]);
}

// The collector goes on taking spans while the end of the process is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn no_caller_decides_whether_it_is_recorded() {
    let said = async |share: &str, flags: &str| {
        let collector = Collector::start().await;
        let folder = TempDir::new().unwrap();
        let process = sampled(&folder, collector.url(), ("8192", share));
        let parent = format!("00-{TRACE}-{CALLER}-{flags}");
        let approved = approved(&process, "order-1", &parent).await;
        let header = approved.header("traceparent");
        assert!(header.starts_with(&format!("00-{TRACE}-")), "{header}");
        let told = header[header.len() - 2..].to_owned();
        assert_eq!(process.terminate(), Some(0), "what is queued is sent");
        let spans = collector.all();
        let ours = spans.iter().filter(|span| hex(&span.trace_id) == TRACE);
        (told, ours.count(), spans.len())
    };
    let (told, spans, _) = said("1000", "00").await;
    assert!(told == "01" && spans > 0, "{told} {spans}");
    let (told, _, spans) = said("0", "01").await;
    assert!(told == "00" && spans == 0, "{told} {spans}");
}

/// A cluster whose environment names a collector that this service cannot speak with.
#[tokio::test]
async fn what_is_no_collector_stops_no_payment() {
    for wrong in ["collector:4317", "4317", "https://user:word@collector:4318"] {
        let folder = TempDir::new().unwrap();
        let process = traced(&folder, wrong, "8192");
        approved(&process, "order-1", &format!("00-{TRACE}-{CALLER}-01")).await;
        assert_eq!(process.terminate(), Some(0));
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        let mut lines = log.lines();
        let warned = lines.find(|line| line.contains("spans are sent to nobody"));
        let warned = warned.unwrap_or_else(|| panic!("{wrong}: {log}"));
        assert!(warned.contains("traces.endpoint"), "{warned}");
        assert!(!log.contains("word@"), "{log}");
    }
}

/// Takes connections and what is sent on them, and answers nothing.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tasks = TaskTracker::new();
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut taken = [0; 1024];
                while socket.read(&mut taken).await.is_ok_and(|bytes| bytes > 0) {}
            });
        }
    });
    url
}

async fn is_not_waited_for(endpoint: &str) {
    let folder = TempDir::new().unwrap();
    let process = traced(&folder, endpoint, "2");
    let begun = Instant::now();
    for order in ["order-1", "order-2", "order-3"] {
        approved(&process, order, &format!("00-{TRACE}-{CALLER}-01")).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(9), "{begun:?}");
    let metrics = process.client.get(text(&process.keys["metricsUrl"]));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let dropped = "payflow_spans_total{result=\"dropped\"} ";
    let mut lines = metrics.lines();
    let dropped = lines.find_map(|line| line.strip_prefix(dropped)).unwrap();
    assert!(dropped.parse::<f64>().unwrap() > 0.0, "{dropped}");
    let begun = Instant::now();
    assert_eq!(process.terminate(), Some(0));
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(8),
        "its end waits for it: {took:?}"
    );
}

#[tokio::test]
async fn nobody_waits_for_a_collector_that_does_not_answer() {
    is_not_waited_for(&silent().await).await;
}

#[tokio::test]
async fn nobody_waits_for_a_collector_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    is_not_waited_for(&url).await;
}
