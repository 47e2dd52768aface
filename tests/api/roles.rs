//! What a copy does that is given roles: that, and nothing else.

use std::time::Duration;

use application::ports::store::{Feed as _, Leases as _};
use chrono::TimeDelta;
use payflow::bootstrap::{Role, Roles};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::rig::{Prepared, Rig, answer, text};

const FAST: &str = "[timings]\ndivide_by = 10\n";
/// Nothing here takes longer, unless nobody does it.
const SOON: Duration = Duration::from_secs(10);
/// Longer than anybody would take who did it.
const A_WHILE: Duration = Duration::from_secs(1);

async fn status(rig: &Rig, payment: &Prepared) -> String {
    let read = rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
    text(&read.body["data"]["status"]).to_owned()
}

async fn becomes(rig: &Rig, payment: &Prepared, wanted: &str) {
    let begun = Instant::now();
    while status(rig, payment).await != wanted {
        assert!(begun.elapsed() < SOON, "not {wanted}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn api() -> Rig {
    Rig::doing(&Roles::of(&[Role::Api]), FAST).await
}

async fn beside(rig: &Rig, role: Role) -> Rig {
    Rig::beside_doing(rig, &Roles::of(&[role]), FAST).await
}

#[tokio::test]
async fn only_the_api_answers_requests() {
    let rig = api().await;
    assert_eq!(rig.paid().await.id.len(), 38);
    for role in [Role::Worker, Role::Scheduler, Role::Sequencer, Role::Relay] {
        let other = beside(&rig, role).await;
        for path in ["/api/v1/payments", "/docs", "/openapi.json"] {
            let none = other.get(path).await;
            assert_eq!((none.status, none.code()), (404, "ROUTE_NOT_FOUND"));
            assert_eq!(none.header("x-trace-id").len(), 32);
        }
        assert_eq!(other.get("/health/live").await.status, 200);
        let ready = other.get("/health/ready").await;
        assert_eq!(ready.status, 200);
        assert_eq!(ready.body["data"]["roles"], json!([role.as_str()]));
        other.running.drain();
        assert_eq!(other.get("/health/ready").await.code(), "SHUTTING_DOWN");
        other.running.stop().await;
    }
}

#[tokio::test]
async fn only_a_worker_finishes_what_is_unknown() {
    let rig = api().await;
    let payment = rig.prepared().await;
    rig.gateway.lose();
    assert_eq!(rig.approve(&payment, "k").await.status, 202);
    rig.gateway.approve();
    let _others = [
        beside(&rig, Role::Api).await,
        beside(&rig, Role::Scheduler).await,
        beside(&rig, Role::Sequencer).await,
    ];
    sleep(A_WHILE * 2).await;
    assert_eq!(status(&rig, &payment).await, "IN_PROGRESS");
    let _worker = beside(&rig, Role::Worker).await;
    becomes(&rig, &payment, "DONE").await;
}

#[tokio::test]
async fn only_a_scheduler_expires_payments() {
    let rig = api().await;
    let payment = rig.prepared().await;
    let _others = [
        beside(&rig, Role::Worker).await,
        beside(&rig, Role::Sequencer).await,
    ];
    rig.clock.move_ahead(TimeDelta::hours(2));
    sleep(A_WHILE * 2).await;
    assert_eq!(status(&rig, &payment).await, "READY");
    let _scheduler = beside(&rig, Role::Scheduler).await;
    becomes(&rig, &payment, "EXPIRED").await;
}

#[tokio::test]
async fn only_a_sequencer_gives_positions_and_its_lease_is_shown() {
    let rig = api().await;
    let payment = rig.prepared().await;
    let _others = [
        beside(&rig, Role::Worker).await,
        beside(&rig, Role::Scheduler).await,
    ];
    sleep(A_WHILE).await;
    assert_eq!(rig.store.backlog().await.unwrap().count, 1);
    assert_eq!(rig.store.leases().await.unwrap(), []);
    let sequencer = beside(&rig, Role::Sequencer).await;
    let told = answer(rig.request(Method::GET, "/api/v1/events?wait=10")).await;
    let events = told.body["data"]["events"].as_array().unwrap();
    assert_eq!(text(&events[0]["paymentId"]), payment.id);
    let own = sequencer.get("/health/ready").await.body["data"]["copy"].clone();
    let job = jobs_until(&rig, |job| job["held"] == true).await;
    assert_eq!((&job["name"], &job["holder"]), (&json!("sequencer"), &own));
    // It gives the job up when it stops: nobody waits for the lease.
    sequencer.running.stop().await;
    let job = jobs_until(&rig, |job| job["held"] == false).await;
    assert_eq!(job["holder"], own);
}

/// The one job, once it is so; what a probe is told may be half a second old.
async fn jobs_until(rig: &Rig, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let jobs = rig.get("/health/ready").await.body["data"]["jobs"].clone();
        if jobs.as_array().is_some_and(|jobs| jobs.len() == 1) && is_so(&jobs[0]) {
            return jobs[0].clone();
        }
        assert!(begun.elapsed() < SOON, "{jobs}");
        sleep(Duration::from_millis(50)).await;
    }
}
