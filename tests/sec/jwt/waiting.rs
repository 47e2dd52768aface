//! Issuers that are slow, or never answer: how many wait for them, who fetches, and when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::identity::{TokenError, TokenVerifier as _};
use payflow::adapters::identity::Tokens;
use payflow::config::Config;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::jwt::published::{AWAY, Publisher, UNKNOWN, Unheard, by_name};
use crate::jwt::world::{NOW, Still, World};

/// So many tokens of keys that nobody has, looked at all at once.
fn strangers(world: &World, tokens: &Arc<Tokens>, count: u32) -> JoinSet<Option<TokenError>> {
    let mut all = JoinSet::new();
    for number in 0..count {
        let token = by_name(world.rsa(), &format!("unknown-{number}"));
        let (tokens, token) = (Arc::clone(tokens), token.signed(&world.thief.rsa));
        all.spawn(async move { tokens.verify(&token, None).await.err() });
    }
    all
}

#[tokio::test]
async fn a_fetch_that_takes_longer_than_the_gap_is_one_for_all_who_wait() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let tokens = publisher.tokens("");
    publisher.slow(Duration::from_millis(1500));
    let told = strangers(&world, &tokens, 50).join_all().await;
    assert!(told.iter().all(|told| *told == UNKNOWN), "{told:?}");
    assert_eq!(publisher.asked(), 1, "whoever waited fetched again");
}

#[tokio::test]
async fn no_more_wait_for_an_issuer_than_leave_places_to_others() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let tokens = publisher.tokens("[server]\nrequests_max = 8");
    let good = world.rsa().signed(&world.rsa);
    assert_eq!(tokens.verify(&good, None).await.err(), None);
    sleep(Duration::from_millis(1100)).await;
    publisher.slow(Duration::from_secs(3));
    let begun = Instant::now();
    let mut waiting = strangers(&world, &tokens, 12);
    let mut told = Vec::new();
    for _ in 0..8 {
        told.push(waiting.join_next().await.expect("one more").expect("told"));
    }
    let proof = by_name(world.rsa(), "unknown").head("typ", "\"step-up+jwt\"");
    let proof = proof.signed(&world.rsa);
    let refused = tokens.verify_proof(&proof, None).await.err();
    let known = tokens.verify(&good, None).await.err();
    assert!(begun.elapsed() < Duration::from_secs(2), "they waited");
    assert!(told.iter().all(|told| *told == AWAY), "{told:?}");
    assert_eq!((refused, known), (AWAY, None), "a known key waits for none");
    let told = waiting.join_all().await;
    assert_eq!(told.len(), 4, "half of the places");
    assert!(told.iter().all(|told| *told == UNKNOWN), "{told:?}");
}

#[tokio::test]
async fn keys_are_fetched_when_they_are_due_and_not_a_gap_later() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let tokens = publisher.tokens_by("3s", "jwks_refresh_every = \"4s\"");
    let begun = Instant::now();
    let mut background = JoinSet::new();
    background.spawn(async move { tokens.refresh_continuously(&Unheard).await });
    while publisher.asked() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(9), "never");
        sleep(Duration::from_millis(20)).await;
    }
    let after = begun.elapsed().as_secs_f64();
    assert!((3.9..5.5).contains(&after), "{after} s");
}

#[tokio::test]
async fn an_issuer_that_never_answers_delays_no_other() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let hanging = Publisher::start(json!([])).await;
    hanging.slow(Duration::from_mins(1));
    let issuer = |name: &str, url: &str| {
        format!(
            "[identity.issuers.{name}]\nissuer = \"{name}\"\naudience = [\"payflow\"]\n\
             mode = \"test\"\nmerchant = \"{}\"\njwks_url = \"{url}\"\n",
            if name == "good" {
                world.merchant
            } else {
                world.other
            }
        )
    };
    let issuers = [
        issuer("good", publisher.url()),
        issuer("bad", hanging.url()),
    ];
    let settings = "[identity]\njwks_refetch_gap = \"1s\"\njwks_refresh_every = \"1s\"\n";
    let config = Config::with(&format!("{settings}{}", issuers.concat())).expect("settings");
    let tokens = Tokens::new(&config, Arc::new(Still(NOW))).expect("addresses");
    let mut background = JoinSet::new();
    background.spawn(async move { tokens.refresh_continuously(&Unheard).await });
    sleep(Duration::from_millis(4500)).await;
    assert!(hanging.asked() >= 1, "nobody waits for it");
    assert!(publisher.asked() >= 3, "asked {} times", publisher.asked());
}
