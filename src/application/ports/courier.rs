//! Owns the port to the receivers of webhooks: one try of one delivery.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::trace::Trace;

use super::vault::Secret;

/// What is said to a receiver.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Where to.
    pub url: &'a str,
    /// The message's name: the same at every try, so that a receiver knows it again.
    pub id: &'a str,
    /// When this try is made; part of what is signed.
    pub at: Timestamp,
    /// What it is signed with; two while the receiver changes from one to the other.
    pub secrets: &'a [Secret],
    /// The message, byte for byte.
    pub body: &'a [u8],
    /// The trace that it is sent in; none where what it tells of has none.
    pub trace: Option<Trace>,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The receiver has it.
    Taken(Reply),
    /// The receiver does not want anything any more (status 410).
    Gone(Reply),
    /// The receiver answered otherwise; a redirect is such an answer.
    Refused {
        /// What it answered.
        reply: Reply,
        /// How long it wants to be left alone, where it says so in seconds.
        retry_after: Option<Duration>,
    },
    /// No answer came in time.
    Unanswered(String),
    /// Nothing was sent: the address is none that merchants' messages may go to.
    Forbidden(String),
}

/// The answer of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// How its body begins, for the merchant's eyes.
    pub excerpt: String,
}

/// Brings messages to receivers. It never follows a redirect and never tries twice by itself.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Whether messages may be sent to this address at all, as far as that can be told without
    /// asking anybody; the address itself is looked at again at every try.
    ///
    /// # Errors
    /// Why not, for who entered the address.
    fn admit(&self, url: &str) -> Result<(), String>;

    /// A secret to sign with, in the form that receivers are given it, around `random`, which has
    /// 256 random bits as visible ASCII.
    fn secret(&self, random: &str) -> Secret;

    /// Makes one try.
    async fn deliver(&self, letter: Letter<'_>) -> Receipt;
}
