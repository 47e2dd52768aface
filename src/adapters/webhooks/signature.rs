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
    use application::ports::Ids as _;

    use super::*;
    use crate::adapters::ids::Drawn;

    fn read(text: &str) -> Result<SigningSecret, BadSecret> {
        SigningSecret::read(&text.into())
    }

    /// The vector that the official libraries are tested with.
    #[test]
    fn the_official_vector_is_met() {
        let secret = read(concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = secret.sign(id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
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
