//! Owns the port to a payment gateway: actions take their key, questions are safe to repeat.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::saga::{CancelCall, ConfirmCall};
use domain::snapshot::Answer;
use domain::text::PaymentKey;

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

/// One account at one gateway.
///
/// Implementations never retry an action by themselves, send its key with every physical try, and
/// answer [`Answer::Unknown`] for everything that is not on an explicit list.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Whether a new saga may be opened now; asked before the first commit.
    ///
    /// # Errors
    /// The breaker is open or the bulkhead is full.
    fn admit(&self) -> Result<(), Refused>;

    /// Captures.
    async fn confirm(&self, call: &ConfirmCall) -> Answer;

    /// Gives back.
    async fn cancel(&self, call: &CancelCall) -> Answer;

    /// Asks by the authentication's key.
    async fn payment_by_key(&self, key: &PaymentKey) -> Answer;

    /// Asks by the order id that the window was opened with.
    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer;
}

/// The gateways by account.
pub trait Gateways: Send + Sync {
    /// The gateway that serves this account; `None` when it is not configured here.
    fn of(&self, account: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>>;
}
