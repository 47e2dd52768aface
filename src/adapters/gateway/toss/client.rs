//! Owns HTTP towards the gateway: one physical request per call, and whether it left at all.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Method, Response, Url, redirect, retry, tls};

use super::classify::{Reply, Unusable};
use super::settings::{Rejected, Settings};
use crate::adapters::cause::chain;

/// No answer of this gateway comes near it.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Shorter than what load balancers commonly allow, so that we rarely write into a dead one.
const IDLE_MAX: Duration = Duration::from_secs(20);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACE_ID: HeaderName = HeaderName::from_static("x-tosspayments-trace-id");

/// Sends requests with one account's credentials.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
}

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// The segments of the path, unescaped.
    pub(super) path: &'a [&'a str],
    /// What a question asks besides, unescaped.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The key of an action; questions have none.
    pub(super) key: Option<&'a str>,
    /// The JSON body of an action.
    pub(super) body: Option<Vec<u8>>,
}

/// An answer, and the gateway's name for the exchange.
pub(super) struct Heard {
    pub(super) reply: Reply,
    pub(super) trace: Option<String>,
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

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, Rejected> {
        let base = settings.checked_base()?;
        let mut authorization = HeaderValue::try_from(basic(settings.checked_secret()?))
            .map_err(|_| Rejected::Secret)?;
        authorization.set_sensitive(true);
        let encrypted = base.scheme() == "https";
        let http = reqwest::Client::builder()
            .connect_timeout(settings.timeouts.connect)
            .read_timeout(settings.timeouts.read)
            .timeout(settings.timeouts.total)
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
        let http = http
            .build()
            .map_err(|error| Rejected::Client(chain(&error)))?;
        Ok(Self {
            http,
            base,
            authorization,
        })
    }

    /// Sends one request, once.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Heard, Unanswered> {
        let mut url = self.url(request.path)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(request.query);
        }
        let mut call = self
            .http
            .request(request.method, url)
            .header(AUTHORIZATION, self.authorization.clone());
        if let Some(key) = request.key {
            call = call.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(body) = request.body {
            call = call.header(CONTENT_TYPE, "application/json").body(body);
        }
        heard(call.send().await.map_err(unanswered)?).await
    }

    fn url(&self, path: &[&str]) -> Result<Url, Unanswered> {
        // These would be taken for steps in the path, however they are escaped.
        if path.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(Unanswered::NotSent(
                "the key cannot be part of a path".to_owned(),
            ));
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("the base was checked to be one")
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }
}

/// The key is the user, the password is empty; the colon is mandatory, the padding is sent.
fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{secret}:")))
}

/// What of a response decides anything.
pub(super) async fn heard(response: Response) -> Result<Heard, Unanswered> {
    let trace = header(response.headers(), &TRACE_ID).map(str::to_owned);
    let reply = read(response).await.map_err(unanswered)?;
    Ok(Heard { reply, trace })
}

async fn read(mut response: Response) -> Result<Reply, reqwest::Error> {
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

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn unanswered(error: reqwest::Error) -> Unanswered {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base: &str) -> Client {
        Client::new(&Settings::new(base, "test_sk_1")).unwrap()
    }

    #[test]
    fn the_colon_is_part_of_the_credentials() {
        assert_eq!(basic("test_sk_1"), "Basic dGVzdF9za18xOg==");
        let client = client("https://api.tosspayments.com");
        assert!(!format!("{:?}", client.authorization).contains("dGVzdF9za18xOg"));
    }

    #[test]
    fn keys_stay_in_their_segment() {
        let client = client("https://api.tosspayments.com");
        for (key, path) in [
            ("tsims2026_a-B", "/v1/payments/tsims2026_a-B/cancel"),
            ("a/../b", "/v1/payments/a%2F..%2Fb/cancel"),
            ("a?b#c", "/v1/payments/a%3Fb%23c/cancel"),
            ("%2e%2e", "/v1/payments/%252e%252e/cancel"),
            ("a\\b", "/v1/payments/a%5Cb/cancel"),
            ("orders", "/v1/payments/orders/cancel"),
        ] {
            let url = client.url(&["v1", "payments", key, "cancel"]).unwrap();
            assert_eq!(url.path(), path);
            assert_eq!((url.query(), url.fragment()), (None, None));
        }
        for step in [".", ".."] {
            let refused = client.url(&["v1", "payments", step, "cancel"]);
            assert!(matches!(refused, Err(Unanswered::NotSent(_))), "{step}");
        }
    }

    #[test]
    fn a_base_may_have_a_path() {
        for base in ["https://proxy.example/toss", "https://proxy.example/toss/"] {
            let url = client(base).url(&["v1", "payments", "confirm"]).unwrap();
            assert_eq!(
                url.as_str(),
                "https://proxy.example/toss/v1/payments/confirm"
            );
        }
    }
}
