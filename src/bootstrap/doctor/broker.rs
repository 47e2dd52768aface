//! Owns what is looked at of the broker: whether it answers, and has the topics.

use super::Finding;
use crate::config::Config;

const CHECK: &str = "kafka";

/// Events wait while it is away; payments go on.
#[cfg(feature = "kafka")]
pub(super) async fn kafka(config: &Config) -> Finding {
    use crate::adapters::kafka::missing_topics;
    use crate::bootstrap::bus;

    if config.kafka.brokers.is_empty() {
        return Finding::skipped(CHECK, "kafka.brokers names none: nobody outside is told");
    }
    let settings = bus::settings(config);
    let looked = tokio::task::spawn_blocking(move || missing_topics(&settings)).await;
    match looked {
        Ok(Ok(missing)) if missing.is_empty() => Finding::ok(CHECK, "it has every topic"),
        Ok(Ok(missing)) => {
            let missing: Vec<&str> = missing.iter().map(|topic| topic.as_str()).collect();
            let says = format!("it lacks: {}", missing.join(", "));
            Finding::failed(CHECK, says, "payflow migrate")
        }
        Ok(Err(error)) => {
            let fix = "see that it runs, and that kafka.brokers and kafka.properties are right; on \
                       Kubernetes only workers and relays are told the properties: run it there";
            Finding::failed(CHECK, error.to_string(), fix)
        }
        Err(error) => Finding::failed(CHECK, error.to_string(), "run it again"),
    }
}

/// A build without Kafka speaks with no broker.
#[cfg(not(feature = "kafka"))]
#[expect(clippy::unused_async, reason = "with Kafka it waits for a broker")]
pub(super) async fn kafka(config: &Config) -> Finding {
    if config.kafka.brokers.is_empty() {
        return Finding::skipped(CHECK, "kafka.brokers names none: nobody outside is told");
    }
    let fix = "leave kafka.brokers empty, or build with the feature kafka";
    Finding::failed(CHECK, "this build speaks with no broker", fix)
}
