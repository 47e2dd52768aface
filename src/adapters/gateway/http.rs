//! Owns HTTP towards any gateway: one physical request, whether it left at all, and what came back.

use std::net::IpAddr;
use std::time::Duration;

use application::trace;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, Url, redirect, retry, tls};

use crate::adapters::cause::chain;

/// W3C Trace Context's own header.
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// No answer of a gateway comes near it.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Shorter than what load balancers commonly allow, so that we rarely write into a dead one.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection with TLS stands.
    pub connect: Duration,
    /// Without a byte received.
    pub read: Duration,
    /// From the start to the last byte of the answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        // The gateway itself may take 60 s (`toss-api.md §2.5`).
        Self {
            connect: Duration::from_secs(3),
            read: Duration::from_mins(1),
            total: Duration::from_secs(65),
        }
    }
}

/// An answer as far as it decides anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// `Retry-After`, where it is a number of seconds.
    pub(super) retry_after_seconds: Option<u32>,
    /// The body, or why there is none to read.
    pub(super) body: Result<Vec<u8>, Unusable>,
}

/// Why a body was not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// HTML from the edge, or no type at all.
    #[error("it is not JSON")]
    NotJson,
    /// Larger than any answer of a gateway.
    #[error("it is too large")]
    TooLarge,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// Not a byte of the request was written: no connection was made.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request was on its way.
    #[error("no answer: {0}")]
    Lost(String),
}

/// Why an account cannot be used as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not an http or https URL, or one with credentials, query or fragment.
    #[error("the gateway's base URL is not a plain http(s) URL")]
    BaseUrl,
    /// The secret key would cross a network unencrypted.
    #[error("plain http is allowed for a gateway on this machine only")]
    PlainHttp,
    /// Empty, or with characters that no key has.
    #[error("the gateway's secret key is empty or has characters that no key has")]
    Secret,
    /// The HTTP client could not be set up, for example without trusted certificates.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// A client that sends every request once, over connections to `base` of its own.
pub(super) fn client(timeouts: Timeouts, base: &Url) -> Result<reqwest::Client, Rejected> {
    let encrypted = base.scheme() == "https";
    let http = reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .timeout(timeouts.total)
        .redirect(redirect::Policy::none())
        // The saga alone decides whether an action is sent again.
        .retry(retry::never())
        // The way to the gateway is a setting of ours, not of the environment.
        .no_proxy()
        .https_only(encrypted)
        .tls_version_min(tls::Version::TLS_1_2)
        .pool_idle_timeout(IDLE_MAX)
        .user_agent(concat!("payflow/", env!("CARGO_PKG_VERSION")));
    // A sandbox on this machine needs no certificates, and a bare machine has none.
    let http = if encrypted {
        http
    } else {
        http.tls_certs_only([])
    };
    http.build()
        .map_err(|error| Rejected::Client(chain(&error)))
}

/// A base address that is safe to call: plain HTTP would show secrets to everybody on the way.
pub(super) fn checked(base_url: &str) -> Result<Url, Rejected> {
    let url = Url::parse(base_url).map_err(|_| Rejected::BaseUrl)?;
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && is_loopback(&url) => Ok(url),
        "http" if plain => Err(Rejected::PlainHttp),
        _ => Err(Rejected::BaseUrl),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// `call`, with the span that it is made in: whoever keeps the lines of both sides, as with a proxy
/// on the way, finds what belongs together. It names nobody, and nothing is decided by it.
pub(super) fn traced(call: RequestBuilder) -> RequestBuilder {
    match trace::current().filter(|trace| trace.span().is_some()) {
        Some(trace) => call.header(TRACE_PARENT, trace.to_string()),
        None => call,
    }
}

/// What of a response decides anything.
pub(super) async fn read(mut response: Response) -> Result<Reply, reqwest::Error> {
    let status = response.status().as_u16();
    let headers = response.headers();
    let retry_after_seconds =
        header(headers, &RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
    let body = if is_json(headers) {
        bounded(&mut response).await?.ok_or(Unusable::TooLarge)
    } else {
        Err(Unusable::NotJson)
    };
    Ok(Reply {
        status,
        retry_after_seconds,
        body,
    })
}

/// The body, unless it is too large.
async fn bounded(response: &mut Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > BODY_BYTES_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = header(headers, &CONTENT_TYPE).and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A header as text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a request that failed may have been sent.
pub(super) fn unanswered(error: reqwest::Error) -> Unanswered {
    // True for name resolution, connecting and the TLS handshake only: until then the request has
    // not been handed to a connection.
    let not_sent = error.is_connect() || error.is_builder();
    let why = chain(&error.without_url());
    if not_sent {
        Unanswered::NotSent(why)
    } else {
        Unanswered::Lost(why)
    }
}
