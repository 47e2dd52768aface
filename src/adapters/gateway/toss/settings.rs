//! Owns what an account at Toss needs to be reached, and what of it is refused.

use application::ports::gateway::Terms;
use application::ports::vault::Secret;
use reqwest::Url;

use crate::adapters::gateway::http::{self, Rejected, Timeouts};

/// How to reach one account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is; the real one or a sandbox.
    pub base_url: String,
    /// The account's secret key.
    pub secret_key: Secret,
    /// The merchant id that every answer must carry, where it is known.
    pub merchant_id: Option<String>,
    /// How long a call may take.
    pub timeouts: Timeouts,
    /// What is known of the account.
    pub terms: Terms,
}

impl Settings {
    /// An account whose merchant id is not known yet, with the default timeouts.
    #[must_use]
    pub fn new(base_url: &str, secret_key: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            secret_key: Secret::from(secret_key),
            merchant_id: None,
            timeouts: Timeouts::default(),
            terms: Terms::default(),
        }
    }

    /// Plain HTTP would show the secret key to everybody on the way.
    pub(super) fn checked_base(&self) -> Result<Url, Rejected> {
        http::checked(&self.base_url)
    }

    /// A byte order mark, a blank or a line end sneaks in easily and only shows as a 401.
    pub(super) fn checked_secret(&self) -> Result<&str, Rejected> {
        let fine = |byte: u8| byte.is_ascii_graphic() && byte != b':';
        let secret_key = self.secret_key.expose();
        if secret_key.is_empty() || !secret_key.bytes().all(fine) {
            return Err(Rejected::Secret);
        }
        Ok(secret_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> Result<Url, Rejected> {
        Settings::new(url, "test_sk_1").checked_base()
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for fine in [
            "https://api.tosspayments.com",
            "http://localhost:8081",
            "http://127.0.0.1:8081",
            "http://127.9.9.9",
            "http://[::1]:8081",
        ] {
            assert!(base(fine).is_ok(), "{fine}");
        }
        for open in [
            "http://api.tosspayments.com",
            "http://10.0.0.1",
            "http://0.0.0.0:8081",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
        ] {
            assert_eq!(base(open), Err(Rejected::PlainHttp), "{open}");
        }
    }

    #[test]
    fn odd_urls_are_refused() {
        for odd in [
            "",
            "api.tosspayments.com",
            "ftp://localhost",
            "https://user@api.tosspayments.com",
            "https://api.tosspayments.com/?a=b",
            "https://api.tosspayments.com/#a",
            "file:///etc/passwd",
        ] {
            assert_eq!(base(odd), Err(Rejected::BaseUrl), "{odd}");
        }
    }

    #[test]
    fn a_key_has_no_blanks_and_no_byte_order_mark() {
        for odd in [
            "",
            "test_sk_1\n",
            " test_sk_1",
            "\u{feff}test_sk_1",
            "test_sk_1:",
            "키",
        ] {
            let settings = Settings::new("https://api.tosspayments.com", odd);
            assert_eq!(settings.checked_secret(), Err(Rejected::Secret), "{odd:?}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let settings = Settings::new("https://api.tosspayments.com", "test_sk_hidden");
        assert!(!format!("{settings:?}").contains("hidden"));
    }
}
