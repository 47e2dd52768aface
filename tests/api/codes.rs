//! Every code of the catalogue is provoked, or there is a reason why it cannot be.

use std::collections::BTreeSet;
use std::time::Duration;

use application::ports::gateway::Refused;
use chrono::TimeDelta;
use domain::decline::Class;
use payflow::presentation::catalogue::{Code, Language};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::edge::exchange;
use crate::feed::unreadable;
use crate::rig::{
    AWAY, Answer, Fault, OTHER, PUBLISHABLE, Prepared, Rig, SUSPENDED, WITHOUT_GATEWAY, answer,
    text,
};

/// Codes that no client can see yet, and why.
const UNSEEN: [(Code, &str); 2] = [
    (
        Code::MalformedBody,
        "only who closes half of the connection sees it; tests/sec does so",
    ),
    (
        Code::PaymentKeySpent,
        "only a capture that comes too late leads there; the use cases show it",
    ),
];

const FAST: &str = "[timings]\ndivide_by = 10\n";

/// The codes that were seen, in answers and in their errors.
#[derive(Default)]
struct Seen(BTreeSet<Code>);

impl Seen {
    fn word(&mut self, word: &str) -> Option<Code> {
        let code = Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == word)?;
        self.0.insert(code);
        Some(code)
    }

    /// Sends bytes, and notes the code of what comes back.
    async fn bytes(&mut self, rig: &Rig, bytes: &str) {
        let (_, text) = exchange(rig.running.address, bytes).await;
        let word = Code::ALL
            .iter()
            .find(|code| text.contains(&format!("\"{}\"", code.as_str())));
        self.word(word.unwrap_or_else(|| panic!("{text}")).as_str());
    }

    /// Notes an answer; its status and message must be the catalogue's.
    fn note(&mut self, answer: &Answer) {
        let code = self
            .word(answer.code())
            .unwrap_or_else(|| panic!("{answer:?}"));
        assert_eq!(answer.status, code.status().as_u16(), "{answer:?}");
        assert_eq!(
            answer.body["message"],
            code.message(Language::Korean),
            "{answer:?}"
        );
        for line in answer.errors() {
            let (_, word) = line.split_once(": ").unwrap();
            if code == Code::InvalidRequest {
                assert!(self.word(word).is_some(), "{word} is not in the catalogue");
            }
        }
    }
}

#[tokio::test]
async fn every_code_is_provoked() {
    let mut seen = Seen::default();
    requests(&mut seen).await;
    credentials(&mut seen).await;
    api_keys(&mut seen).await;
    proofs(&mut seen).await;
    let mut others = crate::webhooks::refusals().await;
    others.push(crate::hooks::refusal().await);
    others.extend(crate::billing::refusals(&Rig::with(FAST).await).await);
    others.extend(crate::subscriptions::refusals().await);
    others.extend(crate::plain::refusals().await);
    others.extend(crate::virtual_accounts::refusals().await);
    for told in &others {
        seen.note(told);
    }
    keys(&mut seen).await;
    refusals(&mut seen).await;
    streams(&mut seen).await;
    ends(&mut seen).await;
    cancellations(&mut seen).await;
    failures(&mut seen).await;
    let unseen: BTreeSet<Code> = UNSEEN.into_iter().map(|(code, _)| code).collect();
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !seen.0.contains(code) && !unseen.contains(code))
        .collect();
    assert!(missing.is_empty(), "not provoked: {missing:?}");
    let wrong: Vec<_> = seen.0.intersection(&unseen).collect();
    assert!(wrong.is_empty(), "provoked after all: {wrong:?}");
}

async fn requests(seen: &mut Seen) {
    let rig = Rig::with("server.body_timeout = \"300ms\"\n").await;
    let long = "x".repeat(101);
    for body in [
        "{".to_owned(),
        r#"{"orderId":"order-1","orderId":"order-2"}"#.to_owned(),
        json!({ "card": 1, "amount": 0.5, "orderId": "a b c d", "orderName": long,
                "currency": "XBT", "customer": 7 })
        .to_string(),
        json!({ "amount": -1, "orderName": "4111 1111 1111 1111", "expiresInSeconds": 1 })
            .to_string(),
        json!({ "amount": 1, "orderId": "order-1", "orderName": "a", "currency": "USD" })
            .to_string(),
        json!({ "amount": 0, "orderId": "order-1", "orderName": "a" }).to_string(),
        json!({ "amount": 10_i64.pow(17), "orderId": "order-1", "orderName": "a" }).to_string(),
        json!({ "amount": 5, "taxFreeAmount": 6, "orderId": "order-1", "orderName": "a" })
            .to_string(),
        "x".repeat(65 * 1024),
    ] {
        seen.note(&rig.post("/api/v1/payments", body).await);
    }
    for query in [
        "limit=0&status=PAID&from=yesterday&cursor=x",
        "limit=1&limit=2",
        "orderId=order-1&memberId=m",
    ] {
        seen.note(&rig.get(&format!("/api/v1/payments?{query}")).await);
    }
    // The start of the ninth epoch.
    seen.note(&rig.get("/api/v1/events?after=MS45LjA").await);
    let payment = rig.prepared().await;
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let body = json!({ "paymentKey": "k", "gatewayOrderId": "gwo_1", "amount": 15000 });
    let request = rig
        .posting(&path, body.to_string())
        .header("idempotency-key", "k");
    seen.note(&answer(request).await);
    seen.note(&answer(rig.request(Method::POST, "/api/v1/payments").body("{}")).await);
    seen.note(&rig.get("/api/v1/nothing").await);
    seen.note(&answer(rig.request(Method::DELETE, "/api/v1/payments")).await);
    let head = "POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                Authorization: Bearer sk_test_one\r\n";
    for rest in [
        "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "Content-Length: 10\r\n\r\n{",
    ] {
        seen.bytes(&rig, &format!("{head}{rest}")).await;
    }
    let long = "x".repeat(20_000);
    for bytes in [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "GET /\0 HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\n\r\n"),
    ] {
        seen.bytes(&rig, &bytes).await;
    }
}

async fn credentials(seen: &mut Seen) {
    let rig = Rig::new().await;
    let request = || rig.anonymous(Method::GET, "/api/v1/payments");
    seen.note(&answer(request()).await);
    seen.note(&answer(request().header("authorization", "Digest x")).await);
    seen.note(&answer(request().bearer_auth("sk_test_nobody")).await);
    seen.note(&answer(request().bearer_auth(PUBLISHABLE)).await);
    seen.note(&answer(request().bearer_auth(SUSPENDED)).await);
    for (path, claims) in [
        (
            "/api/v1/payments",
            vec![("exp", json!(0)), ("iat", json!(0))],
        ),
        (
            "/api/v1/payments",
            vec![("exp", json!(1_000_000)), ("iat", json!(0))],
        ),
        ("/api/v1/payments", vec![("aud", json!("elsewhere"))]),
        ("/api/v1/payments", vec![("iss", json!(AWAY))]),
        ("/api/v1/payments?memberId=member-2", Vec::new()),
    ] {
        let token = rig.members.token_with("member-1", &claims);
        let request = rig.anonymous(Method::GET, path).bearer_auth(token);
        seen.note(&answer(request).await);
    }
    let issue = rig.by("member-1", Method::POST, "/api/v1/idempotency-keys");
    seen.note(&answer(issue).await);
    let rig = Rig::with("limits.failures_per_minute = 1\n").await;
    let guess = || {
        let request = rig.anonymous(Method::GET, "/api/v1/payments");
        answer(request.bearer_auth("sk_test_nobody"))
    };
    assert_eq!(guess().await.code(), "API_KEY_UNKNOWN");
    seen.note(&guess().await);
}

async fn proofs(seen: &mut Seen) {
    let rig = Rig::with("step_up.demanded_for = [\"approve\"]\n").await;
    for told in crate::step_up::refusals(&rig).await {
        if told.status != 200 {
            seen.note(&told);
        }
    }
}

async fn api_keys(seen: &mut Seen) {
    let rig = Rig::new().await;
    let path = |tail: &str| format!("/api/v1/api-keys{tail}");
    let issue = || rig.post("/api/v1/api-keys", r#"{"kind":"secret"}"#);
    let new = issue().await.body["data"].clone();
    let id = text(&new["apiKey"]["apiKeyId"]);
    let end = |id: &str| answer(rig.request(Method::DELETE, &path(&format!("/{id}"))));
    assert_eq!(end(id).await.status, 200);
    let request = rig.anonymous(Method::GET, "/api/v1/payments");
    seen.note(&answer(request.bearer_auth(text(&new["key"]))).await);
    seen.note(&rig.post(&path(&format!("/{id}/rotate")), "{}").await);
    seen.note(&end("key_nonsense").await);
    let all = rig.get(&path("")).await.body["data"]["apiKeys"].clone();
    let is_last = |key: &&Value| key["kind"] == "secret" && key["expiresAt"].is_null();
    let last = all.as_array().unwrap().iter().find(is_last).unwrap();
    seen.note(&end(text(&last["apiKeyId"])).await);
    let full = loop {
        let answer = issue().await;
        if answer.status != 201 {
            break answer;
        }
    };
    seen.note(&full);
}

async fn keys(seen: &mut Seen) {
    let rig = Rig::with(FAST).await;
    let payment = rig.prepared().await;
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    seen.note(&rig.post(&path, "{}").await);
    seen.note(&rig.approve(&payment, "two words").await);
    seen.note(&rig.approve(&payment, "idk_0000").await);
    assert_eq!(rig.approve(&payment, "once").await.status, 200);
    let body = json!({ "paymentKey": "k", "gatewayOrderId": payment.gateway_order, "amount": 1 });
    let again = rig
        .posting(&path, body.to_string())
        .header("idempotency-key", "once");
    seen.note(&answer(again).await);
    rig.gateway.hold();
    let held = rig.prepared().await;
    let (first, second) = tokio::join!(rig.approve(&held, "held"), async {
        sleep(Duration::from_millis(300)).await;
        rig.approve(&held, "held").await
    });
    seen.note(&first);
    seen.note(&second);
}

async fn refusals(seen: &mut Seen) {
    let rig = Rig::with(FAST).await;
    let payment = rig.prepared().await;
    let altered = Prepared {
        gateway_order: rig.prepared().await.gateway_order,
        ..payment.clone()
    };
    seen.note(&rig.approve(&altered, "order").await);
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let body = json!({ "paymentKey": "k", "gatewayOrderId": payment.gateway_order, "amount": 1 });
    let cheaper = rig
        .posting(&path, body.to_string())
        .header("idempotency-key", "amount");
    seen.note(&answer(cheaper).await);
    assert_eq!(
        rig.gateway.confirms(),
        0,
        "a tampered redirect reached the gateway"
    );
    let body = json!({ "orderId": "order-taken", "orderName": "a", "amount": 1 }).to_string();
    assert_eq!(rig.post("/api/v1/payments", body.clone()).await.status, 201);
    seen.note(&rig.post("/api/v1/payments", body.clone()).await);
    let poor = rig
        .anonymous(Method::POST, "/api/v1/payments")
        .bearer_auth(WITHOUT_GATEWAY);
    let poor = poor.header("content-type", "application/json").body(body);
    seen.note(&answer(poor).await);
    let stranger = rig.anonymous(Method::GET, &format!("/api/v1/payments/{}", payment.id));
    seen.note(&answer(stranger.bearer_auth(OTHER)).await);
    let pause = |body: &'static str, operation: &str| {
        let path = format!("/api/v1/switches/{operation}");
        let request = rig.request(Method::PUT, &path);
        answer(
            request
                .header("content-type", "application/json")
                .body(body),
        )
    };
    seen.note(&pause("{}", "refunds").await);
    let on = pause(r#"{"paused":true,"why":"a"}"#, "approvals").await;
    assert_eq!(on.status, 200, "{on:?}");
    seen.note(&rig.approve(&payment, "paused").await);
    let off = pause(r#"{"paused":false,"why":"b"}"#, "approvals").await;
    assert_eq!(off.status, 200, "{off:?}");
    rig.gateway.disable();
    let disabled = rig.approve(&payment, "disabled").await;
    assert_eq!(disabled.code(), "GATEWAY_ACCOUNT_DISABLED");
    seen.note(&disabled);
    rig.gateway.enable();
    rig.gateway.refuse(Some(Refused::BulkheadFull));
    seen.note(&rig.approve(&payment, "busy").await);
    let retry_after = Duration::from_secs(7);
    rig.gateway
        .refuse(Some(Refused::BreakerOpen { retry_after }));
    let failing = rig.approve(&payment, "failing").await;
    assert_eq!(failing.header("retry-after"), "7");
    seen.note(&failing);
}

async fn streams(seen: &mut Seen) {
    let rig = Rig::with("stream.per_merchant_max = 1\n").await;
    let path = format!("/api/v1/payments/{}/stream", rig.prepared().await.id);
    let open = rig.request(Method::GET, &path).send().await.unwrap();
    seen.note(&rig.get(&path).await);
    drop(open);
}

async fn ends(seen: &mut Seen) {
    let rig = Rig::with(FAST).await;
    rig.gateway.decline(Class::Merchant);
    let aborted = rig.prepared().await;
    seen.note(&rig.approve(&aborted, "declined").await);
    seen.note(&rig.approve(&aborted, "closed").await);
    rig.gateway.approve();
    let paid = rig.prepared().await;
    assert_eq!(rig.approve(&paid, "paid").await.status, 200);
    seen.note(&rig.approve(&paid, "twice").await);
    rig.gateway.hold();
    let held = rig.prepared().await;
    seen.note(&rig.approve(&held, "held-1").await);
    seen.note(&rig.approve(&held, "held-2").await);
    let late = rig.prepared().await;
    rig.clock.move_ahead(TimeDelta::hours(2));
    seen.note(&rig.approve(&late, "late").await);
}

async fn cancellations(seen: &mut Seen) {
    let rig = Rig::with(FAST).await;
    let unpaid = rig.prepared().await;
    let part = json!({ "reason": "r", "amount": 1 });
    seen.note(&rig.cancel(&unpaid, part, "unpaid").await);
    let paid = rig.paid().await;
    let cancel = |body, key| rig.cancel(&paid, body, key);
    let body = json!({ "reason": "r", "amount": 15001 });
    seen.note(&cancel(body, "over").await);
    let body = json!({ "reason": "r", "taxFreeAmount": 5001 });
    seen.note(&cancel(body, "tax-free").await);
    rig.gateway.decline(Class::Merchant);
    seen.note(&cancel(json!({ "reason": "r" }), "declined").await);
    rig.gateway.approve();
    assert_eq!(cancel(json!({ "reason": "r" }), "all").await.status, 200);
    seen.note(&cancel(json!({ "reason": "r" }), "again").await);
}

async fn failures(seen: &mut Seen) {
    let rig = Rig::with("server.requests_max = 1\n[timings]\ndivide_by = 10\n").await;
    let payment = rig.prepared().await;
    rig.store.is(Some(Fault::Away));
    let away = rig.get("/api/v1/payments").await;
    assert_eq!(away.header("retry-after"), "1");
    seen.note(&away);
    rig.store.is(Some(Fault::Corrupt));
    let corrupt = rig.get("/api/v1/payments").await;
    assert!(!corrupt.body.to_string().contains("secret"), "{corrupt:?}");
    seen.note(&corrupt);
    rig.store.is(Some(Fault::Contended));
    seen.note(&rig.approve(&payment, "contended").await);
    rig.store.is(None);
    seen.note(&unreadable(&rig).await);
    rig.store.is(None);
    rig.gateway.hold();
    let (_, shed) = tokio::join!(rig.approve(&payment, "held"), async {
        sleep(Duration::from_millis(300)).await;
        let live = answer(rig.anonymous(Method::GET, "/health/live")).await;
        assert_eq!(live.status, 200, "health is never shed");
        rig.get("/api/v1/payments").await
    });
    seen.note(&shed);
    let unserved = rig.prepared().await;
    rig.gateway.vanish();
    assert_eq!(
        rig.approve(&unserved, "unserved").await.code(),
        "GATEWAY_NOT_CONFIGURED"
    );
    rig.running.drain();
    seen.note(&rig.approve(&unserved, "stopping").await);
    seen.note(&rig.get("/health/ready").await);
}
