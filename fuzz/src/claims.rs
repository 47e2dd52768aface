//! Owns what must hold of tokens that are signed by the right key: none is believed whose header or
//! claims break a rule, and one that is speaks for whom it says.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use application::ports::TokenVerifier as _;
use application::ports::identity::Member;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use payflow::adapters::identity::Tokens;

use crate::input::{Here, line};
use crate::issuers::{HOST, HOST_MERCHANT, MERCHANT, SECRET, tokens};
use crate::strict::Strict;

/// Until when a time has come, and an end has not: clocks may differ by 30 s, by default.
const LATEST: i128 = 1_795_219_230;
/// What has an end up to then is over.
const OVER: i128 = 1_795_219_170;
/// The longest life of a token of the second issuer.
const LIFETIME: i128 = 600;

struct World {
    here: Here,
    tokens: Tokens,
    key: hmac::Key,
}

static WORLD: LazyLock<World> = LazyLock::new(|| World {
    here: Here::new(),
    tokens: tokens(),
    key: hmac::Key::new(hmac::HMAC_SHA256, SECRET.trim_ascii_end()),
});

/// The header in the first line, the host in the second, and the claims.
pub(crate) fn run(bytes: &[u8]) {
    let (header, rest) = line(bytes);
    let (host, claims) = line(rest);
    let Ok(host) = str::from_utf8(host) else {
        return;
    };
    let host = Some(host).filter(|host| !host.is_empty());
    let token = signed(header, claims);
    if let Ok(member) = WORLD.here.wait(WORLD.tokens.verify(&token, host)) {
        let believed = believable(header, claims, host);
        let (merchant, mode, id) = believed.unwrap_or_else(|| panic!("believed: {member:?}"));
        let Member {
            scope, id: found, ..
        } = &member;
        assert_eq!(scope.merchant.to_string(), merchant);
        assert_eq!((scope.mode.as_str(), found.as_str()), (mode, id.as_str()));
    }
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let encoded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let tag = hmac::sign(&WORLD.key, message.as_bytes());
    format!("{message}.{}", encoded(tag.as_ref()))
}

type Object = BTreeMap<String, Strict>;
/// Merchant, mode and member.
type Speaker = (String, &'static str, String);

/// For whom a token speaks, by the rules as the documentation has them.
fn believable(header: &[u8], claims: &[u8], host: Option<&str>) -> Option<Speaker> {
    let (header, claims) = (Strict::object(header)?, Strict::object(claims)?);
    let text = |object: &Object, name: &str| object.get(name)?.text().map(str::to_owned);
    let steers = [
        "crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c", "cty",
    ];
    if steers.iter().any(|name| header.contains_key(*name)) || text(&header, "alg")? != "HS256" {
        return None;
    }
    let kind = text(&header, "typ")?.to_ascii_lowercase();
    let kind = kind
        .strip_prefix("application/")
        .unwrap_or(&kind)
        .to_owned();
    let issuer = text(&claims, "iss")?;
    let key = header.get("kid").map(Strict::text);
    let member = if issuer == "https://three.example" {
        "member"
    } else {
        "sub"
    };
    let id = text(&claims, member)?;
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let plain = kind == "jwt" || kind == "at+jwt";
    timely(&claims)?;
    match issuer.as_str() {
        "https://one.example" if plain && key == Some(Some("k")) => {
            meant_for(&claims, &["payflow"])?;
            Some((MERCHANT.to_owned(), "test", id))
        }
        "https://two.example" if plain && key.is_none() => {
            meant_for(&claims, &["payflow"])?;
            claims.get("jti").filter(|jti| **jti != Strict::Null)?;
            let life = instant(&claims, "exp")?.checked_sub(instant(&claims, "iat")?)?;
            (life <= LIFETIME).then_some(())?;
            Some((text(&claims, "merchant")?, "test", id))
        }
        "https://three.example" if kind == "member+jwt" && key.is_none() => {
            meant_for(&claims, &[HOST, &format!("https://{HOST}")])?;
            let ours = host.is_some_and(|host| host.eq_ignore_ascii_case(HOST));
            ours.then(|| (HOST_MERCHANT.to_owned(), "live", id))
        }
        _ => None,
    }
}

fn meant_for(claims: &Object, ours: &[&str]) -> Option<()> {
    let is_ours = |name: &Strict| name.text().map(|name| ours.contains(&name));
    let named: Vec<bool> = if let Strict::List(names) = claims.get("aud")? {
        names.iter().map(is_ours).collect::<Option<_>>()?
    } else {
        vec![is_ours(claims.get("aud")?)?]
    };
    named.contains(&true).then_some(())
}

/// An instant that is there; one that is written otherwise is none.
fn instant(claims: &Object, name: &str) -> Option<i128> {
    let seconds = claims.get(name)?.whole()?;
    (0..=253_402_300_799).contains(&seconds).then_some(seconds)
}

fn timely(claims: &Object) -> Option<()> {
    let expires = instant(claims, "exp")?;
    let begun = |name: &str| {
        let at = claims.contains_key(name).then(|| instant(claims, name));
        at.is_none_or(|at| at.is_some_and(|at| at <= LATEST && at < expires))
    };
    (expires > OVER && begun("nbf") && begun("iat")).then_some(())
}
