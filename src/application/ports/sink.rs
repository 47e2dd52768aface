//! Owns the port to who is told of events: a broker, merchants' endpoints, whoever has to hear of
//! each of them at least once and in its subject's order.

use async_trait::async_trait;
use domain::change::Change;
use domain::feed::{Happening, Reader};

/// An event to be told, and where it is in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its position.
    pub position: i64,
    /// The event, which is moved from hand to hand.
    pub event: Box<Happening>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was taken and will not be lost: it need not be told again.
    Delivered,
    /// Being told is nothing but these changes, which are committed together with the cursor: it
    /// happens exactly once. They must not be refused because of anybody but this reader.
    Effected(Vec<Change>),
    /// It can never be taken as it is, for this reason. It is parked, and so are later ones of its
    /// subject; the others go on.
    Poisoned(String),
    /// It cannot be taken now, for this reason. It is told again, after a pause; nothing is parked.
    Unavailable(String),
}

/// From where a reader is told that has never been told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// From the first event of all.
    Start,
    /// From what happens next.
    Now,
}

/// Who is told of events.
#[async_trait]
pub trait Sink: Send + Sync {
    /// As what it is remembered.
    fn reader(&self) -> Reader;

    /// Where its first time begins.
    fn begin(&self) -> Begin;

    /// How many calls of [`Sink::deliver`] may be under way at once. Never are two of them told of
    /// the same subject.
    fn at_once(&self) -> usize {
        1
    }

    /// Tells of events, in the order of the feed, each once; the fate of each, in the same order.
    /// An event that has no fate counts as unavailable.
    ///
    /// Different subjects may be told of side by side. Of one subject an event MUST NOT be taken
    /// unless every earlier one in `events` was: what is answered for it then counts for nothing.
    /// Dropping the future half way leaves open what was taken; it is told again.
    async fn deliver(&self, events: &[Told]) -> Vec<Fate>;
}
