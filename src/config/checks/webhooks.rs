//! Owns what is refused of how webhooks are brought.

use std::time::Duration;

use ipnet::IpNet;

use super::{Check, Config, need};

impl Config {
    pub(super) fn check_webhooks(&self) -> Check {
        let hooks = &self.webhooks;
        let timeout = hooks.timeout.duration();
        need(
            !timeout.is_zero() && timeout <= Duration::from_secs(30),
            "webhooks.timeout",
            "it must be above zero, and at most 30s",
        )?;
        let (first, cap) = (hooks.retry_first.duration(), hooks.retry_cap.duration());
        let span = hooks.retry_for.duration();
        need(
            !first.is_zero() && first <= cap && cap <= span,
            "webhooks.retry_first",
            "it must be above zero, at most retry_cap, and that at most retry_for",
        )?;
        need(
            hooks.dead_after <= hooks.retry_for,
            "webhooks.dead_after",
            "an endpoint that is dead would be tried no more before it is told so",
        )?;
        need(
            hooks.kept_for > hooks.retry_for,
            "webhooks.kept_for",
            "deliveries would be forgotten while they are tried",
        )?;
        let poll = hooks.poll.duration();
        need(
            !poll.is_zero() && poll <= Duration::from_secs(10),
            "webhooks.poll",
            "it must be above zero, and at most 10s",
        )?;
        let (one, some, all) = (
            hooks.tries_per_endpoint_max,
            hooks.tries_per_merchant_max,
            hooks.tries_max,
        );
        need(
            one >= 1 && one <= some && some <= all && all <= 10_000,
            "webhooks.tries_per_endpoint_max",
            "it must be at least 1, at most tries_per_merchant_max, that at most tries_max, and \
             that at most 10000",
        )?;
        need(
            (1..=1_000).contains(&hooks.endpoints_max),
            "webhooks.endpoints_max",
            "outside of 1 to 1000",
        )?;
        let is_network = |text: &String| text.parse::<IpNet>().is_ok();
        need(
            hooks.exempt.iter().all(is_network),
            "webhooks.exempt",
            "networks are written as 127.0.0.0/8 or fd00::/8",
        )
    }
}
