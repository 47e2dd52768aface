//! Owns how an order learns the truth: sending its intent until it ends, reading its payment.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Error, Shop};
use crate::intent::{Intent, Meaning, State};
use crate::order::{Order, Status};
use crate::payflow::{self, Payment};

/// How often the orders under way are looked after.
const EVERY: Duration = Duration::from_secs(2);
/// In every so many passes, those that wait for their buyer are: they may have expired.
const WAITING_EVERY: u32 = 30;
/// In every so many passes an order is asked about while Payflow turns the shop away; the first
/// other answer lets everything go on.
const TURNED_AWAY_EVERY: u32 = 8;
/// How many are looked after in one pass, all at once.
const ORDERS_MAX: i64 = 16;

/// An order as well as it can be known now.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The order.
    pub(crate) order: Order,
    /// What was asked about it, oldest first.
    pub(crate) intents: Vec<Intent>,
    /// Whether this is how it is, or what was told last.
    pub(crate) news: News,
}

/// How new what is known of an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is how Payflow says it is now.
    Fresh,
    /// Payflow could not be asked.
    Unreachable,
    /// Payflow does not serve this shop, and says nothing.
    TurnedAway,
}

impl Shop {
    /// Reads what became of the order's payment.
    pub(crate) async fn look(&self, order: Order) -> Result<Seen, Error> {
        let (order, news) = self.read(order).await?;
        let intents = self.store.intents(&order.id).await?;
        Ok(Seen {
            order,
            intents,
            news,
        })
    }

    async fn read(&self, order: Order) -> Result<(Order, News), Error> {
        let is_closed = matches!(order.status, Status::Cancelled | Status::Expired);
        let Some(payment) = order.payment.as_ref().filter(|_| !is_closed) else {
            return Ok((order, News::Fresh));
        };
        match self.payflow.read(&payment.id).await {
            Ok(payment) => {
                let order = self.store.keep(&told(order, payment)).await?;
                Ok((order, News::Fresh))
            }
            // Said once, by the client.
            Err(payflow::Error::TurnedAway { .. }) => Ok((order, News::TurnedAway)),
            Err(error @ (payflow::Error::Unavailable(_) | payflow::Error::Refused { .. })) => {
                tracing::warn!(order = order.id, %error, "the payment is not read");
                Ok((order, News::Unreachable))
            }
        }
    }

    /// Sends an intent and keeps what is answered. Without an answer it stays open.
    pub(super) async fn settle(&self, order: Order, intent: &Intent) -> Result<(), Error> {
        let (payment, order) = match &order.payment {
            Some(payment) => (payment.id.clone(), order),
            None => match self.prepare(order.clone()).await {
                Ok(payment) => payment,
                Err(Error::Payflow(error)) => {
                    tracing::warn!(order = order.id, %error, "the payment is not prepared");
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
        };
        let answer = match self.payflow.perform(intent, &order, &payment).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(order = order.id, %error, "no answer; the intent stays open");
                return Ok(());
            }
        };
        tracing::info!(key = intent.key(), code = answer.code, "Payflow answered");
        let order = match answer.payment {
            Some(payment) => told(order, payment),
            // A refusal shows no payment, but says that it is not what we thought.
            None => self.read(order).await?.0,
        };
        match answer.meaning {
            Meaning::Later => drop(self.store.keep(&order).await?),
            Meaning::Done => self.store.end(intent, (State::Done, None), &order).await?,
            Meaning::Refused => {
                let end = (State::Refused, Some(answer.code));
                self.store.end(intent, end, &order).await?;
            }
        }
        Ok(())
    }

    /// Brings one order on that nobody may be looking at.
    async fn look_after(&self, id: &str) -> Result<(), Error> {
        let Some(order) = self.store.order(id).await? else {
            return Ok(());
        };
        let seen = self.look(order).await?;
        let open = seen
            .intents
            .iter()
            .find(|intent| intent.state == State::Open);
        // While Payflow is at it nothing has to be sent again.
        if let Some(open) = open
            && seen.news == News::Fresh
            && !seen.order.is_moving()
        {
            self.settle(seen.order, open).await?;
        }
        Ok(())
    }

    /// Looks after the orders under way, until told to stop: a buyer who closed the page, or a
    /// shop that was restarted, changes nothing about how they end.
    pub(crate) async fn watch(self: Arc<Self>, end: CancellationToken) {
        // Beside each other: a gateway that is slow to issue a card keeps no order waiting.
        tokio::join!(self.watch_cards(&end), self.watch_orders(&end));
    }

    async fn watch_cards(&self, end: &CancellationToken) {
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if self.payflow.is_turned_away() {
                continue;
            }
            if let Err(error) = self.bring_cards_on().await {
                tracing::error!(%error, "the cards to look after cannot be brought on");
            }
        }
    }

    async fn watch_orders(self: &Arc<Self>, end: &CancellationToken) {
        let mut pass = 0_u32;
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            pass = pass.wrapping_add(1);
            let is_turned_away = self.payflow.is_turned_away();
            if is_turned_away && !pass.is_multiple_of(TURNED_AWAY_EVERY) {
                continue;
            }
            let orders_max = if is_turned_away { 1 } else { ORDERS_MAX };
            let found = if pass.is_multiple_of(WAITING_EVERY) {
                self.store.waiting(orders_max).await
            } else {
                self.store.unsettled(orders_max).await
            };
            let orders = found.unwrap_or_else(|error| {
                tracing::error!(%error, "the orders to look after cannot be read");
                Vec::new()
            });
            let mut looks = JoinSet::new();
            for id in orders {
                let shop = Arc::clone(self);
                looks.spawn(async move {
                    if let Err(error) = shop.look_after(&id).await {
                        tracing::error!(order = id, %error, "an order is not brought on");
                    }
                });
            }
            while let Some(looked) = looks.join_next().await {
                if let Err(error) = looked {
                    tracing::error!(%error, "looking after an order was cut off");
                }
            }
        }
    }
}

/// The order after an answer. One about somebody else's payment is an alarm, and changes nothing.
pub(super) fn told(order: Order, payment: Payment) -> Order {
    match order.clone().told(payment) {
        Ok(order) => order,
        Err(error) => {
            tracing::error!(order = order.id, %error, "a payment that is not the order's");
            order
        }
    }
}
