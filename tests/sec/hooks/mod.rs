//! Webhooks at both ends: addresses that merchants must not have the service talk to, and messages
//! that a shop must not believe.

mod forged;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payflow_shop::{Access, Config, Keys};
use reqwest::Client;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use self::forged::{Message, forgeries};
use crate::rig::Rig;
use crate::support::{lines, report};

const ENDPOINTS: &str = "/api/v1/webhook-endpoints";
/// A gateway elsewhere: with the sandbox in this process, this machine is exempt.
const ELSEWHERE: &str = "[toss]\nsecret_key = \"test_sk_rig\"\nclient_key = \"test_ck_rig\"\n";
const TARGETS_MIN: usize = 40;
const FORGERIES_MIN: usize = 50;
const PATIENCE: Duration = Duration::from_secs(20);

/// Addresses inside, in every way in which a URL can say them.
fn inside() -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for address in [
        [127, 0, 0, 1],
        [10, 1, 2, 3],
        [172, 16, 0, 1],
        [192, 168, 1, 1],
        [169, 254, 169, 254],
        [100, 64, 0, 1],
    ] {
        let address = Ipv4Addr::from(address);
        let [a, b, c, d] = address.octets();
        let number = u32::from(address);
        hosts.extend([
            address.to_string(),
            format!("{address}."),
            number.to_string(),
            format!("{number:#x}"),
            format!("{number:#o}").replace("0o", "0"),
            format!("{a}.{b}.{}", u32::from(c) * 256 + u32::from(d)),
            format!("[::ffff:{address}]"),
            format!("[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]"),
            format!("[64:ff9b::{address}]"),
        ]);
    }
    let more = [
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
        "224.0.0.1",
    ];
    hosts.extend(more.map(str::to_owned));
    let urls = hosts.iter().map(|host| format!("https://{host}/hooks"));
    let odd = [
        "http://shop.example/hooks",
        "http://localhost/hooks",
        "ftp://shop.example/hooks",
        "file:///etc/passwd",
        "gopher://shop.example/1",
        "https://user:word@shop.example/hooks",
        "https://user@127.0.0.1/hooks",
        "//shop.example/hooks",
        "shop.example",
    ];
    urls.chain(odd.map(str::to_owned)).collect()
}

#[tokio::test]
async fn webhooks_go_to_public_addresses_only() {
    let rig = Rig::with(ELSEWHERE).await;
    let body = |url: &str| json!({ "url": url }).to_string();
    let taken = rig
        .post(ENDPOINTS, body("https://shop.example/hooks"))
        .await;
    assert_eq!(taken.status, 201, "{taken:?}");
    let (targets, mut wrong) = (inside(), Vec::new());
    for url in &targets {
        let refused = rig.post(ENDPOINTS, body(url)).await;
        if refused.errors() != ["url: WEBHOOK_URL_REFUSED"] {
            wrong.push(format!("{url}: {} {}", refused.status, refused.code()));
        }
    }
    report::cases(
        "webhook targets refused",
        targets.len(),
        TARGETS_MIN,
        &wrong,
    );
}

/// A Payflow that has the shop's webhooks signed with this secret.
async fn payflow(secret: String, tasks: &TaskTracker) -> String {
    let made = async move || {
        let endpoint = json!({ "endpointId": "whe_1", "url": "http://127.0.0.1/hooks/payflow" });
        Json(json!({ "code": "OK", "data": { "secret": secret, "endpoint": endpoint } }))
    };
    let none = async || Json(json!({ "code": "OK", "data": { "endpoints": [] } }));
    let routes = Router::new().route(ENDPOINTS, post(made).merge(get(none)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tasks.spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test]
async fn a_shop_believes_nobody_but_payflow() {
    let secret = |fill: u8| format!("whsec_{}", STANDARD.encode([fill; 32]));
    let (secret, other, tasks) = (secret(7), secret(8), TaskTracker::new());
    lines::secret(&secret);
    let shop = payflow_shop::start(Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: None,
        access: Access::Given(Keys {
            payflow_url: payflow(secret.clone(), &tasks).await,
            secret_key: "any".to_owned(),
            client_key: "any".to_owned(),
            sdk_url: "http://127.0.0.1/sdk".to_owned(),
        }),
        hook_secrets: None,
        public_url: None,
        secure_cookies: false,
    });
    let shop = shop.await.unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let status = async |message: &Message| {
        let request = client.post(format!("{}/hooks/payflow", shop.url()));
        message
            .sent(request)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let begun = Instant::now();
    // Until the shop knows its secret.
    while status(&Message::right(&secret, "pay_1-1")).await != 204 {
        assert!(begun.elapsed() < PATIENCE, "nothing is taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (forgeries, mut wrong) = (forgeries(&secret, &other, "pay_1-2"), Vec::new());
    for (what, message) in &forgeries {
        let status = status(message).await;
        if status != 401 {
            wrong.push(format!("{what}: {status}"));
        }
    }
    // The one that all of them resemble.
    assert_eq!(status(&Message::right(&secret, "pay_1-2")).await, 204);
    report::cases(
        "forged webhooks refused",
        forgeries.len(),
        FORGERIES_MIN,
        &wrong,
    );
    shop.shutdown().await;
}
