//! Owns giving money back, and closing an order that nobody has paid.

use super::{Error, Shop};
use crate::intent::{Act, State};
use crate::order::Order;
use crate::store::Begun;

impl Shop {
    /// Does what a form asked for; `number` is the one it was shown with.
    pub(crate) async fn ask(&self, order: Order, number: i64, act: Act) -> Result<Begun, Error> {
        let begun = self.store.begin_numbered(&order.id, number, act).await?;
        if let Begun::Intent(intent) = &begun
            && intent.state == State::Open
        {
            self.settle(order, intent).await?;
        }
        Ok(begun)
    }
}
