//! Owns having the sandbox of this process tell the service what happens at it, by the controls
//! that anybody's test uses.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Client, Method, Response, redirect};
use serde::Deserialize;
use serde_json::json;

/// How long the sandbox may take: it is on this machine, and writes a line or two.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the sandbox tells something.
#[derive(Deserialize)]
struct Told {
    id: u64,
    url: String,
}

#[derive(Deserialize)]
struct Everywhere {
    webhooks: Vec<Told>,
}

/// Has the sandbox tell everything at `url`, once however often it is asked to. An address of an
/// earlier start, which differs in the port alone, is told nothing any more.
///
/// # Errors
/// The sandbox does not answer, or tells nothing at such an address.
pub(super) async fn begin(sandbox_url: &str, url: &str) -> anyhow::Result<()> {
    let http = Client::builder()
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .no_proxy()
        // The sandbox speaks plain HTTP, and a bare machine has no certificates.
        .tls_certs_only([])
        .build()?;
    let controls = format!("{sandbox_url}/_sandbox/webhooks");
    let asked = http.request(Method::POST, &controls);
    done(asked.json(&json!({ "url": url })).send().await).await?;
    let known = done(http.request(Method::GET, &controls).send().await).await?;
    let known: Everywhere = known.json().await.context("the sandbox's addresses")?;
    for earlier in known.webhooks {
        if earlier.url != url && path(&earlier.url) == path(url) {
            let gone = format!("{controls}/{}", earlier.id);
            done(http.request(Method::DELETE, gone).send().await).await?;
        }
    }
    Ok(())
}

/// What follows host and port; it has the token, so that nobody else's address is like ours.
fn path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..))
}

async fn done(answer: reqwest::Result<Response>) -> anyhow::Result<Response> {
    let answer = answer.context("the sandbox does not answer")?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let why = answer.text().await.unwrap_or_default();
    anyhow::bail!("the sandbox answers {status}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_start_has_the_same_path() {
        let ours = path("http://127.0.0.1:8080/webhooks/toss/hook_a");
        assert_eq!(ours, Some("/webhooks/toss/hook_a"));
        assert_eq!(path("http://[::1]:1/webhooks/toss/hook_a"), ours);
        assert_ne!(path("http://127.0.0.1:8080/webhooks/toss/hook_b"), ours);
        assert_eq!(path("http://127.0.0.1:8080"), None);
    }
}
