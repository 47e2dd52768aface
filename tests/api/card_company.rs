//! A merchant with a second gateway, as the binary runs it: a payment by card is taken by the card
//! company, exactly once, whatever becomes of the answer or of the service.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;
use toss_sandbox::{Config, Running};

use crate::process::{Process, pay};
use crate::rig::{Answer, text};
use crate::vault::{lines, payflow};

const NAME: &str = "작은 서점";
/// What a running service may take to notice, and some more for a busy machine.
const SOON: Duration = Duration::from_secs(40);

pub(crate) struct Stand {
    folder: TempDir,
    sandbox: Running,
    client: reqwest::Client,
}

impl Stand {
    pub(crate) async fn new() -> Self {
        let client = reqwest::Client::builder().no_proxy();
        Self {
            folder: TempDir::new().unwrap(),
            sandbox: toss_sandbox::start(Config::default()).await.unwrap(),
            client: client.timeout(Duration::from_secs(20)).build().unwrap(),
        }
    }

    fn start(&self) -> Process {
        self.hastened("10")
    }

    /// A service whose times are divided.
    pub(crate) fn hastened(&self, divided_by: &str) -> Process {
        let mut process = Process::with(
            self.folder.path(),
            &[
                ("PAYFLOW_SHOP__ENABLED", "false"),
                ("PAYFLOW_SANDBOX__URL", &self.sandbox.url()),
                ("TOSS_SECRET_KEY", &Config::default().secret_key),
                ("TOSS_CLIENT_KEY", &Config::default().client_key),
                ("PAYFLOW_TIMINGS__DIVIDE_BY", divided_by),
            ],
        );
        process.keys["sandboxUrl"] = json!(self.sandbox.url());
        process
    }

    /// Runs a command beside the service.
    pub(crate) fn command(&self, arguments: &[&str]) -> Vec<Value> {
        lines(&self.output(arguments))
    }

    fn output(&self, arguments: &[&str]) -> std::process::Output {
        self.hastened_output("1", arguments)
    }

    /// As a service whose times are divided.
    pub(crate) fn hastened_output(
        &self,
        divided_by: &str,
        arguments: &[&str],
    ) -> std::process::Output {
        let settings = [("PAYFLOW_TIMINGS__DIVIDE_BY", divided_by)];
        self.told(arguments, &settings, "")
    }

    /// With these settings, and this on standard input.
    pub(crate) fn told(
        &self,
        arguments: &[&str],
        settings: &[(&str, &str)],
        input: &str,
    ) -> std::process::Output {
        let url = self.sandbox.url();
        let mut all = vec![("PAYFLOW_SANDBOX__URL", url.as_str())];
        all.extend(settings);
        let folder: &Path = self.folder.path();
        payflow(folder, arguments, &all, input)
    }

    async fn strike(&self, fault: Value) {
        self.strike_so_often(1, fault).await;
    }

    pub(crate) async fn strike_so_often(&self, times: u32, fault: Value) {
        let url = format!("{}/_sandbox/faults", self.sandbox.url());
        let rule = json!({ "operation": "authorize", "times": times, "fault": fault });
        let body = json!({ "rules": [rule] }).to_string();
        let told = self.client.post(url).body(body).send().await.unwrap();
        assert!(told.status().is_success());
    }

    /// How often the card company authorised this order.
    pub(crate) async fn authorized(&self, tid: &str) -> usize {
        let url = format!("{}/_sandbox/authorizations", self.sandbox.url());
        let shown = self.client.get(url).send().await.unwrap();
        let shown: Value = serde_json::from_str(&shown.text().await.unwrap()).unwrap();
        let all = shown["authorizations"].as_array().unwrap();
        let of_order = |one: &&Value| one["tid"] == tid && one["merchantName"] == NAME;
        all.iter().filter(of_order).count()
    }
}

/// A payment by card: its id and its gateway order.
async fn prepare(process: &Process, order: &str, seconds: u32) -> Answer {
    let mut body = json!({ "orderId": order, "orderName": "생수", "amount": 15000 });
    body["method"] = json!("CARD");
    body["expiresInSeconds"] = json!(seconds);
    process.post("/api/v1/payments", order, &body).await
}

/// The same, once the account at the card company is served: it has no window to be opened.
async fn prepared(process: &Process, order: &str) -> (String, String) {
    prepared_for(process, order, 3_600).await
}

/// The same, to be paid within so many seconds.
pub(crate) async fn prepared_for(process: &Process, order: &str, seconds: u32) -> (String, String) {
    let begun = Instant::now();
    for n in 0.. {
        let told = prepare(process, &format!("{order}-{n}"), seconds).await;
        let data = &told.body["data"];
        if told.status == 201 && data["clientKey"].is_null() {
            let id = text(&data["paymentId"]).to_owned();
            return (id, text(&data["gatewayOrderId"]).to_owned());
        }
        assert!(begun.elapsed() < SOON, "{told:?}");
        sleep(Duration::from_millis(500)).await;
    }
    unreachable!("it waits until it is, or fails")
}

pub(crate) async fn approve(process: &Process, id: &str, order: &str) -> Answer {
    let body = json!({ "paymentKey": order, "gatewayOrderId": order, "amount": 15000 });
    let path = format!("/api/v1/payments/{id}/approve");
    process
        .post(&path, &format!("{order}-approve"), &body)
        .await
}

async fn paid_in_the_end(process: &Process, id: &str) {
    let begun = Instant::now();
    loop {
        let told = process.get(&format!("/api/v1/payments/{id}")).await;
        if told.body["data"]["status"] == "DONE" {
            return;
        }
        assert!(begun.elapsed() < SOON, "{told:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn whatever_is_lost_is_taken_once(stand: &Stand, process: &Process) {
    for (name, fault) in [
        ("before", json!({ "type": "dropBefore" })),
        ("after", json!({ "type": "dropAfter" })),
        (
            "garbage",
            json!({ "type": "wrongBody", "field": "garbage" }),
        ),
    ] {
        let (id, order) = prepared(process, &format!("order-{name}")).await;
        stand.strike(fault).await;
        let told = approve(process, &id, &order).await;
        assert!(matches!(told.status, 200 | 202), "{name}: {told:?}");
        paid_in_the_end(process, &id).await;
        assert_eq!(stand.authorized(&order).await, 1, "{name}");
    }
}

#[tokio::test]
async fn a_payment_by_card_is_taken_by_the_card_company_once() {
    let stand = Stand::new().await;
    let process = stand.start();
    let merchants = stand.command(&["merchant", "list"]);
    let merchant = text(&merchants[0]["merchantId"]);
    let add = |rest: &[&str]| {
        let mut all = vec!["gateway-account", "add", "--merchant", merchant];
        all.extend(["--gateway", "card-company"]);
        all.extend(rest);
        stand.output(&all)
    };
    assert!(!add(&[]).status.success(), "it needs a name for the bill");
    assert!(
        !add(&["--name", NAME, "--methods", "TRANSFER"])
            .status
            .success()
    );
    let added = lines(&add(&["--name", NAME])).remove(0);
    assert_eq!(
        (&added["gateway"], &added["mode"]),
        (&json!("card-company"), &json!("test"))
    );
    assert_eq!(added["secretKey"], Value::Null);
    let account = text(&added["gatewayAccountId"]);
    let replace = ["gateway-account", "replace-key", account];
    assert!(!stand.output(&replace).status.success(), "it takes no keys");

    // What the buyer chooses in a window still goes where there is one.
    pay(&process, "order-window").await;

    let (id, order) = prepared(&process, "order-card").await;
    let told = approve(&process, &id, &order).await;
    assert_eq!(
        (told.status, text(&told.body["data"]["status"])),
        (200, "DONE"),
        "{told:?}"
    );
    assert_eq!(stand.authorized(&order).await, 1);
    let again = approve(&process, &id, &order).await;
    assert_eq!(again.body["data"], told.body["data"]);
    let cancel = json!({ "reason": "wanted back" });
    let path = format!("/api/v1/payments/{id}/cancel");
    let refused = process.post(&path, "cancel-1", &cancel).await;
    assert_eq!(
        (refused.status, refused.code()),
        (422, "GATEWAY_CANNOT_CANCEL")
    );

    whatever_is_lost_is_taken_once(&stand, &process).await;
    let (id, order) = prepared(&process, "order-refused").await;
    stand
        .strike(json!({ "type": "code", "code": "REJECT_CARD_PAYMENT" }))
        .await;
    let told = approve(&process, &id, &order).await;
    assert_eq!(
        (told.status, told.code()),
        (402, "PAYMENT_DECLINED"),
        "{told:?}"
    );
    assert_eq!(stand.authorized(&order).await, 0);
}

/// Killed while the card company is at it, before it begins and after it is done.
#[tokio::test]
async fn a_killed_service_takes_the_money_once() {
    let stand = Stand::new().await;
    let mut process = stand.start();
    let merchants = stand.command(&["merchant", "list"]);
    let merchant = text(&merchants[0]["merchantId"]).to_owned();
    let mut add = vec!["gateway-account", "add", "--gateway", "card-company"];
    add.extend(["--name", NAME, "--merchant", &merchant]);
    stand.command(&add);
    for (round, fault) in [
        json!({ "type": "delay", "milliseconds": 1_000 }),
        json!({ "type": "late", "milliseconds": 1_000 }),
        json!({ "type": "dropBefore" }),
        json!({ "type": "dropAfter" }),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, order) = prepared(&process, &format!("order-{round}")).await;
        stand.strike(fault.clone()).await;
        let killed = tokio::select! {
            _ = approve(&process, &id, &order) => false,
            () = sleep(Duration::from_millis(120)) => true,
        };
        drop(process);
        process = stand.start();
        if !killed {
            // What ended before it could be killed is asked for again.
            approve(&process, &id, &order).await;
        }
        let found = process.get(&format!("/api/v1/payments/{id}")).await;
        if found.body["data"]["status"] == "READY" {
            // Killed before it was even promised: nothing was sent, and the client asks again.
            assert_eq!(stand.authorized(&order).await, 0, "{fault}");
            approve(&process, &id, &order).await;
        }
        paid_in_the_end(&process, &id).await;
        sleep(Duration::from_millis(1_200)).await;
        assert_eq!(stand.authorized(&order).await, 1, "{fault}");
    }
}
