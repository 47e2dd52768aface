//! Owns what is refused of the broker and how it is spoken with.

use std::time::Duration;

use domain::id::MerchantId;
use domain::principal::Mode;

use super::{Check, Config, need};

/// The client library's properties that the bus promises something with; it gives them itself.
const OURS: [&str; 22] = [
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "group.id",
    "heartbeat.interval.ms",
    "isolation.level",
    "linger.ms",
    "max.in.flight.requests.per.connection",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.max.ms",
    "request.required.acks",
    "retries",
    "session.timeout.ms",
    "transactional.id",
];

impl Config {
    pub(super) fn check_kafka(&self) -> Check {
        let kafka = &self.kafka;
        need(
            kafka.brokers.is_empty() || kafka.brokers.split(',').all(is_broker),
            "kafka.brokers",
            "it is host:port, or several of them with commas between",
        )?;
        let is_long = kafka.delivery_timeout.duration() >= Duration::from_secs(1);
        need(
            is_long && self.delivery_timeout() < self.timings.drain(),
            "kafka.delivery_timeout",
            "it must be at least 1s, and below timings.drain, for a stop not to wait for a broker",
        )?;
        need(
            kafka.linger.duration() <= Duration::from_secs(1),
            "kafka.linger",
            "it is above 1s",
        )?;
        let session = kafka.session_timeout.duration();
        need(
            (Duration::from_secs(1)..=Duration::from_mins(5)).contains(&session),
            "kafka.session_timeout",
            "outside of 1s to 5m",
        )?;
        need(
            (1..=10_000).contains(&kafka.partitions),
            "kafka.partitions",
            "outside of 1 to 10000",
        )?;
        need(
            (0..=100).contains(&kafka.replication),
            "kafka.replication",
            "outside of 0 to 100",
        )?;
        let merchant = &kafka.orders_merchant;
        need(
            merchant.is_empty() || merchant.parse::<MerchantId>().is_ok(),
            "kafka.orders_merchant",
            "it is no id of a merchant",
        )?;
        need(
            kafka.orders_mode.parse::<Mode>().is_ok(),
            "kafka.orders_mode",
            "it is neither test nor live",
        )?;
        need(
            !OURS.iter().any(|name| kafka.properties.contains_key(*name)),
            "kafka.properties",
            "it names a property that the order or the safety of messages rests on",
        )
    }
}

fn is_broker(broker: &str) -> bool {
    let Some((host, port)) = broker.trim().rsplit_once(':') else {
        return false;
    };
    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
}
