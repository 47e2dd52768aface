//! Owns the contract of the adapter with the stand-in for a card company, which keeps a list of
//! what it authorised: the same `tid` again tells what became of it, whatever went wrong.

use std::sync::Arc;
use std::time::Duration;

use application::ports::PaymentGateway;
use domain::decline::Reason;
use domain::snapshot::{Answer, Cause};
use payflow::adapters::gateway::card_company::CardCompany;
use serde_json::{Value, json};
use toss_sandbox::{Config, Running};

use super::{capture, capture_of, card_company};
use crate::support::{krw, order};

/// A sandbox, and an account at its card company.
struct Bench {
    running: Running,
    controls: reqwest::Client,
    card_company: Arc<CardCompany>,
}

impl Bench {
    async fn new() -> Self {
        let running = toss_sandbox::start(Config::default()).await.unwrap();
        let controls = reqwest::Client::builder().tls_certs_only([]);
        Self {
            card_company: Arc::new(card_company(&running.url())),
            controls: controls.build().unwrap(),
            running,
        }
    }

    /// The next authorisation goes wrong, once.
    async fn strike(&self, fault: &Value) {
        let url = format!("{}/_sandbox/faults", self.running.url());
        let rule = json!({ "operation": "authorize", "times": 1, "fault": fault });
        let body = json!({ "rules": [rule] }).to_string();
        let told = self.controls.post(url).body(body).send().await.unwrap();
        assert!(told.status().is_success(), "{}", told.text().await.unwrap());
    }

    /// What was authorised, as amounts.
    async fn authorized(&self) -> Vec<i64> {
        let url = format!("{}/_sandbox/authorizations", self.running.url());
        let text = self.controls.get(url).send().await.unwrap();
        let shown: Value = serde_json::from_str(&text.text().await.unwrap()).unwrap();
        let all = shown["authorizations"].as_array().unwrap();
        all.iter()
            .map(|one| one["amount"].as_i64().unwrap())
            .collect()
    }
}

fn ref_no(answer: &Answer) -> String {
    let Answer::Found(snapshot) = answer else {
        panic!("{answer:?}")
    };
    snapshot.last_transaction_key.as_ref().unwrap().to_string()
}

#[tokio::test]
async fn an_order_is_authorised_once_however_often_it_is_asked_for() {
    let bench = Bench::new().await;
    let mut asked = tokio::task::JoinSet::new();
    for n in 1..=20 {
        let card_company = Arc::clone(&bench.card_company);
        asked.spawn(async move { card_company.confirm(&capture_of(order(1), n)).await });
    }
    let answers = asked.join_all().await;
    let names: Vec<String> = answers.iter().map(ref_no).collect();
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    assert_eq!(bench.authorized().await, [33_000]);
    let other = bench.card_company.confirm(&capture_of(order(2), 1)).await;
    assert_ne!(ref_no(&other), names[0]);
}

#[tokio::test]
async fn what_went_wrong_the_repeat_tells() {
    let edge = |status: u16, when: &str| {
        let kind = "status";
        json!({ "type": kind, "status": status, "when": when, "html": true })
    };
    for (fault, effect) in [
        (json!({ "type": "dropBefore" }), 0),
        (json!({ "type": "dropAfter" }), 1),
        (json!({ "type": "cutBody" }), 1),
        (edge(502, "before"), 0),
        (edge(503, "after"), 1),
        (json!({ "type": "wrongBody", "field": "garbage" }), 1),
    ] {
        let bench = Bench::new().await;
        bench.strike(&fault).await;
        let answer = bench.card_company.confirm(&capture()).await;
        let unknown = matches!(answer, Answer::Unknown(Cause::Lost | Cause::Unreadable(_)));
        assert!(unknown, "{fault}: {answer:?}");
        assert_eq!(bench.authorized().await.len(), effect, "{fault}");
        let repeat = bench.card_company.confirm(&capture()).await;
        assert_eq!(ref_no(&repeat), "R000001", "{fault}");
        assert_eq!(bench.authorized().await, [33_000], "{fault}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_a_slower_one_is_lost() {
    let bench = Bench::new().await;
    bench
        .strike(&json!({ "type": "delay", "milliseconds": 300 }))
        .await;
    ref_no(&bench.card_company.confirm(&capture()).await);
    let second = capture_of(order(2), 1);
    bench
        .strike(&json!({ "type": "delay", "milliseconds": 4_000 }))
        .await;
    let answer = bench.card_company.confirm(&second).await;
    assert_eq!(answer, Answer::Unknown(Cause::Lost));
    assert_eq!(
        ref_no(&bench.card_company.confirm(&second).await),
        "R000002"
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        bench.authorized().await.len(),
        2,
        "one authorisation for each order"
    );
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let bench = Bench::new().await;
    bench
        .strike(&json!({ "type": "code", "code": "REJECT_CARD_PAYMENT" }))
        .await;
    for _ in 0..2 {
        let Answer::Declined(decline) = bench.card_company.confirm(&capture()).await else {
            panic!("not declined")
        };
        assert_eq!(decline.reason, Reason::InsufficientFunds);
    }
    assert!(bench.authorized().await.is_empty());
}

/// Of an order that was authorised for another amount it says that it declines: so it does this
/// call, and took the money all the same.
#[tokio::test]
async fn another_amount_of_the_same_order_is_no_refusal() {
    let bench = Bench::new().await;
    ref_no(&bench.card_company.confirm(&capture()).await);
    let mut other = capture();
    other.amount = krw(1);
    let answer = bench.card_company.confirm(&other).await;
    assert!(
        matches!(answer, Answer::Unknown(Cause::Unreadable(_))),
        "{answer:?}"
    );
    assert_eq!(bench.authorized().await, [33_000]);
}
