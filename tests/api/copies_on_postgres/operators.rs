//! What operators and merchants turn and replace at one place is obeyed at every other.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Copies, NOTICED, Pace, unique, until};
use crate::rig::{answer, text};

/// How soon a change of an account counts everywhere; not one of the timings that are divided.
const ACCOUNTS_NOTICED: Duration = Duration::from_secs(10);

/// A part of the payment is given back by this copy: the code that it answers with.
async fn refund(copies: &Copies, place: usize, payment: &str) -> String {
    let path = format!("/api/v1/payments/{payment}/cancel");
    let part = json!({ "reason": "r", "amount": 1 });
    let told = copies.post(place, &path, &unique(), &part).await;
    told.code().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_one_copy_turns_is_obeyed_by_the_other() {
    let copies = Copies::start(Pace::Tenth).await;
    let paid = copies.paid(0).await;
    for place in 0..2 {
        let other = 1 - place;
        assert_eq!(refund(&copies, other, &paid).await, "OK");
        for (paused, code) in [(true, "OPERATION_PAUSED"), (false, "OK")] {
            let turn = copies.to(place, Method::PUT, "/api/v1/switches/cancels");
            let turn = turn.bearer_auth(&copies.secret);
            let turned = answer(turn.json(&json!({ "paused": paused, "why": "drill" }))).await;
            assert_eq!(turned.status, 200, "{turned:?}");
            assert_eq!(refund(&copies, place, &paid).await, code, "at once here");
            let obeys = async || refund(&copies, other, &paid).await == code;
            until(NOTICED, obeys).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_the_operator_turns_is_obeyed_by_both() {
    let copies = Copies::start(Pace::Tenth).await;
    let paid = copies.paid(0).await;
    let account = copies.run(&["gateway-account", "list"]);
    let account = text(&account["gatewayAccountId"]).to_owned();
    for reach in [
        &["--everywhere"][..],
        &["--merchant", &copies.merchant],
        &["--account", &account],
    ] {
        for (command, code) in [("pause", "OPERATION_PAUSED"), ("unpause", "OK")] {
            let why = ["--why", "drill", "--by", "kim"];
            let turn = [&[command, "cancels"][..], reach, &why].concat();
            copies.run(&turn);
            for place in 0..2 {
                let obeys = async || refund(&copies, place, &paid).await == code;
                until(NOTICED, obeys).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_takes_nothing_new_on_either() {
    let copies = Copies::start(Pace::Tenth).await;
    let waiting = [
        copies.waiting(0, json!({})).await,
        copies.waiting(1, json!({})).await,
    ];
    let account = copies.run(&["gateway-account", "list"]);
    let account = text(&account["gatewayAccountId"]).to_owned();
    let disabled = "GATEWAY_ACCOUNT_DISABLED";
    for (command, refused) in [("disable", true), ("enable", false)] {
        copies.run(&["gateway-account", command, &account]);
        for (place, (id, approval)) in waiting.iter().enumerate() {
            let prepared = copies.try_prepare(place).await;
            assert_eq!(
                prepared.code() == disabled,
                refused,
                "at once: {prepared:?}"
            );
            let path = format!("/api/v1/payments/{id}/approve");
            // Nobody was authenticated under this one: where it is sent, nothing is taken.
            let mut never = approval.clone();
            never["paymentKey"] = json!("tgen_never");
            let obeys = async || {
                let told = copies.post(place, &path, &unique(), &never).await;
                (told.code() == disabled) == refused
            };
            until(ACCOUNTS_NOTICED, obeys).await;
        }
    }
    assert_eq!(copies.moved("capture").await, 0);
    for place in 0..2 {
        copies.paid(place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_key_is_used_by_both() {
    let copies = Copies::start(Pace::Tenth).await;
    let keys = toss_sandbox::Config::default();
    copies.paid(0).await;
    let (waiting, _) = copies.waiting(0, json!({})).await;
    let account = copies.run(&["gateway-account", "list"]);
    let account = text(&account["gatewayAccountId"]).to_owned();
    let replace = ["gateway-account", "replace-key", &account];
    let known = format!("{}\n{}", keys.secret_key, keys.client_key);
    for (flags, pair, client_key) in [
        (
            &["--unchecked"][..],
            "test_sk_wrongcanary\ntest_ck_wrongcanary",
            "test_ck_wrongcanary",
        ),
        // Asked about the payment that was taken, the sandbox takes this one.
        (&[], &known, &keys.client_key),
    ] {
        copies.run_with(super::OLD, &[&replace[..], flags].concat(), pair);
        for place in 0..2 {
            let path = format!("/api/v1/payments/{waiting}/checkout");
            let shows = async || {
                let opened = copies.post(place, &path, &unique(), &json!({})).await;
                opened.body["data"]["clientKey"] == client_key
            };
            until(ACCOUNTS_NOTICED, shows).await;
        }
    }
    for place in 0..2 {
        copies.paid(place).await;
    }
    assert_eq!(copies.moved("capture").await, 3);
}
