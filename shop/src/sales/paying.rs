//! Owns paying: opening the payment window, and taking what it brought back to an approval.

use super::{Error, Shop};
use crate::config::Keys;
use crate::intent::{Act, State};
use crate::order::{Order, Status, Way};
use crate::payflow;
use crate::store::Begun;

/// The longest payment key of the gateway.
const PAYMENT_KEY_CHARS_MAX: usize = 200;

/// What a browser opens the payment window with.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The gateway's client key, which is public.
    pub(crate) client_key: String,
    /// The gateway's name of this opening.
    pub(crate) gateway_order: String,
}

/// What the window's redirect says.
#[derive(Debug)]
pub(crate) struct Authentication {
    /// The gateway's name of it.
    pub(crate) payment_key: String,
    /// Which opening of the window it belongs to.
    pub(crate) gateway_order: String,
    /// Over how much it is, in won.
    pub(crate) amount: Option<i64>,
}

/// What became of an authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Payflow was asked; the order tells how that went.
    Asked,
    /// It cannot be of this order: nothing was asked.
    Wrong,
    /// The order was paid by another one: nothing was asked, so nothing is taken twice.
    Second,
    /// The order is closed: nothing was asked.
    Late,
}

impl Shop {
    /// Prepares the payment, once, and a fresh opening of the window.
    pub(crate) async fn open_window(&self, order: Order) -> Result<Opening, Error> {
        let Keys { client_key, .. } = self.payflow.keys().await?;
        let is_payable = order.status == Status::Pending && order.way == Way::Window;
        if !is_payable || self.has_open_intent(&order).await? {
            return Err(Error::NotPayable);
        }
        let payment = match &order.payment {
            Some(payment) => payment.id.clone(),
            None => self.prepare(order).await?.0,
        };
        match self.payflow.reopen(&payment).await {
            Ok(payment) => {
                let gateway_order = payment.gateway_order_id.ok_or(Error::NotPayable)?;
                Ok(Opening {
                    client_key,
                    gateway_order,
                })
            }
            Err(payflow::Error::Refused { code }) => {
                tracing::info!(payment, code, "the window is not opened");
                Err(Error::NotPayable)
            }
            Err(error @ (payflow::Error::Unavailable(_) | payflow::Error::TurnedAway { .. })) => {
                Err(error.into())
            }
        }
    }

    /// Registers the order's payment and keeps its id; the order with it.
    pub(super) async fn prepare(&self, order: Order) -> Result<(String, Order), Error> {
        let payment = self.payflow.prepare(&order).await?;
        let id = payment.id.clone();
        let order = super::settling::told(order, payment);
        Ok((id, self.store.keep(&order).await?))
    }

    /// Has an authentication approved. The same one again, from a reload or a second tab, finds
    /// the same intent and so the same idempotency key.
    pub(crate) async fn take(
        &self,
        order: Order,
        authentication: Authentication,
    ) -> Result<Taken, Error> {
        let Authentication {
            payment_key,
            gateway_order,
            amount,
        } = authentication;
        let is_plausible = |text: &str| {
            !text.is_empty()
                && text.len() <= PAYMENT_KEY_CHARS_MAX
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if amount != Some(order.amount)
            || !is_plausible(&payment_key)
            || !is_plausible(&gateway_order)
            || order.payment.is_none()
        {
            return Ok(Taken::Wrong);
        }
        let act = Act::Approve {
            payment_key,
            gateway_order,
        };
        match self.store.begin_approval(&order.id, act).await? {
            Begun::Intent(intent) => {
                if intent.state == State::Open {
                    self.settle(order, &intent).await?;
                }
                Ok(Taken::Asked)
            }
            Begun::Busy => Ok(Taken::Second),
            Begun::Stale | Begun::OverBalance => {
                let now = self.store.order(&order.id).await?;
                let is_paid = now.is_some_and(|order| order.status == Status::Confirmed);
                Ok(if is_paid { Taken::Second } else { Taken::Late })
            }
        }
    }

    async fn has_open_intent(&self, order: &Order) -> Result<bool, Error> {
        let intents = self.store.intents(&order.id).await?;
        Ok(intents.iter().any(|intent| intent.state == State::Open))
    }
}
