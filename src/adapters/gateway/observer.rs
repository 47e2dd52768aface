//! Owns what of the calls to a gateway is counted: by operation, by outcome, and how long.

use std::fmt;
use std::time::Duration;

use domain::id::GatewayAccountId;
use domain::snapshot::{Answer, Cause};

use super::Share;
use super::breaker::Turn;

/// What a call to a gateway is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Capture.
    Confirm,
    /// Give back.
    Cancel,
    /// Capture with a billing key.
    Charge,
    /// Have a virtual account issued.
    IssueAccount,
    /// Make a billing key.
    IssueKey,
    /// Delete a billing key.
    DeleteKey,
    /// Ask by the authentication's key.
    AskByKey,
    /// Ask by the order id that the window was opened with.
    AskByOrder,
    /// Ask because of a notification that nothing vouches for.
    Glance,
    /// Read the list of movements.
    List,
}

impl Operation {
    /// The word in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Charge => "charge",
            Self::IssueAccount => "issue_account",
            Self::IssueKey => "issue_key",
            Self::DeleteKey => "delete_key",
            Self::AskByKey => "ask_by_key",
            Self::AskByOrder => "ask_by_order",
            Self::Glance => "glance",
            Self::List => "list",
        }
    }

    /// Whether it changes something there.
    #[must_use]
    pub const fn share(self) -> Share {
        match self {
            Self::Confirm
            | Self::Cancel
            | Self::Charge
            | Self::IssueAccount
            | Self::IssueKey
            | Self::DeleteKey => Share::Action,
            Self::AskByKey | Self::AskByOrder | Self::Glance | Self::List => Share::Question,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who counts.
pub trait Observer: Send + Sync {
    /// A call ended, or was held back; `outcome` is one word of a short list.
    fn called(
        &self,
        account: GatewayAccountId,
        operation: Operation,
        outcome: &'static str,
        took: Duration,
    );

    /// The breaker of an account opened or closed.
    fn turned(&self, account: GatewayAccountId, turn: Turn);
}

/// The word for what came back.
pub(super) const fn outcome(answer: &Answer) -> &'static str {
    match answer {
        Answer::Found(_) => "found",
        Answer::Declined(_) => "declined",
        Answer::NotFound => "not_found",
        Answer::Unknown(cause) => unknown(cause),
    }
}

/// The word for why nothing came back that tells anything.
pub(super) const fn unknown(cause: &Cause) -> &'static str {
    match cause {
        Cause::NotSent => "not_sent",
        Cause::Lost => "lost",
        Cause::Busy { .. } => "busy",
        Cause::Temporary(_) => "temporary",
        Cause::Conflict(_) => "conflict",
        Cause::SessionGone => "session_gone",
        Cause::Refused(_) => "refused",
        Cause::Configuration(_) => "configuration",
        Cause::Unreadable(_) => "unreadable",
        Cause::Mute => "mute",
    }
}
