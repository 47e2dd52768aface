//! Owns what a look at the gateway means for a payment that no saga of ours works on: whatever
//! moved there without us is booked, once, or somebody is told that it cannot be.

use super::canceled::Finder;
use super::teller::Teller;
use super::{Captured, Moved, Payment};
use crate::Ctx;
use crate::change::GatewayOrder;
use crate::ledger::Entry;
use crate::money::Money;
use crate::refund::RefundStatus;
use crate::saga::{Kind, Saga};
use crate::snapshot::{Snapshot, Status};
use crate::text::PaymentKey;

/// What else is known of a payment that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// The gateway order that was looked at.
    pub order: &'k GatewayOrder,
    /// The payment's sagas, oldest first.
    pub sagas: &'k [Saga],
    /// What of it is in the ledger; asked for where it has a virtual account, which can be paid
    /// into more than once.
    pub booked: &'k [Entry],
    /// The merchant id at the gateway, where one is pinned.
    pub merchant_id: Option<&'k str>,
    /// The amount that the last look was [`Strange::Amount`] for: one answer may lie, the same
    /// twice running is believed.
    pub surprise: Option<Money>,
}

/// What a look at the gateway comes to.
#[derive(Clone, Debug)]
pub enum Observed {
    /// The books have all of it.
    Nothing,
    /// A saga is at work there, or a cancellation is not final yet: to be looked at again.
    Later,
    /// The books lacked something; to be committed.
    Booked(Box<Moved>),
    /// It denies or confirms what the books have of a virtual account; nothing moved. To be
    /// committed where that is news, and looked at again when the account says.
    Noted(Option<Box<Moved>>),
    /// As [`Observed::Noted`], and a person has to look besides.
    Disputed(Box<Moved>, Strange),
    /// Nothing is booked: a person has to look.
    Strange(Strange),
}

/// Why what the gateway shows is not booked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Strange {
    /// It is not about the order that was looked at, or the key was approved for another one.
    #[error("it is about another order")]
    Order,
    /// It is not about our merchant's money.
    #[error("it is about another merchant")]
    Merchant,
    /// Money was taken with a payment key that no approval of ours used.
    #[error("money was taken by an approval that is not ours")]
    Stranger,
    /// We took money there, and the status does not say so.
    #[error("its status says nothing of the money: {0:?}")]
    Status(Status),
    /// What was captured is not what was asked for, or cannot be read.
    #[error("another amount was captured: {0:?}")]
    Amount(Option<Money>),
    /// It shows a deposit that is booked already, and was taken back since; or one without a name.
    #[error("it shows a deposit again that was taken back")]
    Again,
    /// A deposit that was given back has not reached the buyer, and will not by itself.
    #[error("what was given back has not reached the buyer: {0}")]
    Refund(RefundStatus),
    /// How a refund ended is told now so, now otherwise.
    #[error("how a refund ended is told now so, now otherwise")]
    Words,
    /// Our balance and the cancellations that are shown do not lead to the gateway's balance.
    #[error("its balance is not explained by its cancellations")]
    Balance,
}

impl Strange {
    /// The amount that was captured instead, where it is that.
    #[must_use]
    pub const fn amount(&self) -> Option<Money> {
        match self {
            Self::Amount(shown) => *shown,
            Self::Order
            | Self::Merchant
            | Self::Stranger
            | Self::Status(_)
            | Self::Again
            | Self::Refund(_)
            | Self::Words
            | Self::Balance => None,
        }
    }
}

impl Payment {
    /// Whether a saga will see by itself what the gateway shows for this payment key.
    ///
    /// A reversal gives back one key's wrong capture: it hinders no look at the key that paid.
    #[must_use]
    pub fn is_worked_on(&self, key: &PaymentKey, sagas: &[Saga]) -> bool {
        let works = |saga: &Saga| saga.works_on(key);
        self.state.saga().is_some() || sagas.iter().any(works)
    }

    /// What `snapshot` shows that the books lack. The same snapshot changes nothing a second time.
    ///
    /// Cancellations are booked as made by others, or by the saga of ours whose mark they carry:
    /// one that was given up may have taken effect. A capture that a saga of ours asked for and
    /// did not live to see goes to suspense, and a reversal gives it back.
    #[must_use]
    pub fn observe(self, snapshot: &Snapshot, known: &Known<'_>, ctx: &Ctx<'_>) -> Observed {
        match self.clone().look(snapshot, known, ctx) {
            Ok(Observed::Nothing) => self.unmoved(snapshot, ctx),
            Ok(observed) => observed,
            Err(strange) => Observed::Strange(strange),
        }
    }

    fn look(
        self,
        snapshot: &Snapshot,
        known: &Known<'_>,
        ctx: &Ctx<'_>,
    ) -> Result<Observed, Strange> {
        let order = known.order;
        if order.payment != self.facts.id || snapshot.order_id != order.id.to_string() {
            return Err(Strange::Order);
        }
        if known
            .merchant_id
            .is_some_and(|id| id != snapshot.merchant_id)
        {
            return Err(Strange::Merchant);
        }
        if self.is_worked_on(&snapshot.payment_key, known.sagas) {
            return Ok(Observed::Later);
        }
        let paid = self.paid.as_ref();
        let paid = paid.is_some_and(|paid| paid.payment_key == snapshot.payment_key);
        let asked = |saga: &&Saga| saga.asked_for(snapshot);
        let captured = snapshot.is_captured();
        let unknown = matches!(snapshot.status, Status::Other(_));
        let asking = known.sagas.iter().rev().find(asked);
        if let Some(saga) = asking.filter(|saga| saga.head.kind() == Kind::AccountIssue) {
            let its = (saga, known.booked);
            match self.clone().teller(its, snapshot, ctx) {
                Teller::Known => return Ok(Observed::Nothing),
                Teller::Moved(moved) => return Ok(Observed::Booked(moved)),
                Teller::Doubted(moved) => return Ok(Observed::Noted(moved)),
                Teller::Again => return Err(Strange::Again),
                Teller::Unfit => return Err(Strange::Amount(snapshot.total)),
                Teller::Elsewhere => {}
            }
        }
        match asking {
            None if paid => Err(Strange::Order),
            None if captured => Err(Strange::Stranger),
            Some(_) if unknown || paid && !captured => {
                Err(Strange::Status(snapshot.status.clone()))
            }
            Some(_) if paid => self.canceled_by_others(snapshot, known, ctx),
            Some(approval) if captured => self.captured_late(approval, snapshot, known, ctx),
            None | Some(_) => Ok(Observed::Nothing),
        }
    }

    fn canceled_by_others(
        self,
        snapshot: &Snapshot,
        known: &Known<'_>,
        ctx: &Ctx<'_>,
    ) -> Result<Observed, Strange> {
        if snapshot.total != Some(self.captured) {
            return Err(Strange::Amount(snapshot.total));
        }
        if snapshot.cancels.iter().any(|cancel| !cancel.done) {
            return Ok(Observed::Later);
        }
        let finder = Finder::watching(known.sagas);
        let moved = Moved::still(self).with_cancellations(finder, snapshot, ctx);
        let moved = moved.ok_or(Strange::Balance)?;
        if moved.payment.balance().ok() != snapshot.balance {
            return Err(Strange::Balance);
        }
        Ok(if moved.changes.is_empty() {
            Observed::Nothing
        } else {
            Observed::Booked(Box::new(moved))
        })
    }

    fn captured_late(
        self,
        approval: &Saga,
        snapshot: &Snapshot,
        known: &Known<'_>,
        ctx: &Ctx<'_>,
    ) -> Result<Observed, Strange> {
        // A key is captured once, and its wrong capture is booked with the reversal that opens. An
        // account can be paid into again: that this deposit is no known one was told by its name.
        let key = &snapshot.payment_key;
        let one_more = self.account.is_some() && snapshot.cancels.is_empty();
        if known.sagas.iter().any(|saga| saga.gives_back(key)) {
            match snapshot.balance {
                Some(left) if left.is_zero() => return Ok(Observed::Nothing),
                Some(_) if one_more => {}
                Some(_) | None => return Err(Strange::Balance),
            }
        }
        let total = snapshot.total.filter(|total| !total.is_zero());
        let total = total.ok_or(Strange::Amount(snapshot.total))?;
        if total != self.facts.amount && known.surprise != Some(total) {
            return Err(Strange::Amount(Some(total)));
        }
        let (Captured::Booked(moved) | Captured::Misfit { moved, .. }) =
            self.misfit(approval, total, snapshot, ctx);
        Ok(Observed::Booked(Box::new(moved)))
    }
}
