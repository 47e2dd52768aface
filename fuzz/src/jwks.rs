//! Owns what must hold of published sets of keys: a usable one is public, strong, for signatures,
//! and alone under its name.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use payflow::adapters::identity::usable_keys;
use serde_json::Value;

pub(crate) fn run(bytes: &[u8]) {
    let usable = usable_keys(bytes);
    if usable.is_empty() {
        return;
    }
    let set: Value = serde_json::from_slice(bytes).expect("keys came out of it");
    let keys = set["keys"].as_array().expect("keys came out of it");
    for (kid, algorithm) in usable {
        let named = keys.iter().take(64).filter(|key| key["kid"] == *kid);
        let fitting = named.filter(|key| fits(key, algorithm.as_str())).count();
        assert_eq!(fitting, 1, "{kid:?} for {}", algorithm.as_str());
    }
}

/// Whether a key is what a token of this algorithm is verified with.
fn fits(key: &Value, algorithm: &str) -> bool {
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    let decoded = |name: &str| {
        BASE64_URL_SAFE_NO_PAD
            .decode(text(name))
            .unwrap_or_default()
    };
    let number = |name: &str| {
        let bytes = decoded(name);
        bytes.iter().skip_while(|byte| **byte == 0).count()
    };
    let is_odd = |name: &str| {
        let odd = decoded(name).last().is_some_and(|last| last % 2 == 1);
        odd && decoded(name)
            .iter()
            .map(|byte| u64::from(*byte))
            .sum::<u64>()
            > 1
    };
    let strong = match algorithm {
        "RS256" => text("kty") == "RSA" && (256..=1024).contains(&number("n")) && is_odd("e"),
        "ES256" => {
            let point = decoded("x").len() == 32 && decoded("y").len() == 32;
            text("kty") == "EC" && text("crv") == "P-256" && point
        }
        "EdDSA" => text("kty") == "OKP" && text("crv") == "Ed25519" && decoded("x").len() == 32,
        _ => false,
    };
    let signs = key["use"].is_null() || key["use"] == "sig";
    let operations = key["key_ops"].as_array();
    let verifies = operations.map_or(key["key_ops"].is_null(), |all| {
        all.iter().any(|operation| operation == "verify")
    });
    let named = key["alg"].is_null() || key["alg"] == algorithm;
    strong && signs && verifies && named && key.get("d").is_none()
}
