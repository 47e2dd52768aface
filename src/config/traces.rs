//! Owns where spans go, and what is refused of it.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::Config;
use super::checks::{Check, Unsafe, need};
use super::span::Span;

/// Where spans go; `config/default.toml` explains every key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// The collector's base address; empty for none. What is no address stops no payment: see
    /// [`Traces::collector`].
    #[serde(deserialize_with = "whatever_it_is")]
    pub endpoint: String,
    /// How many of a thousand traces are recorded.
    pub per_thousand: u16,
    /// How long it may take to answer.
    pub timeout: Span,
    /// How many spans wait for it at most.
    pub queue_max: usize,
}

/// A text, and of anything else one that is no address: often the environment of a whole cluster
/// names the collector, and nobody who wrote it thought of this service.
fn whatever_it_is<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Other(IgnoredAny),
    }

    Ok(match Given::deserialize(deserializer)? {
        Given::Text(text) => text,
        Given::Other(_) => "no text".to_owned(),
    })
}

impl Traces {
    /// Where spans go; nowhere, where the settings name nothing.
    ///
    /// # Errors
    /// It is no address that spans could be sent to: payments go on, and nobody is told of spans.
    pub fn collector(&self) -> Result<Option<&str>, Unsafe> {
        let url = self.endpoint.as_str();
        let host = url.strip_prefix("http://").or(url.strip_prefix("https://"));
        let is_plain = |rest: &str| {
            !rest.starts_with(['/', ':'])
                && !rest.is_empty()
                && !rest.contains(['@', '?', '#', ' '])
        };
        need(
            url.is_empty() || host.is_some_and(is_plain),
            "traces.endpoint",
            "it must be an http or https URL without credentials, query or fragment",
        )?;
        Ok(Some(url).filter(|url| !url.is_empty()))
    }
}

impl Config {
    pub(super) fn check_traces(&self) -> Check {
        let traces = &self.traces;
        need(
            traces.per_thousand <= 1000,
            "traces.per_thousand",
            "it is more than 1000",
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
            "per_thousand = 0",
        ] {
            assert!(with(fine).is_ok(), "{fine}");
        }
        for wrong in ["per_thousand = 1001", "timeout = \"0s\"", "queue_max = 0"] {
            let error = with(wrong).unwrap_err().to_string();
            assert!(error.contains("traces."), "{wrong}: {error}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_collector_stops_nothing() {
        for wrong in [
            "\"otel:4318\"",
            "\"https://user:word@otel:4318\"",
            "\"https://otel:4318/?key=1\"",
            "4318",
        ] {
            let config = Config::with(&format!("[traces]\nendpoint = {wrong}")).unwrap();
            let error = config.traces.collector().unwrap_err().to_string();
            assert!(error.contains("traces.endpoint"), "{wrong}: {error}");
            assert!(!error.contains("word"), "{error}");
        }
        let config = Config::with("[traces]\nendpoint = \"http://otel:4318\"").unwrap();
        assert_eq!(config.traces.collector().unwrap(), Some("http://otel:4318"));
        assert_eq!(Config::with("").unwrap().traces.collector().unwrap(), None);
    }
}
