//! What can be proven or disproven: signatures of the kinds that have one, secrets of deposits.

use std::time::Duration;

use application::inbox::{SecurityError, SecurityKeys};
use application::ports::Brought;
use application::ports::vault::Secret;
use chrono::{SecondsFormat, TimeDelta};
use domain::Timestamp;
use domain::id::GatewayAccountId;
use domain::inbox::{Headers, Verdict};
use tokio::time::sleep;

use super::{SECOND, canceled, shown};
use crate::installation::Installation;
use crate::webhooks::Labels;

const DAY: Duration = Duration::from_hours(24);

fn key(digit: char) -> Secret {
    Secret::new(digit.to_string().repeat(64))
}

fn by(key: &Secret, sent_at: Timestamp) -> Headers {
    Headers {
        sent_at: Some(sent_at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        signature: Some(key.expose().to_owned()),
        ..Headers::default()
    }
}

/// Hands out what an operator has, on this installation's parts.
macro_rules! security {
    ($shop:expr) => {
        SecurityKeys {
            store: $shop.memory.as_ref(),
            vault: &Labels,
            clock: $shop.app.clock().as_ref(),
        }
    };
}

impl Installation {
    async fn signed(&self, body: &str, headers: Headers) -> Brought {
        let account = self.account().await;
        let body = body.as_bytes().to_vec();
        self.app.receive_hook(account, headers, body).await.unwrap()
    }

    fn clock_now(&self) -> Timestamp {
        self.app.clock().now()
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_signed_is_verified_and_each_once() {
    let shop = Installation::new();
    let account = shop.account().await;
    // Nobody kept a key yet: nothing is known of it.
    let early = by(&key('a'), shop.clock_now());
    assert_eq!(shop.signed("signed 0", early).await, Brought::Kept);
    security!(shop).set(account, &key('a')).await.unwrap();
    let now = shop.clock_now();
    let unsigned = Headers {
        signature: None,
        ..by(&key('a'), now)
    };
    for forged in [by(&key('b'), now), unsigned, Headers::default()] {
        assert_eq!(shop.signed("signed 1", forged.clone()).await, Brought::Kept);
        assert_eq!(shop.signed("signed 1", forged).await, Brought::Again);
    }
    // What was forged before keeps out nothing, and each comes in once, whatever its headers say.
    assert_eq!(
        shop.signed("signed 1", by(&key('a'), now)).await,
        Brought::Kept
    );
    for minute in 1..7 {
        let again = by(&key('a'), now + TimeDelta::minutes(minute));
        assert_eq!(shop.signed("signed 1", again).await, Brought::Again);
    }
    let [unverified, forged] = [Verdict::Unverified, Verdict::Forged];
    let verified = Verdict::Verified;
    assert_eq!(
        shop.verdicts(),
        [unverified, forged, forged, forged, verified]
    );
    assert_eq!(shop.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_keys_are_good_while_one_takes_the_others_place() {
    let shop = Installation::new();
    let account = shop.account().await;
    let keys = security!(shop);
    keys.set(account, &key('a')).await.unwrap();
    let made = keys.set(account, &key('b')).await;
    assert!(matches!(made, Err(SecurityError::Set(_))), "{made:?}");
    let same = keys.rotate(account, &key('a'), DAY).await;
    assert!(matches!(same, Err(SecurityError::Same(_))), "{same:?}");
    for wrong in ["", "zz", &"x".repeat(64), &"a".repeat(63)] {
        let told = keys.rotate(account, &Secret::from(wrong), DAY).await;
        assert!(matches!(told, Err(SecurityError::Form)), "{wrong}");
    }
    keys.rotate(account, &key('b'), DAY).await.unwrap();
    let mut number = 0;
    let mut verdict = async |digit| {
        number += 1;
        let headers = by(&key(digit), shop.clock_now());
        shop.signed(&format!("signed {number}"), headers).await;
        sleep(SECOND).await;
        shop.inbox().last().map(|last| last.verdict)
    };
    assert_eq!(verdict('a').await, Some(Verdict::Verified));
    assert_eq!(verdict('b').await, Some(Verdict::Verified));
    // The gateway has two at most.
    keys.rotate(account, &key('c'), DAY).await.unwrap();
    assert_eq!(keys.usable(account).await.unwrap().len(), 2);
    assert_eq!(verdict('a').await, Some(Verdict::Forged));
    assert_eq!(verdict('b').await, Some(Verdict::Verified));
    assert_eq!(verdict('c').await, Some(Verdict::Verified));
    sleep(DAY).await;
    assert_eq!(verdict('b').await, Some(Verdict::Forged), "a day later");
    assert_eq!(verdict('c').await, Some(Verdict::Verified));
    assert_eq!(keys.revoke(account).await.unwrap(), 1);
    assert_eq!(verdict('c').await, Some(Verdict::Unverified));
    keys.keep(account, &key('d')).await.unwrap();
    keys.keep(account, &key('d')).await.unwrap();
    assert_eq!(keys.usable(account).await.unwrap().len(), 1);
    let nobody: GatewayAccountId = format!("gwa_{:034}", 9).parse().unwrap();
    let told = keys.set(nobody, &key('a')).await;
    assert!(matches!(told, Err(SecurityError::NoAccount(_))), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_signed_long_ago_is_not_believed() {
    let shop = Installation::new();
    let account = shop.account().await;
    security!(shop).set(account, &key('a')).await.unwrap();
    sleep(6 * DAY).await;
    let mut verdicts = Vec::new();
    for (number, ago) in [0, 4, 6, -1].into_iter().enumerate() {
        let headers = by(&key('a'), shop.clock_now() - TimeDelta::days(ago));
        shop.signed(&format!("signed {number}"), headers).await;
        sleep(SECOND).await;
        verdicts.extend(shop.inbox().last().map(|last| last.verdict));
    }
    let [yes, no] = [Verdict::Verified, Verdict::Forged];
    assert_eq!(verdicts, [yes, yes, no, no]);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_its_key_was_kept_is_verified_when_it_is_replayed() {
    let shop = Installation::new();
    let account = shop.account().await;
    shop.signed("signed 1", by(&key('a'), shop.clock_now()))
        .await;
    shop.signed("signed 2", by(&key('b'), shop.clock_now()))
        .await;
    security!(shop).set(account, &key('a')).await.unwrap();
    for inbound in shop.inbox() {
        let expected = inbound.version;
        let change = domain::inbox::Change::Update {
            inbound: Box::new(inbound.waiting(shop.clock_now())),
            expected,
        };
        let change = domain::change::Change::Inbox(Box::new(change));
        shop.memory.commit_now(&[change]).unwrap();
    }
    shop.worked().await;
    let mut verdicts = shop.verdicts();
    verdicts.sort_by_key(|one| one.as_str());
    assert_eq!(verdicts, [Verdict::Forged, Verdict::Verified]);
}

#[tokio::test(start_paused = true)]
async fn true_ones_are_kept_however_many_are_forged() {
    let shop = Installation::new();
    let account = shop.account().await;
    security!(shop).set(account, &key('a')).await.unwrap();
    for number in 0..500 {
        let headers = by(&key('b'), shop.clock_now());
        shop.signed(&format!("signed {number}"), headers).await;
    }
    let before = shop.inbox().len();
    for number in 0..50 {
        let headers = by(&key('a'), shop.clock_now());
        let told = shop.signed(&format!("signed {number}"), headers).await;
        assert_eq!(told, Brought::Kept);
    }
    assert_eq!(shop.inbox().len(), before + 50);
}

#[tokio::test(start_paused = true)]
async fn a_deposit_with_another_secret_is_forged_and_asks_nothing() {
    let shop = Installation::new();
    let command = shop.bought("deposit").await;
    let deposit = |secret: &str, key: &str| {
        let order = command.gateway_order;
        format!("deposit {secret} {order} moved {key}")
    };
    let secret = Secret::from("ps_right");
    let kept = &shop.deposits.0;
    kept.lock().unwrap().insert(command.payment, secret);
    let before = shop.asked();
    for number in 0..50 {
        for wrong in ["ps_wrong", "ps_righ", "ps_rightt", "PS_RIGHT"] {
            let body = deposit(wrong, &format!("forged-{number}"));
            assert_eq!(shop.told(&body).await.unwrap(), Brought::Kept);
        }
    }
    shop.worked_for(30).await;
    assert_eq!(shop.asked(), before, "nobody is asked");
    assert!(shop.verdicts().iter().all(|one| *one == Verdict::Forged));
    assert!(shop.inbox().iter().all(|one| one.payment.is_some()));
    // The right one is a hint all the same: whoever read one knows it.
    shop.will_show(shown(canceled(&command, &[("c1", 3_000)])));
    shop.told(&deposit("ps_right", "c1")).await.unwrap();
    shop.worked_for(3).await;
    assert_eq!(shop.asked(), before + 1);
    assert_eq!(shop.given_back(&command).await, 3_000);
}

#[tokio::test(start_paused = true)]
async fn a_deposit_of_which_no_secret_is_kept_is_asked_about() {
    let shop = Installation::new();
    let command = shop.bought("none-kept").await;
    shop.will_show(shown(canceled(&command, &[("c1", 3_000)])));
    let order = command.gateway_order;
    let body = format!("deposit ps_any {order} moved c1");
    shop.told(&body).await.unwrap();
    shop.worked_for(3).await;
    assert_eq!(shop.verdicts(), [Verdict::Hinted]);
    assert_eq!(shop.given_back(&command).await, 3_000);
}
