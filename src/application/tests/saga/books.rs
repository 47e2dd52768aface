//! Owns the books of the scripted gateway and Toss's rules for them (`toss-api.md §6, §14`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use application::ports::gateway::{Line, Listed};
use domain::Timestamp;
use domain::decline::{Class, Decline, Reason};
use domain::id::GatewayOrderId;
use domain::money::Money;
use domain::refund::RefundStatus;
use domain::saga::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall};
use domain::snapshot::{Answer, Cancel, Cause, Snapshot, Status};
use domain::text::{PaymentKey, TransactionKey};
use tokio::time::Instant;

use crate::faults::Fault;

const WINDOW: Duration = Duration::from_mins(10);

/// One authentication at the gateway.
pub(crate) struct Account {
    pub(crate) key: PaymentKey,
    pub(crate) order: GatewayOrderId,
    pub(crate) amount: Money,
    pub(crate) authenticated: Instant,
    pub(crate) status: Status,
    pub(crate) captured: Option<Money>,
    /// What moved last, where the gateway shows it, and when.
    pub(crate) last: Option<(TransactionKey, Timestamp)>,
    pub(crate) cancels: Vec<Cancel>,
    /// How far the bank is with what was given back, where the gateway says so.
    pub(crate) refund: Option<RefundStatus>,
}

pub(crate) enum Late {
    Confirm(ConfirmCall),
    Cancel(CancelCall),
    Charge(ChargeCall),
    Issue(IssueAccountCall),
}

#[derive(Default)]
pub(crate) struct Books {
    /// Of a gateway that answers no questions: an order's first verdict is repeated for ever.
    pub(crate) mute: bool,
    /// How long the next answer to an approval stays away, once it has taken effect or not.
    pub(crate) slow: Option<Duration>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) stored: BTreeMap<String, Answer>,
    pub(crate) late: Vec<(Instant, Late)>,
    transactions: u32,
    pub(crate) confirms_with_effect: u32,
    pub(crate) lies: i64,
    /// Cancellations that a call of ours made.
    pub(crate) cancels_with_effect: usize,
    /// What moved, oldest first.
    pub(crate) moved: Vec<(Instant, Listed)>,
}

impl Books {
    pub(crate) fn snapshot(account: &Account) -> Snapshot {
        let total = account.captured.unwrap_or(account.amount);
        let balance = account
            .cancels
            .iter()
            .try_fold(total, |left, cancel| left.minus(cancel.amount))
            .expect("the gateway never gives back more than it took");
        let last = account.last.as_ref();
        let moved_at = last.map_or(crate::world::START, |(_, at)| *at);
        Snapshot {
            payment_key: account.key.clone(),
            order_id: account.order.to_string(),
            merchant_id: "tgen_script".to_owned(),
            status: account.status.clone(),
            total: Some(total),
            balance: Some(balance),
            tax_free: None,
            approved_at: account.captured.map(|_| moved_at),
            last_transaction_key: account.last.as_ref().map(|(key, _)| key.clone()),
            cancels: account.cancels.clone(),
            failure: None,
            method: Some("카드".to_owned()),
            receipt_url: None,
            account: crate::accounts::shown(account),
        }
    }

    pub(crate) fn found(account: &Account) -> Answer {
        Answer::Found(Box::new(Self::snapshot(account)))
    }

    /// Lets time pass: windows close and late requests arrive.
    pub(crate) fn catch_up(&mut self, now: Instant) {
        self.late.sort_by_key(|(at, _)| *at);
        while self.late.first().is_some_and(|(at, _)| *at <= now) {
            let (at, late) = self.late.remove(0);
            self.lapse(at);
            match late {
                Late::Confirm(call) => self.confirm(&call, None),
                Late::Cancel(call) => self.cancel(&call, None),
                Late::Charge(call) => self.charge(&call, None),
                Late::Issue(call) => self.issue(&call, None),
            };
        }
        self.lapse(now);
    }

    fn lapse(&mut self, now: Instant) {
        // Only a window closes by itself.
        for account in self.accounts.iter_mut().filter(|_| !self.mute) {
            if account.status == Status::InProgress && now >= account.authenticated + WINDOW {
                account.status = Status::Expired;
            }
        }
    }

    pub(crate) fn once(&mut self, key: &str, act: impl FnOnce(&mut Self) -> Answer) -> Answer {
        if let Some(stored) = self.stored.get(key) {
            return stored.clone();
        }
        let answer = act(self);
        self.stored.insert(key.to_owned(), answer.clone());
        answer
    }

    pub(crate) fn confirm(&mut self, call: &ConfirmCall, fault: Option<Fault>) -> Answer {
        if self.mute {
            return self.authorize(call, fault);
        }
        self.once(call.key.as_str(), |books| books.confirm_first(call, fault))
    }

    pub(crate) fn confirm_first(&mut self, call: &ConfirmCall, fault: Option<Fault>) -> Answer {
        let Some(at) = self.accounts.iter().position(|a| a.key == call.payment_key) else {
            return Answer::Unknown(Cause::SessionGone);
        };
        let account = &mut self.accounts[at];
        match account.status {
            Status::InProgress => {}
            Status::Expired => return Answer::Unknown(Cause::SessionGone),
            Status::Ready
            | Status::WaitingForDeposit
            | Status::Done
            | Status::Canceled
            | Status::PartialCanceled
            | Status::Aborted
            | Status::Other(_) => {
                return Answer::Unknown(Cause::Conflict("ALREADY_PROCESSED_PAYMENT".to_owned()));
            }
        }
        match fault {
            Some(Fault::Decline) => {
                account.status = Status::Aborted;
                Answer::Declined(refused())
            }
            Some(Fault::Temporary) => Answer::Unknown(Cause::Temporary("PROVIDER_ERROR".into())),
            Some(Fault::UnknownCode) => Answer::Unknown(Cause::Unreadable("NEW_CODE".into())),
            Some(Fault::WrongOrder) => {
                let mut snapshot = Self::snapshot(account);
                snapshot.status = Status::Done;
                snapshot.approved_at = Some(crate::world::START);
                "somebody-elses-order".clone_into(&mut snapshot.order_id);
                Answer::Found(Box::new(snapshot))
            }
            _ => {
                let extra = i64::from(fault == Some(Fault::WrongAmount));
                let amount = Money::new(call.amount.minor() + extra, call.amount.currency());
                account.captured = Some(amount.unwrap());
                account.status = Status::Done;
                self.confirms_with_effect += 1;
                let listed = Listed {
                    transaction_key: format!("txrc_{}", account.key).parse().unwrap(),
                    payment_key: account.key.clone(),
                    order_id: account.order.to_string(),
                    line: Line::Capture,
                    at: None,
                };
                self.moved.push((Instant::now(), listed));
                if fault == Some(Fault::UnknownCodeAfterEffect) {
                    return Answer::Unknown(Cause::Unreadable("NEW_CODE".into()));
                }
                Self::found(&self.accounts[at])
            }
        }
    }

    pub(crate) fn cancel(&mut self, call: &CancelCall, fault: Option<Fault>) -> Answer {
        self.once(call.key.as_str(), |books| books.cancel_first(call, fault))
    }

    fn cancel_first(&mut self, call: &CancelCall, fault: Option<Fault>) -> Answer {
        let amount = match fault {
            Some(Fault::Decline) => return Answer::Declined(refused()),
            Some(Fault::Temporary) => {
                return Answer::Unknown(Cause::Temporary("PROVIDER_ERROR".into()));
            }
            Some(Fault::UnknownCode) => {
                return Answer::Unknown(Cause::Unreadable("NEW_CODE".into()));
            }
            Some(Fault::WrongAmount) => call.amount.minor() - 1,
            Some(_) | None => call.amount.minor(),
        };
        let amount = Money::new(amount, call.amount.currency()).unwrap();
        let Some(at) = self.accounts.iter().position(|a| a.key == call.payment_key) else {
            return Answer::Unknown(Cause::Conflict("NOT_FOUND_PAYMENT".to_owned()));
        };
        if fault == Some(Fault::WrongOrder) {
            let mut snapshot = Self::snapshot(&self.accounts[at]);
            "somebody-elses-order".clone_into(&mut snapshot.order_id);
            snapshot.balance = snapshot.balance.and_then(|left| left.minus(amount).ok());
            snapshot
                .cancels
                .push(self.transaction(amount, &call.reason));
            return Answer::Found(Box::new(snapshot));
        }
        let is_virtual = crate::accounts::shown(&self.accounts[at]).is_some();
        let is_deposited = call.to.is_some() && self.accounts[at].captured.is_some();
        if is_virtual && !is_deposited {
            let answer = self.close(at, call);
            return match fault {
                Some(Fault::UnknownCodeAfterEffect) => {
                    Answer::Unknown(Cause::Unreadable("NEW_CODE".into()))
                }
                Some(_) | None => answer,
            };
        }
        let balance = Self::snapshot(&self.accounts[at]).balance.unwrap();
        // Not sent at all, it is not compared; more than is left is refused in any case.
        let differs = balance != call.refundable && !call.refundable.is_zero();
        if differs || balance.minus(amount).is_err() {
            return Answer::Unknown(Cause::Conflict("NOT_MATCHES_REFUNDABLE_AMOUNT".to_owned()));
        }
        self.cancels_with_effect += 1;
        self.give_back(at, amount, call.tax_free, &call.reason);
        if fault == Some(Fault::UnknownCodeAfterEffect) {
            return Answer::Unknown(Cause::Unreadable("NEW_CODE".into()));
        }
        Self::found(&self.accounts[at])
    }

    pub(crate) fn transaction(&mut self, amount: Money, reason: &str) -> Cancel {
        self.transactions += 1;
        Cancel {
            transaction_key: format!("txrd_{}", self.transactions).parse().unwrap(),
            amount,
            tax_free: Some(Money::zero(amount.currency())),
            reason: reason.to_owned(),
            done: true,
            canceled_at: None,
        }
    }

    fn give_back(&mut self, at: usize, amount: Money, tax_free: Option<Money>, reason: &str) {
        let mut cancel = self.transaction(amount, reason);
        cancel.tax_free = tax_free.or(cancel.tax_free);
        let account = &mut self.accounts[at];
        let listed = Listed {
            transaction_key: cancel.transaction_key.clone(),
            payment_key: account.key.clone(),
            order_id: account.order.to_string(),
            line: Line::Cancel,
            at: None,
        };
        self.moved.push((Instant::now(), listed));
        account.cancels.push(cancel);
        account.status = if account.captured == Some(amount) {
            Status::Canceled
        } else {
            Status::PartialCanceled
        };
    }

    /// Somebody gives back a little of it at the gateway's own console.
    pub(crate) fn elsewhere(&mut self, key: &PaymentKey) {
        let at = self.accounts.iter().position(|a| a.key == *key).unwrap();
        let left = Self::snapshot(&self.accounts[at]).balance.unwrap();
        let little = Money::new(7, left.currency()).unwrap();
        if left.minus(little).is_ok() {
            self.give_back(at, little, None, "console");
        }
    }

    /// Somebody gives back there all that a charge took; whether it was one, and took anything.
    pub(crate) fn all_back(&mut self, call: &Late) -> bool {
        let Late::Charge(call) = call else {
            return false;
        };
        let taken = |a: &Account| a.order == call.order && a.status == Status::Done;
        let Some(at) = self.accounts.iter().position(taken) else {
            return false;
        };
        let all = self.accounts[at].captured.expect("what is done was taken");
        self.give_back(at, all, None, "console");
        true
    }
}

impl Books {
    /// What moved within this time, after a movement where one is named.
    pub(crate) fn list(
        &self,
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        date: impl Fn(Instant) -> Timestamp,
    ) -> Vec<Listed> {
        let dated = self.moved.iter().map(|(at, listed)| Listed {
            at: Some(date(*at)),
            ..listed.clone()
        });
        let mut found: Vec<Listed> = dated
            .filter(|listed| listed.at.is_some_and(|at| within.contains(&at)))
            .collect();
        let known = |listed: &Listed| Some(&listed.transaction_key) == after;
        if let Some(place) = found.iter().position(known) {
            found.drain(..=place);
        }
        found
    }
}

pub(crate) fn refused() -> Decline {
    Decline {
        reason: Reason::CardRefused,
        class: Class::Buyer,
        code: "REJECT_CARD_COMPANY".to_owned(),
        message: "refused".to_owned(),
    }
}
