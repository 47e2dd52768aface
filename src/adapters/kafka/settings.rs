//! Owns how the client library is set up: what the promises of the bus rest on, and what an
//! installation may choose.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use application::ports::bus::Group;
use rdkafka::ClientConfig;

/// How a broker is reached, and what is asked of it.
#[derive(Clone)]
pub struct Settings {
    /// Where to begin: host and port of some brokers, separated by commas.
    pub brokers: String,
    /// How long a message waits for its acknowledgement before the connection is given up, and a
    /// new one made.
    pub delivery_timeout: Duration,
    /// How long a message may wait for others to travel with it.
    pub linger: Duration,
    /// How long a member of a group may give no sign of life before others take its part.
    pub session_timeout: Duration,
    /// How many partitions a topic that we create has.
    pub partitions: i32,
    /// How often a topic that we create is kept; 0 leaves it to the broker.
    pub replication: i32,
    /// Whatever else the client library takes, by its own names.
    pub properties: BTreeMap<String, String>,
}

/// Without the passwords that properties may hold.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("brokers", &self.brokers)
            .field("delivery_timeout", &self.delivery_timeout)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// What every client is set up with.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "payflow")
            // A broker that comes back is met within a second.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000");
        config
    }

    /// What the producer is set up with. Nothing is given up by the library itself: a message that
    /// it dropped for its age could be followed by one that it did not. Who waits for
    /// acknowledgements gives up, and then the whole producer.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("enable.gapless.guarantee", "true")
            .set("message.timeout.ms", "0")
            .set("linger.ms", self.linger.as_millis().to_string())
            // The partition of a key is the one that clients in other languages find.
            .set("partitioner", "murmur2_random");
        // It comes with the library, and costs the least time.
        if !self.properties.contains_key("compression.type") {
            config.set("compression.type", "lz4");
        }
        config
    }

    /// What a member of a group is set up with. What is done is said by us, message by message.
    pub(super) fn consumer(&self, group: Group) -> ClientConfig {
        let mut config = self.client();
        let session = self.session_timeout.as_millis();
        let beat = session.checked_div(5).unwrap_or(session).max(1);
        config
            .set("group.id", group.0)
            .set("session.timeout.ms", session.to_string())
            .set("heartbeat.interval.ms", beat.to_string())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed");
        config
    }
}
