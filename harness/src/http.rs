//! Owns the HTTP client of the harness: bounded in time, and never retrying by itself.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, sleep};

const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// Above the longest time that the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long whoever is to come again waits at most.
const PAUSE: Duration = Duration::from_millis(250);

/// Far below the time after which a server closes a connection that says nothing: a request on one
/// that is being closed is lost, and that is no finding.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// A client with time limits.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .connect_timeout(CONNECT_PATIENCE)
        .timeout(PATIENCE)
        .pool_max_idle_per_host(usize::MAX)
        .pool_idle_timeout(IDLE_MAX)
        .no_proxy()
        .build()?)
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body; null when it is not JSON.
    pub(crate) body: Value,
    /// From the request's first byte to the answer's last.
    pub(crate) took: Duration,
}

impl Reply {
    /// Sends a request and reads the answer.
    pub(crate) async fn to(request: reqwest::RequestBuilder) -> reqwest::Result<Self> {
        let begun = Instant::now();
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await?;
        Ok(Self {
            status,
            headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            took: begun.elapsed(),
        })
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A text of the answer's data.
    pub(crate) fn data(&self, field: &str) -> Option<&str> {
        self.body.get("data")?.get(field)?.as_str()
    }

    /// A number of the answer's data.
    pub(crate) fn number(&self, field: &str) -> Option<i64> {
        self.body.get("data")?.get(field)?.as_i64()
    }

    /// Whether the answer was given before.
    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// A duration of the `Server-Timing` header, in microseconds.
    pub(crate) fn timing_microseconds(&self, metric: &str) -> Option<u64> {
        timing(self.header("server-timing")?, metric)
    }
}

/// Reads `metric;dur=12.345` out of a `Server-Timing` header.
fn timing(header: &str, metric: &str) -> Option<u64> {
    let entry = header
        .split(',')
        .map(str::trim)
        .find(|entry| entry.split(';').next().map(str::trim) == Some(metric))?;
    let text = entry
        .split(';')
        .find_map(|part| part.trim().strip_prefix("dur="))?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(digits.parse().ok()?)
}

/// Sends the same again until an answer stays, for so long at most: the last one, none where none
/// came. Who is told when to come again waits as long, and `PAUSE` at most, as who is told nothing.
pub(crate) async fn insist<F: Future<Output = Option<Reply>>>(
    mut send: impl FnMut() -> F,
    stays: impl Fn(Option<&Reply>) -> bool,
    patience: Duration,
) -> Option<Reply> {
    let begun = Instant::now();
    loop {
        let reply = send().await;
        if stays(reply.as_ref()) || begun.elapsed() >= patience {
            return reply;
        }
        let told = reply.as_ref().and_then(|reply| reply.header("retry-after"));
        let told = told.and_then(|seconds| seconds.parse().ok());
        sleep(told.map_or(PAUSE, Duration::from_secs).min(PAUSE)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_without_floats() {
        let header = "own;dur=3.25, gateway;desc=\"toss\";dur=120";
        assert_eq!(timing(header, "own"), Some(3250));
        assert_eq!(timing(header, "gateway"), Some(120_000));
        assert_eq!(timing(header, "store"), None);
        assert_eq!(timing("own;dur=0.0004", "own"), Some(0));
    }
}
