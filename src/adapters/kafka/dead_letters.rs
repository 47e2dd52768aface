//! Owns looking at what was put aside: everything a topic keeps, without taking anything.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use application::ports::bus::{BusAway, Group, Received, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
use rdkafka::topic_partition_list::Offset;

use super::consumer::received;
use super::observed::Talk;
use super::settings::Settings;

/// Joins nobody: the partitions are named, and nothing is committed.
const GROUP: Group = Group("payflow-looking");
/// How long the broker may take to say something.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Everything that `topic` keeps, in the order of its partitions.
///
/// # Errors
/// The broker is away, or knows no such topic.
pub async fn kept(settings: &Settings, topic: Topic) -> Result<Vec<Received>, BusAway> {
    let settings = settings.clone();
    let looking = tokio::task::spawn_blocking(move || look(&settings, topic)).await;
    match looking {
        Ok(found) => found.map_err(|error| BusAway(error.to_string())),
        Err(error) => Err(BusAway(error.to_string())),
    }
}

/// Why not everything could be looked at.
#[derive(Debug, thiserror::Error)]
enum Unseen {
    #[error(transparent)]
    Broker(#[from] KafkaError),
    #[error("the broker has no such topic; `payflow migrate` makes it")]
    NoTopic,
    #[error("the broker says nothing of {0} partitions")]
    Silent(usize),
}

fn look(settings: &Settings, topic: Topic) -> Result<Vec<Received>, Unseen> {
    let mut config = settings.consumer(GROUP);
    config.set("enable.partition.eof", "true");
    let consumer: BaseConsumer<Talk> = config.create_with_context(Talk)?;
    let metadata = consumer.fetch_metadata(Some(topic.as_str()), TIMEOUT)?;
    let known = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let mut open: HashSet<i32> = known.map(MetadataPartition::id).collect();
    if open.is_empty() {
        return Err(Unseen::NoTopic);
    }
    let mut places = TopicPartitionList::new();
    for partition in &open {
        places.add_partition_offset(topic.as_str(), *partition, Offset::Beginning)?;
    }
    consumer.assign(&places)?;
    let mut found = Vec::new();
    let mut heard = Instant::now();
    while !open.is_empty() && heard.elapsed() < TIMEOUT {
        match consumer.poll(Duration::from_millis(100)) {
            None => continue,
            Some(Ok(message)) => found.push(received(topic, &message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => return Err(error.into()),
        }
        heard = Instant::now();
    }
    // A part would look like the whole.
    if !open.is_empty() {
        return Err(Unseen::Silent(open.len()));
    }
    found.sort_by(|one: &Received, other| one.place.cmp(&other.place));
    Ok(found)
}
