//! The master key is rotated as docs/secrets.md says, while both copies take approvals: nobody is
//! refused, and nothing is missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::RwLock;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Copies, OLD, Pace, ordered, unique, until};
use crate::rig::{answer, text};

const NEW: &str = "2026b:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
const BUYERS: usize = 3;
/// How long before its end a copy is sent nothing more, as a balancer sees to.
const LEAVE: Duration = Duration::from_secs(1);

/// Buyers who pay without a pause, at whichever copies are in service.
struct Traffic {
    serving: RwLock<Vec<String>>,
    sandbox: String,
    secret: String,
    client: reqwest::Client,
    turns: AtomicUsize,
    approved: AtomicUsize,
    over: AtomicBool,
}

impl Traffic {
    fn of(copies: &Copies) -> Arc<Self> {
        Arc::new(Self {
            serving: RwLock::new(vec![copies.url(0), copies.url(1)]),
            sandbox: copies.sandbox.url(),
            secret: copies.secret.clone(),
            client: copies.process(0).client.clone(),
            turns: AtomicUsize::new(0),
            approved: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        })
    }

    async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let turn = self.turns.fetch_add(1, Ordering::SeqCst);
        let url = {
            let serving = self.serving.read().await;
            format!("{}{path}", serving[turn % serving.len()])
        };
        let request = self.client.post(url).bearer_auth(&self.secret);
        let told = answer(request.header("idempotency-key", unique()).json(body)).await;
        assert_eq!(told.status, status, "a request failed: {told:?}");
        told.body["data"].clone()
    }

    async fn buy(&self) {
        let body = ordered(&unique(), json!({}));
        let prepared = self.post("/api/v1/payments", &body, 201).await;
        let order = &prepared["gatewayOrderId"];
        let url = format!("{}/_sandbox/authenticate", self.sandbox);
        let window = json!({ "orderId": order, "amount": 15000, "method": "CARD" });
        let paid = answer(self.client.post(url).json(&window)).await;
        let approval = json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                               "gatewayOrderId": order });
        let id = text(&prepared["paymentId"]);
        let path = format!("/api/v1/payments/{id}/approve");
        let approved = self.post(&path, &approval, 200).await;
        assert_eq!(approved["status"], "DONE", "{approved}");
        self.approved.fetch_add(1, Ordering::SeqCst);
    }

    /// Somebody buys at each copy that serves now.
    async fn goes_on(&self) {
        let before = self.approved.load(Ordering::SeqCst);
        let more = async || self.approved.load(Ordering::SeqCst) >= before + 4 * BUYERS;
        until(Duration::from_secs(30), more).await;
    }

    /// One copy after the other is restarted with these master keys.
    async fn roll(&self, copies: &mut Copies, masters: &str) {
        for place in 0..2 {
            let leaves = copies.url(place);
            self.serving.write().await.retain(|url| *url != leaves);
            sleep(LEAVE).await;
            copies.close(place);
            copies.open(place, masters);
            self.serving.write().await.push(copies.url(place));
            self.goes_on().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_rotated_while_both_take_approvals() {
    let mut copies = Copies::start(Pace::Whole).await;
    let traffic = Traffic::of(&copies);
    let mut buyers = JoinSet::new();
    for _ in 0..BUYERS {
        let traffic = Arc::clone(&traffic);
        buyers.spawn(async move {
            while !traffic.over.load(Ordering::SeqCst) {
                traffic.buy().await;
            }
        });
    }
    traffic.goes_on().await;
    traffic.roll(&mut copies, &format!("{OLD},{NEW}")).await;
    let both = format!("{NEW},{OLD}");
    traffic.roll(&mut copies, &both).await;
    // Its data key is the first that the new master key wraps.
    let made = copies.run_with(&both, &["merchant", "create", "newcomer"], "");
    let newcomer = text(&made["secretKey"]).to_owned();
    let prepares = async |copies: &Copies, place| {
        let (key, body) = (unique(), ordered(&unique(), json!({})));
        let sent = ("/api/v1/payments", key.as_str());
        copies.post_by(&newcomer, place, sent, &body).await.status == 201
    };
    for place in 0..2 {
        until(Duration::from_secs(20), async || {
            prepares(&copies, place).await
        })
        .await;
    }
    let rotated = copies.run_with(&both, &["rotate-master-key"], "");
    let current = rotated["alreadyCurrent"].as_u64().unwrap();
    let rewrapped = rotated["rewrapped"].as_u64().unwrap();
    assert!(rewrapped >= 1 && current >= 1, "{rotated}");
    traffic.goes_on().await;
    traffic.roll(&mut copies, NEW).await;
    for place in 0..2 {
        assert!(prepares(&copies, place).await, "copy {place}");
    }
    traffic.over.store(true, Ordering::SeqCst);
    while let Some(bought) = buyers.join_next().await {
        bought.unwrap();
    }
    let approved = traffic.approved.load(Ordering::SeqCst);
    assert_eq!(copies.moved("capture").await, approved);
    // What is left of the old key opens nothing.
    let shown = copies.run_with(OLD, &["gateway-account", "list"], "");
    assert_eq!(shown["secretKey"], "unreadable");
}
