//! Owns what is refused of how events leave.

use std::time::Duration;

use super::{Check, Config, need};

impl Config {
    pub(super) fn check_feed(&self) -> Check {
        let (feed, lease) = (&self.feed, self.timings.job_lease());
        need(
            !lease.is_zero() && lease <= Duration::from_secs(7),
            "timings.job_lease",
            "it must be above zero, and at most 7s, for another copy to go on within 10s",
        )?;
        need(
            (1..=1_000).contains(&feed.rows),
            "feed.rows",
            "outside of 1 to 1000",
        )?;
        let poll = feed.poll.duration();
        need(
            !poll.is_zero() && poll <= Duration::from_secs(1),
            "feed.poll",
            "it must be above zero, and at most 1s",
        )?;
        need(
            !feed.pause_max.duration().is_zero(),
            "feed.pause_max",
            "it is zero",
        )?;
        self.check_stream()
    }

    fn check_stream(&self) -> Check {
        let stream = &self.stream;
        let (heartbeat, longest) = (stream.heartbeat.duration(), stream.duration_max.duration());
        need(
            !heartbeat.is_zero() && heartbeat <= Duration::from_mins(1),
            "stream.heartbeat",
            "it must be above zero, and at most 1m, for proxies to keep a stream",
        )?;
        need(
            !longest.is_zero() && longest <= Duration::from_mins(1),
            "stream.duration_max",
            "it must be above zero, and at most 1m: a key that was revoked could see on for longer",
        )?;
        need(
            (1..=stream.open_max).contains(&stream.per_merchant_max),
            "stream.per_merchant_max",
            "outside of 1 to stream.open_max",
        )
    }
}
