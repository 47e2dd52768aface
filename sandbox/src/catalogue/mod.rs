//! Owns the gateway's error codes: status, class and the texts in both languages.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::config::{ErrorData, Settings};

static CODES: LazyLock<HashMap<String, Refusal>> = LazyLock::new(|| {
    let rows: Vec<Refusal> =
        serde_json::from_str(include_str!("codes.json")).expect("the embedded codes are valid");
    rows.into_iter()
        .map(|row| (row.code.clone(), row))
        .collect()
});

const UNAUTHORIZED: &str = "UNAUTHORIZED_KEY";

/// What kind of failure a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Class {
    /// The same call may work later.
    #[serde(rename = "T")]
    Temporary,
    /// The buyer or the payment method: final for this payment.
    #[serde(rename = "U")]
    Buyer,
    /// The merchant's program or contract.
    #[serde(rename = "M")]
    Merchant,
    /// The payment is in another state than the caller thinks.
    #[serde(rename = "S")]
    State,
}

/// An error answer of the gateway.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) http: u16,
    pub(crate) class: Class,
    ko: String,
    en: String,
}

/// The language of messages; enum texts stay Korean, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Korean,
    English,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct AuthenticationBody<'a> {
    code: &'a str,
    message: &'a str,
    data: Option<()>,
}

/// A code of the published tables, for as long as the program runs.
pub(crate) fn documented(code: &str) -> Option<&'static str> {
    CODES.get(code).map(|refusal| refusal.code.as_str())
}

impl Refusal {
    /// The refusal with a code the sandbox itself answers.
    pub(crate) fn of(code: &str) -> Self {
        Self::documented(code).unwrap_or_else(|| Self::undocumented(code, 400))
    }

    /// The refusal with a code of the published tables, if it is one.
    pub(crate) fn documented(code: &str) -> Option<Self> {
        CODES.get(code).cloned()
    }

    /// A code in no table: new ones appear at the real gateway without notice.
    pub(crate) fn undocumented(code: &str, http: u16) -> Self {
        Self {
            code: code.to_owned(),
            http,
            class: Class::State,
            ko: "요청을 처리하지 못했습니다.".to_owned(),
            en: "The request could not be processed.".to_owned(),
        }
    }

    pub(crate) fn message(&self, language: Language) -> &str {
        match language {
            Language::Korean => &self.ko,
            Language::English => &self.en,
        }
    }

    /// The status it is answered with: on some, sources disagree.
    pub(crate) fn status(&self, settings: &Settings) -> u16 {
        match self.code.as_str() {
            UNAUTHORIZED => settings.unauthorized_key_status,
            "INCORRECT_BASIC_AUTH_FORMAT" => settings.basic_auth_format_status,
            "FORBIDDEN_CONSECUTIVE_REQUEST" => settings.consecutive_request_status,
            _ => self.http,
        }
    }

    /// The error object; the authentication layer adds a null `data`.
    pub(crate) fn body(&self, language: Language, data: ErrorData) -> String {
        let (code, message) = (self.code.as_str(), self.message(language));
        let text = if self.code == UNAUTHORIZED && data == ErrorData::OnUnauthorized {
            serde_json::to_string(&AuthenticationBody {
                code,
                message,
                data: None,
            })
        } else {
            serde_json::to_string(&Body { code, message })
        };
        text.expect("two strings serialise")
    }
}

impl Language {
    /// English only when it is the first choice, as at the real gateway.
    pub(crate) fn of_header(accept_language: Option<&str>) -> Self {
        let english = accept_language
            .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("en"));
        if english { Self::English } else { Self::Korean }
    }
}
