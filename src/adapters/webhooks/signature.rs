//! Owns the signature of outgoing webhooks (Standard Webhooks 1.0.0, symmetric).

use application::ports::vault::Secret;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "whsec_";
/// What the specification allows.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A text is no secret to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It does not begin as one.
    #[error("it does not begin with whsec_")]
    Prefix,
    /// What follows is not base 64.
    #[error("what follows whsec_ is not base 64")]
    Base64,
    /// It is shorter or longer than the specification allows.
    #[error("a secret has 24 to 64 bytes")]
    Length,
}

/// What an endpoint's messages are signed with.
pub struct SigningSecret(Key);

impl SigningSecret {
    /// Reads a secret as receivers are given it.
    ///
    /// # Errors
    /// See [`BadSecret`].
    pub fn read(text: &Secret) -> Result<Self, BadSecret> {
        let encoded = text
            .expose()
            .strip_prefix(PREFIX)
            .ok_or(BadSecret::Prefix)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| BadSecret::Base64)?;
        if SECRET_BYTES.contains(&bytes.len()) {
            Ok(Self(Key::new(HMAC_SHA256, &bytes)))
        } else {
            Err(BadSecret::Length)
        }
    }

    /// A secret as receivers are given it, around `random`, which has 256 random bits.
    #[must_use]
    pub fn around(random: &str) -> Secret {
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(random)))
    }

    /// One entry of the header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let head = format!("{id}.{seconds}.");
        let signed = [head.as_bytes(), body].concat();
        format!("v1,{}", STANDARD.encode(sign(&self.0, &signed)))
    }
}

#[cfg(test)]
mod tests {
    use application::ports::{Clock as _, Ids as _};
    use reqwest::header::HeaderMap;
    use standardwebhooks::Webhook;

    use super::*;
    use crate::adapters::clock::Wall;
    use crate::adapters::ids::Drawn;

    fn read(text: &str) -> Result<SigningSecret, BadSecret> {
        SigningSecret::read(&text.into())
    }

    /// What the official libraries are tested with: those of Svix, from which the specification
    /// came, and `libraries/rust/src/lib.rs` of `standard-webhooks/standard-webhooks`.
    #[test]
    fn the_official_vectors_are_met() {
        for (random, id, seconds, body, signature) in [
            (
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ] {
            let secret = read(&format!("{PREFIX}{random}")).unwrap();
            assert_eq!(secret.sign(id, seconds, body.as_bytes()), signature);
        }
    }

    /// What a receiver with the official library is given.
    fn headers(id: &str, seconds: i64, signatures: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", seconds.into());
        headers.insert("webhook-signature", signatures.parse().unwrap());
        headers
    }

    #[test]
    fn the_official_library_takes_ours_and_signs_the_same() {
        let now = Wall::default().now().timestamp();
        let ids = Drawn::default();
        let bodies = ["", "{}", "{\"이름\":\"결제 🧾\"}", &"x".repeat(20_000)];
        for (number, body) in bodies.iter().cycle().take(40).enumerate() {
            let id = format!("pay_{}-{number}", ids.secret());
            let texts = [0, 1].map(|_| SigningSecret::around(&ids.secret()));
            let ours = texts.each_ref().map(|text| {
                let secret = SigningSecret::read(text).unwrap();
                secret.sign(&id, now, body.as_bytes())
            });
            // While secrets are rotated each message has a signature by either.
            let told = headers(&id, now, &ours.join(" "));
            for (text, ours) in texts.iter().zip(&ours) {
                let theirs = Webhook::new(text.expose()).unwrap();
                theirs.verify(body.as_bytes(), &told).unwrap();
                assert_eq!(theirs.sign(&id, now, body.as_bytes()).unwrap(), *ours);
                let bent = format!("{body} ");
                assert!(theirs.verify(bent.as_bytes(), &told).is_err());
                let other = headers(&format!("{id}0"), now, ours);
                assert!(theirs.verify(body.as_bytes(), &other).is_err());
            }
        }
    }

    #[test]
    fn a_secret_has_its_prefix_its_alphabet_and_its_length() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for bytes in [24, 32, 64] {
            assert!(read(&of(bytes)).is_ok());
        }
        for (text, why) in [
            (of(23), BadSecret::Length),
            (of(65), BadSecret::Length),
            ("whsec_".to_owned(), BadSecret::Length),
            ("whsec_%%%".to_owned(), BadSecret::Base64),
            (of(24).replace("whsec_", "whsk_"), BadSecret::Prefix),
            (of(24).to_uppercase(), BadSecret::Prefix),
            (String::new(), BadSecret::Prefix),
        ] {
            assert_eq!(read(&text).err(), Some(why), "{text}");
        }
    }

    #[test]
    fn a_drawn_secret_can_be_read() {
        let (ids, other) = (Drawn::default(), Drawn::default());
        let drawn = SigningSecret::around(&ids.secret());
        assert!(SigningSecret::read(&drawn).is_ok());
        assert_ne!(drawn, SigningSecret::around(&other.secret()));
    }
}
