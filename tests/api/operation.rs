//! What every answer carries, and what operators see.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::Value;

use crate::rig::{Fault, PUBLISHABLE, Rig, SUSPENDED, answer, text};

#[tokio::test]
async fn every_answer_carries_its_trace_and_its_times() {
    let rig = Rig::new().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    for path in ["/api/v1/payments", "/health/live", "/nowhere"] {
        let request = rig.request(Method::GET, path);
        let parent = format!("00-{trace}-b7ad6b7169203331-01");
        let inherited = answer(request.header("traceparent", parent)).await;
        assert_eq!(inherited.body["traceId"], trace, "{path}");
        assert_eq!(inherited.header("x-trace-id"), trace, "{path}");
        assert!(
            inherited
                .header("traceparent")
                .starts_with(&format!("00-{trace}-")),
            "{path}"
        );
        let timing = inherited.header("server-timing").to_owned();
        for name in ["total;dur=", "gateway;dur=0.000", "own;dur="] {
            assert!(timing.contains(name), "{path}: {timing}");
        }
        let fresh = rig.get(path).await;
        let fresh = text(&fresh.body["traceId"]).to_owned();
        assert!(fresh.len() == 32 && fresh != trace, "{path}: {fresh}");
        assert_eq!(inherited.header("x-content-type-options"), "nosniff");
        assert_eq!(inherited.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn languages_and_problem_details_are_chosen_by_the_caller() {
    let rig = Rig::new().await;
    let request = || rig.request(Method::GET, "/nowhere");
    let korean = answer(request()).await;
    assert_eq!(korean.body["message"], "존재하지 않는 경로입니다.");
    assert_eq!(korean.header("content-language"), "ko");
    assert_eq!(korean.header("content-type"), "application/json");
    let english = answer(request().header("accept-language", "en-US,en;q=0.9,ko;q=0.8")).await;
    assert_eq!(english.body["message"], "There is no such path.");
    assert_eq!(english.header("content-language"), "en");
    let problem = answer(request().header("accept", "application/problem+json")).await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.body["type"], "/docs/errors/ROUTE_NOT_FOUND");
    assert_eq!(problem.body["status"], 404);
    assert_eq!(problem.body["title"], "존재하지 않는 경로입니다.");
    assert_eq!(problem.body["code"], "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn readiness_follows_the_store_and_liveness_does_not() {
    let rig = Rig::new().await;
    let ask = |path: &str| answer(rig.anonymous(Method::GET, path));
    assert_eq!(ask("/health/ready").await.status, 200);
    let believed = std::time::Duration::from_millis(550);
    rig.store.is(Some(Fault::Away));
    tokio::time::sleep(believed).await;
    assert_eq!(ask("/health/ready").await.code(), "STORE_UNAVAILABLE");
    assert_eq!(ask("/health/live").await.status, 200);
    rig.store.is(None);
    tokio::time::sleep(believed).await;
    assert_eq!(ask("/health/ready").await.status, 200);
    rig.running.drain();
    assert_eq!(ask("/health/ready").await.code(), "SHUTTING_DOWN");
    assert_eq!(ask("/health/live").await.status, 200);
}

#[tokio::test]
async fn a_panic_is_an_answer_like_any_other() {
    let rig = Rig::new().await;
    rig.store.is(Some(Fault::Panics));
    let panicked = rig.get("/api/v1/payments").await;
    assert_eq!((panicked.status, panicked.code()), (500, "INTERNAL_ERROR"));
    assert!(
        !panicked.body.to_string().contains("secret"),
        "{panicked:?}"
    );
    assert_eq!(panicked.header("x-trace-id").len(), 32);
    rig.store.is(None);
    assert_eq!(rig.get("/api/v1/payments").await.status, 200);
}

#[tokio::test]
async fn metrics_have_their_own_listener() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    assert_eq!(rig.approve(&payment, "key-1").await.status, 200);
    rig.gateway.hold();
    let held = rig.prepared().await;
    let approval = rig
        .approving(&held, "key-2")
        .timeout(Duration::from_millis(500));
    assert!(approval.send().await.is_err());
    assert_eq!(
        rig.get("/metrics").await.status,
        404,
        "not on the API's listener"
    );
    let scraped = scraped(&rig).await;
    for line in [
        "payflow_approvals_total{class=\"none\",result=\"approved\"} 1",
        "payflow_sagas_open{kind=\"APPROVAL\",phase=\"CALL\"} 1",
        "payflow_sagas_stuck{kind=\"APPROVAL\",phase=\"CALL\"} 0",
        "payflow_saga_oldest_age_seconds{kind=\"APPROVAL\",phase=\"CALL\"}",
        "payflow_http_own_seconds_count{route=\"/api/v1/payments/{paymentId}/approve\"} 1",
        "payflow_http_requests_total{method=\"POST\",route=\"/api/v1/payments\",status=\"201\"} 2",
        "payflow_commits_total{result=\"ok\"}",
        "process_resident_memory_bytes",
    ] {
        assert!(scraped.contains(line), "{line} is not in\n{scraped}");
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_counted_by_code() {
    let rig = Rig::new().await;
    let path = "/api/v1/payments";
    let list = |key: &str| answer(rig.anonymous(Method::GET, path).bearer_auth(key));
    assert_eq!(answer(rig.anonymous(Method::GET, path)).await.status, 401);
    for key in ["sk_test_guess", "sk_test_another", "a.b.c"] {
        assert_eq!(list(key).await.status, 401, "{key}");
    }
    for key in [SUSPENDED, PUBLISHABLE] {
        assert_eq!(list(key).await.status, 403, "{key}");
    }
    assert_eq!(rig.get(path).await.status, 200);
    assert_eq!(rig.get(&format!("{path}/pay_1")).await.status, 404);
    let scraped = scraped(&rig).await;
    let of_ours = |line: &&str| line.starts_with("payflow_refused_credentials_total");
    let counted: Vec<&str> = scraped.lines().filter(of_ours).collect();
    assert_eq!(
        counted,
        [
            ("API_KEY_PUBLISHABLE", 1),
            ("API_KEY_UNKNOWN", 2),
            ("CREDENTIALS_MISSING", 1),
            ("MERCHANT_SUSPENDED", 1),
            ("TOKEN_INVALID", 1),
        ]
        .map(|(code, count)| {
            format!("payflow_refused_credentials_total{{code=\"{code}\"}} {count}")
        })
    );
}

/// Log lines, as they are written.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Every line.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Every line at the level of errors.
    fn errors(&self) -> Vec<Value> {
        let lines = self.text();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line["level"] == "ERROR")
            .collect()
    }
}

#[tokio::test]
async fn a_stuck_payment_raises_one_alarm_and_is_counted() {
    let lines = Lines::default();
    let writer = lines.clone();
    let written = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || writer.clone())
        .finish();
    let _written = tracing::subscriber::set_default(written);
    let rig = Rig::with("[timings]\ndivide_by = 10\nupkeep_every = \"1s\"").await;
    rig.gateway.hold();
    let payment = rig.prepared().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let approval = rig.approving(&payment, "key-1");
    let pending = answer(approval.header("traceparent", parent)).await;
    assert_eq!(pending.code(), "PAYMENT_PENDING");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(lines.errors(), Vec::<Value>::new());

    rig.clock.move_ahead(TimeDelta::minutes(1));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let errors = lines.errors();
    assert_eq!(errors.len(), 1, "one line in five passes: {errors:?}");
    assert_eq!(errors[0]["payment"], payment.id);
    assert_eq!(errors[0]["kind"], "APPROVAL");
    assert_eq!(errors[0]["trace_id"], trace);
    assert_eq!(errors[0]["n"], 1);
    assert!(text(&errors[0]["saga"]).starts_with("sag_"));
    assert!((60..70).contains(&errors[0]["age_seconds"].as_i64().unwrap()));
    let stuck = "payflow_sagas_stuck{kind=\"APPROVAL\",phase=\"CALL\"} 1";
    let scraped = scraped(&rig).await;
    assert!(scraped.contains(stuck), "{stuck} is not in\n{scraped}");
}

async fn scraped(rig: &Rig) -> String {
    let url = format!("http://{}/metrics", rig.running.metrics_address);
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn waiting_for_the_gateway_is_not_our_own_time() {
    let rig = Rig::with("[timings]\ndivide_by = 10\n").await;
    rig.gateway.hold();
    let payment = rig.prepared().await;
    let pending = rig.approve(&payment, "key-1").await;
    assert_eq!(pending.code(), "PAYMENT_PENDING");
    let timing = pending.header("server-timing");
    let (_, own) = timing.split_once("own;dur=").unwrap();
    let own: f64 = own.parse().unwrap();
    assert!(own < 400.0, "of 800 ms of waiting: {timing}");
}

#[tokio::test]
async fn stopping_lets_what_is_under_way_finish() {
    let rig = Rig::with("[timings]\ndivide_by = 10\n").await;
    rig.gateway.hold();
    let payment = rig.prepared().await;
    let approval = rig.approving(&payment, "key-1");
    let Rig { running, .. } = rig;
    let address = running.address;
    let (answered, ()) = tokio::join!(answer(approval), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        running.stop().await;
    });
    assert_eq!((answered.status, answered.code()), (202, "PAYMENT_PENDING"));
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "it still listens"
    );
}
