//! Owns the form of every answer: the success envelope, the failure envelope, problem details.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::catalogue::{Code, Language};

/// The code of a success that needs no finer one.
pub const OK: &str = "OK";

/// What a success tells.
#[derive(Clone)]
pub struct Reply {
    status: StatusCode,
    code: Option<Code>,
    data: String,
    headers: HeaderMap,
    gateway_time: Duration,
}

/// Without the data, which may be a secret.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// `data` with this status.
    ///
    /// # Errors
    /// `data` has a form that JSON cannot take.
    pub fn new(status: StatusCode, data: &impl Serialize) -> Result<Self, Failure> {
        let data = serde_json::to_string(data).map_err(|error| Failure::internal(&error))?;
        Ok(Self {
            status,
            code: None,
            data,
            headers: HeaderMap::new(),
            gateway_time: Duration::ZERO,
        })
    }

    /// Under a code of its own, with that code's status.
    #[must_use]
    pub fn coded(mut self, code: Code) -> Self {
        self.status = code.status();
        self.code = Some(code);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With the time the gateway took.
    #[must_use]
    pub const fn gateway_time(mut self, time: Duration) -> Self {
        self.gateway_time = time;
        self
    }
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Which field, by its JSON name.
    pub field: String,
    /// What is wrong.
    pub code: Code,
}

/// What a failure tells.
#[derive(Clone, Debug)]
pub struct Failure {
    code: Code,
    gateway_time: Duration,
    // Boxed, so that a `Result` with a failure in it stays small.
    more: Box<More>,
}

/// What a failure tells besides its code.
#[derive(Clone, Debug, Default)]
struct More {
    errors: Vec<Value>,
    fields: Vec<FieldError>,
    data: Option<Value>,
    headers: HeaderMap,
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self {
            code,
            gateway_time: Duration::ZERO,
            more: Box::default(),
        }
    }
}

impl Failure {
    /// These fields are wrong.
    #[must_use]
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let mut failure = Self::from(Code::InvalidRequest);
        failure.more.fields = fields;
        failure
    }

    /// One field is wrong.
    #[must_use]
    pub fn field(field: &str, code: Code) -> Self {
        let field = field.to_owned();
        Self::fields(vec![FieldError { field, code }])
    }

    /// Something that must not happen; logged here, once, and not shown.
    #[must_use]
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "internal error");
        Self::from(Code::InternalError)
    }

    /// With one more line in `errors`, as it is.
    #[must_use]
    pub fn error(mut self, error: Value) -> Self {
        self.more.errors.push(error);
        self
    }

    /// With data besides the errors.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.more.data = Some(data);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.headers.insert(name, value);
        self
    }

    /// To be tried again after this time, in whole seconds and at least one.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        let seconds = pause
            .as_secs()
            .saturating_add(u64::from(pause.subsec_nanos() > 0));
        self.header(
            axum::http::header::RETRY_AFTER,
            HeaderValue::from(seconds.max(1)),
        )
    }

    /// With the time the gateway took.
    #[must_use]
    pub const fn gateway_time(mut self, time: Duration) -> Self {
        self.gateway_time = time;
        self
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }
}

/// An answer that waits for its language, form and trace id.
#[derive(Clone, Debug)]
pub(super) enum Unrendered {
    /// To be shown as a success.
    Reply(Box<Reply>),
    /// To be shown as a failure.
    Failure(Box<Failure>),
}

impl Unrendered {
    /// How long the gateway took of it.
    pub(super) const fn gateway_time(&self) -> Duration {
        match self {
            Self::Reply(reply) => reply.gateway_time,
            Self::Failure(failure) => failure.gateway_time,
        }
    }

    /// The code it carries.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Reply(reply) => reply.code.map_or(OK, Code::as_str),
            Self::Failure(failure) => failure.code.as_str(),
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let unrendered = Unrendered::Reply(Box::new(self));
        response.extensions_mut().insert(unrendered);
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let unrendered = Unrendered::Failure(Box::new(self));
        response.extensions_mut().insert(unrendered);
        response
    }
}

/// How a caller wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    language: Language,
    problem: bool,
}

impl Manner {
    /// What these request headers ask for.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self {
            language: language_of(headers),
            problem: texts(headers, &ACCEPT).any(|text| text.contains("application/problem+json")),
        }
    }

    /// The finished answer.
    pub(super) fn render(self, unrendered: &Unrendered, trace: &str) -> Response {
        let (status, headers, body, kind) = match unrendered {
            Unrendered::Reply(reply) => {
                let body = self.success(reply, trace);
                (reply.status, &reply.headers, body, "application/json")
            }
            Unrendered::Failure(failure) if self.problem => {
                let body = self.problem(failure, trace).to_string();
                let kind = "application/problem+json";
                (failure.code.status(), &failure.more.headers, body, kind)
            }
            Unrendered::Failure(failure) => {
                let body = self.failure(failure, trace).to_string();
                let status = failure.code.status();
                (status, &failure.more.headers, body, "application/json")
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().extend(headers.clone());
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        let language = match self.language {
            Language::Korean => HeaderValue::from_static("ko"),
            Language::English => HeaderValue::from_static("en"),
        };
        response.headers_mut().insert(CONTENT_LANGUAGE, language);
        response
    }

    fn success(self, reply: &Reply, trace: &str) -> String {
        let message = reply.code.map_or_else(
            || match self.language {
                Language::Korean => "정상 처리되었습니다.",
                Language::English => "Done.",
            },
            |code| code.message(self.language),
        );
        let code = reply.code.map_or(OK, Code::as_str);
        let data = &reply.data;
        // `data` is JSON already; the other three hold nothing that JSON has to escape.
        format!(r#"{{"code":"{code}","message":"{message}","data":{data},"traceId":"{trace}"}}"#)
    }

    fn errors(self, failure: &Failure) -> Vec<Value> {
        let fields = failure.more.fields.iter().map(|error| {
            serde_json::json!({
                "field": error.field,
                "code": error.code.as_str(),
                "message": error.code.message(self.language),
            })
        });
        fields.chain(failure.more.errors.iter().cloned()).collect()
    }

    fn failure(self, failure: &Failure, trace: &str) -> Value {
        let mut body = serde_json::json!({
            "code": failure.code.as_str(),
            "message": failure.code.message(self.language),
            "errors": self.errors(failure),
            "traceId": trace,
        });
        if let (Some(data), Some(body)) = (&failure.more.data, body.as_object_mut()) {
            body.insert("data".to_owned(), data.clone());
        }
        body
    }

    fn problem(self, failure: &Failure, trace: &str) -> Value {
        let mut body = self.failure(failure, trace);
        if let Some(body) = body.as_object_mut() {
            let message = body.remove("message").unwrap_or_default();
            body.insert("title".to_owned(), message);
            let kind = format!("urn:payflow:error:{}", failure.code.as_str());
            body.insert("type".to_owned(), Value::from(kind));
            let status = failure.code.status().as_u16();
            body.insert("status".to_owned(), Value::from(status));
        }
        body
    }
}

/// Korean, unless English is asked for before it.
fn language_of(headers: &HeaderMap) -> Language {
    let wanted = texts(headers, &ACCEPT_LANGUAGE)
        .flat_map(|text| text.split(','))
        .filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            let tag = tag.trim().split('-').next().unwrap_or_default();
            let language = match tag.to_ascii_lowercase().as_str() {
                "ko" => Language::Korean,
                "en" => Language::English,
                _ => return None,
            };
            (!refused).then(|| (millis_of(weight), language))
        })
        // The first of those that weigh the most.
        .fold(None, |best: Option<(u32, Language)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            Some(_) | None => Some(next),
        });
    wanted.map_or(Language::Korean, |(_, language)| language)
}

/// The weight of `q=0.8` in thousandths; what is not below one counts in full.
fn millis_of(weight: &str) -> u32 {
    let number = weight.trim().strip_prefix("q=").unwrap_or("1");
    number.strip_prefix("0.").map_or(1000, |fraction| {
        let thousandths = format!("{fraction:0<3}");
        let thousandths = thousandths.get(..3).and_then(|digits| digits.parse().ok());
        thousandths.unwrap_or(0)
    })
}

fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_korean_unless_english_is_preferred() {
        let language = |text: &'static str| {
            let value = HeaderValue::from_static(text);
            language_of(&HeaderMap::from_iter([(ACCEPT_LANGUAGE, value)]))
        };
        assert_eq!(language_of(&HeaderMap::new()), Language::Korean);
        for korean in [
            "ko",
            "fr",
            "*",
            "ko-KR,en;q=0.8",
            "en;q=0.2, ko;q=0.9",
            "en;q=0",
        ] {
            assert_eq!(language(korean), Language::Korean, "{korean}");
        }
        for english in ["en", "en-US,ko;q=0.5", "fr,en;q=0.1", "ko;q=0.3,EN;q=0.35"] {
            assert_eq!(language(english), Language::English, "{english}");
        }
    }
}
