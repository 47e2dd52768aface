//! Owns looking at what was put aside: what a topic keeps, one letter after the other, without
//! taking anything.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use application::ports::bus::{BusAway, Group, Received, Topic};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
use rdkafka::topic_partition_list::Offset;
use rdkafka::{Message as _, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::consumer::received;
use super::observed::Talk;
use super::settings::Settings;

/// Joins nobody: the partitions are named, and nothing is committed.
const GROUP: Group = Group("payflow-looking");
/// How long the broker may take to say something.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How many letters wait for whoever reads; the library fetches a few MB ahead of them.
const AHEAD: usize = 16;
/// What the library may keep of a topic, in kB.
const FETCHED_KB: &str = "4096";

/// Where a message of a topic is: in the order in which a topic is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Of which topic.
    pub topic: Topic,
    /// In which partition of it.
    pub partition: i32,
    /// Which message of the partition.
    pub offset: i64,
}

/// A text names no message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place is TOPIC/PARTITION/OFFSET, as `list` names it")]
pub struct NoSpot;

impl FromStr for Spot {
    type Err = NoSpot;

    fn from_str(text: &str) -> Result<Self, NoSpot> {
        let mut parts = text.rsplitn(3, '/');
        let offset = parts.next().and_then(|offset| offset.parse().ok());
        let partition = parts.next().and_then(|partition| partition.parse().ok());
        let name = parts.next().ok_or(NoSpot)?;
        let mut topics = Topic::ALL.iter().copied();
        let topic = topics.find(|topic| topic.as_str() == name).ok_or(NoSpot)?;
        match (partition, offset) {
            (Some(partition), Some(offset)) if partition >= 0 && offset >= 0 => Ok(Self {
                topic,
                partition,
                offset,
            }),
            _ => Err(NoSpot),
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// A partition, from which offset on it is read, and before which.
type Part = (i32, i64, i64);

/// What a topic of dead letters keeps.
pub struct Letters {
    settings: Settings,
    topic: Topic,
    /// The partitions, and before which offset reading ends in each.
    ends: BTreeMap<i32, i64>,
}

/// Why not everything could be looked at.
#[derive(Debug, thiserror::Error)]
enum Unseen {
    #[error(transparent)]
    Broker(#[from] KafkaError),
    #[error("the broker has no such topic; `payflow migrate` makes it")]
    NoTopic,
    // A part would look like the whole.
    #[error("the broker says nothing of partition {0}")]
    Silent(i32),
}

impl From<Unseen> for BusAway {
    fn from(unseen: Unseen) -> Self {
        Self(unseen.to_string())
    }
}

impl Letters {
    /// Asks the broker for the partitions of `topic`.
    ///
    /// # Errors
    /// The broker is away, or knows no such topic.
    pub async fn of(settings: &Settings, topic: Topic) -> Result<Self, BusAway> {
        let settings = settings.clone();
        let asked = spawn_blocking(move || {
            let ends = partitions(&settings, topic)?;
            Ok::<_, Unseen>(Self {
                settings,
                topic,
                ends,
            })
        });
        match asked.await {
            Ok(found) => found.map_err(BusAway::from),
            Err(error) => Err(BusAway(error.to_string())),
        }
    }

    /// Those up to the last offsets of each partition, and no others: reading them ends even where
    /// every letter is answered with a new one.
    #[must_use]
    pub fn until(mut self, last: &BTreeMap<i32, i64>) -> Self {
        for (partition, end) in &mut self.ends {
            *end = last
                .get(partition)
                .map_or(0, |offset| offset.saturating_add(1));
        }
        self
    }

    /// Of which topic they are.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        self.topic
    }

    /// What is kept behind `after`, by partition and offset, as fast as it is taken and no faster.
    /// After an error nothing comes; dropping the receiver ends the reading.
    #[must_use]
    pub fn read(&self, after: Option<Spot>) -> mpsc::Receiver<Result<Received, BusAway>> {
        self.reading(self.behind(after).map(|part| vec![part]).collect())
    }

    /// As [`Letters::read`], in no order between partitions, and so all of them at once.
    #[must_use]
    pub fn survey(&self) -> mpsc::Receiver<Result<Received, BusAway>> {
        self.reading(vec![self.behind(None).collect()])
    }

    /// Reads these groups of parts, one after the other.
    fn reading(&self, groups: Vec<Vec<Part>>) -> mpsc::Receiver<Result<Received, BusAway>> {
        let (told, letters) = mpsc::channel(AHEAD);
        let (settings, topic) = (self.settings.clone(), self.topic);
        spawn_blocking(move || {
            let tell = |letter| told.blocking_send(Ok(letter)).is_ok();
            if let Err(unseen) = look(&settings, topic, &groups, tell) {
                // Nobody may be waiting for it any more.
                drop(told.blocking_send(Err(unseen.into())));
            }
        });
        letters
    }

    /// The letter at a place; none where nothing is kept there.
    ///
    /// # Errors
    /// The broker is away.
    pub async fn at(&self, spot: Spot) -> Result<Option<Received>, BusAway> {
        let end = self.ends.get(&spot.partition);
        if spot.topic != self.topic || end.is_none_or(|end| spot.offset >= *end) {
            return Ok(None);
        }
        let (settings, topic) = (self.settings.clone(), self.topic);
        let groups = [vec![(
            spot.partition,
            spot.offset,
            spot.offset.saturating_add(1),
        )]];
        let looking = spawn_blocking(move || {
            let mut found = None;
            look(&settings, topic, &groups, |letter| {
                found = Some(letter);
                false
            })?;
            Ok::<_, Unseen>(found)
        });
        match looking.await {
            Ok(found) => found.map_err(BusAway::from),
            Err(error) => Err(BusAway(error.to_string())),
        }
    }

    /// What is to be read of each partition: from where, and before where.
    fn behind(&self, after: Option<Spot>) -> impl Iterator<Item = Part> {
        self.ends.iter().filter_map(move |(partition, end)| {
            let from = match after {
                Some(after) if *partition < after.partition => return None,
                Some(after) if *partition == after.partition => after.offset.saturating_add(1),
                Some(_) | None => 0,
            };
            (from < *end).then_some((*partition, from, *end))
        })
    }
}

fn consumer(settings: &Settings) -> Result<BaseConsumer<Talk>, KafkaError> {
    let mut config = settings.consumer(GROUP);
    config
        .set("enable.partition.eof", "true")
        .set("queued.max.messages.kbytes", FETCHED_KB);
    config.create_with_context(Talk)
}

fn partitions(settings: &Settings, topic: Topic) -> Result<BTreeMap<i32, i64>, Unseen> {
    let consumer = consumer(settings)?;
    let metadata = consumer.fetch_metadata(Some(topic.as_str()), TIMEOUT)?;
    let known = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let ends: BTreeMap<i32, i64> = known
        .map(MetadataPartition::id)
        .map(|partition| (partition, i64::MAX))
        .collect();
    if ends.is_empty() {
        return Err(Unseen::NoTopic);
    }
    Ok(ends)
}

/// Tells what is in the groups of parts, one after the other, until `tell` wants no more.
fn look(
    settings: &Settings,
    topic: Topic,
    groups: &[Vec<Part>],
    mut tell: impl FnMut(Received) -> bool,
) -> Result<(), Unseen> {
    let consumer = consumer(settings)?;
    for parts in groups {
        if !look_at(&consumer, topic, parts, &mut tell)? {
            break;
        }
    }
    Ok(())
}

/// Tells what is in these parts; whether more is wanted.
fn look_at(
    consumer: &BaseConsumer<Talk>,
    topic: Topic,
    parts: &[Part],
    tell: &mut impl FnMut(Received) -> bool,
) -> Result<bool, Unseen> {
    let mut places = TopicPartitionList::new();
    for (partition, from, _) in parts {
        let begin = match from {
            0 => Offset::Beginning,
            from => Offset::Offset(*from),
        };
        places.add_partition_offset(topic.as_str(), *partition, begin)?;
    }
    consumer.assign(&places)?;
    let bounds = parts
        .iter()
        .map(|(partition, from, end)| (*partition, (*from, *end)));
    let mut open: BTreeMap<i32, (i64, i64)> = bounds.collect();
    let mut heard = Instant::now();
    while let Some((silent, _)) = open.first_key_value() {
        match consumer.poll(Duration::from_millis(100)) {
            None if heard.elapsed() >= TIMEOUT => return Err(Unseen::Silent(*silent)),
            None => continue,
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                // What was fetched of a partition before is not asked for any more; and where
                // nothing is at a place, the broker begins elsewhere.
                if let Some((from, end)) = open.get(&partition).copied() {
                    let is_wanted = from <= offset && offset < end;
                    if is_wanted && !tell(received(topic, &message)) {
                        return Ok(false);
                    }
                    if offset.saturating_add(1) >= end {
                        open.remove(&partition);
                    }
                }
            }
            Some(Err(KafkaError::PartitionEOF(ended))) => {
                open.remove(&ended);
            }
            Some(Err(error)) => return Err(error.into()),
        }
        heard = Instant::now();
    }
    Ok(true)
}
