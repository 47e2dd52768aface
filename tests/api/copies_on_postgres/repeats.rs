//! One key, one effect: also when both copies are sent it at once, by whichever API key, and never
//! for another member.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Copies, Pace, ordered, token, unique};
use crate::rig::{Answer, text};

const ROUNDS: usize = 25;
const PAYMENTS: &str = "/api/v1/payments";

/// Both copies are sent it twice, all at once, and asked again until they tell an end.
async fn sent_to_both(copies: &Copies, path: &str, key: &str, body: &Value) -> Vec<Answer> {
    let one = async |place: usize| {
        for _ in 0..200 {
            let told = copies.post(place, path, key, body).await;
            let waits = ["IDEMPOTENCY_KEY_IN_PROGRESS", "PAYMENT_PENDING"];
            if !waits.contains(&told.code()) {
                return told;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("no end of {key} at copy {place}")
    };
    let (a, b, c, d) = tokio::join!(one(0), one(1), one(0), one(1));
    vec![a, b, c, d]
}

/// All say the same; and one of them, at most, is the one that did it.
fn assert_same(answers: &[Answer], status: u16) {
    let first = &answers[0];
    for told in answers {
        assert_eq!(told.status, status, "{told:?}");
        assert_eq!(told.code(), first.code());
        assert_eq!(told.body["data"], first.body["data"], "{told:?} {first:?}");
    }
    let replays = answers
        .iter()
        .filter(|told| told.header("idempotent-replayed") == "true");
    assert!(replays.count() >= answers.len() - 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_at_both_copies_at_once_has_one_effect() {
    let copies = Copies::start(Pace::Whole).await;
    for round in 0..ROUNDS {
        let body = ordered(&unique(), json!({}));
        let key = format!("round-{round}");
        let prepared = sent_to_both(&copies, PAYMENTS, &format!("{key}-p"), &body).await;
        assert_same(&prepared, 201);

        let (id, approval) = copies.waiting(round % 2, json!({})).await;
        let path = format!("{PAYMENTS}/{id}/approve");
        let approved = sent_to_both(&copies, &path, &format!("{key}-a"), &approval).await;
        assert_same(&approved, 200);
        assert_eq!(copies.moved("capture").await, round + 1);

        let path = format!("{PAYMENTS}/{id}/cancel");
        let part = json!({ "reason": "r", "amount": 4000 });
        let canceled = sent_to_both(&copies, &path, &format!("{key}-c"), &part).await;
        assert_same(&canceled, 200);
        assert_eq!(canceled[0].body["data"]["balanceAmount"], 11000);
        assert_eq!(copies.moved("cancel").await, round + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_api_key_is_told_the_same_by_the_other_copy() {
    let copies = Copies::start(Pace::Whole).await;
    let issue = json!({ "kind": "secret" });
    let issued = copies.post(0, "/api/v1/api-keys", &unique(), &issue).await;
    let data = &issued.body["data"];
    let (id, old) = (text(&data["apiKey"]["apiKeyId"]), text(&data["key"]));
    let (payment, approval) = copies.waiting(0, json!({})).await;
    let path = format!("{PAYMENTS}/{payment}/approve");
    let first = copies.post_by(old, 0, (&path, "k"), &approval).await;
    assert_eq!(first.status, 200, "{first:?}");
    let rotate = format!("/api/v1/api-keys/{id}/rotate");
    let none = json!({ "graceSeconds": 0 });
    let rotated = copies.post(0, &rotate, &unique(), &none).await;
    let new = text(&rotated.body["data"]["key"]);
    for place in [1, 0] {
        let again = copies.post_by(new, place, (&path, "k"), &approval).await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{again:?}");
        assert_eq!((again.status, again.code()), (200, first.code()));
        assert_eq!(again.body["data"], first.body["data"]);
    }
    assert_eq!(copies.moved("capture").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_who_use_the_same_key_have_each_their_own() {
    let copies = Copies::start(Pace::Whole).await;
    for round in 0..5 {
        let key = format!("same-{round}");
        let mut theirs = Vec::new();
        for member in ["mina", "juno"] {
            let (id, approval) = copies.waiting(0, json!({ "memberId": member })).await;
            theirs.push((token(member), format!("{PAYMENTS}/{id}/approve"), approval));
        }
        let send = async |who: usize, place: usize| {
            let (token, path, approval) = &theirs[who];
            copies.post_by(token, place, (path, &key), approval).await
        };
        let (mina, juno) = tokio::join!(send(0, 0), send(1, 1));
        for (who, first) in [&mina, &juno].into_iter().enumerate() {
            assert_eq!(first.status, 200, "{first:?}");
            let (token, path, approval) = &theirs[who];
            assert!(
                path.contains(text(&first.body["data"]["paymentId"])),
                "{first:?}"
            );
            // Repeated elsewhere it is told again; the other's payment is not there.
            let again = send(who, 1 - who).await;
            assert_eq!(again.header("idempotent-replayed"), "true", "{again:?}");
            assert_eq!(again.body["data"], first.body["data"]);
            let (_, others, _) = &theirs[1 - who];
            for (key, code) in [
                (unique(), "PAYMENT_NOT_FOUND"),
                (key.clone(), "IDEMPOTENCY_KEY_REUSED"),
            ] {
                let refused = copies.post_by(token, who, (others, &key), approval).await;
                assert_eq!(refused.code(), code, "{refused:?}");
            }
        }
        // The merchant's server has a third, with the same text.
        let (_, path, approval) = &theirs[0];
        let server = copies.post(1, path, &key, approval).await;
        assert_eq!(server.code(), "PAYMENT_ALREADY_APPROVED", "{server:?}");
        assert_eq!(copies.moved("capture").await, 2 * (round + 1));
    }
}
