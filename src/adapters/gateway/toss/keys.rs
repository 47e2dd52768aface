//! Owns what the keys of Toss look like, and which two of them belong together.

use domain::principal::Mode;

/// What begins a secret key: for the plain API, or for the payment widget.
const SECRET_KINDS: [(&str, Mode); 4] = [
    ("test_sk_", Mode::Test),
    ("test_gsk_", Mode::Test),
    ("live_sk_", Mode::Live),
    ("live_gsk_", Mode::Live),
];
/// What begins a client key, in the same order.
const CLIENT_KINDS: [&str; 4] = ["test_ck_", "test_gck_", "live_ck_", "live_gck_"];
/// How much of a key's random part is shown.
const SHOWN: usize = 4;
/// Longer than any key, and short enough for a header.
const BYTES_MAX: usize = 256;

/// Why two keys are no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The secret key is none.
    #[error("a secret key begins with test_sk_, live_sk_, test_gsk_ or live_gsk_")]
    Secret,
    /// The client key is none.
    #[error("a client key begins with test_ck_, live_ck_, test_gck_ or live_gck_")]
    Client,
    /// A blank, a byte order mark or a line end, which only shows as a 401.
    #[error("a key holds a space or another character that no key has")]
    Character,
    /// They are of different modes or products.
    #[error(
        "the client key does not go with the secret key: test with test, live with live, \
             sk with ck, gsk with gck"
    )]
    Pair,
}

/// The mode of two keys that belong together.
///
/// # Errors
/// They are no keys, or do not.
pub fn mode_of(secret_key: &str, client_key: &str) -> Result<Mode, Misfit> {
    for key in [secret_key, client_key] {
        let fine = |byte: u8| byte.is_ascii_graphic() && byte != b':';
        if !key.bytes().all(fine) || key.len() > BYTES_MAX {
            return Err(Misfit::Character);
        }
    }
    let is_of = |key: &str, kind: &str| key.len() > kind.len() && key.starts_with(kind);
    let mut kinds = SECRET_KINDS.iter().zip(CLIENT_KINDS);
    let found = kinds.find(|((secret, _), _)| is_of(secret_key, secret));
    let ((_, mode), client) = found.ok_or(Misfit::Secret)?;
    if !CLIENT_KINDS.iter().any(|kind| is_of(client_key, kind)) {
        return Err(Misfit::Client);
    }
    if is_of(client_key, client) {
        Ok(*mode)
    } else {
        Err(Misfit::Pair)
    }
}

/// What people recognise a key by: its kind and four characters, no more.
#[must_use]
pub fn hint(key: &str) -> String {
    let secret = SECRET_KINDS.iter().map(|(kind, _)| *kind);
    let kind = secret
        .chain(CLIENT_KINDS)
        .find(|kind| key.starts_with(kind));
    let Some((kind, rest)) = kind.and_then(|kind| Some((kind, key.strip_prefix(kind)?))) else {
        return "…".to_owned();
    };
    let shown: String = rest.chars().take(SHOWN).collect();
    format!("{kind}{shown}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_together_by_mode_and_product() {
        for ((secret, mode), client) in SECRET_KINDS.iter().zip(CLIENT_KINDS) {
            let secret = format!("{secret}abcdef");
            assert_eq!(mode_of(&secret, &format!("{client}abcdef")), Ok(*mode));
            for other in CLIENT_KINDS.iter().filter(|other| **other != client) {
                let other = format!("{other}abcdef");
                assert_eq!(mode_of(&secret, &other), Err(Misfit::Pair), "{other}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let client = "test_ck_1";
        for secret in ["", "sk_test_1", "test_sk_", "test_ck_1", "TEST_SK_1"] {
            assert_eq!(mode_of(secret, client), Err(Misfit::Secret), "{secret}");
        }
        for client in ["", "test_sk_1", "test_ck_"] {
            assert_eq!(
                mode_of("test_sk_1", client),
                Err(Misfit::Client),
                "{client}"
            );
        }
        for secret in ["test_sk_1\n", " test_sk_1", "test_sk_1:", "test_sk_키"] {
            assert_eq!(mode_of(secret, client), Err(Misfit::Character), "{secret}");
        }
        let long = format!("test_sk_{}", "a".repeat(BYTES_MAX));
        assert_eq!(mode_of(&long, client), Err(Misfit::Character));
    }

    #[test]
    fn a_hint_shows_four_characters_beyond_the_kind() {
        assert_eq!(hint("live_gsk_abcdefgh"), "live_gsk_abcd…");
        assert_eq!(hint("test_ck_ab"), "test_ck_ab…");
        assert_eq!(hint("something else"), "…");
    }
}
