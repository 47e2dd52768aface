//! How published keys are fetched: once for many, seldom for strangers, and kept while it fails.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use application::ports::identity::{Flaw, TokenError, TokenVerifier as _};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use payflow::adapters::identity::{Observer, Tokens};
use payflow::config::Config;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::jwt::forge::{Issued, encoded};
use crate::jwt::world::{KEYS, NOW, Still, World};

/// Files are none of these tests' business.
pub(crate) struct Unheard;

impl Observer for Unheard {
    fn stale_files(&self, _: usize) {}
}

/// What the issuer's server does.
#[derive(Clone)]
enum Answering {
    With(Value),
    Status(StatusCode),
    Redirecting(String),
    Text(String),
}

/// An issuer's server that counts.
pub(crate) struct Publisher {
    url: String,
    serving: Mutex<JoinSet<()>>,
    answering: Mutex<Answering>,
    slow: Mutex<Duration>,
    asked: AtomicU64,
}

impl Publisher {
    pub(crate) async fn start(keys: Value) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let publisher = Arc::new(Self {
            url: format!("http://{address}/jwks.json"),
            serving: Mutex::default(),
            answering: Mutex::new(Answering::With(keys)),
            slow: Mutex::default(),
            asked: AtomicU64::new(0),
        });
        let told = Arc::clone(&publisher);
        let routes = Router::new().route("/jwks.json", get(move || told.clone().answer()));
        let mut serving = publisher.serving.lock().expect("no panic");
        serving.spawn(async { axum::serve(listener, routes).await.expect("served") });
        drop(serving);
        publisher
    }

    async fn answer(self: Arc<Self>) -> Response {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let slow = *self.slow.lock().expect("no panic");
        sleep(slow).await;
        match self.answering.lock().expect("no panic").clone() {
            Answering::With(keys) => json!({ "keys": keys }).to_string().into_response(),
            Answering::Status(status) => status.into_response(),
            Answering::Redirecting(to) => {
                (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
            }
            Answering::Text(text) => text.into_response(),
        }
    }

    /// Where the keys are.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn answers(&self, answering: Answering) {
        *self.answering.lock().expect("no panic") = answering;
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// How long it thinks about every answer.
    pub(crate) fn slow(&self, slow: Duration) {
        *self.slow.lock().expect("no panic") = slow;
    }

    /// Tokens of the issuer whose keys are here.
    pub(crate) fn tokens(&self, more: &str) -> Arc<Tokens> {
        self.tokens_by("1s", more)
    }

    /// The same, with this pause between fetches.
    pub(crate) fn tokens_by(&self, gap: &str, more: &str) -> Arc<Tokens> {
        let settings = format!(
            "[identity]\njwks_refetch_gap = \"{gap}\"\n{more}\n[identity.issuers.keys]\n\
             issuer = \"{KEYS}\"\naudience = [\"payflow\"]\nmode = \"test\"\n\
             merchant_claim = \"merchant\"\njwks_url = \"{}\"",
            self.url
        );
        let config = Config::with(&settings).expect("settings");
        let tokens = Tokens::new(&config, Arc::new(Still(NOW)));
        Arc::new(tokens.expect("an address"))
    }
}

async fn refused(tokens: &Tokens, token: &str) -> Option<TokenError> {
    tokens.verify(token, None).await.err()
}

/// Waits until a token is told this, and says what it was told last.
async fn told(tokens: &Tokens, token: &str, wanted: Option<TokenError>) -> Option<TokenError> {
    let mut told = refused(tokens, token).await;
    for _ in 0..150 {
        if told == wanted {
            break;
        }
        sleep(Duration::from_millis(100)).await;
        told = refused(tokens, token).await;
    }
    told
}

pub(crate) const UNKNOWN: Option<TokenError> = Some(TokenError::Invalid(Flaw::Key));
pub(crate) const AWAY: Option<TokenError> = Some(TokenError::Unavailable);

pub(crate) fn by_name(token: Issued, kid: &str) -> Issued {
    token.head("kid", &format!("\"{kid}\""))
}

#[tokio::test]
async fn only_fit_keys_are_taken_from_a_set() {
    let world = World::new();
    let with = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        jwk
    };
    let rsa = |kid| world.rsa.jwk(kid);
    let weak = encoded([0xff; 128]);
    let point = world.ec.public();
    let (x, y) = point[1..].split_at(33);
    let uneven = with(world.ec.jwk("uneven"), "x", json!(encoded(x)));
    let keys = json!([
        rsa("rsa-1"),
        with(rsa("named"), "alg", json!("RS256")),
        with(with(rsa("for-signatures"), "use", json!("sig")), "x5c", json!(["MIIB"])),
        world.ec.jwk("ec-1"),
        world.ed.jwk("ed-1"),
        { "kty": "unheard of", "kid": "odd", "crv": 1 },
        with(rsa("pss"), "alg", json!("PS256")),
        with(rsa("hs"), "alg", json!("HS256")),
        with(rsa("encrypts"), "use", json!("enc")),
        with(rsa("wraps"), "key_ops", json!(["wrapKey"])),
        with(rsa("private"), "d", json!("AQAB")),
        with(rsa("weak"), "n", json!(weak)),
        with(rsa("nought"), "e", json!("AA")),
        with(rsa("one"), "e", json!("AAE")),
        with(rsa("even"), "e", json!("AQAA")),
        with(rsa("twice"), "alg", json!("RS256")),
        world.thief.rsa.jwk("twice"),
        world.secret.jwk("secret"),
        world.thief.p384.jwk("p384"),
        with(world.ec.jwk("half"), "y", json!("AA")),
        with(uneven, "y", json!(encoded(y))),
        with(rsa("x"), "kid", json!(1)),
    ]);
    let publisher = Publisher::start(keys).await;
    let tokens = publisher.tokens("");
    for (kid, token, signer) in [
        ("rsa-1", world.rsa(), &world.rsa),
        ("named", world.rsa(), &world.rsa),
        ("for-signatures", world.rsa(), &world.rsa),
        ("ec-1", world.ec(), &world.ec),
        ("ed-1", world.ed(), &world.ed),
    ] {
        let token = by_name(token, kid).signed(signer);
        assert_eq!(refused(&tokens, &token).await, None, "{kid}");
    }
    let unfit = [
        "pss", "hs", "encrypts", "wraps", "private", "weak", "nought", "one", "even", "twice", "x",
        "1", "odd",
    ];
    for kid in unfit {
        let token = by_name(world.rsa(), kid).signed(&world.rsa);
        assert_eq!(refused(&tokens, &token).await, UNKNOWN, "{kid}");
    }
    let secret = by_name(world.rsa(), "secret").head("alg", "\"HS256\"");
    let secret = secret.signed(&world.secret);
    assert_eq!(refused(&tokens, &secret).await, UNKNOWN);
    for (kid, signer) in [
        ("p384", &world.thief.p384),
        ("half", &world.ec),
        ("uneven", &world.ec),
    ] {
        let token = by_name(world.ec(), kid).signed(signer);
        assert_eq!(refused(&tokens, &token).await, UNKNOWN, "{kid}");
    }
    let nameless = world.rsa().headless("kid").signed(&world.rsa);
    assert_eq!(refused(&tokens, &nameless).await, UNKNOWN);
}

#[tokio::test]
async fn strangers_cause_one_fetch_however_many_they_are() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let tokens = publisher.tokens("");
    let good = world.rsa().signed(&world.rsa);
    let strangers = async || {
        let mut all = JoinSet::new();
        for number in 0..100 {
            let token = by_name(world.rsa(), &format!("unknown-{number}"));
            let (tokens, token) = (Arc::clone(&tokens), token.signed(&world.thief.rsa));
            all.spawn(async move { tokens.verify(&token, None).await.err() });
        }
        all.join_all().await
    };
    // Nothing is known yet: all of them wait for the same fetch.
    publisher.slow(Duration::from_millis(200));
    assert!(strangers().await.iter().all(|told| *told == UNKNOWN));
    assert_eq!(publisher.asked(), 1);
    assert!(strangers().await.iter().all(|told| *told == UNKNOWN));
    assert_eq!(publisher.asked(), 1, "within the gap nothing is fetched");
    assert_eq!(refused(&tokens, &good).await, None);
    sleep(Duration::from_millis(1100)).await;
    assert!(strangers().await.iter().all(|told| *told == UNKNOWN));
    assert_eq!(publisher.asked(), 2, "after it, once");
    assert_eq!(refused(&tokens, &good).await, None);
}

#[tokio::test]
async fn a_caller_that_leaves_neither_ends_a_fetch_nor_begins_another() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let tokens = publisher.tokens("");
    publisher.slow(Duration::from_millis(300));
    let good = world.rsa().signed(&world.rsa);
    for _ in 0..5 {
        let left = tokio::time::timeout(Duration::from_millis(20), refused(&tokens, &good)).await;
        assert!(left.is_err(), "the fetch was too fast to leave it");
    }
    assert_eq!(refused(&tokens, &good).await, None);
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn keys_are_kept_while_they_cannot_be_fetched_but_not_for_ever() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let tokens = publisher.tokens("jwks_refresh_every = \"1s\"\njwks_stale_max = \"6s\"");
    let refreshing = Arc::clone(&tokens);
    let mut background = JoinSet::new();
    background.spawn(async move { refreshing.refresh_continuously(&Unheard).await });
    let good = world.rsa().signed(&world.rsa);
    assert_eq!(refused(&tokens, &good).await, None);
    let large = "k".repeat(300_000);
    let elsewhere = publisher.url.replace("127.0.0.1", "localhost");
    for failing in [
        Answering::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Answering::Redirecting(elsewhere),
        Answering::Text(large),
        Answering::Text("<html>".to_owned()),
        Answering::With(json!([])),
    ] {
        publisher.answers(failing);
        let before = publisher.asked();
        sleep(Duration::from_millis(400)).await;
        assert_eq!(refused(&tokens, &good).await, None, "asked {before} times");
    }
    let before = publisher.asked();
    let told_late = told(&tokens, &good, AWAY).await;
    assert_eq!(told_late, AWAY, "too old to be believed");
    assert!(publisher.asked() > before, "it was not asked any more");
    publisher.answers(Answering::With(json!([world.rsa.jwk("rsa-1")])));
    assert_eq!(
        told(&tokens, &good, None).await,
        None,
        "they can be had again"
    );
}

#[tokio::test]
async fn keys_rotate_without_a_restart() {
    let world = World::new();
    let publisher = Publisher::start(json!([world.rsa.jwk("rsa-1")])).await;
    let tokens = publisher.tokens("jwks_refresh_every = \"1s\"\njwks_stale_max = \"1m\"");
    let refreshing = Arc::clone(&tokens);
    let mut background = JoinSet::new();
    background.spawn(async move { refreshing.refresh_continuously(&Unheard).await });
    let old = world.rsa().signed(&world.rsa);
    let new = by_name(world.ec(), "ec-2").signed(&world.ec);
    assert_eq!(refused(&tokens, &old).await, None);
    publisher.answers(Answering::With(json!([world.ec.jwk("ec-2")])));
    assert_eq!(told(&tokens, &new, None).await, None, "a new key is taken");
    let gone = told(&tokens, &old, UNKNOWN).await;
    assert_eq!(gone, UNKNOWN, "one that is gone is refused");
}

#[tokio::test]
async fn without_any_key_nobody_is_told_that_the_token_is_bad() {
    let world = World::new();
    let publisher = Publisher::start(json!([])).await;
    publisher.answers(Answering::Status(StatusCode::SERVICE_UNAVAILABLE));
    let tokens = publisher.tokens("");
    let good = world.rsa().signed(&world.rsa);
    assert_eq!(refused(&tokens, &good).await, AWAY);
    assert_eq!(refused(&tokens, &good).await, AWAY);
    assert_eq!(
        publisher.asked(),
        1,
        "nor is the issuer asked at every token"
    );
}
