//! Members' tokens: what is not let in, and how keys are fetched.

mod algorithms;
mod claims;
pub(crate) mod forge;
mod forms;
mod keys;
pub(crate) mod published;
mod signatures;
mod waiting;
mod world;

use application::ports::identity::{Flaw, TokenError, TokenVerifier as _};

use crate::support::report;
use forge::{Issued, Signer};
use world::{World, quoted};

const VECTORS_MIN: usize = 450;

/// An attack, and the token next to it that is good.
pub(crate) struct Vector {
    name: String,
    twin: String,
    attack: String,
    refused: TokenError,
}

/// What the attacks of one kind are made from: a good token, and who signs it.
pub(crate) struct Kind<'a> {
    name: &'static str,
    good: Issued,
    signer: &'a Signer,
    found: Vec<Vector>,
}

impl<'a> Kind<'a> {
    pub(crate) fn new(name: &'static str, good: Issued, signer: &'a Signer) -> Self {
        Self {
            name,
            good,
            signer,
            found: Vec::new(),
        }
    }

    /// Any text instead of the good token.
    pub(crate) fn text(&mut self, name: &str, attack: impl Into<String>, flaw: Flaw) {
        self.found.push(Vector {
            name: format!("{}: {name}", self.name),
            twin: self.good.signed(self.signer),
            attack: attack.into(),
            refused: TokenError::Invalid(flaw),
        });
    }

    /// The good token after `change`, with a signature that holds.
    pub(crate) fn signed(&mut self, name: &str, flaw: Flaw, change: impl FnOnce(Issued) -> Issued) {
        let attack = change(self.good.clone()).signed(self.signer);
        self.text(name, attack, flaw);
    }

    /// The good token after `change`, signed by somebody else.
    pub(crate) fn signed_by(
        &mut self,
        name: &str,
        flaw: Flaw,
        signer: &Signer,
        change: impl FnOnce(Issued) -> Issued,
    ) {
        let attack = change(self.good.clone()).signed(signer);
        self.text(name, attack, flaw);
    }

    /// One that was good until lately.
    pub(crate) fn expired(&mut self, name: &str, change: impl FnOnce(Issued) -> Issued) {
        self.signed(name, Flaw::Early, change);
        if let Some(last) = self.found.last_mut() {
            last.refused = TokenError::Expired;
        }
    }

    pub(crate) fn done(self) -> Vec<Vector> {
        self.found
    }
}

#[tokio::test]
async fn attack_vectors_are_refused() {
    let world = World::new();
    let mut vectors = algorithms::vectors(&world);
    vectors.extend(forms::vectors(&world));
    vectors.extend(keys::vectors(&world));
    vectors.extend(signatures::vectors(&world));
    vectors.extend(claims::vectors(&world));
    let mut wrong = Vec::new();
    for vector in &vectors {
        let twin = world.tokens.verify(&vector.twin, None).await;
        if let Err(why) = twin {
            wrong.push(format!("{}: its twin is not let in: {why}", vector.name));
        }
        let told = world.tokens.verify(&vector.attack, None).await;
        if told.as_ref().err() != Some(&vector.refused) {
            wrong.push(format!(
                "{}: {told:?}, not {:?}",
                vector.name, vector.refused
            ));
        }
    }
    let mut names: Vec<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), vectors.len(), "two vectors share a name");
    report::cases(
        "JWT attack vectors refused",
        vectors.len(),
        VECTORS_MIN,
        &wrong,
    );
}

#[tokio::test]
async fn good_tokens_are_let_in() {
    let world = World::new();
    for (name, token) in world.good() {
        let member = world.tokens.verify(&token, Some("pay.two.example")).await;
        let member = member.unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(member.id.as_str(), "member-1", "{name}");
    }
    let scope = async |token: String, host| {
        let told = world.tokens.verify(&token, host).await;
        told.map(|member| member.scope.merchant)
    };
    let claimed = world.rsa().claim("merchant", &quoted(world.other));
    let claimed = scope(claimed.signed(&world.rsa), None).await;
    assert_eq!(claimed, Ok(world.other), "the claim names the merchant");
    let bound = world.shared().claim("merchant", &quoted(world.other));
    let bound = scope(bound.signed(&world.secret), None).await;
    assert_eq!(bound, Ok(world.merchant), "the issuer is bound to one");
    let one = r#""pay.one.example""#;
    let two = r#"["elsewhere","https://pay.two.example"]"#;
    for (host, aud, merchant) in [
        (Some("pay.one.example"), one, Ok(world.merchant)),
        (Some("PAY.Two.Example"), two, Ok(world.other)),
        (Some("pay.one.example"), two, Err(Flaw::Host)),
        (Some("pay.two.example"), one, Err(Flaw::Host)),
        (Some("pay.three.example"), two, Err(Flaw::Merchant)),
        (None, two, Err(Flaw::Merchant)),
    ] {
        let claimed = world.hosted().claim("merchant", &quoted(world.other));
        let told = scope(claimed.claim("aud", aud).signed(&world.rsa), host).await;
        let merchant = merchant.map_err(TokenError::Invalid);
        assert_eq!(told, merchant, "{host:?} names the merchant of {aud}");
    }
}

/// What another host's merchant was shown, or anybody's audience, opens nothing here.
#[tokio::test]
async fn a_host_takes_only_what_was_made_for_it() {
    let world = World::new();
    for aud in [
        "\"payflow\"",
        "\"pay.one.example\"",
        "\"https://pay.one.example\"",
        "\"http://pay.two.example\"",
        "\"https://pay.two.example/\"",
        "\"https://pay.two.example:443\"",
        "\"https://https://pay.two.example\"",
        "\"PAY.two.example\"",
        "\"pay.two.example.thief.example\"",
        "\"two.example\"",
        "\"*\"",
        "\"\"",
        "null",
        "[]",
        r#"["pay.two.example",1]"#,
    ] {
        for purpose in ["JWT", "step-up+jwt"] {
            let token = world.hosted().claim("aud", aud);
            let token = token.head("typ", &format!("\"{purpose}\""));
            let token = token.claim("auth_time", &(world::NOW - 60).to_string());
            let token = token.signed(&world.rsa);
            let host = Some("pay.two.example");
            let told = if purpose == "JWT" {
                world.tokens.verify(&token, host).await.err()
            } else {
                world.tokens.verify_proof(&token, host).await.err()
            };
            assert_eq!(
                told,
                Some(TokenError::Invalid(Flaw::Host)),
                "{purpose} {aud}"
            );
        }
    }
}
