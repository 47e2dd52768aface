//! Who may call: what ends through one copy ends at the other, within its bound.

use std::time::Duration;

use application::ports::Clock as _;
use chrono::{DateTime, TimeDelta, Utc};
use payflow::adapters::clock::Wall;
use reqwest::Method;
use serde_json::json;

use super::{Copies, NOTICED, Pace, token, unique, until};
use crate::rig::{Answer, answer, text};

const KEYS: &str = "/api/v1/api-keys";
const READ: &str = "/api/v1/payments";

/// A further secret key, issued by a copy: its id and its text.
async fn issued(copies: &Copies, place: usize) -> (String, String) {
    let issue = json!({ "kind": "secret" });
    let new = copies.post(place, KEYS, &unique(), &issue).await;
    assert_eq!(new.status, 201, "{new:?}");
    let data = &new.body["data"];
    let id = text(&data["apiKey"]["apiKeyId"]).to_owned();
    (id, text(&data["key"]).to_owned())
}

/// Both copies know the key, and so believe it for a while.
async fn known(copies: &Copies, key: &str) {
    for place in 0..2 {
        let read = copies.get(place, READ, key).await;
        assert_eq!(read.status, 200, "{read:?}");
    }
}

async fn revoked(copies: &Copies, place: usize, id: &str) -> Answer {
    let request = copies.to(place, Method::DELETE, &format!("{KEYS}/{id}"));
    answer(request.bearer_auth(&copies.secret)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_one_copy_revokes_is_refused_by_the_other() {
    let copies = Copies::start(Pace::Tenth).await;
    for place in 0..2 {
        let (id, key) = issued(&copies, place).await;
        known(&copies, &key).await;
        let gone = revoked(&copies, place, &id).await;
        assert_eq!(gone.status, 200, "{gone:?}");
        let own = copies.get(place, READ, &key).await;
        assert_eq!(
            own.code(),
            "API_KEY_EXPIRED",
            "at once where it was revoked"
        );
        let refuses = async || {
            let read = copies.get(1 - place, READ, &key).await;
            assert!(matches!(read.status, 200 | 401), "{read:?}");
            read.code() == "API_KEY_EXPIRED"
        };
        until(NOTICED, refuses).await;
    }
    known(&copies, &copies.secret).await;
    // By command, from outside of both.
    let (id, key) = issued(&copies, 0).await;
    known(&copies, &key).await;
    copies.run(&["api-key", "revoke", &id]);
    for place in 0..2 {
        let refuses = async || copies.get(place, READ, &key).await.code() == "API_KEY_EXPIRED";
        until(NOTICED, refuses).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_ends_everywhere_when_its_grace_does() {
    let copies = Copies::start(Pace::Tenth).await;
    let (id, old) = issued(&copies, 0).await;
    known(&copies, &old).await;
    let grace = json!({ "graceSeconds": 3 });
    let path = format!("{KEYS}/{id}/rotate");
    let rotated = copies.post(0, &path, &unique(), &grace).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let data = &rotated.body["data"];
    let new = text(&data["key"]).to_owned();
    let ends: DateTime<Utc> = text(&data["replaces"]["expiresAt"]).parse().unwrap();
    known(&copies, &new).await;
    let clock = Wall::default();
    let mut during = 0;
    for place in (0..2).cycle() {
        let asked = clock.now();
        let read = copies.get(place, READ, &old).await;
        if clock.now() < ends {
            assert_eq!(read.status, 200, "{asked}, ends {ends}: {read:?}");
            during += 1;
        }
        // What both believe was read since it was set, so they keep to it exactly.
        if asked > ends + TimeDelta::milliseconds(1) {
            assert_eq!(read.code(), "API_KEY_EXPIRED", "{asked}, ends {ends}");
        }
        if asked > ends + TimeDelta::seconds(1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(during > 10, "it went on for its grace: {during}");
    known(&copies, &new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_merchant_is_refused_by_both() {
    let copies = Copies::start(Pace::Tenth).await;
    let credentials = [copies.secret.clone(), token("member")];
    for key in &credentials {
        known(&copies, key).await;
    }
    let (waiting, approval) = copies.waiting(0, json!({ "memberId": "member" })).await;
    let approve = format!("/api/v1/payments/{waiting}/approve");
    for (command, refused) in [("suspend", true), ("resume", false)] {
        copies.run(&["merchant", command, &copies.merchant]);
        for place in 0..2 {
            for key in &credentials {
                let follows = async || {
                    let read = copies.get(place, READ, key).await;
                    assert!(matches!(read.status, 200 | 403), "{read:?}");
                    (read.code() == "MERCHANT_SUSPENDED") == refused
                };
                until(NOTICED, follows).await;
            }
        }
        if refused {
            for (place, key) in [(0, &credentials[0]), (1, &credentials[1])] {
                let told = copies
                    .post_by(key, place, (&approve, "suspended"), &approval)
                    .await;
                assert_eq!(told.code(), "MERCHANT_SUSPENDED", "{told:?}");
            }
            assert_eq!(copies.moved("capture").await, 0);
        }
    }
    let approved = copies.post(1, &approve, "resumed", &approval).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    assert_eq!(copies.moved("capture").await, 1);
}
