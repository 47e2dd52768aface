//! Owns what an answer tells, before it has a language, a form and a trace id.

use std::fmt;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::catalogue::Code;

/// The code of a success that needs no finer one.
pub const OK: &str = "OK";

/// What a success tells.
#[derive(Clone)]
pub struct Reply {
    pub(super) status: StatusCode,
    pub(super) code: Option<Code>,
    /// JSON already.
    pub(super) data: String,
    pub(super) headers: HeaderMap,
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
    pub(super) more: Box<More>,
}

/// What a failure tells besides its code.
#[derive(Clone, Debug, Default)]
pub(super) struct More {
    pub(super) errors: Vec<Value>,
    pub(super) fields: Vec<FieldError>,
    pub(super) data: Option<Value>,
    pub(super) headers: HeaderMap,
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
