//! Owns who a visitor is: an unguessable cookie, the owner's name and the form token made of it.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::random;

const SESSION: &str = "shop_session";
const LANGUAGE: &str = "shop_language";
const SECRET_BYTES: usize = 32;
/// Long enough to look up an order and have it refunded.
const LIFETIME_SECONDS: u32 = 180 * 24 * 3600;

/// A visitor's session. Its secret is the visitor's alone: the database knows a hash of it.
#[derive(Clone)]
pub(super) struct Session {
    secret: String,
    /// Whether the browser has yet to be told.
    pub(super) is_fresh: bool,
}

impl Session {
    /// The session of a request, or a fresh one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let known = cookie(headers, SESSION).filter(|text| {
            let bytes = URL_SAFE_NO_PAD.decode(text);
            bytes.is_ok_and(|bytes| bytes.len() == SECRET_BYTES)
        });
        match known {
            Some(secret) => Self {
                secret: secret.to_owned(),
                is_fresh: false,
            },
            None => Self {
                secret: random::secret(),
                is_fresh: true,
            },
        }
    }

    /// Under which name the database knows the visitor.
    pub(super) fn owner(&self) -> String {
        self.hash("owner")
    }

    /// What every form of this visitor carries, and no other site can know.
    pub(super) fn token(&self) -> String {
        self.hash("form")
    }

    /// Whether a form carries this visitor's token.
    pub(super) fn issued(&self, token: &str) -> bool {
        self.token().as_bytes().ct_eq(token.as_bytes()).into()
    }

    /// The header that tells the browser.
    pub(super) fn set_cookie(&self, secure: bool) -> String {
        set_cookie(SESSION, &self.secret, secure)
    }

    fn hash(&self, purpose: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(purpose.as_bytes());
        hasher.update(b":");
        hasher.update(self.secret.as_bytes());
        URL_SAFE_NO_PAD.encode(hasher.finalize())
    }
}

/// The language that the visitor once chose.
pub(super) fn chosen_language(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, LANGUAGE)
}

/// The header that keeps the choice of a language.
pub(super) fn set_language(tag: &str, secure: bool) -> String {
    set_cookie(LANGUAGE, tag, secure)
}

fn set_cookie(name: &str, value: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    // Lax: the way back from the payment window comes from another site and needs the session.
    format!("{name}={value}; Path=/; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_session_is_recognised_and_a_made_up_one_is_not() {
        let fresh = Session::of(&HeaderMap::new());
        assert!(fresh.is_fresh);
        let told = fresh.set_cookie(false);
        let again = Session::of(&with(told.split(';').next().unwrap()));
        assert!(!again.is_fresh);
        assert_eq!(again.owner(), fresh.owner());

        for made_up in ["shop_session=", "shop_session=abc", "other=1"] {
            assert!(Session::of(&with(made_up)).is_fresh, "{made_up}");
        }
    }

    #[test]
    fn a_token_is_of_one_session_and_does_not_tell_it() {
        let (one, other) = (
            Session::of(&HeaderMap::new()),
            Session::of(&HeaderMap::new()),
        );
        assert!(one.issued(&one.token()));
        assert!(!other.issued(&one.token()) && !one.issued(""));
        assert_ne!(one.token(), one.owner());
        assert_ne!(one.token(), one.secret);
    }
}
