//! Owns the port to a payment gateway: actions take their key, questions are safe to repeat.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::payment::Methods;
use domain::saga::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall};
use domain::snapshot::{Answer, Cause};
use domain::text::{PaymentKey, TransactionKey};

pub use super::abilities::{Abilities, Ability};
pub use super::account::{AccountWish, CashReceipt, ReceiptKind, RefundAccount};
pub use super::card_on_file::{DeleteCall, Deleted, Instrument, IssueCall, Issued, NewKey};

/// Why no new saga should be opened at a gateway account now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The breaker is open: the gateway or our credentials are failing.
    #[error("the gateway is failing; try again in {retry_after:?}")]
    BreakerOpen {
        /// When a probe will be let through.
        retry_after: Duration,
    },
    /// As many calls as the account may have are under way.
    #[error("too many calls to the gateway are under way")]
    BulkheadFull,
}

/// What a line of the gateway's list is about, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Money was taken.
    Capture,
    /// Money was given back.
    Cancel,
    /// A word we do not know.
    Other,
    /// No money by itself: an account was issued, or what was paid into it is gone.
    Nothing,
}

/// A line of the gateway's list of movements. It only says where to look: amounts are read where
/// the payment itself is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The gateway's name of the movement.
    pub transaction_key: TransactionKey,
    /// Of which authentication.
    pub payment_key: PaymentKey,
    /// The order id that the window was opened with; not parsed, it may be a foreign one.
    pub order_id: String,
    /// What it is about.
    pub line: Line,
    /// When it happened, where that can be read.
    pub at: Option<Timestamp>,
}

/// A page of the gateway's list of movements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// What moved, in the gateway's order.
    pub listed: Vec<Listed>,
    /// How many lines cannot be told to any payment.
    pub unreadable: usize,
    /// After which movement the next page begins; none when no line of this one names any.
    pub next: Option<TransactionKey>,
}

/// What a gateway knows of the account that it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which of the account's secret keys it calls with.
    pub credential_version: i32,
    /// What the payment window is opened with; public by nature.
    pub client_key: Option<Arc<str>>,
    /// Whether the account takes new payments.
    pub active: bool,
    /// What it can do beside taking money.
    pub abilities: Abilities,
    /// What the account takes money by.
    pub methods: Methods,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            credential_version: 1,
            client_key: None,
            active: true,
            abilities: Abilities::ALL,
            methods: Methods::ALL,
        }
    }
}

/// What somebody who is believed nothing made us ask about; named by our own books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glance<'g> {
    /// By the authentication's key.
    Key(&'g PaymentKey),
    /// By the order id that the window was opened with.
    Order(&'g GatewayOrderId),
}

/// One account at one gateway, called with one secret key: a replaced key is another gateway.
///
/// Implementations never retry an action by themselves, send its key with every physical try, and
/// answer [`Answer::Unknown`] for everything that is not on an explicit list. What the terms do
/// not name among their abilities is never asked for; a question that is asked all the same a mute
/// gateway answers with [`Cause::Mute`]. Its refusals are the answers to their keys, so it says
/// [`Answer::Declined`] and never [`Cause::Refused`].
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// What it knows of its account; costs nothing.
    fn terms(&self) -> Terms;

    /// Whether a new saga may be opened now; asked before the first commit.
    ///
    /// # Errors
    /// The breaker is open or the bulkhead is full.
    fn admit(&self) -> Result<(), Refused>;

    /// Captures.
    async fn confirm(&self, call: &ConfirmCall) -> Answer;

    /// Gives back.
    async fn cancel(&self, call: &CancelCall) -> Answer;

    /// Gives a deposit back to an account. A gateway without virtual accounts sends nothing.
    async fn cancel_to(&self, _call: &CancelCall, _to: &RefundAccount) -> Answer {
        Answer::Unknown(Cause::NotSent)
    }

    /// Captures with a billing key. A gateway without billing keys sends nothing.
    async fn charge(&self, _call: &ChargeCall, _with: &Instrument) -> Answer {
        Answer::Unknown(Cause::NotSent)
    }

    /// Has a virtual account issued. A gateway without virtual accounts sends nothing.
    async fn issue_account(&self, _call: &IssueAccountCall, _with: &AccountWish) -> Answer {
        Answer::Unknown(Cause::NotSent)
    }

    /// Makes a billing key. A gateway without billing keys sends nothing.
    async fn issue_key(&self, _call: &IssueCall) -> Issued {
        Issued::Unknown(Cause::NotSent)
    }

    /// Deletes a billing key; one that is gone already is deleted. A gateway without billing keys
    /// sends nothing.
    async fn delete_key(&self, _call: &DeleteCall) -> Deleted {
        Deleted::Unknown(Cause::NotSent)
    }

    /// Asks by the authentication's key.
    async fn payment_by_key(&self, key: &PaymentKey) -> Answer;

    /// Asks by the order id that the window was opened with.
    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer;

    /// Asks because a stranger said so. Whatever stands guard lets it take no place of a payment's
    /// call, and learns nothing about the gateway's health from it.
    async fn glance(&self, at: Glance<'_>) -> Answer {
        match at {
            Glance::Key(key) => self.payment_by_key(key).await,
            Glance::Order(order) => self.payment_by_order(order).await,
        }
    }

    /// Asks which movements there were `within` this time, oldest first, `limit` at most; those
    /// after the movement `after`, where one is given.
    ///
    /// # Errors
    /// Why the page is not known.
    async fn movements(
        &self,
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        limit: u32,
    ) -> Result<ListPage, Cause>;
}

/// The gateways by account.
pub trait Gateways: Send + Sync {
    /// The gateway that serves this account; `None` when it has no credentials here.
    fn of(&self, account: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>>;
}
