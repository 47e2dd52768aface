//! Owns what must hold of requests: whatever their target, headers and body are, they are answered
//! in our form, with a code of ours, never as our own failure; and what is stored obeys the rules.

pub(crate) mod world;

use std::sync::LazyLock;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use payflow::presentation::catalogue::Code;
use serde_json::Value;
use tower::ServiceExt as _;

use self::world::{AMOUNT_MAX, SECRET, World};
use crate::card;
use crate::input::{Here, line};

/// The payment that requests of the corpus are about; ready to be paid.
const PAYMENT: &str = "pay_0000000004000000000000000000000004";
/// Its order at the gateway.
const GATEWAY_ORDER: &str = "gwo_0000000004000000000000000000000006";
/// Fields that hold what people write.
const FREE: [&str; 5] = ["orderName", "customerName", "reason", "name", "why"];

struct Service {
    here: Here,
    world: World,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let (here, world) = (Here::new(), World::new());
    let prepared = ["order-0001", "order-0002"].map(|order| {
        let body = format!(r#"{{"orderId":"{order}","orderName":"생수","amount":15000}}"#);
        let text = format!("POST /api/v1/payments\n\n{body}");
        let answer = here.wait(ask(
            &world,
            &Thrown::read(text.as_bytes()).expect("a request"),
        ));
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        answer.body
    });
    let data = &prepared[0]["data"];
    assert_eq!(
        (&data["paymentId"], &data["gatewayOrderId"]),
        (&PAYMENT.into(), &GATEWAY_ORDER.into())
    );
    world.keep();
    Service { here, world }
});

/// `METHOD target` in the first line, headers up to an empty one, then the body. Host, credentials
/// and content type are added where none are given.
pub(crate) fn run(bytes: &[u8]) {
    let Some(thrown) = Thrown::read(bytes) else {
        return;
    };
    let Service { here, world } = &*SERVICE;
    here.wait(async {
        let answer = ask(world, &thrown).await;
        answer.judge(&thrown);
        let keys = world.memory.all_reservations();
        for key in keys {
            let text = key.key.key.as_str();
            assert!((1..=255).contains(&text.len()), "{text:?}");
            assert!(
                text.bytes().all(|byte| (b'!'..=b'~').contains(&byte)),
                "{text:?}"
            );
            assert!(
                thrown.header("idempotency-key").is_some(),
                "a key out of nothing"
            );
        }
        if let Some(cursor) = answer.body["data"]["nextCursor"].as_str() {
            let target = format!("GET /api/v1/payments?cursor={cursor}\n\n");
            let next = Thrown::read(target.as_bytes()).expect("a request");
            let next = ask(world, &next).await;
            assert_eq!(next.status, StatusCode::OK, "our own cursor {cursor}");
        }
        world.put_back().await;
    });
}

struct Thrown<'a> {
    method: Method,
    target: Uri,
    headers: HeaderMap,
    body: &'a [u8],
}

impl<'a> Thrown<'a> {
    /// None where no HTTP library would have made a request of it.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (first, mut rest) = line(bytes);
        let (method, target) = str::from_utf8(first).ok()?.split_once(' ')?;
        let mut headers = HeaderMap::new();
        loop {
            let (text, after) = line(rest);
            rest = after;
            if text.is_empty() {
                break;
            }
            let colon = text.iter().position(|byte| *byte == b':')?;
            let (name, value) = text.split_at_checked(colon)?;
            let value = value.get(1..)?.trim_ascii();
            let name = HeaderName::from_bytes(name).ok()?;
            headers
                .try_append(name, HeaderValue::from_bytes(value).ok()?)
                .ok()?;
        }
        Some(Self {
            method: method.parse().ok()?,
            target: target.parse().ok()?,
            headers,
            body: rest,
        })
    }

    fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.get(name)
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body.to_vec()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        let bearer = HeaderValue::from_str(&format!("Bearer {SECRET}"));
        let json = HeaderValue::from_static("application/json");
        for (name, value) in [
            (HOST, HeaderValue::from_static("pay.example")),
            (AUTHORIZATION, bearer.expect("a header")),
            (CONTENT_TYPE, json),
        ] {
            headers.entry(name).or_insert(value);
        }
        request
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn ask(world: &World, thrown: &Thrown<'_>) -> Answer {
    let response = world.router.clone().oneshot(thrown.request()).await;
    let (parts, body) = response.expect("a router answers").into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body of ours");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

impl Answer {
    fn judge(&self, thrown: &Thrown<'_>) {
        let Self {
            status,
            headers,
            body,
        } = self;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let trace = text("x-trace-id").expect("every answer has a trace");
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(trace.len() == 32 && trace.bytes().all(hex), "{trace:?}");
        assert_eq!(text("x-content-type-options"), Some("nosniff"));
        let kind = text("content-type").unwrap_or_default();
        let path = thrown.target.path();
        // Whatever else is below `/docs` is the documentation's own.
        let page = path.strip_prefix("/docs/errors/");
        let page = page.is_some_and(|word| !word.is_empty() && !word.contains('/'));
        let ours = path.starts_with("/api/") || page && !status.is_success();
        if ours && thrown.method != Method::HEAD && !is_preflight(thrown) {
            assert!(
                kind == "application/json" || kind == "application/problem+json",
                "{kind}"
            );
            let code = body["code"].as_str().expect("every answer has a code");
            let known = code == "OK" || Code::ALL.iter().any(|known| known.as_str() == code);
            assert!(known, "{code}");
            assert_eq!(body["traceId"], trace);
            assert!(matches!(text("content-language"), Some("ko" | "en")));
        }
        // The gateway lets nobody in; nothing else of ours may fail.
        let busy = *status == StatusCode::SERVICE_UNAVAILABLE;
        assert!(busy || !status.is_server_error(), "{status}: {body}");
        if status.is_success() {
            clean(&body["data"]);
        }
        if *status == StatusCode::CREATED && body["data"]["orderId"].is_string() {
            let amount = body["data"]["amount"].as_i64();
            assert!(
                amount.is_some_and(|amount| (1..=AMOUNT_MAX).contains(&amount)),
                "{body}"
            );
            let part = body["data"]["taxFreeAmount"].as_i64();
            assert!(
                part.is_some_and(|part| part >= 0) && part <= amount,
                "{body}"
            );
        }
    }
}

fn is_preflight(thrown: &Thrown<'_>) -> bool {
    thrown.method == Method::OPTIONS
}

/// What people wrote holds no card number, wherever it is shown.
fn clean(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if FREE.contains(&name.as_str())
                    && let Some(text) = value.as_str()
                {
                    assert!(!card::is_in(text), "{name}: {text}");
                }
                clean(value);
            }
        }
        Value::Array(items) => items.iter().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
