//! Owns where spans go, and what is refused of it.

use serde::Deserialize;

use super::Config;
use super::checks::{Check, need};
use super::span::Span;

/// Where spans go; `config/default.toml` explains every key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// The collector's base address; empty for none.
    pub endpoint: String,
    /// How long it may take to answer.
    pub timeout: Span,
    /// How many spans wait for it at most.
    pub queue_max: usize,
}

impl Config {
    pub(super) fn check_traces(&self) -> Check {
        let traces = &self.traces;
        let url = traces.endpoint.as_str();
        let host = url.strip_prefix("http://").or(url.strip_prefix("https://"));
        let is_plain = |rest: &str| {
            !rest.starts_with(['/', ':'])
                && !rest.is_empty()
                && !rest.contains(['@', '?', '#', ' '])
        };
        need(
            url.is_empty() || host.is_some_and(is_plain),
            "traces.endpoint",
            "it is an http or https URL without credentials, query or fragment",
        )?;
        let timeout = traces.timeout.duration().as_secs();
        need(
            (1..=60).contains(&timeout),
            "traces.timeout",
            "outside of 1s to 60s",
        )?;
        need(
            (1..=1_000_000).contains(&traces.queue_max),
            "traces.queue_max",
            "outside of 1 to 1000000",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_collector_is_refused() {
        let with = |settings: &str| Config::with(&format!("[traces]\n{settings}"));
        for fine in [
            "endpoint = \"http://otel:4318\"",
            "timeout = \"60s\"",
            "queue_max = 1",
        ] {
            assert!(with(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "endpoint = \"otel:4318\"",
            "endpoint = \"https://user:word@otel:4318\"",
            "endpoint = \"https://otel:4318/?key=1\"",
            "timeout = \"0s\"",
            "queue_max = 0",
        ] {
            let error = with(wrong).unwrap_err().to_string();
            assert!(error.contains("traces."), "{wrong}: {error}");
        }
    }
}
