//! Owns what is looked at of the gateway: of which kind our key is, whether it can be reached from
//! here, and whether its clock is ours.

use std::time::Duration;

use application::ports::Clock as _;
use chrono::DateTime;
use reqwest::header::DATE;
use reqwest::{Client, Response, StatusCode, redirect};

use super::Finding;
use crate::adapters::cause::chain;
use crate::adapters::clock::Wall;
use crate::config::{Config, Gateway};

const KEY: &str = "gateway key";
const REACHED: &str = "gateway";
const CARD_COMPANY: &str = "card company";
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Its list of movements is read with more overlap than this.
const SKEW_MAX: i64 = 60;

/// Moves no money: its front page is asked for, without a key.
pub(super) async fn examine(config: &Config, findings: &mut Vec<Finding>) {
    findings.push(key(config));
    findings.push(match config.gateway() {
        Gateway::Embedded => Finding::skipped(REACHED, "the sandbox is within the service"),
        Gateway::Sandbox { url } => reached(REACHED, url).await,
        Gateway::Toss => reached(REACHED, &config.toss.api_url).await,
    });
    let card_company = config.card_company.api_url.as_str();
    findings.push(if card_company.is_empty() {
        Finding::skipped(CARD_COMPANY, "card_company.api_url names none")
    } else {
        reached(CARD_COMPANY, card_company).await
    });
}

/// What the key is for, by how it begins (`toss-api.md §1`).
fn key(config: &Config) -> Finding {
    match config.gateway() {
        Gateway::Embedded => Finding::ok(
            KEY,
            "none is set: the embedded sandbox stands in for the gateway",
        ),
        Gateway::Sandbox { url } => Finding::ok(KEY, format!("a sandbox at {url} stands in")),
        Gateway::Toss if config.is_live() => match config.fit_for_live() {
            Ok(()) => Finding::ok(KEY, "live: payments move real money"),
            Err(error) => Finding::failed(KEY, error.to_string(), "set what it names"),
        },
        Gateway::Toss if config.toss.secret_key.starts_with("test_") => {
            Finding::ok(KEY, "test: no payment moves money")
        }
        Gateway::Toss => Finding::warning(
            KEY,
            "it begins neither as a test key nor as a live one, and counts as one for test",
            "see that TOSS_SECRET_KEY is the whole key",
        ),
    }
}

async fn reached(check: &'static str, url: &str) -> Finding {
    let fix = "see that this machine may connect there: network policy, proxy, DNS, authorities";
    let client = Client::builder()
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .build();
    let answered = match client {
        Ok(client) => client.get(url).send().await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(answer) if is_between(answer.status()) => {
            let status = answer.status();
            let says =
                format!("{url} answers {status}: something before it, which does not reach it");
            Finding::failed(check, says, fix)
        }
        // Whatever else it says of a page without a key: it is there.
        Ok(answer) => skew(check, &answer, url),
        Err(error) => Finding::failed(check, format!("{url}: {}", chain(&error)), fix),
    }
}

/// What only a proxy says.
fn is_between(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn skew(check: &'static str, answer: &Response, url: &str) -> Finding {
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(date) = date else {
        return Finding::ok(check, format!("{url} answers"));
    };
    let skew = Wall::default()
        .now()
        .signed_duration_since(date)
        .num_seconds()
        .saturating_abs();
    let says = format!("{url} answers; {skew} s between its clock and ours");
    if skew > SKEW_MAX {
        let fix = "let this machine take its time from NTP";
        Finding::failed(check, says, fix)
    } else {
        Finding::ok(check, says)
    }
}
