//! Owns how facts about virtual accounts change the state.

use super::State;
use super::account::{RefundStatus, VirtualAccount};
use super::fact::Entry;
use super::payment::Status;

impl State {
    /// The payment waits; its order id is used up.
    pub(super) fn issue_account(&mut self, account: VirtualAccount, entry: Entry) {
        let (number, key) = (account.number.clone(), entry.payment_key.clone());
        let order = self.orders.entry(entry.order_id.clone()).or_default();
        order.approved.push(key.clone());
        self.change(&key, |payment| {
            payment.status = Status::WaitingForDeposit;
            payment.virtual_account = Some(account);
            payment.last_transaction_key = Some(entry.transaction_key.clone());
        });
        self.accounts.insert(number, key);
        self.enter(entry);
    }

    pub(super) fn deposit(&mut self, entry: Entry, depositor: String) {
        self.change(&entry.payment_key, |payment| {
            payment.status = Status::Done;
            payment.approved_at = Some(entry.at);
            payment.last_transaction_key = Some(entry.transaction_key.clone());
            if let Some(account) = &mut payment.virtual_account {
                account.depositor = Some(depositor);
            }
        });
        self.enter(entry);
    }

    /// As if nobody had paid in.
    pub(super) fn reverse(&mut self, entry: Entry) {
        self.change(&entry.payment_key, |payment| {
            payment.status = Status::WaitingForDeposit;
            payment.approved_at = None;
            payment.last_transaction_key = Some(entry.transaction_key.clone());
            if let Some(account) = &mut payment.virtual_account {
                account.depositor = None;
            }
        });
        self.enter(entry);
    }

    pub(super) fn refund(&mut self, payment_key: &str, status: RefundStatus) {
        self.change_account(payment_key, |account| {
            account.refund = status;
            account.refund_at = None;
        });
    }

    pub(super) fn change_account(
        &mut self,
        payment_key: &str,
        change: impl FnOnce(&mut VirtualAccount),
    ) {
        self.change(payment_key, |payment| {
            let account = payment.virtual_account.as_mut();
            change(account.expect("a fact speaks of an account issued by an earlier fact"));
        });
    }
}
