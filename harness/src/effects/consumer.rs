//! Owns the consumer itself: a program that has an effect of each event before it tells the broker
//! how far it is, and that can be told to die in between.

use std::path::PathBuf;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::message::{Message as _, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rustix::process::{Signal, getpid, kill_process};
use tokio::time::{sleep, timeout};

use super::{Book, Told};

/// How long is waited for one more event of the same commit.
const MORE: Duration = Duration::from_millis(20);

/// Has an effect of every event, as often as it is told of it unless it marks what it has done.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The broker's address.
    #[arg(long)]
    address: String,
    /// Who reads, to the broker.
    #[arg(long)]
    group: String,
    /// Its own books.
    #[arg(long)]
    book: PathBuf,
    /// How many events one commit takes at most.
    #[arg(long)]
    batch: usize,
    /// Dies by SIGKILL after so many commits, before it tells the broker of the last of them.
    #[arg(long)]
    dies_after: Option<u64>,
    /// Does not mark what it has done.
    #[arg(long)]
    forgetful: bool,
}

/// Goes on until it is killed.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut book = Book::open(&arguments.book, !arguments.forgetful)?;
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", &arguments.address)
        .set("group.id", &arguments.group)
        .set("session.timeout.ms", "1000")
        .set("heartbeat.interval.ms", "100")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("topic.metadata.refresh.interval.ms", "200")
        .set("fetch.wait.max.ms", "10")
        .create()?;
    consumer.subscribe(&[crate::bus::reading::TOPIC])?;
    let mut commits: u64 = 0;
    loop {
        let messages = batch(&consumer, arguments.batch).await;
        let read = |message: &OwnedMessage| Told::read(message.payload().unwrap_or_default());
        let events: anyhow::Result<Vec<Told>> = messages.iter().map(read).collect();
        book.take(&events?)?;
        commits = commits.saturating_add(1);
        if arguments.dies_after == Some(commits) {
            kill_process(getpid(), Signal::KILL)?;
        }
        let mut done = TopicPartitionList::new();
        for message in &messages {
            let next = Offset::Offset(message.offset().saturating_add(1));
            let (topic, partition) = (message.topic(), message.partition());
            done.add_partition_offset(topic, partition, next)?;
        }
        // Who lost its partitions to another member reads on in the next ones; what it did is
        // done again, and changes nothing.
        let _ = consumer.commit(&done, CommitMode::Sync);
    }
}

/// The next events, at least one.
async fn batch(consumer: &StreamConsumer, most: usize) -> Vec<OwnedMessage> {
    let mut messages = Vec::new();
    while messages.is_empty() {
        match consumer.recv().await {
            Ok(message) => messages.push(message.detach()),
            // The topic is made by what is told.
            Err(_) => sleep(MORE).await,
        }
    }
    while messages.len() < most
        && let Ok(Ok(message)) = timeout(MORE, consumer.recv()).await
    {
        messages.push(message.detach());
    }
    messages
}
