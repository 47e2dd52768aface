//! Owns what the gateway's movements of money do to a payment and to the ledger.
//!
//! Every capture that is found is booked, wrong ones too: those go to `suspense` and are given
//! back by a reversal of their own.

use super::canceled::Finder;
use super::{Moved, Paid, Payment, State, Telling, Trigger};
use crate::Ctx;
use crate::change::Change;
use crate::decline::{Class, Decline};
use crate::event::{DeclineFacts, Kind as EventKind, MovementFacts, TaxFreeFacts};
use crate::id::SagaId;
use crate::ledger::{Account, Entry, Movement};
use crate::money::Money;
use crate::principal::Actor;
use crate::saga::{self, Saga};
use crate::snapshot::{Cancel, Snapshot};

/// What a found capture turned out to be.
pub(crate) enum Captured {
    /// What was asked for; booked for the merchant.
    Booked(Moved),
    /// Something else; booked to suspense, and a reversal opened.
    Misfit {
        /// The payment's changes, the entry and the reversal.
        moved: Moved,
        /// The reversal's id.
        reversal: SagaId,
    },
}

impl Payment {
    /// Books the capture that `snapshot` shows for the authentication of `saga`.
    ///
    /// `None` when the snapshot does not tell an amount we can book: the caller asks again.
    pub(crate) fn capture(
        self,
        saga: &Saga,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Captured> {
        let total = snapshot.total.filter(|total| !total.is_zero())?;
        let asked = self.state == State::InProgress { saga: saga.head.id };
        if !(asked && total == self.facts.amount) {
            return Some(self.misfit(saga, total, snapshot, ctx));
        }
        let entry = capture_entry(saga, snapshot, total, Account::MerchantPayable, ctx);
        let movement = facts(snapshot, &entry);
        let telling = Telling {
            saga: Some(saga.head.id),
            movement: Some(movement),
            ..Telling::of(EventKind::Approved, Actor::Gateway)
        };
        let approved_at = snapshot.approved_at.unwrap_or(ctx.now);
        let mut payment = self;
        payment.captured = total;
        payment.captured_tax_free = snapshot
            .tax_free_captured()
            .unwrap_or(payment.facts.tax_free);
        payment.paid = Some(Paid {
            payment_key: snapshot.payment_key.clone(),
            method: snapshot.method.clone(),
            receipt_url: snapshot.receipt_url.clone(),
        });
        let mut moved = payment
            .shift(Trigger::Capture, State::Done { approved_at }, telling, ctx)
            .ok()?;
        moved.changes.push(Change::InsertEntry(Box::new(entry)));
        moved
            .with_tax_free(ctx)
            .with_cancellations(Finder::asking(saga), snapshot, ctx)
            .map(Captured::Booked)
    }

    /// Books a capture that should not have happened and opens the reversal that gives it back.
    ///
    /// The payment that waits for this saga goes on waiting, now for the reversal; any other
    /// payment (closed, or captured already) keeps its state.
    pub(super) fn misfit(
        self,
        saga: &Saga,
        total: Money,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Captured {
        let reversal = reversal_of(saga, snapshot, total, ctx);
        let mut entry = capture_entry(saga, snapshot, total, Account::Suspense, ctx);
        entry.movement = self.next_capture();
        let telling = Telling {
            saga: Some(reversal.head.id),
            movement: Some(facts(snapshot, &entry)),
            ..Telling::of(EventKind::WrongCaptureFound, Actor::Gateway)
        };
        let status = self.status();
        let mut payment = self;
        if payment.state == (State::InProgress { saga: saga.head.id }) {
            payment.state = State::InProgress {
                saga: reversal.head.id,
            };
        }
        let mut moved = payment.record(status, telling, ctx);
        let id = reversal.head.id;
        moved.changes.push(Change::InsertEntry(Box::new(entry)));
        moved.changes.push(Change::InsertSaga {
            saga: Box::new(reversal),
            hold: None,
        });
        Captured::Misfit {
            moved,
            reversal: id,
        }
    }

    /// The gateway took the money of `saga` after all, which a person had settled as not taken: it
    /// is booked to be given back. None where it is booked already, by one of `sagas` or as what
    /// was paid; or where another amount is shown, which one answer does not prove.
    #[must_use]
    pub fn taken_after_all(
        self,
        saga: &Saga,
        sagas: &[Saga],
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let key = &snapshot.payment_key;
        let paid = self
            .paid
            .as_ref()
            .is_some_and(|paid| paid.payment_key == *key);
        let known = paid || sagas.iter().any(|saga| saga.gives_back(key));
        let amount = self.facts.amount;
        let total = snapshot.total.filter(|total| *total == amount && !known)?;
        let (Captured::Booked(moved) | Captured::Misfit { moved, .. }) =
            self.misfit(saga, total, snapshot, ctx);
        Some(moved)
    }

    /// The attempt of `saga` took no money.
    ///
    /// `None` when the payment no longer waits for this saga: then there is nothing to move.
    pub(crate) fn decline(self, saga: &Saga, decline: &Decline, ctx: &Ctx<'_>) -> Option<Moved> {
        if self.state != (State::InProgress { saga: saga.head.id }) {
            return None;
        }
        let facts = DeclineFacts {
            reason: decline.reason,
            code: decline.code.clone(),
        };
        let (trigger, state, kind) = match decline.class {
            Class::Buyer => (
                Trigger::Decline,
                State::Ready {
                    declined: Some(decline.clone()),
                },
                EventKind::Declined,
            ),
            Class::Merchant => (
                Trigger::Abort,
                State::Aborted {
                    declined: decline.clone(),
                },
                EventKind::Aborted,
            ),
        };
        let telling = Telling {
            saga: Some(saga.head.id),
            decline: Some(facts),
            ..Telling::of(kind, Actor::Gateway)
        };
        self.shift(trigger, state, telling, ctx).ok()
    }

    /// The wrong capture that `saga` had to give back is given back, by `cancels`.
    pub(crate) fn reversed(self, saga: &Saga, snapshot: &Snapshot, ctx: &Ctx<'_>) -> Moved {
        let entries: Vec<Entry> = snapshot
            .cancels
            .iter()
            .filter(|cancel| cancel.done)
            .map(|cancel| {
                let by = Some(saga.head.id);
                self.cancel_entry(by, (snapshot, cancel), Account::Suspense, ctx)
            })
            .collect();
        let movement = entries.last().map(|entry| facts(snapshot, entry));
        let telling = Telling {
            saga: Some(saga.head.id),
            movement,
            ..Telling::of(EventKind::WrongCaptureReversed, Actor::Gateway)
        };
        let from = self.status();
        let waited = self.state == State::InProgress { saga: saga.head.id };
        let mut payment = self;
        payment.one_more_reversal();
        let mut moved = payment.record(from, telling, ctx);
        if waited {
            moved = moved.aborted_after_reversal(saga, ctx);
        }
        moved.changes.extend(
            entries
                .into_iter()
                .map(|e| Change::InsertEntry(Box::new(e))),
        );
        moved
    }

    /// The ledger line of a cancellation that `snapshot` shows; found or made by a saga, or not.
    pub(super) fn cancel_entry(
        &self,
        saga: Option<SagaId>,
        (snapshot, cancel): (&Snapshot, &Cancel),
        debit: Account,
        ctx: &Ctx<'_>,
    ) -> Entry {
        Entry {
            scope: self.facts.scope,
            account: self.facts.account,
            payment_key: snapshot.payment_key.clone(),
            movement: Movement::Cancel(cancel.transaction_key.clone()),
            payment: self.facts.id,
            saga,
            debit,
            credit: Account::GatewayReceivable,
            amount: cancel.amount,
            transaction_key: Some(cancel.transaction_key.clone()),
            occurred_at: cancel.canceled_at,
            booked_at: ctx.now,
        }
    }
}

impl Moved {
    /// Tells when the gateway counts another part as without VAT: the buyer's browser names it to
    /// the gateway, and what is given back has to fit what the gateway counts.
    fn with_tax_free(self, ctx: &Ctx<'_>) -> Self {
        let payment = self.payment.clone();
        let (asked, captured) = (payment.facts.tax_free, payment.captured_tax_free);
        if asked == captured {
            return self;
        }
        let facts = TaxFreeFacts {
            asked: asked.minor(),
            captured: captured.minor(),
        };
        let telling = Telling {
            tax_free: Some(facts),
            ..Telling::of(EventKind::TaxFreeDiffers, Actor::Gateway)
        };
        let status = payment.status();
        self.and(payment.record(status, telling, ctx))
    }

    pub(super) fn aborted_after_reversal(self, saga: &Saga, ctx: &Ctx<'_>) -> Self {
        let declined = Decline::wrong_capture();
        let payment = self.payment.clone();
        match payment.decline(saga, &declined, ctx) {
            Some(next) => self.and(next),
            None => self,
        }
    }
}

fn capture_entry(
    saga: &Saga,
    snapshot: &Snapshot,
    amount: Money,
    credit: Account,
    ctx: &Ctx<'_>,
) -> Entry {
    // Once something was cancelled, the newest transaction is that, not the capture.
    let transaction_key = if snapshot.cancels.is_empty() {
        snapshot.last_transaction_key.clone()
    } else {
        None
    };
    Entry {
        scope: saga.head.scope,
        account: saga.head.account,
        payment_key: snapshot.payment_key.clone(),
        movement: Movement::Capture,
        payment: saga.head.payment,
        saga: Some(saga.head.id),
        debit: Account::GatewayReceivable,
        credit,
        amount,
        transaction_key,
        occurred_at: snapshot.approved_at,
        booked_at: ctx.now,
    }
}

pub(super) fn facts(snapshot: &Snapshot, entry: &Entry) -> MovementFacts {
    MovementFacts {
        payment_key: snapshot.payment_key.to_string(),
        transaction_key: entry.transaction_key.as_ref().map(ToString::to_string),
        amount: entry.amount.minor(),
        method: snapshot.method.clone(),
    }
}

fn reversal_of(saga: &Saga, snapshot: &Snapshot, total: Money, ctx: &Ctx<'_>) -> Saga {
    Saga {
        head: saga::Head {
            id: ctx.spare,
            // A charge learns the payment key here; an approval was compared by its own.
            intent: saga::Intent::Reverse(snapshot.payment_key.clone()),
            gateway_order: saga.order_of(snapshot),
            amount: total,
            actor: Actor::System,
            reason: Some("the gateway captured something else than asked".to_owned()),
            keyed: false,
            trace: ctx.trace,
            created_at: ctx.now,
            ..saga.head.clone()
        },
        progress: if saga.head.kind() == saga::Kind::AccountIssue {
            // Only the buyer knows where a deposit goes back to.
            saga::Progress::asking(total, ctx.now)
        } else {
            saga::Progress::intended(total, ctx.now)
        },
        version: 1,
    }
}
