//! Owns the sandbox's memory: payments, orders, ledger and keys, changed by facts alone.

pub(crate) mod account;
pub(crate) mod billing;
mod deposits;
pub(crate) mod fact;
pub(crate) mod hooks;
pub(crate) mod idempotency;
pub(crate) mod payment;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use chrono::TimeDelta;

use self::billing::Billing;
use self::fact::{Authentication, Authorization, Entry, Fact, Movement};
use self::hooks::Hooks;
use self::idempotency::Keys;
use self::payment::{Cancel, Payment, Status};
use crate::clock::{Clock, Timestamp};
use crate::config::{PaymentOfOrder, Settings};
use crate::ids;

/// Everything the sandbox knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    clock: Clock,
    payments: HashMap<String, Payment>,
    orders: HashMap<String, Order>,
    ledger: Vec<Entry>,
    /// How many lines of it are about no money.
    moneyless: usize,
    /// The payments that wait, or waited, for a deposit, by account number.
    accounts: HashMap<String, String>,
    authorizations: Vec<Authorization>,
    /// The first authorisation of each `tid`, by its place.
    authorized: HashMap<String, usize>,
    /// Amount and reason of the first decline of each `tid`.
    declined: HashMap<String, (i64, String)>,
    /// The payments that time alone may change, by payment key.
    open: HashSet<String>,
    pub(crate) billing: Billing,
    pub(crate) hooks: Hooks,
    pub(crate) keys: Keys,
}

/// The payments that share an order id, by payment key.
#[derive(Debug, Default)]
struct Order {
    /// In the order of their opening.
    opened: Vec<String>,
    /// In the order of their approval.
    approved: Vec<String>,
}

impl State {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            ..Self::default()
        }
    }

    pub(crate) fn payment(&self, payment_key: &str) -> Option<&Payment> {
        self.payments.get(payment_key)
    }

    /// The payment an order id stands for.
    pub(crate) fn payment_of_order(&self, order_id: &str, settings: &Settings) -> Option<&Payment> {
        let order = self.orders.get(order_id)?;
        let approved = match settings.payment_of_order {
            PaymentOfOrder::NewestApproved => order.approved.last(),
            PaymentOfOrder::Newest => None,
        };
        let payment_key = approved.or(order.opened.last())?;
        self.payments.get(payment_key)
    }

    /// The payment that an account was issued for.
    pub(crate) fn payment_of_account(&self, number: &str) -> Option<&Payment> {
        self.payments.get(self.accounts.get(number)?)
    }

    /// Whether money was taken for the order with another payment than this one.
    pub(crate) fn approved_otherwise(&self, order_id: &str, payment_key: &str) -> bool {
        self.orders
            .get(order_id)
            .is_some_and(|order| order.approved.iter().any(|key| key != payment_key))
    }

    /// The keys of payments whose time may run out.
    pub(crate) fn open(&self) -> impl Iterator<Item = &String> {
        self.open.iter()
    }

    /// Whether an order id was approved before, or an account issued for it; it may have been
    /// given back since.
    pub(crate) fn is_used(&self, order_id: &str) -> bool {
        let order = self.orders.get(order_id);
        order.is_some_and(|order| !order.approved.is_empty())
    }

    /// How many movements of money there were.
    pub(crate) fn money_moved(&self) -> usize {
        self.ledger.len().saturating_sub(self.moneyless)
    }

    pub(crate) fn ledger(&self) -> &[Entry] {
        &self.ledger
    }

    /// When money last moved: time never runs back behind it, so the ledger is in order of time.
    pub(crate) fn latest_movement(&self) -> Timestamp {
        self.ledger
            .last()
            .map_or(Timestamp::MIN_UTC, |entry| entry.at)
    }

    /// The entries whose movement is in a range of instants, oldest first.
    pub(crate) fn movements(&self, range: &Range<Timestamp>) -> &[Entry] {
        let first = self.ledger.partition_point(|entry| entry.at < range.start);
        let end = self.ledger.partition_point(|entry| entry.at < range.end);
        self.ledger.get(first..end).unwrap_or_default()
    }

    /// The entry a transaction key stands for: the key says when, so that few are looked at.
    pub(crate) fn movement(&self, transaction_key: &str) -> Option<&Entry> {
        let at = ids::transaction_instant(transaction_key)?;
        let end = at.checked_add_signed(TimeDelta::milliseconds(1))?;
        self.movements(&(at..end))
            .iter()
            .find(|entry| entry.transaction_key == transaction_key)
    }

    /// What the card company authorised, oldest first.
    pub(crate) fn authorizations(&self) -> &[Authorization] {
        &self.authorizations
    }

    /// What the card company first authorised for a `tid`.
    pub(crate) fn authorization(&self, tid: &str) -> Option<&Authorization> {
        let place = self.authorized.get(tid)?;
        self.authorizations.get(*place)
    }

    /// With which amount and reason the card company first declined a `tid`.
    pub(crate) fn declined(&self, tid: &str) -> Option<&(i64, String)> {
        self.declined.get(tid)
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        u64::try_from(self.ledger.len())
            .unwrap_or(u64::MAX)
            .saturating_add(1)
    }

    /// The one place that changes state, for live requests and for the journal alike.
    pub(crate) fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::ClockMoved { offset_seconds } => self.clock.set_offset_seconds(offset_seconds),
            Fact::Created { payment } => self.create(*payment),
            Fact::Authenticated {
                payment_key,
                authentication,
            } => {
                self.change(&payment_key, |payment| {
                    authenticate(payment, authentication);
                });
            }
            Fact::Expired { payment_key } => {
                self.change(&payment_key, |payment| {
                    end(payment, Status::Expired, "EXPIRED_PAYMENT");
                });
            }
            Fact::Aborted {
                payment_key,
                transaction_key,
                code,
            } => {
                self.change(&payment_key, |payment| {
                    end(payment, Status::Aborted, &code);
                    payment.last_transaction_key = Some(transaction_key);
                });
            }
            Fact::Captured { entry } => self.capture(entry),
            Fact::Canceled { cancel, entry } => {
                self.change(&entry.payment_key, |payment| settle(payment, cancel));
                self.enter(entry);
            }
            Fact::AccountIssued { account, entry } => self.issue_account(account, entry),
            Fact::DuePassed { payment_key } => {
                self.change_account(&payment_key, |account| account.expired = true);
            }
            Fact::Deposited { entry, depositor } => self.deposit(entry, depositor),
            Fact::Reversed { entry } => self.reverse(entry),
            Fact::Refunded {
                payment_key,
                status,
            } => self.refund(&payment_key, status),
            Fact::Authorized { authorization } => self.authorize(authorization),
            Fact::Declined {
                tid,
                amount,
                reason,
            } => self.decline(tid, (amount, reason)),
            Fact::BillingOpened { window } => self.billing.open(window),
            Fact::BillingAuthenticated { auth, window } => {
                self.billing.pass(auth, window.as_deref());
            }
            Fact::BillingIssued { auth_key, key } => self.billing.issue(&auth_key, key),
            Fact::BillingCardChanged { billing_key, card } => {
                self.billing.change_card(&billing_key, card);
            }
            Fact::BillingRemoved { billing_key, at } => self.billing.remove(&billing_key, at),
            Fact::HookRegistered { endpoint } => self.hooks.register(endpoint),
            Fact::HookRemoved { id } => self.hooks.unregister(id),
            Fact::Notified { delivery } => self.hooks.notify(*delivery),
            Fact::Tried {
                sequence,
                made,
                next,
            } => self.hooks.tried(sequence, made, next),
            Fact::Resent { sequence, at } => self.hooks.resend(sequence, at),
            Fact::Answered { answered } => self.keys.remember(*answered),
        }
    }

    fn create(&mut self, payment: Payment) {
        let order = self.orders.entry(payment.order_id.clone()).or_default();
        order.opened.push(payment.payment_key.clone());
        self.open.insert(payment.payment_key.clone());
        self.payments.insert(payment.payment_key.clone(), payment);
    }

    fn capture(&mut self, entry: Entry) {
        debug_assert_eq!(entry.kind, Movement::Capture);
        let order = self.orders.entry(entry.order_id.clone()).or_default();
        order.approved.push(entry.payment_key.clone());
        self.change(&entry.payment_key, |payment| {
            payment.status = Status::Done;
            payment.total = entry.amount;
            payment.balance = entry.amount;
            // Less may be taken than was asked for.
            payment.tax_free = payment.tax_free.min(entry.amount);
            payment.approved_at = Some(entry.at);
            payment.last_transaction_key = Some(entry.transaction_key.clone());
        });
        self.ledger.push(entry);
    }

    fn decline(&mut self, tid: String, first: (i64, String)) {
        self.declined.entry(tid).or_insert(first);
    }

    fn authorize(&mut self, authorization: Authorization) {
        let place = self.authorizations.len();
        self.authorized
            .entry(authorization.tid.clone())
            .or_insert(place);
        self.authorizations.push(authorization);
    }

    /// A line more in the ledger.
    fn enter(&mut self, entry: Entry) {
        if !entry.kind.moves_money() {
            self.moneyless = self.moneyless.saturating_add(1);
        }
        self.ledger.push(entry);
    }

    fn change(&mut self, payment_key: &str, change: impl FnOnce(&mut Payment)) {
        let payment = self.payments.get_mut(payment_key);
        let payment = payment.expect("a fact speaks of a payment created by an earlier fact");
        change(payment);
        if payment.can_change_by_itself() {
            self.open.insert(payment_key.to_owned());
        } else {
            self.open.remove(payment_key);
        }
    }
}

/// A payment that comes to nothing.
fn end(payment: &mut Payment, status: Status, code: &str) {
    payment.status = status;
    payment.failure_code = Some(code.to_owned());
}

fn authenticate(payment: &mut Payment, authentication: Authentication) {
    payment.status = Status::InProgress;
    payment.method = Some(authentication.method);
    payment.authenticated_at = Some(authentication.at);
    payment.secret = authentication.secret;
    payment.scenario = authentication.scenario;
    payment.funding = authentication.funding;
    payment.partial_cancelable &= payment
        .test_card()
        .is_none_or(|card| card.partial_cancelable);
    payment.customer_key = authentication.customer_key.or(payment.customer_key.take());
}

/// Cancelled only when one call took everything; parts that reach zero stay partial.
fn settle(payment: &mut Payment, cancel: Cancel) {
    let at_once = payment.cancels.is_empty() && cancel.refundable == 0;
    payment.status = if at_once {
        Status::Canceled
    } else {
        Status::PartialCanceled
    };
    payment.balance = cancel.refundable;
    payment.tax_free = match cancel.refundable {
        0 => 0,
        _ => payment.tax_free.saturating_sub(cancel.tax_free),
    };
    payment.last_transaction_key = Some(cancel.transaction_key.clone());
    if let (Some(account), Some((status, at))) = (&mut payment.virtual_account, cancel.refund) {
        account.refund = status;
        account.refund_at = Some(at);
    }
    payment.cancels.push(cancel);
}
