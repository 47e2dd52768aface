//! Proofs that are none: by their form, their signature, or what they claim.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::rig::members::{LIVE_ISSUER, SECOND};
use crate::rig::{AWAY, PROOF_HEADER};
use crate::step_up::world::{Asked, Attack, World};

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = headers();
    attacks.extend(signatures());
    attacks.extend(forms());
    attacks.extend(people());
    attacks.extend(nonces());
    attacks.extend(times());
    attacks
}

fn good(world: &World, asked: &Asked) -> String {
    world
        .rig
        .members
        .signed(PROOF_HEADER, &world.claims(asked).to_string())
}

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn headers() -> Vec<Attack> {
    vec![
        Attack::head("typ JWT", r#"{"alg":"EdDSA","typ":"JWT"}"#),
        Attack::head("typ at+jwt", r#"{"alg":"EdDSA","typ":"at+jwt"}"#),
        Attack::head("typ empty", r#"{"alg":"EdDSA","typ":""}"#),
        Attack::head("no typ", r#"{"alg":"EdDSA"}"#),
        Attack::head("typ a list", r#"{"alg":"EdDSA","typ":["step-up+jwt"]}"#),
        Attack::head(
            "typ with a space",
            r#"{"alg":"EdDSA","typ":"step-up+jwt "}"#,
        ),
        Attack::head(
            "typ twice",
            r#"{"alg":"EdDSA","typ":"JWT","typ":"step-up+jwt"}"#,
        ),
        Attack::head("alg none", r#"{"alg":"none","typ":"step-up+jwt"}"#),
        Attack::head("alg HS256", r#"{"alg":"HS256","typ":"step-up+jwt"}"#),
        Attack::head(
            "alg in other letters",
            r#"{"alg":"EDDSA","typ":"step-up+jwt"}"#,
        ),
        Attack::head(
            "an unknown kid",
            r#"{"alg":"EdDSA","typ":"step-up+jwt","kid":"k"}"#,
        ),
        Attack::head(
            "crit",
            r#"{"alg":"EdDSA","typ":"step-up+jwt","crit":["exp"]}"#,
        ),
        Attack::head(
            "a key of its own",
            r#"{"alg":"EdDSA","typ":"step-up+jwt","jwk":{}}"#,
        ),
        Attack::head(
            "an address of keys",
            r#"{"alg":"EdDSA","typ":"step-up+jwt","jku":"https://evil.example/"}"#,
        ),
        Attack::head(
            "a token in it",
            r#"{"alg":"EdDSA","typ":"step-up+jwt","cty":"JWT"}"#,
        ),
    ]
}

fn signatures() -> Vec<Attack> {
    let cut = |proof: &str, parts: usize| {
        let parts: Vec<&str> = proof.split('.').take(parts).collect();
        parts.join(".")
    };
    vec![
        Attack::proof("no signature", move |world, asked| {
            format!("{}.", cut(&good(world, asked), 2))
        }),
        Attack::proof("two parts", move |world, asked| cut(&good(world, asked), 2)),
        Attack::proof("four parts", |world, asked| {
            format!("{}.", good(world, asked))
        }),
        Attack::proof("none without a signature", move |world, asked| {
            let header = encoded(r#"{"alg":"none","typ":"step-up+jwt"}"#);
            format!("{header}.{}.", encoded(&world.claims(asked).to_string()))
        }),
        Attack::proof("a flipped signature", |world, asked| {
            let proof = good(world, asked);
            let (message, signature) = proof.rsplit_once('.').unwrap();
            let first = if signature.starts_with('A') { "B" } else { "A" };
            format!("{message}.{first}{}", &signature[1..])
        }),
        Attack::proof("claims under another signature", |world, asked| {
            let theirs = good(world, &world.another);
            let mine = good(world, asked);
            let mine: Vec<&str> = mine.split('.').collect();
            format!(
                "{}.{}.{}",
                mine[0],
                mine[1],
                theirs.rsplit('.').next().unwrap()
            )
        }),
        Attack::proof("another claim after signing", |world, asked| {
            let proof = good(world, &world.another);
            let parts: Vec<&str> = proof.split('.').collect();
            let claims = encoded(&world.claims(asked).to_string());
            format!("{}.{claims}.{}", parts[0], parts[2])
        }),
    ]
}

fn forms() -> Vec<Attack> {
    vec![
        Attack::of("empty", String::new()),
        Attack::of("dots", "..".to_owned()),
        Attack::of("words", "it is me".to_owned()),
        Attack::of("the challenge of nobody", "a.b.c".to_owned()),
        Attack::of("no text", "증명".to_owned()),
        Attack::proof("the challenge itself", |_, asked| asked.challenge.clone()),
        Attack::proof("10 kB", |world, asked| {
            let mut claims = world.claims(asked);
            claims["more"] = Value::from("x".repeat(7_500));
            let proof = world.rig.members.signed(PROOF_HEADER, &claims.to_string());
            assert!((10_000..12_000).contains(&proof.len()), "{}", proof.len());
            proof
        }),
        Attack::proof("padded", |world, asked| format!("{}=", good(world, asked))),
        Attack::proof("claims that are a list", |world, _| {
            world.rig.members.signed(PROOF_HEADER, "[]")
        }),
        Attack::proof("claims cut short", |world, asked| {
            let claims = world.claims(asked).to_string();
            world
                .rig
                .members
                .signed(PROOF_HEADER, &claims[..claims.len() - 1])
        }),
    ]
}

fn people() -> Vec<Attack> {
    let to = |name, claim: &'static str, value: Value| {
        Attack::claims(name, move |_, claims| claims[claim] = value.clone())
    };
    vec![
        to("another audience", "aud", json!("elsewhere")),
        to("no audience", "aud", json!([])),
        to("an audience that is a number", "aud", json!(1)),
        to("an unknown issuer", "iss", json!("https://evil.example")),
        to("an issuer of live payments", "iss", json!(LIVE_ISSUER)),
        to("another issuer of the merchant's", "iss", json!(SECOND)),
        to("an issuer without keys", "iss", json!(AWAY)).refused("STEP_UP_PROOF_INVALID"),
        to("no subject", "sub", Value::Null),
        to("a subject that is a list", "sub", json!(["member-1"])),
        Attack::claims("another merchant", |world, claims| {
            claims["merchant"] = json!(world.rig.members.merchants[1].to_string());
        }),
        to("no merchant", "merchant", Value::Null),
    ]
}

fn nonces() -> Vec<Attack> {
    let to =
        |name, value: Value| Attack::claims(name, move |_, claims| claims["nonce"] = value.clone());
    vec![
        Attack::claims("no nonce", |_, claims| {
            claims.as_object_mut().unwrap().remove("nonce");
        }),
        to("nonce null", Value::Null),
        to("nonce a number", json!(1)),
        to("nonce empty", json!("")),
        to(
            "a nonce of nobody",
            json!(format!("chl_{}", "0".repeat(34))),
        ),
        Attack::claims("nonce a list", |_, claims| {
            claims["nonce"] = json!([claims["nonce"]]);
        }),
        Attack::claims("nonce in other letters", |_, claims| {
            claims["nonce"] = json!(claims["nonce"].as_str().unwrap().to_uppercase());
        }),
        Attack::claims("nonce with a space", |_, claims| {
            claims["nonce"] = json!(format!("{} ", claims["nonce"].as_str().unwrap()));
        }),
        Attack::proof("nonce is the payment", |world, asked| {
            let mut claims = world.claims(asked);
            claims["nonce"] = json!(asked.payment.id);
            world.rig.members.signed(PROOF_HEADER, &claims.to_string())
        }),
        Attack::proof("nonce twice", |world, asked| {
            let claims = world.claims(asked).to_string();
            let other = &world.another.challenge;
            let claims = claims.replacen('{', &format!("{{\"nonce\":\"{other}\","), 1);
            world.rig.members.signed(PROOF_HEADER, &claims)
        }),
    ]
}

fn times() -> Vec<Attack> {
    let by = |name, claim: &'static str, seconds: i64| {
        Attack::claims(name, move |_, claims| {
            claims[claim] = json!(claims[claim].as_i64().unwrap() + seconds);
        })
    };
    let to = |name, claim: &'static str, value: Value| {
        Attack::claims(name, move |_, claims| claims[claim] = value.clone())
    };
    vec![
        to("no time of authentication", "auth_time", Value::Null),
        Attack::claims("without a time of authentication", |_, claims| {
            claims.as_object_mut().unwrap().remove("auth_time");
        }),
        Attack::claims("a time that is a text", |_, claims| {
            claims["auth_time"] = json!(claims["auth_time"].to_string());
        }),
        to("a time before there was any", "auth_time", json!(-1)),
        to("a time of 1970", "auth_time", json!(0)),
        Attack::proof("a time with a fraction", |world, asked| {
            let claims = world.claims(asked);
            let whole = format!("\"auth_time\":{}", claims["auth_time"]);
            let claims = claims.to_string().replace(&whole, &format!("{whole}.5"));
            assert!(claims.contains(".5"), "{claims}");
            world.rig.members.signed(PROOF_HEADER, &claims)
        }),
        by("before the challenge", "auth_time", -35),
        by("long before the challenge", "auth_time", -86_400),
        by("after it was issued", "auth_time", 1),
        Attack::claims("in the future", |_, claims| {
            for claim in ["auth_time", "iat", "exp"] {
                claims[claim] = json!(claims[claim].as_i64().unwrap() + 60);
            }
        }),
        by("issued in the future", "iat", 60),
        to("no time of issue", "iat", Value::Null),
        to("no end", "exp", Value::Null),
        to("an end that is a text", "exp", json!("4102444800")),
        by("good for an hour", "exp", 3_600),
        Attack::claims("over", |_, claims| {
            claims["exp"] = json!(claims["exp"].as_i64().unwrap() - 151);
            for claim in ["auth_time", "iat"] {
                claims[claim] = json!(claims[claim].as_i64().unwrap() - 40);
            }
        })
        .refused("STEP_UP_PROOF_EXPIRED"),
    ]
}
