//! Owns what is refused of how copies share.

use std::time::Duration;

use super::{Check, Config, is_loopback, need};

/// What prefixes may be made of, besides letters and digits.
const PUNCTUATION: [u8; 4] = *b":._-";
const PREFIX_BYTES_MAX: usize = 64;

impl Config {
    pub(super) fn check_redis(&self) -> Check {
        let redis = &self.redis;
        need(
            redis.url.is_empty() || is_redis(&redis.url),
            "redis.url",
            "it begins with redis:// or rediss://, names a host, and has no # in it",
        )?;
        let is_shown = redis.url.starts_with("redis://") && redis.url.contains('@');
        need(
            !is_shown || is_loopback(&redis.url),
            "redis.url",
            "redis:// would show the password to the network; rediss:// does not",
        )?;
        let connect = redis.connect_timeout.duration();
        need(
            (Duration::from_millis(1)..=Duration::from_secs(5)).contains(&connect),
            "redis.connect_timeout",
            "outside of 1ms to 5s",
        )?;
        let response = redis.response_timeout.duration();
        need(
            (Duration::from_millis(1)..=Duration::from_millis(100)).contains(&response),
            "redis.response_timeout",
            "outside of 1ms to 100ms: a request would wait for what only saves time",
        )?;
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || PUNCTUATION.contains(&byte);
        need(
            (1..=PREFIX_BYTES_MAX).contains(&redis.prefix.len())
                && redis.prefix.bytes().all(is_fine),
            "redis.prefix",
            "it is 1 to 64 of A-Z a-z 0-9 : . _ -",
        )?;
        let under_way = redis.under_way_max.duration();
        need(
            (Duration::from_millis(100)..=Duration::from_secs(10)).contains(&under_way),
            "redis.under_way_max",
            "outside of 100ms to 10s",
        )?;
        need(
            redis.answers_kept.duration() <= Duration::from_mins(10),
            "redis.answers_kept",
            "it is above 10m",
        )
    }
}

fn is_redis(url: &str) -> bool {
    let rest = url
        .strip_prefix("rediss://")
        .or_else(|| url.strip_prefix("redis://"));
    rest.is_some_and(|rest| {
        let place = rest.split(['/', '?']).next().unwrap_or_default();
        let host = place.rsplit('@').next().unwrap_or_default();
        // What follows a # would turn the check of certificates off.
        !host.is_empty() && !host.starts_with(':') && !rest.contains('#')
    })
}
