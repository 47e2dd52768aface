//! Owns one try of one delivery over HTTP.

use std::time::Duration;

use application::ports::courier::{Courier, Letter, Receipt, Reply};
use application::ports::vault::Secret;
use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, StatusCode, Url, redirect, retry, tls};
use tracing::info;

use super::guard::{Guard, refusal};
use super::signature::SigningSecret;
use crate::adapters::cause::chain;

/// No address that somebody means is longer.
const URL_BYTES_MAX: usize = 2048;
/// What of an answer is kept for the merchant's eyes.
const EXCERPT_BYTES_MAX: usize = 512;
/// What merchants are told of a name that leads inwards, or nowhere.
const UNREACHED: &str = "the address may not be reached";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Receivers that get little are not kept connected.
const IDLE_MAX: Duration = Duration::from_secs(30);
const IDLE_PER_HOST_MAX: usize = 32;

/// How the courier works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a receiver may take to answer.
    pub timeout: Duration,
    /// Networks that may be talked to though they are not public.
    pub exempt: Vec<IpNet>,
}

/// Brings messages over HTTP.
pub struct HttpCourier {
    http: Client,
    guard: Guard,
}

impl HttpCourier {
    /// A courier that trusts the operating system's certificates; where there are none, it brings
    /// nothing over TLS.
    ///
    /// # Errors
    /// The HTTP library cannot be set up.
    pub fn new(settings: &Settings) -> Result<Self, reqwest::Error> {
        Self::guarded(settings, Guard::new(&settings.exempt))
    }

    fn guarded(settings: &Settings, guard: Guard) -> Result<Self, reqwest::Error> {
        let trusted = rustls_native_certs::load_native_certs().certs;
        let trusted = trusted.iter().flat_map(|der| Certificate::from_der(der));
        let http = Client::builder()
            .dns_resolver(guard.clone())
            .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
            .timeout(settings.timeout)
            // It could lead inwards, and a receiver that moved has to say so by its own hand.
            .redirect(redirect::Policy::none())
            // The ladder of tries is the store's, where it survives us.
            .retry(retry::never())
            // A proxy would resolve names for us, past the guard.
            .no_proxy()
            .tls_certs_only(trusted)
            .tls_version_min(tls::Version::TLS_1_2)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .user_agent(concat!("payflow/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, guard })
    }

    fn address(&self, url: &str) -> Result<Url, String> {
        if url.len() > URL_BYTES_MAX {
            return Err(format!("it is longer than {URL_BYTES_MAX} bytes"));
        }
        let parsed = Url::parse(url).map_err(|error| error.to_string())?;
        let looked = self.guard.look(&parsed);
        looked.map_err(|forbidden| forbidden.to_string())?;
        Ok(parsed)
    }
}

#[async_trait]
impl Courier for HttpCourier {
    fn admit(&self, url: &str) -> Result<(), String> {
        self.address(url).map(drop)
    }

    fn secret(&self, random: &str) -> Secret {
        SigningSecret::around(random)
    }

    async fn deliver(&self, letter: Letter<'_>) -> Receipt {
        let url = match self.address(letter.url) {
            Ok(url) => url,
            Err(why) => return Receipt::Forbidden(why),
        };
        let seconds = letter.at.timestamp();
        let mut signatures = Vec::with_capacity(letter.secrets.len());
        for secret in letter.secrets {
            match SigningSecret::read(secret) {
                Ok(secret) => signatures.push(secret.sign(letter.id, seconds, letter.body)),
                Err(bad) => return Receipt::Forbidden(format!("the secret: {bad}")),
            }
        }
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", letter.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signatures.join(" "))
            .body(letter.body.to_vec());
        let request = match letter.trace {
            Some(trace) => request.header("traceparent", trace.to_string()),
            None => request,
        };
        match request.send().await {
            Ok(response) => receipt(response).await,
            Err(error) => match refusal(&error) {
                Some(why) => {
                    // Where a name leads is nobody's to learn by entering it.
                    info!(message = letter.id, %why, "an address may not be reached");
                    Receipt::Forbidden(UNREACHED.to_owned())
                }
                None => Receipt::Unanswered(chain(&error.without_url())),
            },
        }
    }
}

/// The status decides; an excerpt that does not come changes nothing.
async fn receipt(mut response: Response) -> Receipt {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let reply = Reply {
        status: status.as_u16(),
        excerpt: excerpt(&mut response).await,
    };
    if status.is_success() {
        Receipt::Taken(reply)
    } else if status == StatusCode::GONE {
        Receipt::Gone(reply)
    } else {
        Receipt::Refused {
            reply,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }
}

async fn excerpt(response: &mut Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < EXCERPT_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(EXCERPT_BYTES_MAX);
    let text = String::from_utf8_lossy(&bytes);
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests;
