//! Owns taking messages from Kafka: one by one, and what is done is committed before the next.

use std::sync::Arc;

use application::ports::bus::{BusAway, Group, Received, Subscription, Topic};
use async_trait::async_trait;
use rdkafka::Message as _;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer as _, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::topic_partition_list::Offset;

use super::observed::Talk;
use super::settings::Settings;

impl ConsumerContext for Talk {}

/// A member of a group of the broker's.
pub(super) struct Member {
    topic: Topic,
    /// Until this member leaves.
    consumer: Option<Arc<StreamConsumer<Talk>>>,
    /// Where the message that came last is.
    last: Option<(i32, i64)>,
}

fn away(error: &KafkaError) -> BusAway {
    BusAway(error.to_string())
}

impl Member {
    pub(super) fn join(settings: &Settings, group: Group, topic: Topic) -> Result<Self, BusAway> {
        let consumer: StreamConsumer<Talk> = settings
            .consumer(group)
            .create_with_context(Talk)
            .map_err(|error| away(&error))?;
        let subscribed = consumer.subscribe(&[topic.as_str()]);
        subscribed.map_err(|error| away(&error))?;
        Ok(Self {
            topic,
            consumer: Some(Arc::new(consumer)),
            last: None,
        })
    }

    fn consumer(&self) -> Result<&Arc<StreamConsumer<Talk>>, BusAway> {
        let left = || BusAway("this member has left its group".to_owned());
        self.consumer.as_ref().ok_or_else(left)
    }
}

pub(super) fn received(topic: Topic, message: &BorrowedMessage<'_>) -> Received {
    let headers = message.headers().into_iter().flat_map(|headers| {
        let owned = headers.iter().map(|header| {
            let value = header.value.map(|value| value.to_vec().into());
            (header.key.to_owned().into(), value)
        });
        owned.collect::<Vec<_>>()
    });
    Received {
        topic,
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.collect(),
        payload: message.payload().unwrap_or_default().to_vec(),
        place: format!("{topic}/{}/{}", message.partition(), message.offset()),
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self) -> Result<Received, BusAway> {
        let consumer = self.consumer()?;
        let message = consumer.recv().await.map_err(|error| away(&error))?;
        let last = (message.partition(), message.offset());
        let received = received(self.topic, &message);
        drop(message);
        self.last = Some(last);
        Ok(received)
    }

    async fn done(&mut self) -> Result<(), BusAway> {
        let Some((partition, offset)) = self.last.take() else {
            return Ok(());
        };
        let mut done = TopicPartitionList::new();
        let next = Offset::Offset(offset.saturating_add(1));
        done.add_partition_offset(self.topic.as_str(), partition, next)
            .map_err(|error| away(&error))?;
        let consumer = Arc::clone(self.consumer()?);
        // The library waits for the broker, with the thread that asks.
        let committed =
            tokio::task::spawn_blocking(move || consumer.commit(&done, CommitMode::Sync)).await;
        match committed {
            Ok(committed) => committed.map_err(|error| away(&error)),
            Err(error) => Err(BusAway(error.to_string())),
        }
    }
}

/// Leaving a group takes the library a moment, in which its thread waits.
impl Drop for Member {
    fn drop(&mut self) {
        let consumer = self.consumer.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(consumer));
        }
    }
}
