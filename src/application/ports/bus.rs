//! Owns the port to the bus: where what happened is published for everybody outside, and where
//! what others publish is taken.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use domain::feed::Reader;

use super::sink::Begin;

macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident => $word:literal),+ $(,)?) => {
        /// What messages are sorted by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Topic {
            $($(#[$doc])* $name),+
        }

        impl Topic {
            /// Every topic.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name on the bus.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word),+
                }
            }
        }
    };
}

topics! {
    /// Every event of every payment, by payment.
    PaymentEvents => "payment.events.v1",
    /// Every event of every subscription and stored card, each by its own id.
    BillingEvents => "billing.events.v1",
    /// What members are to be told, by member.
    Notifications => "payment.notification.requested",
    /// Sagas that wait for a worker, by payment.
    PaymentRequested => "payment.requested.v1",
    /// Orders that others announce.
    OrderCreated => "order.created",
    /// What came as a saga that waits and was none.
    PaymentRequestedDead => "payment.requested.v1.dead-letters",
    /// What came as an order and could not be one.
    OrderCreatedDead => "order.created.dead-letters",
}

impl Topic {
    /// Where goes what came here and can never be dealt with; none for what only leaves.
    #[must_use]
    pub const fn dead_letters(self) -> Option<Self> {
        match self {
            Self::PaymentRequested => Some(Self::PaymentRequestedDead),
            Self::OrderCreated => Some(Self::OrderCreatedDead),
            Self::PaymentEvents
            | Self::BillingEvents
            | Self::Notifications
            | Self::PaymentRequestedDead
            | Self::OrderCreatedDead => None,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A header's name, and its value where it has one: none is not the same as an empty one.
pub type Header = (Cow<'static, str>, Option<Cow<'static, [u8]>>);

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub topic: Topic,
    /// Messages of a topic with the same key keep their order; those without one have none.
    pub key: Option<Vec<u8>>,
    /// What is known of it without reading it.
    pub headers: Vec<Header>,
    /// What it says.
    pub payload: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The bus has it and will not lose it.
    Acknowledged,
    /// The bus will never take it as it is, for this reason.
    Refused(String),
    /// The bus did not take it now, or did not say so, for this reason; it may have it.
    Away(String),
}

/// Who takes messages together: each message is done by one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(pub &'static str);

/// A message as it came in; anybody may have published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Where.
    pub topic: Topic,
    /// Its key, where it has one.
    pub key: Option<Vec<u8>>,
    /// Its headers, in their order.
    pub headers: Vec<Header>,
    /// What it says.
    pub payload: Vec<u8>,
    /// Which message of the topic it is, for people.
    pub place: String,
}

/// The bus cannot be spoken with now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bus is away: {0}")]
pub struct BusAway(pub String);

/// A member of a group.
#[async_trait]
pub trait Subscription: Send {
    /// The next message that the group has not done; waits for it. After an error, and before
    /// [`Subscription::done`], the same message may come again, to this member or another.
    ///
    /// Dropping the future half way loses nothing.
    async fn next(&mut self) -> Result<Received, BusAway>;

    /// The message that came last is done: the group need not be given it again.
    async fn done(&mut self) -> Result<(), BusAway>;
}

/// Where messages are published, and taken.
#[async_trait]
pub trait Bus: Send + Sync {
    /// As what the relay to this bus is remembered.
    fn reader(&self) -> Reader;

    /// From where on events are told to a bus that was never told any.
    fn begin(&self) -> Begin;

    /// How many calls of [`Bus::publish`] may be under way at once. There is no order between them:
    /// messages that have one must never be in two of them.
    fn at_once(&self) -> usize {
        1
    }

    /// Publishes messages in their order; the receipt of each.
    ///
    /// A message is not taken unless every earlier one of its topic and key in `messages` was; it
    /// is away then. Publishing again what is away keeps the order of first appearances: whoever
    /// skips what was seen before sees every key's messages in their order, without gaps.
    ///
    /// What is acknowledged is given to every group that subscribed to its topic before.
    async fn publish(&self, messages: &[Message]) -> Vec<Receipt>;

    /// Joins a group that takes the messages of a topic, from where the group is; a new group
    /// begins with the first message that is kept.
    fn subscribe(&self, group: Group, topic: Topic) -> Result<Box<dyn Subscription>, BusAway>;
}
