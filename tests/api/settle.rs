//! A person ends, by the binary's command, what no answer of the card company ends.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::card_company::{Stand, approve, prepared_for};
use crate::process::Process;
use crate::rig::text;
use crate::vault::lines;

/// Windows of minutes become seconds.
const DIVIDED_BY: &str = "60";
/// Until a person may decide, and some more for a busy machine.
const SOON: Duration = Duration::from_secs(150);

/// It may name people.
const EVIDENCE: &str = "승인 내역 조회: 홍길동 님 010-1234-5678";

struct Desk {
    stand: Stand,
    process: Process,
}

impl Desk {
    async fn new() -> Self {
        let stand = Stand::new().await;
        let process = stand.hastened(DIVIDED_BY);
        let merchants = stand.command(&["merchant", "list"]);
        let merchant = text(&merchants[0]["merchantId"]);
        let mut add = vec!["gateway-account", "add", "--gateway", "card-company"];
        add.extend(["--name", "작은 서점", "--merchant", merchant]);
        stand.command(&add);
        Self { stand, process }
    }

    /// What the command says to this; or why it does not.
    fn settle(&self, rest: &[&str]) -> Result<Value, String> {
        self.settle_by("김운영", rest, &[])
    }

    fn settle_by(
        &self,
        by: &str,
        rest: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<Value, String> {
        let all = [&["settle", "--by", by, "--evidence", "-"][..], rest].concat();
        self.said(&all, settings, &format!("{EVIDENCE}\n"))
    }

    /// What the command says to this; its lines are no place for what is written to it.
    fn said(
        &self,
        arguments: &[&str],
        settings: &[(&str, &str)],
        input: &str,
    ) -> Result<Value, String> {
        let hastened = [
            ("PAYFLOW_TIMINGS__DIVIDE_BY", DIVIDED_BY),
            ("RUST_LOG", "trace"),
        ];
        let settings = [&hastened[..], settings].concat();
        let output = self.stand.told(arguments, &settings, input);
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(!said.contains(EVIDENCE), "{said}");
        if output.status.success() {
            Ok(lines(&output).remove(0))
        } else {
            Err(said)
        }
    }

    /// Tries until a person may.
    async fn settled_in_the_end(&self, rest: &[&str]) -> Value {
        let begun = Instant::now();
        loop {
            match self.settle(rest) {
                Ok(told) => return told,
                Err(why) => {
                    let early = why.contains("still finds out") || why.contains("take effect");
                    assert!(early && begun.elapsed() < SOON, "{why}");
                }
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn payment(&self, id: &str) -> Value {
        let path = format!("/api/v1/payments/{id}");
        self.process.get(&path).await.body["data"].clone()
    }

    /// A payment whose calls are all struck so, from the first.
    async fn unheard_of(&self, name: &str, fault: Value) -> (String, String) {
        let (id, order) = prepared_for(&self.process, name, 60).await;
        self.stand.strike_so_often(1_000, fault).await;
        let told = approve(&self.process, &id, &order).await;
        assert_eq!(told.status, 202, "{told:?}");
        (id, order)
    }
}

#[tokio::test]
async fn what_nobody_hears_of_is_settled_by_a_person_once() {
    let desk = Desk::new().await;
    let lost = json!({ "type": "dropAfter" });
    let (id, order) = desk.unheard_of("order-taken", lost).await;
    let captured = ["--captured", "--reference", "R000001", &id];
    let early = desk.settle(&captured).unwrap_err();
    assert!(early.contains("nothing was written"), "{early}");
    let argued = [
        "settle",
        "--by",
        "kim",
        "--captured",
        "--reference",
        "R1",
        &id,
    ];
    let argued = [&argued[..], &["--evidence", "홍길동 님"]].concat();
    let argued = desk.said(&argued, &[], "").unwrap_err();
    assert!(argued.contains("standard input"), "{argued}");
    assert!(!argued.contains("홍길동"), "{argued}");
    let unnamed = desk.settle(&["--captured", &id]).unwrap_err();
    assert!(unnamed.contains("--reference"), "{unnamed}");
    let card = ["--captured", "--reference", "4111111111111111", &id];
    let refused = desk.settle(&card).unwrap_err();
    assert!(refused.contains("card numbers"), "{refused}");
    assert_eq!(desk.payment(&id).await["status"], "IN_PROGRESS");

    let told = desk.settled_in_the_end(&captured).await;
    assert_eq!(
        (&told["verdict"], &told["again"]),
        (&json!("CAPTURED"), &json!(false))
    );
    assert_eq!(
        (&told["by"], &told["reference"]),
        (&json!("김운영"), &json!("R000001"))
    );
    assert_eq!(told["evidence"], EVIDENCE);
    assert_eq!(desk.payment(&id).await["status"], "DONE");
    assert_eq!(desk.stand.authorized(&order).await, 1);
    let repeated = approve(&desk.process, &id, &order).await;
    assert_eq!(repeated.status, 200, "{repeated:?}");

    let again = desk.settle(&captured).unwrap();
    assert_eq!(again["again"], true);
    assert_eq!(again["settledAt"], told["settledAt"]);
    let saga = text(&told["sagaId"]);
    let otherwise = desk.settle(&["--not-captured", saga]).unwrap_err();
    assert!(
        otherwise.contains("settled as CAPTURED by 김운영"),
        "{otherwise}"
    );
    assert_eq!(desk.payment(&id).await["status"], "DONE");
    let unknown = desk.settle(&["--not-captured", "pay_1"]).unwrap_err();
    assert!(unknown.contains("neither"), "{unknown}");
    let both = ["--captured", "--not-captured", &id];
    assert!(desk.settle(&both).is_err());
}

#[tokio::test]
async fn what_was_not_taken_can_be_given_up() {
    let desk = Desk::new().await;
    let lost = json!({ "type": "dropBefore" });
    let (id, order) = desk.unheard_of("order-untaken", lost).await;
    let told = desk.settled_in_the_end(&["--not-captured", &id]).await;
    assert_eq!(
        (&told["verdict"], &told["again"]),
        (&json!("NOT_CAPTURED"), &json!(false))
    );
    assert_eq!(desk.stand.authorized(&order).await, 0);
    let payment = desk.payment(&id).await;
    // Its time is over: it is declined, and expires as any other.
    assert!(
        ["READY", "EXPIRED"].contains(&text(&payment["status"])),
        "{payment}"
    );
    let stuck = desk.stand.hastened_output(DIVIDED_BY, &["stuck"]);
    assert!(
        stuck.status.success() && stuck.stdout.is_empty(),
        "{stuck:?}"
    );
}

#[tokio::test]
async fn a_second_person_is_wanted_above_a_limit() {
    let desk = Desk::new().await;
    let lost = json!({ "type": "dropBefore" });
    let (id, _) = desk.unheard_of("order-large", lost).await;
    let limit = [("PAYFLOW_SETTLE__ALONE_MINOR_MAX", "100")];
    let found = |by: &str| desk.settle_by(by, &["--not-captured", &id], &limit);
    let begun = Instant::now();
    let first = loop {
        match found("김운영") {
            Ok(told) => break told,
            Err(why) => assert!(begun.elapsed() < SOON, "{why}"),
        }
        sleep(Duration::from_millis(500)).await;
    };
    assert_eq!(
        (&first["state"], &first["again"]),
        (&json!("PROPOSED"), &json!(false))
    );
    assert_eq!(found("김운영").unwrap()["again"], true, "one is one");
    assert_eq!(desk.payment(&id).await["status"], "IN_PROGRESS");
    let settings = [("PAYFLOW_TIMINGS__DIVIDE_BY", DIVIDED_BY)];
    let stuck = lines(&desk.stand.told(&["stuck"], &settings, ""));
    let waiting = stuck.iter().filter(|line| line["state"] == "PROPOSED");
    assert_eq!(waiting.count(), 1, "{stuck:?}");
    let second = found("이운영").unwrap();
    assert_eq!(
        (&second["by"], &second["confirmedBy"]),
        (&json!("김운영"), &json!("이운영"))
    );
    assert_eq!(second["state"], "SETTLED");
    assert_ne!(desk.payment(&id).await["status"], "IN_PROGRESS");
    let saga = text(&second["sagaId"]);
    let nothing = ["acknowledge", saga, "--by", "이운영"];
    let nothing = desk.said(&nothing, &[], "환불됨").unwrap_err();
    assert!(nothing.contains("said nothing against"), "{nothing}");
}
