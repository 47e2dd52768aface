//! Owns what of Redis operators see: what it is used for, whether it is there, and what it spares.

use std::time::Duration;

/// What it is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A connection is made.
    Connect,
    /// It is asked what is known of a request.
    Begin,
    /// It is told that a request is over.
    End,
    /// A token is taken out of a bucket.
    Limit,
    /// A bell is rung in other copies.
    Ring,
    /// The bells of other copies are listened to.
    Listen,
}

impl Use {
    /// Every use.
    pub const ALL: [Self; 6] = [
        Self::Connect,
        Self::Begin,
        Self::End,
        Self::Limit,
        Self::Ring,
        Self::Listen,
    ];

    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Begin => "begin",
            Self::End => "end",
            Self::Limit => "limit",
            Self::Ring => "ring",
            Self::Listen => "listen",
        }
    }
}

/// Who counts.
pub trait Observer: Send + Sync {
    /// It answered.
    fn answered(&self, used: Use, took: Duration);

    /// It did not, or not in time, or with an error.
    fn failed(&self, used: Use);

    /// It is there from now on, or is not.
    fn is_up(&self, up: bool);

    /// A repeat was told what is kept here, and the store not asked.
    fn spared(&self);
}
