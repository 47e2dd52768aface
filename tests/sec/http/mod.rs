//! Bytes that no client library would send, each with what must come back, and a service that is
//! well afterwards.

mod body;
mod framing;
mod head;
mod line;
mod target;

use reqwest::Method;
use serde_json::Value;

use crate::rig::{Rig, SECRET, answer};
use crate::support::report;
use line::{Line, Said};

/// Short, so that those who are slow are cut off within the test.
const SETTINGS: &str = "server.header_timeout = \"400ms\"\nserver.body_timeout = \"400ms\"\n";
const CASES_MIN: usize = 160;

/// What is sent, and what must come back.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    ends_sending: bool,
    /// Status and code of each answer; no code where there is no envelope.
    answers: Vec<(u16, &'static str)>,
    closed: bool,
}

impl Case {
    /// One answer, after which the connection goes on.
    fn kept(
        name: &'static str,
        bytes: impl Into<Vec<u8>>,
        status: u16,
        code: &'static str,
    ) -> Self {
        Self {
            name,
            bytes: bytes.into(),
            ends_sending: false,
            answers: vec![(status, code)],
            closed: false,
        }
    }

    /// One answer, after which the server closes: where a next request would begin is not certain.
    fn ended(
        name: &'static str,
        bytes: impl Into<Vec<u8>>,
        status: u16,
        code: &'static str,
    ) -> Self {
        let kept = Self::kept(name, bytes, status, code);
        Self {
            closed: true,
            ..kept
        }
    }

    /// No answer; the server closes.
    fn dropped(name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            answers: Vec::new(),
            ..Self::ended(name, bytes, 0, "")
        }
    }

    /// The client sends nothing more, and says so.
    fn half_closed(self) -> Self {
        Self {
            ends_sending: true,
            ..self
        }
    }

    /// Another answer before the others.
    fn after(mut self, status: u16, code: &'static str) -> Self {
        self.answers.insert(0, (status, code));
        self
    }

    /// Whether what came is what must come.
    async fn holds(&self, rig: &Rig) -> Result<(), String> {
        let mut line = Line::open(rig.running.address).await;
        line.send(&self.bytes, self.ends_sending).await;
        let (said, closed) = line.hear(self.answers.len()).await;
        let codes: Vec<_> = said.iter().map(|said| (said.status, said.code())).collect();
        if codes != self.answers || closed != self.closed {
            let closed = if closed { "closed" } else { "open" };
            return Err(format!("{}: {codes:?}, {closed}\n{said:?}", self.name));
        }
        for said in &said {
            said.is_sound()
                .map_err(|why| format!("{}: {why}\n{said:?}", self.name))?;
        }
        Ok(())
    }
}

impl Said {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Every refusal is an envelope with its trace, kept by nobody, and shows nothing of us.
    fn is_sound(&self) -> Result<(), &'static str> {
        if self.status < 400 {
            return Ok(());
        }
        let trace = self.body["traceId"].as_str().unwrap_or_default();
        let whole = ["code", "message", "errors"]
            .iter()
            .all(|member| self.body[member] != Value::Null);
        let shown = self.text.to_ascii_lowercase();
        let internals = [
            "src/", "panick", "hyper", "axum", "diesel", "serde", "line 1",
        ];
        if !whole {
            Err("no envelope")
        } else if trace.len() != 32 || self.header("x-trace-id") != trace {
            Err("no trace id")
        } else if self.header("cache-control") != "no-store" {
            Err("it may be kept")
        } else if self.header("x-content-type-options") != "nosniff" {
            Err("it may be taken for something else")
        } else if internals.iter().any(|word| shown.contains(word)) {
            Err("it shows internals")
        } else {
            Ok(())
        }
    }
}

/// A request to prepare a payment, with these header lines and this body.
fn post(headers: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {SECRET}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// The same with the length that the body has.
fn json(body: &[u8]) -> Vec<u8> {
    let head = post(&format!("Content-Length: {}\r\n", body.len()), "");
    [head.as_slice(), body].concat()
}

/// A probe with these lines after the first.
fn probe(rest: &str) -> Vec<u8> {
    format!("GET /health/live HTTP/1.1\r\n{rest}\r\n").into_bytes()
}

#[tokio::test]
async fn every_odd_request_gets_its_answer() {
    let rig = Rig::with(SETTINGS).await;
    let tables = [
        framing::cases(),
        head::cases(),
        target::cases(),
        body::cases(),
    ];
    let cases: Vec<Case> = tables.into_iter().flatten().collect();
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(why) = case.holds(&rig).await {
            wrong.push(why);
        }
        let live = answer(rig.anonymous(Method::GET, "/health/live")).await;
        assert_eq!(live.status, 200, "after {}", case.name);
    }
    report::cases("HTTP edge cases", cases.len(), CASES_MIN, &wrong);
    assert_eq!(rig.gateway.confirms(), 0);
    let stored = rig.get("/api/v1/payments").await;
    let stored = stored.body["data"]["payments"].as_array().unwrap().len();
    assert_eq!(stored, 0, "something was stored");
}

#[tokio::test]
async fn many_who_are_slow_leave_others_their_service() {
    // Fewer may be under way than are slow in their body: those are not.
    let rig = Rig::with("server.header_timeout = \"20s\"\nserver.requests_max = 20\n").await;
    let order = br#"{"orderId":"slow-0001","orderName":"a","amount":1}"#;
    let slowly = json(order);
    let (begun, rest) = slowly.split_at(slowly.len() - order.len() + 1);
    let slow = [
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nX-Sl".to_vec(),
        begun.to_vec(),
        Vec::new(),
    ];
    let mut lines = Vec::new();
    for start in slow.iter().cycle().take(600) {
        let mut line = Line::open(rig.running.address).await;
        line.send(start, false).await;
        lines.push(line);
    }
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        let answer = rig.get("/api/v1/payments").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["data"]["payments"], serde_json::json!([]));
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    }
    rig.prepared().await;
    // Who comes to the end of its body in time is served like everybody.
    lines[1].send(rest, false).await;
    let (said, _) = lines[1].hear(1).await;
    assert_eq!((said[0].status, said[0].code()), (201, "OK"));
}

#[tokio::test]
async fn strangers_are_refused_before_they_send_a_body() {
    let rig = Rig::with("server.body_timeout = \"20s\"\n").await;
    for (credentials, code) in [
        (String::new(), "CREDENTIALS_MISSING"),
        (
            "Authorization: Bearer sk_test_x\r\n".to_owned(),
            "API_KEY_UNKNOWN",
        ),
    ] {
        let mut line = Line::open(rig.running.address).await;
        let head = format!(
            "POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             {credentials}Content-Length: 1000\r\n\r\n{{"
        );
        line.send(head.as_bytes(), false).await;
        let (said, _) = line.hear(1).await;
        assert_eq!((said[0].status, said[0].code()), (401, code));
    }
}
