//! Owns how Toss signs what it tells of payouts and sellers (`toss-api.md §15.4`).

use application::ports::vault::Secret;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, verify};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What each value of the header begins with.
const VERSION: &str = "v1:";
/// Two while a key is replaced; nobody is made to compute more than a few.
const VALUES_MAX: usize = 4;

/// Whether one of these keys signed these bytes and this time.
pub(super) fn is_by(keys: &[Secret], body: &[u8], time: &str, signature: &str) -> bool {
    let signed = [body, b":", time.as_bytes()].concat();
    let values = signature.split(',').take(VALUES_MAX);
    let values = values.filter_map(|value| {
        let text = value.trim().strip_prefix(VERSION)?;
        STANDARD.decode(text).ok()
    });
    let values: Vec<Vec<u8>> = values.collect();
    let readings: Vec<Vec<u8>> = keys.iter().flat_map(readings).collect();
    readings.iter().any(|reading| {
        let key = Key::new(HMAC_SHA256, reading);
        let is_right = |value: &Vec<u8>| verify(&key, &signed, value).is_ok();
        values.iter().any(is_right)
    })
}

/// The bytes that a key may stand for: its text, or what its digits say. Which of both is not
/// documented, and whoever has one of them has the other.
fn readings(key: &Secret) -> Vec<Vec<u8>> {
    let text = key.expose();
    let digits = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let digits: Option<Vec<u8>> = digits.collect();
    let own = text.as_bytes().to_vec();
    std::iter::once(own).chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Keys, and whether they vouch for a body, a time and a header.
    fn vectors() -> (Secret, String, String, [String; 2]) {
        let text = include_str!("../../../../tests/toss-examples/signature-vectors.json");
        let all: Value = serde_json::from_str(text).unwrap();
        let text = |name: &str| all[name].as_str().unwrap().to_owned();
        let values = ["v1_key_as_utf8_text", "v1_key_hex_decoded"].map(text);
        let key = Secret::new(text("securityKey"));
        (key, text("body"), text("transmissionTime"), values)
    }

    #[test]
    fn signatures_are_those_of_the_vectors_in_either_reading() {
        let (key, body, time, values) = vectors();
        let other = Secret::from("f".repeat(64).as_str());
        for value in &values {
            let header = format!("v1:{value}");
            let by = |keys: &[Secret], header: &str| is_by(keys, body.as_bytes(), &time, header);
            assert!(by(std::slice::from_ref(&key), &header));
            assert!(by(&[other.clone(), key.clone()], &header), "while rotating");
            assert!(!by(std::slice::from_ref(&other), &header));
            assert!(!by(&[], &header));
            let two = format!("v1:{}, {header}", STANDARD.encode([7; 32]));
            assert!(by(std::slice::from_ref(&key), &two), "any one of them");
        }
    }

    #[test]
    fn whatever_is_altered_is_not_signed() {
        let (key, body, time, values) = vectors();
        let key = std::slice::from_ref(&key);
        let header = format!("v1:{}", values[0]);
        let with = |body: &str, time: &str, header: &str| is_by(key, body.as_bytes(), time, header);
        assert!(with(&body, &time, &header));
        assert!(!with(&format!("{body} "), &time, &header));
        assert!(!with(&body, "2026-03-15T21:00:02+09:00", &header));
        for wrong in [
            "",
            "v1:",
            "v1:====",
            values[0].as_str(),
            &header.replace("v1:", "v2:"),
            &header.to_lowercase(),
            &header[..header.len() - 4],
            &format!("{}{header}", "v1:AAAA,".repeat(VALUES_MAX)),
        ] {
            assert!(!with(&body, &time, wrong), "{wrong}");
        }
        // Bytes of the body and the time cannot change places.
        let (shorter, longer) = (&body[..body.len() - 1], format!("}}:{time}"));
        assert!(!with(shorter, &longer, &header));
    }
}
