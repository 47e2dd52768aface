//! Who comes too often is refused before anything happens, and nobody else is.

use std::time::Duration;

use application::Clock;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::rig::{Answer, OTHER, PUBLISHABLE, Rig, SECRET, answer};

const PATH: &str = "/api/v1/payments";

async fn as_from(rig: &Rig, secret: &str, address: &str) -> Answer {
    let request = rig.anonymous(Method::GET, PATH).bearer_auth(secret);
    answer(request.header("x-forwarded-for", address)).await
}

/// The statuses of this many requests at once.
async fn at_once(rig: &Rig, secret: &'static str, count: usize) -> Vec<u16> {
    let mut requests = JoinSet::new();
    for _ in 0..count {
        requests.spawn(answer(rig.anonymous(Method::GET, PATH).bearer_auth(secret)));
    }
    let answers = requests.join_all().await;
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((answer.status, answer.code()), (429, "RATE_LIMITED"));
        assert_eq!(answer.header("retry-after"), "1");
    }
    answers.iter().map(|answer| answer.status).collect()
}

#[tokio::test]
async fn a_merchant_gets_its_share_and_no_more() {
    let rig = Rig::with("limits.merchant_per_second = 10\n").await;
    let statuses = at_once(&rig, SECRET, 60).await;
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert!((10..60).contains(&taken), "{taken} of 60");
    assert_eq!(
        at_once(&rig, OTHER, 10).await,
        [200; 10],
        "another merchant waits"
    );
    let live = answer(rig.anonymous(Method::GET, "/health/live")).await;
    assert_eq!(live.status, 200);
}

#[tokio::test]
async fn a_refusal_comes_before_any_effect_and_keeps_no_key() {
    let rig = Rig::with("limits.address_per_second = 1\n").await;
    let mut paid = 0;
    // A slow machine may take a second for both; not always.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let payment = rig.prepared().await;
        let refused = rig.approve(&payment, "key-1").await;
        if refused.status == 200 {
            paid += 1;
            continue;
        }
        assert_eq!((refused.status, refused.code()), (429, "RATE_LIMITED"));
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.header("x-trace-id").len(), 32);
        assert_eq!(rig.gateway.confirms(), paid);
        let live = answer(rig.anonymous(Method::GET, "/health/live")).await;
        assert_eq!(live.status, 200, "probes are never refused");
        return;
    }
    panic!("nothing was refused");
}

#[tokio::test]
async fn guesses_are_few_and_nobody_else_waits_for_them() {
    let rig = Rig::with("limits.failures_per_minute = 4\n").await;
    for _ in 0..5 {
        assert_eq!(answer(rig.anonymous(Method::GET, PATH)).await.status, 401);
    }
    let aimless = [("aud", json!("elsewhere"))];
    let token = rig.members.token_with("member-1", &aimless);
    for guess in ["sk_test_a", "not a key", "pk_test_b", token.as_str()] {
        assert_eq!(as_from(&rig, guess, "192.0.2.1").await.status, 401);
    }
    let refused = as_from(&rig, "sk_test_c", "192.0.2.1").await;
    assert_eq!((refused.status, refused.code()), (429, "RATE_LIMITED"));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((5..=15).contains(&seconds), "{seconds}");
    // What a stranger says about where it is changes nothing.
    assert_eq!(as_from(&rig, "sk_test_c", "192.0.2.2").await.status, 429);
    // Whoever has been given something shares the address, and is let in.
    assert_eq!(as_from(&rig, SECRET, "192.0.2.1").await.status, 200);
    let member = rig.members.token("member-1");
    assert_eq!(as_from(&rig, &member, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn guesses_at_once_are_no_more() {
    let rig = Rig::with("limits.failures_per_minute = 4\n").await;
    let mut guesses = JoinSet::new();
    for _ in 0..40 {
        guesses.spawn(answer(
            rig.anonymous(Method::GET, PATH).bearer_auth("sk_test_a"),
        ));
    }
    let answers = guesses.join_all().await;
    let told = answers.iter().filter(|answer| answer.status == 401).count();
    // One more each 15 seconds, should the machine be that slow.
    assert!((4..=6).contains(&told), "{told}");
}

#[tokio::test]
async fn what_was_good_once_is_no_guess() {
    let rig = Rig::with("limits.failures_per_minute = 2\n").await;
    let over = rig.members.clock.now().timestamp().saturating_sub(3600);
    let times = [
        ("iat", json!(over.saturating_sub(600))),
        ("exp", json!(over)),
    ];
    let token = rig.members.token_with("member-1", &times);
    for _ in 0..5 {
        let refused = as_from(&rig, &token, "192.0.2.1").await;
        assert_eq!((refused.status, refused.code()), (401, "TOKEN_EXPIRED"));
    }
    // Nobody signed this one, however long ago it ended.
    let forged = format!("{}AAAA", &token[..token.len().saturating_sub(4)]);
    for _ in 0..2 {
        let refused = as_from(&rig, &forged, "192.0.2.1").await;
        assert_eq!((refused.status, refused.code()), (401, "TOKEN_INVALID"));
    }
    assert_eq!(as_from(&rig, &forged, "192.0.2.1").await.status, 429);
    assert_eq!(as_from(&rig, &token, "192.0.2.1").await.status, 401);
}

#[tokio::test]
async fn pages_and_members_use_up_nothing_of_the_servers() {
    let rig = Rig::with("limits.merchant_per_second = 5\n").await;
    let payment = rig.prepared().await;
    let checkout = format!("{PATH}/{}/checkout", payment.id);
    let members = ["member-1", "member-2"].map(|member| rig.members.token(member));
    let flood = |credentials: String, method: Method, path: String| {
        let mut requests = JoinSet::new();
        for _ in 0..40 {
            let request = rig.anonymous(method.clone(), &path);
            requests.spawn(answer(request.bearer_auth(&credentials)));
        }
        async move {
            requests
                .join_all()
                .await
                .into_iter()
                .map(|answer| answer.status)
        }
    };
    let pages = flood(PUBLISHABLE.to_owned(), Method::POST, checkout);
    let member = flood(members[0].clone(), Method::GET, PATH.to_owned());
    let (pages, member) = tokio::join!(pages, member);
    assert!(pages.into_iter().any(|status| status == 429));
    assert!(member.into_iter().any(|status| status == 429));
    let server = answer(rig.anonymous(Method::GET, PATH).bearer_auth(SECRET)).await;
    assert_eq!(server.status, 200, "the servers wait for pages or members");
    let other = answer(rig.anonymous(Method::GET, PATH).bearer_auth(&members[1])).await;
    assert_eq!(other.status, 200, "a member waits for another");
}

#[tokio::test]
async fn addresses_behind_our_proxies_are_counted_each() {
    let settings = "server.trusted_proxies = [\"127.0.0.0/8\"]\nlimits.failures_per_minute = 2\n";
    let rig = Rig::with(settings).await;
    for _ in 0..2 {
        assert_eq!(as_from(&rig, "sk_test_a", "192.0.2.1").await.status, 401);
    }
    assert_eq!(as_from(&rig, "sk_test_a", "192.0.2.1").await.status, 429);
    // The proxy adds the address it sees at the end; the rest is the client's own word.
    let behind = as_from(&rig, "sk_test_a", "198.51.100.1, 192.0.2.1").await;
    assert_eq!(behind.status, 429);
    assert_eq!(as_from(&rig, "sk_test_a", "192.0.2.2").await.status, 401);
    let behind = as_from(&rig, "sk_test_a", "192.0.2.1, 192.0.2.2").await;
    assert_eq!(behind.status, 401);
}

#[tokio::test]
async fn an_address_gets_its_share() {
    let rig = Rig::with("limits.address_per_second = 10\n").await;
    let statuses = at_once(&rig, SECRET, 60).await;
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert!((10..60).contains(&taken), "{taken} of 60");
}

#[tokio::test]
async fn zero_is_without_limit() {
    let rig = Rig::with(
        "[limits]\nmerchant_per_second = 0\naddress_per_second = 0\nfailures_per_minute = 0\n",
    )
    .await;
    assert_eq!(at_once(&rig, SECRET, 100).await, [200; 100]);
    for _ in 0..20 {
        assert_eq!(as_from(&rig, "sk_test_a", "192.0.2.1").await.status, 401);
    }
}
