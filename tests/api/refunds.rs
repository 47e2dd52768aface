//! The binary with its sandbox: deposits that are given back, one that reaches the buyer and one
//! that does not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::process::Process;
use crate::rig::{Answer, answer, text};

const NUMBER: &str = "110987654321";
const HOLDER: &str = "환불받을사람";
const PATIENCE: Duration = Duration::from_secs(30);

/// The watch looks often, and believes soon.
const LOOKING: [(&str, &str); 4] = [
    ("PAYFLOW_SHOP__ENABLED", "false"),
    ("PAYFLOW_TIMINGS__WATCH_EVERY", "1s"),
    ("PAYFLOW_TIMINGS__WATCH_GRACE", "3s"),
    ("PAYFLOW_TIMINGS__DOUBT_FOR", "1s"),
];

impl Process {
    async fn control(&self, name: &str, body: &Value) -> Answer {
        let url = format!("{}/_sandbox/{name}", text(&self.keys["sandboxUrl"]));
        let done = answer(self.client.post(url).json(body)).await;
        assert_eq!(done.status, 200, "{name}: {done:?}");
        done
    }

    /// What is read of the payment once `is` is true of it.
    async fn until(&self, payment: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let read = self.get(&format!("/api/v1/payments/{payment}")).await;
            if is(&read.body["data"]) {
                return read.body["data"].clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{read:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn refunded(&self, payment: &str, status: &str) -> Value {
        let says = |data: &Value| data["virtualAccount"]["refundStatus"] == status;
        self.until(payment, says).await
    }

    async fn refund(&self, payment: &str, amount: i64, key: &str) -> Value {
        let path = format!("/api/v1/payments/{payment}/cancel");
        let to = json!({ "bank": "88", "accountNumber": NUMBER, "holderName": HOLDER });
        let body = json!({ "reason": "sold out", "amount": amount, "refundReceiveAccount": to });
        let canceled = self.post(&path, key, &body).await;
        assert_eq!(canceled.status, 200, "{canceled:?}");
        let data = canceled.body["data"].clone();
        assert_eq!(data["virtualAccount"]["refundStatus"], "PENDING");
        data
    }

    /// What it counts of refunds that failed.
    async fn failures(&self) -> String {
        let url = text(&self.keys["metricsUrl"]);
        let shown = self.client.get(url).send().await.unwrap();
        let shown = shown.text().await.unwrap();
        let name = "payflow_watch_findings_total{result=\"refund_failed\"} ";
        let line = shown.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{shown}")).to_owned()
    }
}

/// A payment whose deposit is booked, and the number of its account.
async fn deposited(process: &Process) -> (String, String) {
    let order = json!({ "orderId": "order-1", "orderName": "생수", "amount": 15000,
                        "kind": "VIRTUAL_ACCOUNT" });
    let prepared = process.post("/api/v1/payments", "prepare", &order).await;
    let payment = text(&prepared.body["data"]["paymentId"]).to_owned();
    let path = format!("/api/v1/payments/{payment}/virtual-account");
    let wish = json!({ "bank": "20", "customerName": "홍길동" });
    let issued = process.post(&path, "issue", &wish).await;
    assert_eq!(issued.status, 200, "{issued:?}");
    let number = text(&issued.body["data"]["virtualAccount"]["accountNumber"]).to_owned();
    let whose = json!({ "accountNumber": number });
    process.control("deposits", &whose).await;
    process
        .until(&payment, |data| data["status"] == "DONE")
        .await;
    (payment, number)
}

#[tokio::test]
async fn a_refund_is_watched_until_the_buyer_has_it() {
    let folder = TempDir::new().unwrap();
    let process = Process::with(folder.path(), &LOOKING);
    let (payment, number) = deposited(&process).await;
    let nowhere = process
        .post(
            &format!("/api/v1/payments/{payment}/cancel"),
            "nowhere",
            &json!({ "reason": "sold out" }),
        )
        .await;
    assert_eq!(nowhere.code(), "REFUND_ACCOUNT_REQUIRED", "{nowhere:?}");

    let part = process.refund(&payment, 5000, "part").await;
    assert_eq!(part["status"], "PARTIAL_CANCELED");
    // The bank takes two days.
    let days = json!({ "advanceSeconds": 2 * 86_400 + 60 });
    process.control("clock", &days).await;
    let paid_out = process.refunded(&payment, "COMPLETED").await;
    assert_eq!(paid_out["balanceAmount"], 10_000);

    let rest = process.refund(&payment, 10_000, "rest").await;
    assert_eq!(rest["status"], "CANCELED");
    let fails = json!({ "accountNumber": number, "status": "FAILED" });
    process.control("refunds", &fails).await;
    let hours = json!({ "advanceSeconds": 3_601 });
    process.control("clock", &hours).await;
    let failed = process.refunded(&payment, "FAILED").await;
    assert_eq!(
        (&failed["status"], &failed["balanceAmount"]),
        (&json!("CANCELED"), &json!(0))
    );
    assert_eq!(process.failures().await, "1");

    let path = format!("/api/v1/payments/{payment}/events");
    let events = process.get(&path).await.body["data"]["events"].clone();
    let told: Vec<&str> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| text(&event["type"]))
        .collect();
    let expected = [
        "payment.deposited",
        "payment.cancel_requested",
        "payment.partially_canceled",
        "payment.refund_completed",
        "payment.cancel_requested",
        "payment.canceled",
        "payment.refund_failed",
    ];
    assert_eq!(told[3..], expected);
    assert!(!events.to_string().contains(NUMBER), "{events}");
    assert_eq!(process.terminate(), Some(0));
    nobody_can_read_it(&folder);
}

/// Neither what it logged nor what it kept tells where the money went.
fn nobody_can_read_it(folder: &TempDir) {
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("did not reach the buyer"));
    let mut looked = 0;
    let kept = std::fs::read_dir(folder.path().join("data")).unwrap();
    let kept = kept.map(|entry| entry.unwrap().path());
    let own = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        path.is_file() && name.contains("payflow")
    };
    for (name, word) in [("number", NUMBER), ("holder", HOLDER)] {
        assert!(!log.contains(word), "the {name} is logged");
    }
    for path in kept.filter(own) {
        let bytes = std::fs::read(&path).unwrap();
        for word in [NUMBER, HOLDER] {
            let found = bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes());
            assert!(!found, "{word} lies in {}", path.display());
        }
        looked += 1;
    }
    assert!(looked > 0, "no database");
}
