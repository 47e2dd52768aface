//! Owns HTTP towards the gateway: one physical request per call, and whether it left at all.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Response, Url};

use super::settings::Settings;
use crate::adapters::gateway::http::{self, Rejected, Reply, Unanswered, header, read, unanswered};

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

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, Rejected> {
        let base = settings.checked_base()?;
        let mut authorization = HeaderValue::try_from(basic(settings.checked_secret()?))
            .map_err(|_| Rejected::Secret)?;
        authorization.set_sensitive(true);
        let http = http::client(settings.timeouts, &base)?;
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
        let call = self.http.request(request.method, url);
        let mut call = http::traced(call).header(AUTHORIZATION, self.authorization.clone());
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
