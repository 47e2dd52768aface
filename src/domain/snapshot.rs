//! Owns what the gateway says about one payment: a snapshot, and the four kinds of answer.

use crate::Timestamp;
use crate::decline::Decline;
use crate::money::Money;
use crate::text::{PaymentKey, TransactionKey};
use crate::virtual_account::ShownAccount;

/// The gateway's own status of a payment (`toss-api.md §8`). Never a closed list: new words come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The window is open.
    Ready,
    /// Authenticated, not approved.
    InProgress,
    /// A virtual account waits for its deposit.
    WaitingForDeposit,
    /// Captured.
    Done,
    /// Cancelled in one call.
    Canceled,
    /// Cancelled in parts, possibly down to zero.
    PartialCanceled,
    /// The approval was refused.
    Aborted,
    /// Window or authentication lapsed.
    Expired,
    /// A word we do not know.
    Other(String),
}

/// One cancellation that the gateway executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The gateway's name of this movement.
    pub transaction_key: TransactionKey,
    /// What was given back.
    pub amount: Money,
    /// The part of it without VAT, where that is told.
    pub tax_free: Option<Money>,
    /// The reason as it was sent; ours carries the saga id.
    pub reason: String,
    /// Whether it is final (overseas cancellations can be under way).
    pub done: bool,
    /// When the gateway says it happened.
    pub canceled_at: Option<Timestamp>,
}

/// What the gateway says about one payment now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which authentication.
    pub payment_key: PaymentKey,
    /// The order id that the window was opened with; not parsed, it may be a foreign one.
    pub order_id: String,
    /// The gateway's merchant id.
    pub merchant_id: String,
    /// The gateway's status.
    pub status: Status,
    /// The first amount; constant. `None` when the currency or number cannot be read.
    pub total: Option<Money>,
    /// What is left of it.
    pub balance: Option<Money>,
    /// The part of what is left that is without VAT (`toss-api.md §7`).
    pub tax_free: Option<Money>,
    /// When it was captured.
    pub approved_at: Option<Timestamp>,
    /// The newest movement.
    pub last_transaction_key: Option<TransactionKey>,
    /// Cancellations, oldest first.
    pub cancels: Vec<Cancel>,
    /// Why an approval was refused, when the status says so.
    pub failure: Option<Decline>,
    /// Card, easy pay, transfer …, as the gateway words it.
    pub method: Option<String>,
    /// Where the buyer's receipt is.
    pub receipt_url: Option<String>,
    /// Where the buyer pays in, of a virtual account.
    pub account: Option<Box<ShownAccount>>,
}

impl Snapshot {
    /// The part of the first amount that the gateway counts as without VAT. `None` where it does
    /// not say, or says more than the amount.
    #[must_use]
    pub fn tax_free_captured(&self) -> Option<Money> {
        let done = self.cancels.iter().filter(|cancel| cancel.done);
        let mut parts = done.map(|cancel| cancel.tax_free);
        let captured = parts.try_fold(self.tax_free?, |sum, part| sum.plus(part?).ok())?;
        self.total?.minus(captured).is_ok().then_some(captured)
    }

    /// Whether the gateway holds, or once held, captured money for this payment.
    #[must_use]
    pub fn is_captured(&self) -> bool {
        match self.status {
            Status::Done | Status::PartialCanceled => true,
            // A virtual account cancelled before its deposit was never captured.
            Status::Canceled => self.approved_at.is_some(),
            Status::Ready
            | Status::InProgress
            | Status::WaitingForDeposit
            | Status::Aborted
            | Status::Expired
            | Status::Other(_) => false,
        }
    }
}

/// What came back from a call or a question. There is no `Result`: it would blur the third kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The gateway showed the payment; its status says what is true.
    Found(Box<Snapshot>),
    /// A definitive refusal of this call, from the explicit list of codes.
    Declined(Decline),
    /// The gateway knows no such payment (an answer to a question).
    NotFound,
    /// Anything else: the outcome is not known.
    Unknown(Cause),
}

/// Why an outcome is unknown, as far as it changes what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Provably nothing left this machine: refused by the breaker, or no connection was made.
    NotSent,
    /// Sent, and no answer came: timeout, reset, body cut short.
    Lost,
    /// The same call is still running there, or we are told to slow down (409, 429).
    Busy {
        /// The gateway's `Retry-After`, in seconds.
        retry_after_seconds: Option<u32>,
    },
    /// A temporary error was received (class T): it is stored under the key.
    Temporary(String),
    /// A state conflict was received (class S): look.
    Conflict(String),
    /// `NOT_FOUND_PAYMENT_SESSION` was received: the session is over, or never was.
    SessionGone,
    /// A 5xx with the code of a decline: believed once a question shows no effect.
    Refused(Decline),
    /// Our credentials are at fault; the breaker of the account opens.
    Configuration(String),
    /// Received and not understood: unknown code, HTML, wrong body.
    Unreadable(String),
    /// This gateway answers no questions: what became of a call, only its repeat under the same
    /// key tells.
    Mute,
}
