//! Owns the feed: the one order of all events, how far each of its readers is, and what a reader
//! put aside because it could not deliver it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Timestamp;
use crate::event::PaymentEvent;
use crate::id::PaymentId;
use crate::lease::{Job, Tenure};
use crate::member_event::{self, MemberEvent};
use crate::principal::{Scope, UnknownWord};

/// Who reads the feed, and is remembered where it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reader(Job);

impl Reader {
    /// A reader of ours. Its name is that of the job, too: one process reads for it at a time.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(Job::named(name))
    }

    /// The job of reading for it.
    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.0
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Reader {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        text.parse().map(Self)
    }
}

/// What events are of: each has an order of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A payment.
    Payment(PaymentId),
    /// What a member has besides.
    Member(member_event::Subject),
}

impl Subject {
    /// The payment, where it is one.
    #[must_use]
    pub const fn payment(self) -> Option<PaymentId> {
        match self {
            Self::Payment(payment) => Some(payment),
            Self::Member(_) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment(payment) => payment.fmt(f),
            Self::Member(subject) => subject.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = crate::id::Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The prefixes of ids tell them apart.
        let payment = text.parse().map(Self::Payment);
        payment.or_else(|_| text.parse().map(Self::Member))
    }
}

/// One event of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// To a payment.
    Payment(PaymentEvent),
    /// To what a member has besides.
    Member(MemberEvent),
}

impl Happening {
    /// Of what.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        match self {
            Self::Payment(event) => Subject::Payment(event.payment),
            Self::Member(event) => Subject::Member(event.subject),
        }
    }

    /// Which of its events.
    #[must_use]
    pub const fn sequence(&self) -> i64 {
        match self {
            Self::Payment(event) => event.sequence,
            Self::Member(event) => event.sequence,
        }
    }

    /// Whose, and in which mode.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Payment(event) => event.scope,
            Self::Member(event) => event.scope,
        }
    }

    /// When.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Payment(event) => event.at,
            Self::Member(event) => event.at,
        }
    }
}

/// How far somebody has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// What the position is counted in; after a restore, positions mean other events.
    pub epoch: i64,
    /// The last position that is done; 0 before the first.
    pub position: i64,
}

/// Where an event is in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// 1 for the first event of all, without gaps.
    pub position: i64,
    /// Whose.
    pub scope: Scope,
    /// Of what.
    pub subject: Subject,
    /// Which of its events.
    pub sequence: i64,
}

/// An event that a reader could not deliver, or that follows one of its subject that it could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// By which reader.
    pub reader: Reader,
    /// Of what.
    pub subject: Subject,
    /// Which of its events.
    pub sequence: i64,
    /// Where it is in the feed.
    pub position: i64,
    /// Why it is not delivered.
    pub reason: String,
    /// Since when.
    pub parked_at: Timestamp,
    /// Whether somebody asked to try again from this event on.
    pub asked: bool,
}

/// Which parked event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkedKey {
    /// By which reader.
    pub reader: Reader,
    /// Of what.
    pub subject: Subject,
    /// Which of its events.
    pub sequence: i64,
}

impl Parked {
    /// Which one it is.
    #[must_use]
    pub fn key(&self) -> ParkedKey {
        ParkedKey {
            reader: self.reader.clone(),
            subject: self.subject,
            sequence: self.sequence,
        }
    }
}

/// What positions are counted in from some time on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Higher than every one before.
    pub number: i64,
    /// Since when.
    pub raised_at: Timestamp,
    /// Why positions may mean other events than before.
    pub why: String,
}

/// One write about who reads what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Prolongs a lease; its fence must be this tenure's. Whatever is committed with it is written
    /// by the holder or not at all.
    KeepLease {
        /// Of which job, taken when.
        tenure: Tenure,
        /// For how long from now, by the database's clock.
        lease: Duration,
    },
    /// A reader's first place; it must have none.
    StartCursor {
        /// Which reader.
        reader: Reader,
        /// Where it begins.
        at: Cursor,
    },
    /// A reader is further now.
    MoveCursor {
        /// Which reader.
        reader: Reader,
        /// Where it must be.
        from: Cursor,
        /// Where it is.
        to: Cursor,
    },
    /// Puts an event aside; the reader must not have done so before.
    Park(Parked),
    /// Notes why a parked event is parked still; it must be there.
    KeepParked {
        /// Which one.
        key: ParkedKey,
        /// Why.
        reason: String,
    },
    /// Asks for a parked event, and what is parked behind it, to be tried again.
    AskReplay(ParkedKey),
    /// A parked event was delivered after all.
    Unpark(ParkedKey),
    /// Counts positions anew; the number must be free.
    RaiseEpoch(Epoch),
}

impl Change {
    /// Where it stands in the order of locks, see [`crate::change::Change::lock_order`].
    pub(crate) fn lock_order(&self) -> (u8, String) {
        match self {
            Self::KeepLease { tenure, .. } => (20, tenure.job.to_string()),
            Self::StartCursor { reader, .. } | Self::MoveCursor { reader, .. } => {
                (21, reader.to_string())
            }
            Self::Park(parked) => (22, parked.key().place()),
            Self::KeepParked { key, .. } | Self::AskReplay(key) | Self::Unpark(key) => {
                (22, key.place())
            }
            Self::RaiseEpoch(epoch) => (23, format!("{:020}", epoch.number)),
        }
    }
}

impl ParkedKey {
    fn place(&self) -> String {
        format!("{}/{}/{:020}", self.reader, self.subject, self.sequence)
    }
}
