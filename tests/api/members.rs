//! Members see and move their own payments, and nobody else's.

use domain::id::MerchantId;
use domain::id::RawId;
use reqwest::Method;
use reqwest::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

use crate::operation::Lines;
use crate::rig::{
    Answer, HOST, HOSTED, OTHER, OTHER_HOST, Prepared, Rig, SECRET, answer, approval, text,
};

const ME: &str = "member-1";

fn of(member: &str) -> Value {
    json!({ "customer": { "memberId": member } })
}

/// What takes all of a payment back.
fn cancel(payment: &Prepared) -> (Method, String, String) {
    (
        Method::POST,
        format!("/api/v1/payments/{}/cancel", payment.id),
        json!({ "reason": "mine now" }).to_string(),
    )
}

async fn reach(rig: &Rig, token: &str, call: (Method, String, String), key: &str) -> Answer {
    let (method, path, body) = call;
    let request = rig
        .anonymous(method, &path)
        .bearer_auth(token)
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    answer(request.body(body)).await
}

fn ids(answer: &Answer) -> Vec<&str> {
    let rows = answer.body["data"]["payments"].as_array().unwrap();
    rows.iter().map(|row| text(&row["paymentId"])).collect()
}

#[tokio::test]
async fn a_member_pays_and_takes_back_what_is_theirs() {
    let rig = Rig::new().await;
    let payment = rig.prepared_by(SECRET, of(ME)).await;
    let path = format!("/api/v1/payments/{}", payment.id);
    let read = answer(rig.by(ME, Method::GET, &path)).await;
    assert_eq!(read.body["data"]["paymentId"], payment.id.as_str());
    let opened = rig.by(ME, Method::POST, &format!("{path}/checkout"));
    let opened = answer(opened).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let payment = Prepared {
        id: payment.id,
        gateway_order: text(&opened.body["data"]["gatewayOrderId"]).to_owned(),
    };
    let approving = || {
        rig.by(ME, Method::POST, &format!("{path}/approve"))
            .header("idempotency-key", "k")
            .body(approval(&payment).to_string())
    };
    let approved = answer(approving()).await;
    assert_eq!(approved.body["data"]["status"], "DONE", "{approved:?}");
    let again = answer(approving()).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body["data"], approved.body["data"]);
    let canceling = rig
        .by(ME, Method::POST, &format!("{path}/cancel"))
        .header("idempotency-key", "c")
        .body(json!({ "reason": "마음이 바뀜" }).to_string());
    let canceled = answer(canceling).await;
    assert_eq!(canceled.body["data"]["status"], "CANCELED", "{canceled:?}");
    assert_eq!(
        canceled.body["data"]["cancels"][0]["reasonCode"],
        "USER_REQUEST"
    );
    let events = answer(rig.by(ME, Method::GET, &format!("{path}/events"))).await;
    let events = events.body["data"]["events"].as_array().unwrap().clone();
    let actors: Vec<&str> = events.iter().map(|event| text(&event["actor"])).collect();
    assert_eq!(actors[..3], ["MERCHANT", "BUYER", "BUYER"], "{actors:?}");
    assert!(actors[3..].contains(&"BUYER"), "{actors:?}");
    assert_eq!((rig.gateway.confirms(), rig.gateway.cancels()), (1, 1));
}

#[tokio::test]
async fn a_list_holds_their_own_only() {
    let rig = Rig::new().await;
    let first = rig.prepared_by(SECRET, of(ME)).await;
    rig.prepared_by(SECRET, of("member-2")).await;
    rig.prepared_by(SECRET, json!({})).await;
    rig.prepared_by(OTHER, of(ME)).await;
    let second = rig.paid_by(SECRET, of(ME)).await;
    let list = async |query: &str| {
        let path = format!("/api/v1/payments{query}");
        answer(rig.by(ME, Method::GET, &path)).await
    };
    let own = [second.id.as_str(), first.id.as_str()];
    assert_eq!(ids(&list("").await), own);
    assert_eq!(ids(&list("?memberId=member-1").await), own);
    assert_eq!(ids(&list("?status=READY").await), own[1..]);
    assert_eq!(ids(&list("?orderId=order-000002").await), [""; 0]);
    assert_eq!(ids(&list("?orderId=order-000001").await), own[1..]);
    let page = list("?limit=1").await;
    assert_eq!(ids(&page), own[..1]);
    let next = text(&page.body["data"]["nextCursor"]);
    assert_eq!(
        ids(&list(&format!("?limit=1&cursor={next}")).await),
        own[1..]
    );
    for other in ["member-2", "MEMBER-1", "member-"] {
        let refused = list(&format!("?memberId={other}")).await;
        assert_eq!(refused.status, 400, "{other}");
        assert_eq!(refused.errors(), ["memberId: MEMBER_MISMATCH"], "{other}");
    }
}

#[tokio::test]
async fn keys_of_members_and_of_their_merchant_are_apart() {
    let rig = Rig::new().await;
    let token = |member: &str| rig.members.token(member);
    let (mine, theirs) = (
        rig.paid_by(SECRET, of(ME)).await,
        rig.paid_by(SECRET, of("member-2")).await,
    );
    let first = reach(&rig, &token(ME), cancel(&mine), "same").await;
    assert_eq!(first.status, 200, "{first:?}");
    // Somebody else's key of the same name is not taken for a repeat, nor does it tell anything.
    let second = reach(&rig, &token("member-2"), cancel(&theirs), "same").await;
    assert_eq!(
        (second.status, second.header("idempotent-replayed")),
        (200, "")
    );
    let stranger = reach(&rig, &token("member-2"), cancel(&mine), "same").await;
    assert_eq!(stranger.code(), "IDEMPOTENCY_KEY_REUSED");
    let third = reach(&rig, &token("member-3"), cancel(&mine), "same").await;
    assert_eq!(third.code(), "PAYMENT_NOT_FOUND");
    let server = reach(&rig, SECRET, cancel(&mine), "same").await;
    assert_eq!(server.code(), "PAYMENT_NOT_CANCELABLE", "it is no repeat");
    let again = reach(&rig, &token(ME), cancel(&mine), "same").await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(rig.gateway.cancels(), 2);
}

#[tokio::test]
async fn no_header_makes_somebody_of_nobody() {
    let rig = Rig::new().await;
    let mine = rig.prepared_by(SECRET, of(ME)).await;
    let theirs = rig.prepared_by(SECRET, of("member-2")).await;
    let other = rig.members.merchants[1].to_string();
    for (name, value) in [
        ("x-authorization-id", "member-2"),
        ("x-user-id", "member-2"),
        ("x-member-id", "member-2"),
        ("x-merchant-id", other.as_str()),
        ("x-forwarded-user", "member-2"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", HOST),
        ("x-forwarded-proto", "https"),
        ("x-original-url", "/health/live"),
        ("x-http-method-override", "GET"),
        ("forwarded", "for=127.0.0.1;host=pay.one.example"),
        ("proxy-authorization", "Bearer sk_test_one"),
        ("cookie", "session=sk_test_one"),
    ] {
        let nobody = rig.anonymous(Method::GET, "/api/v1/payments");
        let told = answer(nobody.header(name, value)).await;
        assert_eq!(told.code(), "CREDENTIALS_MISSING", "{name}");
        let path = format!("/api/v1/payments/{}", theirs.id);
        let told = answer(rig.by(ME, Method::GET, &path).header(name, value)).await;
        assert_eq!(told.code(), "PAYMENT_NOT_FOUND", "{name}");
        let list = rig.by(ME, Method::GET, "/api/v1/payments");
        assert_eq!(
            ids(&answer(list.header(name, value)).await),
            [&mine.id],
            "{name}"
        );
        let token = rig.members.token_with(ME, &[("iss", json!(HOSTED))]);
        let hosted = rig.anonymous(Method::GET, "/api/v1/payments");
        let told = answer(hosted.bearer_auth(token).header(name, value)).await;
        assert_eq!(told.code(), "TOKEN_INVALID", "{name}");
    }
}

#[tokio::test]
async fn the_host_names_the_merchant_where_the_issuer_says_so() {
    let rig = Rig::new().await;
    let mine = rig.prepared_by(SECRET, of(ME)).await;
    let elsewhere = rig.members.merchants[1].to_string();
    let claims = [("iss", json!(HOSTED)), ("merchant", json!(elsewhere))];
    let token = rig.members.token_with(ME, &claims);
    let at = async |host: &str| {
        let list = rig.anonymous(Method::GET, "/api/v1/payments");
        answer(list.bearer_auth(&token).header("host", host)).await
    };
    for host in [HOST, "pay.one.example:8443", "PAY.ONE.EXAMPLE"] {
        assert_eq!(ids(&at(host).await), [&mine.id], "{host}");
    }
    for host in [
        "pay.two.example",
        "pay.one.example.thief.example",
        "localhost",
    ] {
        assert_eq!(at(host).await.code(), "TOKEN_INVALID", "{host}");
    }
}

/// Whoever is shown a token could send it on; the host is theirs to choose.
#[tokio::test]
async fn a_token_for_one_merchants_host_opens_nothing_at_anothers() {
    let rig = Rig::new().await;
    let mine = rig.prepared_by(SECRET, of(ME)).await;
    let theirs = rig.prepared_by(OTHER, of(ME)).await;
    let told = async |aud: Value, host: &str| {
        let claims = [("iss", json!(HOSTED)), ("aud", aud)];
        let token = rig.members.token_with(ME, &claims);
        let list = rig.anonymous(Method::GET, "/api/v1/payments");
        answer(list.bearer_auth(token).header("host", host)).await
    };
    for (host, other, payment) in [(HOST, OTHER_HOST, &mine), (OTHER_HOST, HOST, &theirs)] {
        for aud in [json!(host), json!(["shop", format!("https://{host}")])] {
            assert_eq!(ids(&told(aud.clone(), host).await), [&payment.id], "{aud}");
            let replayed = told(aud.clone(), other).await;
            assert_eq!(replayed.code(), "TOKEN_INVALID", "{aud} at {other}");
        }
    }
}

#[tokio::test]
async fn a_refused_token_is_told_nothing_but_that() {
    let rig = Rig::new().await;
    let list = async |token: &str| {
        let list = rig.anonymous(Method::GET, "/api/v1/payments");
        answer(list.bearer_auth(token)).await
    };
    let unknown = MerchantId::new(RawId::from_parts(1, 1)).to_string();
    let mut bodies = Vec::new();
    for claims in [
        vec![("aud", json!("elsewhere"))],
        vec![("iss", json!("https://thief.example"))],
        vec![("exp", json!("soon"))],
        vec![("sub", json!(1))],
        vec![("merchant", json!(unknown))],
        vec![("nbf", json!(253_402_300_799_i64))],
    ] {
        let told = list(&rig.members.token_with(ME, &claims)).await;
        assert_eq!(
            (told.status, told.code()),
            (401, "TOKEN_INVALID"),
            "{claims:?}"
        );
        let challenge = told.headers[WWW_AUTHENTICATE].to_str().unwrap();
        assert_eq!(
            challenge,
            r#"Bearer realm="payflow", error="invalid_token""#
        );
        let mut body = told.body.clone();
        body["traceId"].take();
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let over = [("exp", json!(1_000)), ("iat", json!(0))];
    let told = list(&rig.members.token_with(ME, &over)).await;
    assert_eq!((told.status, told.code()), (401, "TOKEN_EXPIRED"));
    let challenge = told.header("www-authenticate");
    assert!(
        challenge.contains(r#"error_description="expired""#),
        "{challenge}"
    );
    let suspended = json!(rig.members.merchants[3].to_string());
    let told = list(&rig.members.token_with(ME, &[("merchant", suspended)])).await;
    assert_eq!((told.status, told.code()), (403, "MERCHANT_SUSPENDED"));
}

#[tokio::test]
async fn a_token_is_not_logged_but_what_is_wrong_with_it_is() {
    let lines = Lines::default();
    let writer = lines.clone();
    let written = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _written = tracing::subscriber::set_default(written);
    let rig = Rig::new().await;
    let good = rig.members.token("canary-member");
    let wrong = [
        ("aud", json!("canary-audience")),
        ("canary-claim", json!(1)),
    ];
    let wrong = rig.members.token_with("canary-member", &wrong);
    let broken = format!("{good}x");
    for token in [&good, &wrong, &broken, "canary.canary.canary"] {
        let list = rig.anonymous(Method::GET, "/api/v1/payments");
        answer(list.bearer_auth(token)).await;
    }
    let text = lines.text();
    for why in [
        "another audience",
        "the signature does not hold",
        "not base64url",
    ] {
        assert!(text.contains(why), "{why} is not in\n{text}");
    }
    // What clients in this process write about their own headers is not the service's.
    let own: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("payflow"))
        .collect();
    assert!(own.len() >= 4, "{text}");
    for canary in ["canary", &good, &wrong, good.rsplit('.').next().unwrap()] {
        let found: Vec<_> = own.iter().filter(|line| line.contains(canary)).collect();
        assert!(found.is_empty(), "{canary}: {found:?}");
    }
}
