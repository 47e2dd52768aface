//! Owns what is looked at of Redis: whether a copy with these settings would reach it.

use super::Finding;
use crate::config::Config;

const CHECK: &str = "redis";

/// Nothing depends on it: without it each copy is by itself.
#[cfg(feature = "redis")]
pub(super) async fn redis(config: &Config) -> Finding {
    use std::sync::Arc;

    use crate::adapters::redis::Link;
    use crate::adapters::telemetry::Metrics;
    use crate::bootstrap::shared::settings;

    if config.redis.url.is_empty() {
        return Finding::skipped(CHECK, "redis.url names none: each copy is by itself");
    }
    let fix = "see that it runs and that redis.url is right; copies share nothing until then";
    let link = match Metrics::new() {
        Ok(metrics) => Link::new(settings(config), Arc::new(metrics)),
        Err(error) => return Finding::failed(CHECK, error.to_string(), fix),
    };
    match link {
        Ok(link) => {
            link.connect().await;
            if link.is_up() {
                Finding::ok(CHECK, "it answers")
            } else {
                Finding::warning(CHECK, "it does not answer in time", fix)
            }
        }
        Err(error) => Finding::failed(CHECK, error.to_string(), "mend redis.url"),
    }
}

/// A build without Redis speaks with none.
#[cfg(not(feature = "redis"))]
#[expect(clippy::unused_async, reason = "with Redis it waits for an answer")]
pub(super) async fn redis(config: &Config) -> Finding {
    if config.redis.url.is_empty() {
        return Finding::skipped(CHECK, "redis.url names none: each copy is by itself");
    }
    let fix = "leave redis.url empty, or build with the feature redis";
    Finding::failed(CHECK, "this build knows no Redis", fix)
}
