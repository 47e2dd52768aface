//! Owns reading payments: one, a page, and the events of one.

use chrono::TimeDelta;
use domain::event::PaymentEvent;
use domain::id::PaymentId;
use domain::payment::Payment;

use crate::ports::store::{self, PageAfter, PaymentFilter};
use crate::view::PaymentView;
use crate::{App, Caller};

/// How many rows a page holds at most.
const PAGE_ROWS_MAX: u32 = 100;

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such payment of this caller.
    #[error("no such payment")]
    NotFound,
    /// A member asks for the payments of another.
    #[error("the payments of another member")]
    AnotherMember,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A page, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<PageAfter>,
}

impl App {
    /// Reads a payment. One that is stuck is asked about at the gateway, soon and not too often.
    ///
    /// # Errors
    /// No such payment of this caller, or the store is away.
    pub async fn payment(&self, caller: &Caller, id: PaymentId) -> Result<PaymentView, ReadError> {
        self.viewed(caller, id).await.map(|(_, view)| view)
    }

    /// As [`Self::payment`], with what it is a view of.
    pub(crate) async fn viewed(
        &self,
        caller: &Caller,
        id: PaymentId,
    ) -> Result<(Payment, PaymentView), ReadError> {
        let found = self.parts.store.payment(&caller.owner(), id).await?;
        let payment = found.ok_or(ReadError::NotFound)?;
        if payment.open_saga().is_some() {
            self.hasten(id).await?;
        }
        let orders = self.parts.store.gateway_orders(id).await?;
        let mut view = PaymentView::of(&payment);
        view.gateway_order_id = orders.first().map(|order| order.id.to_string());
        self.show_account(&payment, &mut view).await?;
        Ok((payment, view))
    }

    /// Pulls the questions about a payment forward, where one waits.
    pub(crate) async fn hasten(&self, id: PaymentId) -> Result<(), store::Error> {
        let gap = TimeDelta::from_std(self.parts.timings.question_gap).unwrap_or(TimeDelta::MAX);
        let pulled = self
            .parts
            .store
            .hasten(id, self.parts.clock.now(), gap)
            .await?;
        if pulled > 0 {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Reads a page of payments, newest first: to a member, their own.
    ///
    /// # Errors
    /// A member asks for another's, or the store is away.
    pub async fn payments(
        &self,
        caller: &Caller,
        mut filter: PaymentFilter,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Result<Page<PaymentView>, ReadError> {
        if let Some(member) = &caller.member {
            let asked_for = filter.member.get_or_insert_with(|| member.clone());
            if asked_for != member {
                return Err(ReadError::AnotherMember);
            }
        }
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        // One row more than asked for tells whether there is a next page.
        let probe = limit.saturating_add(1);
        let mut found = self
            .parts
            .store
            .payments(caller.scope, &filter, after, probe)
            .await?;
        let asked_for = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > asked_for;
        found.truncate(asked_for);
        let next = found.last().filter(|_| more).map(|payment| PageAfter {
            created_at: payment.facts.created_at,
            id: payment.facts.id,
        });
        Ok(Page {
            rows: found.iter().map(PaymentView::of).collect(),
            next,
        })
    }

    /// Reads a payment's events after a sequence, in order.
    ///
    /// # Errors
    /// No such payment of this caller, or the store is away.
    pub async fn events(
        &self,
        caller: &Caller,
        id: PaymentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, ReadError> {
        let found = self.parts.store.payment(&caller.owner(), id).await?;
        found.ok_or(ReadError::NotFound)?;
        Ok(self
            .parts
            .store
            .events(id, after, limit.clamp(1, PAGE_ROWS_MAX))
            .await?)
    }
}
