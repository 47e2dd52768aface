//! Owns what is looked at of the gateway: of which kind our key is, whether it can be reached from
//! here, and whether its clock is ours.

use std::time::Duration;

use application::ports::Clock as _;
use chrono::DateTime;
use reqwest::header::DATE;
use reqwest::{Client, Response, redirect};

use super::Finding;
use crate::adapters::cause::chain;
use crate::adapters::clock::Wall;
use crate::config::{Config, Gateway};

const KEY: &str = "gateway key";
const REACHED: &str = "gateway";
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Its list of movements is read with more overlap than this.
const SKEW_MAX: i64 = 60;

/// Moves no money: its front page is asked for, without a key.
pub(super) async fn examine(config: &Config, findings: &mut Vec<Finding>) {
    findings.push(key(config));
    let url = match config.gateway() {
        Gateway::Embedded => {
            findings.push(Finding::skipped(
                REACHED,
                "the sandbox is within the service",
            ));
            return;
        }
        Gateway::Sandbox { url } => url,
        Gateway::Toss => &config.toss.api_url,
    };
    findings.push(reached(url).await);
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

async fn reached(url: &str) -> Finding {
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
        // Whatever it says of a page without a key: it is there.
        Ok(answer) => skew(&answer, url),
        Err(error) => Finding::failed(REACHED, format!("{url}: {}", chain(&error)), fix),
    }
}

fn skew(answer: &Response, url: &str) -> Finding {
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(date) = date else {
        return Finding::ok(REACHED, format!("{url} answers"));
    };
    let skew = Wall::default()
        .now()
        .signed_duration_since(date)
        .num_seconds()
        .saturating_abs();
    let says = format!("{url} answers; {skew} s between its clock and ours");
    if skew > SKEW_MAX {
        let fix = "let this machine take its time from NTP";
        Finding::failed(REACHED, says, fix)
    } else {
        Finding::ok(REACHED, says)
    }
}
