//! Step-up proofs: what proves nobody, each beside the proof that pays, and nothing moves before.

mod bindings;
mod proofs;
mod world;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::rig::{DEVICE, answer, approval, of};
use crate::support::report;
use world::{Attack, ME, World};

const ATTACKS_MIN: usize = 95;

#[tokio::test]
async fn no_attack_moves_money() {
    let world = World::new().await;
    let mut attacks = proofs::attacks();
    attacks.extend(bindings::attacks());
    let mut wrong = Vec::new();
    for attack in &attacks {
        if let Err(why) = world.refuses(attack).await {
            wrong.push(format!("{}: {why}", attack.name));
        }
    }
    let mut names: Vec<&str> = attacks.iter().map(|attack| attack.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), attacks.len(), "two attacks share a name");
    report::cases(
        "step-up attacks refused",
        attacks.len(),
        ATTACKS_MIN,
        &wrong,
    );
}

/// What is over cannot be shown beside its twin: it was good until then.
#[tokio::test]
async fn what_was_good_is_over() {
    let world = World::new().await;
    let rig = &world.rig;
    let spent = world.asked().await;
    let proof = rig.members.proof(ME, &spent.challenge);
    let paid = world
        .send(&Attack::of("good", proof.clone()), &spent, "once")
        .await;
    assert_eq!(paid.status, 200, "{paid:?}");
    let again = world
        .send(&Attack::of("again", proof.clone()), &spent, "twice")
        .await;
    assert_eq!((again.status, again.code()), (401, "STEP_UP_PROOF_SPENT"));
    let canceling = rig.moving(ME, &spent.payment, "cancel", "back");
    let canceling = canceling.header("device-id", DEVICE);
    let elsewhere = answer(canceling.header("step-up-proof", proof)).await;
    assert_eq!(elsewhere.code(), "STEP_UP_PROOF_INVALID");

    let late = world.asked().await;
    let fresh = || rig.members.proof(ME, &late.challenge);
    rig.members.clock.move_ahead(TimeDelta::seconds(181));
    let expired = world
        .send(&Attack::of("late", fresh()), &late, "late")
        .await;
    assert_eq!(
        (expired.status, expired.code()),
        (401, "STEP_UP_PROOF_EXPIRED")
    );
    assert_eq!((rig.gateway.confirms(), rig.gateway.cancels()), (1, 0));
    assert_eq!(world.traces_of(&late, "late").await, world::NONE);
}

#[tokio::test]
async fn a_proof_lets_nobody_in() {
    let world = World::new().await;
    let rig = &world.rig;
    let asked = world.asked().await;
    let proof = rig.members.proof(ME, &asked.challenge);
    let path = format!("/api/v1/payments/{}", asked.payment.id);
    for (method, path, body) in [
        (Method::GET, path.clone(), String::new()),
        (
            Method::POST,
            format!("{path}/approve"),
            approval(&asked.payment).to_string(),
        ),
        (
            Method::POST,
            format!("{path}/cancel"),
            json!({ "reason": "r" }).to_string(),
        ),
    ] {
        let request = rig.anonymous(method, &path).bearer_auth(&proof);
        let request = request
            .header("content-type", "application/json")
            .header("idempotency-key", "k")
            .header("device-id", DEVICE)
            .header("step-up-proof", &proof);
        let told = answer(request.body(body)).await;
        assert_eq!((told.status, told.code()), (401, "TOKEN_INVALID"), "{path}");
    }
    assert_eq!(world.traces_of(&asked, "k").await, world::NONE);
}

/// A challenge tells nobody else anything, and asks nobody else.
#[tokio::test]
async fn nobody_else_is_asked_about_a_payment() {
    let world = World::new().await;
    let rig = &world.rig;
    let theirs = rig.prepared_by(crate::rig::OTHER, of(ME)).await;
    let nobodys = rig.prepared_by(crate::rig::SECRET, json!({})).await;
    let mine = world.asked().await.payment;
    for (member, payment) in [(ME, &theirs), (ME, &nobodys), ("member-2", &mine)] {
        let asked = rig.ask(member, payment, "approve", DEVICE).await;
        let found = (asked.status, asked.code());
        assert_eq!(found, (404, "PAYMENT_NOT_FOUND"), "{member}");
    }
}
