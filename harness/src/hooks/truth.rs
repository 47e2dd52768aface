//! Owns what the gateway really tells: its own bytes, as often as wanted, under its own signature.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{SecondsFormat, TimeDelta};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::bus::reading::now;
use crate::random::Dice;
use crate::sandbox::Sandbox;

/// What the sandbox signs with where nobody says (`sandbox/README.md`).
const SECURITY_KEY: &str = "921c63fcc7019542dde78b8e1609d23f89943262c1077f41021a3d27af28762a";
const BLOCK_BYTES: usize = 64;

/// The key that the gateway signs with.
pub(super) fn security_key() -> String {
    SECURITY_KEY.to_owned()
}

/// A notification with its headers.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(super) body: String,
    pub(super) transmission: String,
    pub(super) retried: usize,
    pub(super) sent_at: String,
    pub(super) signature: Option<String>,
}

impl Told {
    pub(super) fn request(&self, http: &reqwest::Client, url: &str) -> reqwest::RequestBuilder {
        let request = http
            .post(url)
            .header("content-type", "application/json")
            .header("tosspayments-webhook-transmission-time", &self.sent_at)
            .header(
                "tosspayments-webhook-transmission-retried-count",
                self.retried,
            )
            .header("tosspayments-webhook-transmission-id", &self.transmission)
            .body(self.body.clone());
        match &self.signature {
            Some(signature) => request.header("tosspayments-webhook-signature", signature),
            None => request,
        }
    }

    /// In an order that nobody meant.
    pub(crate) fn shuffled(mut all: Vec<Self>, dice: &mut Dice) -> Vec<Self> {
        for last in (1..all.len()).rev() {
            let range = u64::try_from(last).unwrap_or_default().saturating_add(1);
            let place = usize::try_from(dice.below(range)).unwrap_or_default();
            all.swap(place, last);
        }
        all
    }
}

/// Everything that the gateway told so far, each so often as if it had been repeated.
pub(crate) async fn told(sandbox: &Sandbox, times: usize, key: &str) -> anyhow::Result<Vec<Told>> {
    let mut all = Vec::new();
    for delivery in sandbox.deliveries().await? {
        let text = |field: &str| {
            let text = delivery.get(field).and_then(Value::as_str);
            text.map(str::to_owned)
                .context("a delivery that says nothing")
        };
        let (body, kind) = (text("body")?, text("eventType")?);
        let is_signed = matches!(kind.as_str(), "payout.changed" | "seller.changed");
        for retried in 0..times {
            let late = TimeDelta::seconds(i64::try_from(retried).unwrap_or_default());
            let sent_at = now().checked_sub_signed(late).unwrap_or_else(now);
            let sent_at = sent_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            all.push(Told {
                signature: is_signed.then(|| signature(&body, &sent_at, key)),
                body: body.clone(),
                transmission: text("transmissionId")?,
                retried,
                sent_at,
            });
        }
    }
    Ok(all)
}

/// As the gateway signs it.
pub(super) fn signature(body: &str, sent_at: &str, key: &str) -> String {
    let mac = hmac(key.as_bytes(), format!("{body}:{sent_at}").as_bytes());
    format!("v1:{}", STANDARD.encode(mac))
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        let hashed: [u8; 32] = Sha256::digest(key).into();
        block[..32].copy_from_slice(&hashed);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let keyed = |pad: u8, text: &[u8]| -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(block.map(|byte| byte ^ pad));
        hash.update(text);
        hash.finalize().into()
    };
    keyed(0x5c, &keyed(0x36, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_vectors() {
        let text = include_str!("../../../tests/toss-examples/signature-vectors.json");
        let all: Value = serde_json::from_str(text).unwrap();
        let text = |name: &str| all[name].as_str().unwrap();
        let (body, time) = (text("body"), text("transmissionTime"));
        let made = signature(body, time, text("securityKey"));
        assert_eq!(made, format!("v1:{}", text("v1_key_as_utf8_text")));
        assert_eq!(text("securityKey"), security_key());
    }

    #[test]
    fn what_is_shuffled_is_all_there() {
        let one = |number: usize| Told {
            body: number.to_string(),
            transmission: String::new(),
            retried: 0,
            sent_at: String::new(),
            signature: None,
        };
        let mut dice = Dice::new(1, "shuffle");
        let shuffled = Told::shuffled((0..50).map(one).collect(), &mut dice);
        let mut numbers: Vec<usize> = shuffled
            .iter()
            .map(|one| one.body.parse().unwrap())
            .collect();
        assert!(!numbers.is_sorted());
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..50));
    }
}
