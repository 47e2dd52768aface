//! Owns a payment by virtual account: asking for one, showing where to pay in, and what banks do
//! with deposits, each booked exactly once.

use chrono::SecondsFormat;

use super::begin::Asked;
use super::canceled::Finder;
use super::outcome::facts;
use super::{ApproveRefusal, Kind, Moved, Paid, Payment, State, Telling, Trigger};
use crate::Ctx;
use crate::change::{Change, GatewayOrder, Hold};
use crate::event::{AccountFacts, Kind as EventKind};
use crate::ledger::{Account, Entry, Movement};
use crate::money::Money;
use crate::principal::Actor;
use crate::saga::{self, Saga};
use crate::snapshot::Snapshot;
use crate::vault::Sealed;
use crate::virtual_account::{ShownAccount, VirtualAccount};

/// Who wants a virtual account for a payment, and what it shall be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRequest {
    /// Bank, due date and what is personal, sealed for the saga that is opened.
    pub wish: Sealed,
    /// Who asks.
    pub actor: Actor,
    /// The account's credentials in force.
    pub credential_version: i32,
    /// Whether an idempotency key waits for the outcome.
    pub keyed: bool,
    /// Who drives the saga from the start; `None` leaves it to recovery.
    pub hold: Option<Hold>,
}

impl Payment {
    /// Opens the issue of a virtual account: the payment goes `IN_PROGRESS` and the saga is ready
    /// to call.
    ///
    /// # Errors
    /// The payment does not take it; nothing is to be stored or sent.
    pub fn begin_account(
        self,
        request: &AccountRequest,
        order: &GatewayOrder,
        ctx: &Ctx<'_>,
    ) -> Result<(Moved, Saga), ApproveRefusal> {
        self.takes_account(order, ctx)?;
        let asked = Asked {
            actor: request.actor,
            credential_version: request.credential_version,
            keyed: request.keyed,
        };
        let mut saga = Saga {
            head: self.head_of(saga::Intent::IssueAccount, order, &asked, ctx),
            progress: saga::Progress::intended(Money::zero(self.facts.amount.currency()), ctx.now),
            version: 1,
        };
        saga.progress.sealed = Some(request.wish.clone());
        let telling = Telling::of(EventKind::AccountRequested, request.actor);
        let status = self.status();
        let moved = self.begin(&saga, request.hold, telling, ctx);
        Ok((moved.map_err(|_| ApproveRefusal::Closed(status))?, saga))
    }

    fn takes_account(&self, order: &GatewayOrder, ctx: &Ctx<'_>) -> Result<(), ApproveRefusal> {
        if self.facts.kind != Kind::VirtualAccount {
            return Err(ApproveRefusal::WrongKind);
        }
        if order.payment != self.facts.id {
            return Err(ApproveRefusal::OrderMismatch);
        }
        Ok(self.ready(ctx)?)
    }

    /// The account that `saga` asked for is the one that `snapshot` shows.
    ///
    /// `None` when the payment does not wait for it, or it is not shown in full: asked again.
    pub(crate) fn issued(self, saga: &Saga, snapshot: &Snapshot, ctx: &Ctx<'_>) -> Option<Moved> {
        let waits = self.state == State::InProgress { saga: saga.head.id };
        let shown = snapshot.account.as_deref()?;
        if !waits || snapshot.total != Some(self.facts.amount) {
            return None;
        }
        let telling = Telling {
            saga: Some(saga.head.id),
            account: Some(facts_of(shown)),
            ..Telling::of(EventKind::AccountIssued, Actor::Gateway)
        };
        let due_at = shown.due_at;
        let mut payment = self;
        payment.account = Some(Box::new(VirtualAccount {
            payment_key: snapshot.payment_key.clone(),
            bank: shown.bank.clone(),
            due_at,
            sealed: shown.sealed.clone()?,
            reversals: 0,
            closing: None,
            doubt: None,
            look_at: None,
            refund: None,
        }));
        let state = State::WaitingForDeposit { due_at };
        payment
            .shift(Trigger::AccountIssued, state, telling, ctx)
            .ok()
    }

    /// Books the deposit that `snapshot` shows, found by `saga` or by nobody's.
    ///
    /// `None` when it is not the amount that was asked for, or the payment waits for none.
    pub(super) fn deposited(
        self,
        finder: Finder<'_>,
        saga: &Saga,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let total = snapshot.total.filter(|total| *total == self.facts.amount)?;
        let entry = Entry {
            debit: Account::GatewayReceivable,
            credit: Account::MerchantPayable,
            occurred_at: snapshot.approved_at,
            // Once something was cancelled, the newest transaction is that.
            transaction_key: snapshot
                .last_transaction_key
                .clone()
                .filter(|_| snapshot.cancels.is_empty()),
            ..self.bank_entry((self.next_capture(), total), saga, snapshot, ctx)
        };
        let telling = Telling {
            movement: Some(facts(snapshot, &entry)),
            ..Telling::of(EventKind::Deposited, Actor::Gateway)
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
        let state = State::Done { approved_at };
        let mut moved = payment.shift(Trigger::Deposit, state, telling, ctx).ok()?;
        moved.changes.push(Change::InsertEntry(Box::new(entry)));
        moved.with_cancellations(finder, snapshot, ctx)
    }

    /// Books that the bank took the deposit back: the payment waits again, as if nobody had paid.
    pub(super) fn deposit_reversed(
        self,
        saga: &Saga,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let mut payment = self;
        let amount = payment.captured;
        let mut account = payment.account.clone()?;
        account.reversals = account.reversals.saturating_add(1);
        let movement = Movement::Reversal(account.reversals);
        let entry = Entry {
            debit: Account::MerchantPayable,
            credit: Account::GatewayReceivable,
            ..payment.bank_entry((movement, amount), saga, snapshot, ctx)
        };
        let telling = Telling {
            movement: Some(facts(snapshot, &entry)),
            ..Telling::of(EventKind::DepositReversed, Actor::Gateway)
        };
        let zero = Money::zero(payment.facts.amount.currency());
        let due_at = account.due_at;
        payment.account = Some(account);
        payment.paid = None;
        payment.captured = zero;
        payment.captured_tax_free = zero;
        let state = State::WaitingForDeposit { due_at };
        let moved = payment.shift(Trigger::DepositReversed, state, telling, ctx);
        let mut moved = moved.ok()?;
        moved.changes.push(Change::InsertEntry(Box::new(entry)));
        Some(moved)
    }

    /// The bank took back a deposit that nobody waited for, before anybody could give it back.
    pub(crate) fn taken_from_suspense(
        self,
        saga: &Saga,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Moved {
        let mut payment = self;
        let movement = (
            Movement::Reversal(payment.one_more_reversal()),
            saga.head.amount,
        );
        let entry = Entry {
            debit: Account::Suspense,
            credit: Account::GatewayReceivable,
            ..payment.bank_entry(movement, saga, snapshot, ctx)
        };
        let telling = Telling {
            saga: Some(saga.head.id),
            movement: Some(facts(snapshot, &entry)),
            ..Telling::of(EventKind::WrongCaptureReversed, Actor::Gateway)
        };
        let status = payment.status();
        let waited = payment.state == State::InProgress { saga: saga.head.id };
        let mut moved = payment.record(status, telling, ctx);
        if waited {
            moved = moved.aborted_after_reversal(saga, ctx);
        }
        moved.changes.push(Change::InsertEntry(Box::new(entry)));
        moved
    }

    /// Counts a deposit that went back; the count. An account that never became known was paid
    /// into once at most: that is what ended its issue.
    pub(super) fn one_more_reversal(&mut self) -> u32 {
        self.account.as_mut().map_or(1, |account| {
            account.reversals = account.reversals.saturating_add(1);
            account.reversals
        })
    }

    /// The account was closed at the gateway by others, before anybody paid in.
    pub(super) fn closed_by_others(self, ctx: &Ctx<'_>) -> Option<Moved> {
        let state = State::Canceled {
            canceled_at: ctx.now,
            approved_at: None,
        };
        let telling = Telling {
            reason: Some("the account was closed at the gateway".to_owned()),
            ..Telling::of(EventKind::Withdrawn, Actor::System)
        };
        self.shift(Trigger::Withdraw, state, telling, ctx).ok()
    }

    /// What the newest capture of its account is called in the ledger.
    pub(super) fn next_capture(&self) -> Movement {
        let reversals = self.account.as_ref().map_or(0, |account| account.reversals);
        match reversals {
            0 => Movement::Capture,
            earlier => Movement::Deposit(earlier.saturating_add(1)),
        }
    }

    fn bank_entry(
        &self,
        (movement, amount): (Movement, Money),
        saga: &Saga,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Entry {
        Entry {
            scope: self.facts.scope,
            account: self.facts.account,
            payment_key: snapshot.payment_key.clone(),
            movement,
            payment: self.facts.id,
            saga: Some(saga.head.id).filter(|_| !saga.is_closed()),
            debit: Account::GatewayReceivable,
            credit: Account::MerchantPayable,
            amount,
            transaction_key: snapshot.last_transaction_key.clone(),
            occurred_at: None,
            booked_at: ctx.now,
        }
    }
}

impl Moved {
    /// The deposit of an account that was issued by `saga`, on top of this move.
    pub(crate) fn deposited(self, saga: &Saga, snapshot: &Snapshot, ctx: &Ctx<'_>) -> Option<Self> {
        let payment = self.payment.clone();
        let paid = payment.deposited(Finder::asking(saga), saga, snapshot, ctx);
        paid.map(|next| self.and(next))
    }

    pub(super) fn closed_by_others(self, ctx: &Ctx<'_>) -> Option<Self> {
        let closed = self.payment.clone().closed_by_others(ctx);
        closed.map(|next| self.and(next))
    }
}

fn facts_of(shown: &ShownAccount) -> AccountFacts {
    AccountFacts {
        bank: shown.bank.to_string(),
        due_at: shown.due_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}
