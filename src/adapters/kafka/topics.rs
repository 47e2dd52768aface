//! Owns the topics: what they are made with where they do not exist yet.

use std::time::Duration;

use application::ports::bus::Topic;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::info;

use super::observed::Talk;
use super::settings::Settings;

/// How long a broker may take to make them.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why there are no topics.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// The broker cannot be reached, or does not answer.
    #[error("the broker does not make topics: {0}")]
    Broker(#[from] KafkaError),
    /// The broker refuses one.
    #[error("the broker refuses the topic {topic}: {code}")]
    Refused {
        /// Which one.
        topic: String,
        /// Why.
        code: RDKafkaErrorCode,
    },
}

/// Creates what does not exist; what exists stays as it is.
///
/// # Errors
/// See [`TopicsError`]; what was created before stays.
pub async fn create_topics(settings: &Settings) -> Result<(), TopicsError> {
    let admin: AdminClient<Talk> = settings.client().create_with_context(Talk)?;
    let replication = match settings.replication {
        0 => -1,
        times => times,
    };
    let wanted = Topic::ALL.iter().map(|topic| {
        let replication = TopicReplication::Fixed(replication);
        kept(
            *topic,
            NewTopic::new(topic.as_str(), settings.partitions, replication),
        )
    });
    let wanted: Vec<NewTopic<'_>> = wanted.collect();
    let options = AdminOptions::new()
        .request_timeout(Some(TIMEOUT))
        .operation_timeout(Some(TIMEOUT));
    for made in admin.create_topics(&wanted, &options).await? {
        match made {
            Ok(topic) => info!(topic, "topic created"),
            Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => {
                info!(topic, "topic exists already");
            }
            Err((topic, code)) => return Err(TopicsError::Refused { topic, code }),
        }
    }
    Ok(())
}

/// How long a broker may take to tell what it has.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// The topics that the broker does not have. Blocks.
///
/// # Errors
/// The broker does not answer.
pub fn missing_topics(settings: &Settings) -> Result<Vec<Topic>, TopicsError> {
    let asked: BaseConsumer<Talk> = settings.client().create_with_context(Talk)?;
    let told = asked.fetch_metadata(None, TOLD_WITHIN)?;
    let there = |topic: &Topic| told.topics().iter().any(|one| one.name() == topic.as_str());
    Ok(Topic::ALL
        .iter()
        .copied()
        .filter(|topic| !there(topic))
        .collect())
}

/// What was put aside waits for a person, however long that takes; of everything else the broker's
/// own setting says how long it is kept.
fn kept(topic: Topic, wanted: NewTopic<'_>) -> NewTopic<'_> {
    let is_aside = |from: &Topic| from.dead_letters() == Some(topic);
    if Topic::ALL.iter().any(is_aside) {
        wanted.set("retention.ms", "-1")
    } else {
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_kept() {
        for topic in Topic::ALL {
            let made = NewTopic::new(topic.as_str(), 1, TopicReplication::Fixed(1));
            let made = kept(*topic, made);
            let is_kept = made.config.contains(&("retention.ms", "-1"));
            assert_eq!(
                is_kept,
                topic.as_str().ends_with(".dead-letters"),
                "{topic}"
            );
        }
    }
}
