//! Safety switches: what is paused is refused before anything is stored, on every copy, and what is
//! under way is finished.

use std::sync::Arc;
use std::time::Duration;

use application::ports::store::{Payments as _, Sagas as _};
use application::ports::{Clock as _, Store};
use application::{Reason, turn};
use domain::id::PaymentId;
use domain::principal::Actor;
use domain::switch::{Operation, Reach};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::process::{Process, pay};
use crate::rig::{Answer, OTHER, Prepared, Rig, answer, text};
use crate::vault::{lines, payflow, until_told};

/// Every timing at a tenth.
const FAST: &str = "[timings]\ndivide_by = 10\n";
/// A switch counts within a second then; some more for a busy machine.
const NOTICED: Duration = Duration::from_secs(2);

async fn set(rig: &Rig, operation: &str, paused: bool) -> Answer {
    let path = format!("/api/v1/switches/{operation}");
    let body = json!({ "paused": paused, "why": "장애 대응" }).to_string();
    let request = rig.request(Method::PUT, &path);
    answer(
        request
            .header("content-type", "application/json")
            .body(body),
    )
    .await
}

fn assert_paused(refused: &Answer, operation: &str) {
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.code(), "OPERATION_PAUSED");
    assert_eq!(refused.body["data"]["operation"], operation);
    assert!(!refused.header("retry-after").is_empty());
}

async fn operator(rig: &Rig, operation: Operation, reach: Reach, paused: bool) {
    let reason = Reason {
        actor: Actor::Operator,
        who: "kim".to_owned(),
        why: "drill".to_owned(),
    };
    let store: Arc<dyn Store> = rig.store.clone();
    let turned = turn(
        (store.as_ref(), &rig.clock),
        (operation, reach),
        paused,
        &reason,
    )
    .await
    .unwrap();
    assert!(turned.paused == paused && turned.at <= rig.clock.now());
}

fn id(payment: &Prepared) -> PaymentId {
    payment.id.parse().unwrap()
}

#[tokio::test]
async fn a_merchant_pauses_its_own_operations_and_lets_them_go_on() {
    let rig = Rig::new().await;
    let (waiting, paid) = (rig.prepared().await, rig.paid().await);
    let confirms = rig.gateway.confirms();
    let none = rig.get("/api/v1/switches").await;
    let all = json!([
        { "operation": "approvals", "paused": false, "pausedByOperator": false },
        { "operation": "cancels", "paused": false, "pausedByOperator": false },
        { "operation": "charges", "paused": false, "pausedByOperator": false },
    ]);
    assert_eq!(none.body["data"]["switches"], all);

    let now = set(&rig, "approvals", true).await;
    assert_eq!(now.status, 200, "{now:?}");
    assert_eq!(now.body["data"]["paused"], true);
    assert_eq!(now.body["data"]["why"], "장애 대응");
    let refused = rig.approve(&waiting, "k1").await;
    assert_paused(&refused, "approvals");
    assert_eq!(rig.gateway.confirms(), confirms, "it reached the gateway");
    let sagas = rig.store.sagas_of(id(&waiting)).await.unwrap();
    assert!(sagas.is_empty(), "{sagas:?}");
    // What is not paused goes on, also for another merchant in the same mode.
    let refund = rig
        .cancel(&paid, json!({ "reason": "r", "amount": 1 }), "c1")
        .await;
    assert_eq!(refund.status, 200, "{refund:?}");
    rig.prepared().await;
    let other = rig
        .anonymous(Method::GET, "/api/v1/switches")
        .bearer_auth(OTHER);
    assert_eq!(answer(other).await.body["data"]["switches"], all);

    assert_eq!(set(&rig, "cancels", true).await.status, 200);
    let refused = rig
        .cancel(&paid, json!({ "reason": "r", "amount": 1 }), "c2")
        .await;
    assert_paused(&refused, "cancels");
    // A repeat is told what became of the first request, whatever is paused since.
    let again = rig
        .cancel(&paid, json!({ "reason": "r", "amount": 1 }), "c1")
        .await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (200, "true")
    );

    for operation in ["approvals", "cancels", "charges"] {
        assert_eq!(set(&rig, operation, false).await.status, 200);
    }
    assert_eq!(
        rig.approve(&waiting, "k1").await.status,
        200,
        "the same key"
    );
    let rest = rig
        .cancel(&paid, json!({ "reason": "r", "amount": 1 }), "c2")
        .await;
    assert_eq!(rest.status, 200, "{rest:?}");
    let turns = application::ports::store::Switches::turns(rig.store.as_ref(), 9).await;
    assert_eq!(turns.unwrap().len(), 5, "every turn stays");
}

#[tokio::test]
async fn what_the_operator_pauses_the_merchant_does_not_let_go_on() {
    let rig = Rig::with(FAST).await;
    let payment = rig.prepared().await;
    let facts = rig
        .store
        .any_payment(id(&payment))
        .await
        .unwrap()
        .unwrap()
        .facts;
    for reach in [
        Reach::Everywhere,
        Reach::Merchant(facts.scope.merchant),
        Reach::Account(facts.account),
    ] {
        operator(&rig, Operation::Approvals, reach, true).await;
        sleep(NOTICED).await;
        assert_paused(&rig.approve(&payment, "k").await, "approvals");
        let own = set(&rig, "approvals", false).await;
        assert_eq!(own.status, 200, "{own:?}");
        let by_operator = !matches!(reach, Reach::Account(_));
        assert_eq!(own.body["data"]["pausedByOperator"], by_operator);
        assert_paused(&rig.approve(&payment, "k").await, "approvals");
        operator(&rig, Operation::Approvals, reach, false).await;
        sleep(NOTICED).await;
    }
    assert_eq!(rig.approve(&payment, "k").await.status, 200);
}

#[tokio::test]
async fn every_copy_obeys_and_what_is_under_way_is_finished() {
    let first = Rig::with(FAST).await;
    let second = Rig::beside(&first, FAST).await;
    let waiting = first.prepared().await;
    // Under way when it is paused: the gateway does not answer in time.
    let lost = second.prepared().await;
    second.gateway.lose();
    let pending = second.approve(&lost, "lost").await;
    assert_eq!(pending.status, 202, "{pending:?}");

    assert_eq!(set(&first, "approvals", true).await.status, 200);
    assert_paused(&first.approve(&waiting, "k").await, "approvals");
    sleep(NOTICED).await;
    assert_paused(&second.approve(&waiting, "k").await, "approvals");
    second.gateway.approve();
    for _ in 0..100 {
        sleep(Duration::from_millis(100)).await;
        let read = second.get(&format!("/api/v1/payments/{}", lost.id)).await;
        if read.body["data"]["status"] == "DONE" {
            break;
        }
    }
    let read: Value = second
        .get(&format!("/api/v1/payments/{}", lost.id))
        .await
        .body;
    assert_eq!(read["data"]["status"], "DONE", "{read}");

    assert_eq!(set(&second, "approvals", false).await.status, 200);
    sleep(NOTICED).await;
    assert_eq!(first.approve(&waiting, "k").await.status, 200);
}

#[tokio::test]
async fn a_switch_takes_a_reason_and_is_one_of_three() {
    let rig = Rig::new().await;
    assert_eq!(set(&rig, "refunds", true).await.code(), "SWITCH_NOT_FOUND");
    for (body, wrong) in [
        (json!({ "paused": true }), "why: FIELD_REQUIRED"),
        (json!({ "why": "w" }), "paused: FIELD_REQUIRED"),
        (json!({ "paused": "yes", "why": "w" }), "paused: FIELD_TYPE"),
        (json!({ "paused": true, "why": "" }), "why: FIELD_LENGTH"),
        (
            json!({ "paused": true, "why": "4111 1111 1111 1111" }),
            "why: CARD_NUMBER_REFUSED",
        ),
        (
            json!({ "paused": true, "why": "w", "for": 1 }),
            "for: FIELD_UNKNOWN",
        ),
    ] {
        let request = rig.request(Method::PUT, "/api/v1/switches/approvals");
        let request = request.header("content-type", "application/json");
        let refused = answer(request.body(body.to_string())).await;
        assert_eq!(refused.errors(), [wrong], "{body}");
    }
    let payment = rig.prepared().await;
    assert_eq!(rig.approve(&payment, "k").await.status, 200);
}

#[tokio::test]
async fn the_operator_pauses_beside_a_running_service_and_every_turn_is_kept() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path());
    let id = pay(&process, "order-1").await;
    let run = |arguments: &[&str]| lines(&payflow(folder.path(), arguments, &[], ""));
    let everywhere = ["cancels", "--everywhere", "--by", "kim", "--why"];
    let turn = |command: &'static str, why: &'static str| {
        let mut arguments = vec![command];
        arguments.extend(everywhere);
        arguments.push(why);
        run(&arguments).remove(0)
    };
    let paused = turn("pause", "drill");
    assert_eq!(
        (&paused["who"], &paused["why"]),
        (&json!("kim"), &json!("drill"))
    );
    assert_eq!(run(&["switches"]), std::slice::from_ref(&paused));
    let cancel = format!("/api/v1/payments/{id}/cancel");
    let part = json!({ "reason": "r", "amount": 1 });
    let refused = until_told(&process, &cancel, &part, "OPERATION_PAUSED").await;
    assert_eq!(refused["data"]["operation"], "cancels");
    // A second time it is so already, and no turn.
    assert_eq!(turn("pause", "again"), paused);

    turn("unpause", "over");
    assert!(run(&["switches"]).is_empty());
    until_told(&process, &cancel, &part, "OK").await;
    let history = run(&["switches", "--history"]);
    let whys: Vec<&str> = history.iter().map(|turn| text(&turn["why"])).collect();
    assert_eq!(whys, ["over", "drill"]);
    let pause = json!({ "paused": true, "why": "inventory" });
    let url = format!(
        "{}/api/v1/switches/approvals",
        text(&process.keys["payflowUrl"])
    );
    let secret = text(&process.keys["secretKey"]);
    let paused = answer(process.client.put(url).bearer_auth(secret).json(&pause)).await;
    assert_eq!(paused.body["data"]["paused"], true);
    let turned = run(&["switches", "--history"]).remove(0);
    let merchants = run(&["merchant", "list"]);
    let keys = run(&["api-key", "list", text(&merchants[0]["merchantId"])]);
    let shown = keys.iter().any(|key| key["apiKeyId"] == turned["who"]);
    assert!(shown, "no key of {keys:?} turned it: {turned}");
    for wrong in [
        &["pause", "approvals", "--why", "w"][..],
        &["pause", "approvals", "--everywhere"],
        &["pause", "refunds", "--everywhere", "--why", "w"],
        &[
            "pause",
            "approvals",
            "--everywhere",
            "--merchant",
            "mer_1",
            "--why",
            "w",
        ],
    ] {
        let refused = payflow(folder.path(), wrong, &[], "");
        assert!(!refused.status.success(), "{wrong:?}");
    }
    assert_eq!(process.terminate(), Some(0));
}
