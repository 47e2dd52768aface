//! Owns the record of API arrivals: the newest in full, all of them in totals.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

/// How many calls are kept in full.
const KEPT_MAX: usize = 200_000;

/// The API calls the sandbox knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Operation {
    Confirm,
    Get,
    GetByOrder,
    Cancel,
    Create,
    Transactions,
    Settlements,
    IssueAccount,
    IssueBillingKey,
    Charge,
    DeleteBillingKey,
    /// The card company's, not the gateway's.
    Authorize,
}

/// One arrival and what became of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    pub(crate) sequence: u64,
    pub(crate) operation: Operation,
    pub(crate) payment_key: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    /// In whose span it was made, as the caller says it; nothing depends on it.
    pub(crate) traceparent: Option<String>,
    /// What the caller saw; null when the connection died.
    pub(crate) status: Option<u16>,
    /// The error code the gateway decided on, whether or not the caller saw it.
    pub(crate) code: Option<String>,
    pub(crate) replayed: bool,
    /// Whether money moved.
    pub(crate) effect: bool,
    pub(crate) fault: Option<&'static str>,
    pub(crate) at: String,
}

/// Counts over all calls since the start.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    confirm: u64,
    get: u64,
    get_by_order: u64,
    cancel: u64,
    create: u64,
    transactions: u64,
    settlements: u64,
    issue_account: u64,
    issue_billing_key: u64,
    charge: u64,
    delete_billing_key: u64,
    authorize: u64,
    effects: u64,
    replayed: u64,
    faults: u64,
}

/// All arrivals.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    kept: VecDeque<Call>,
    totals: Totals,
    sequence: u64,
}

/// Which calls to show.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) after: u64,
    pub(crate) order_id: Option<String>,
}

impl Operation {
    pub(crate) const ALL: [Self; 12] = [
        Self::Confirm,
        Self::Get,
        Self::GetByOrder,
        Self::Cancel,
        Self::Create,
        Self::Transactions,
        Self::Settlements,
        Self::IssueAccount,
        Self::IssueBillingKey,
        Self::Charge,
        Self::DeleteBillingKey,
        Self::Authorize,
    ];

    /// Whether the gateway is asked, and not the card company behind it.
    pub(crate) fn is_of_gateway(self) -> bool {
        self != Self::Authorize
    }

    /// The gateway's POST calls do; deleting is idempotent itself (`toss-api.md` §14).
    pub(crate) fn takes_idempotency_keys(self) -> bool {
        self.is_of_gateway() && !self.is_read() && self != Self::DeleteBillingKey
    }

    pub(crate) fn is_read(self) -> bool {
        match self {
            Self::Get | Self::GetByOrder | Self::Transactions | Self::Settlements => true,
            Self::Confirm
            | Self::Cancel
            | Self::Create
            | Self::IssueAccount
            | Self::IssueBillingKey
            | Self::Charge
            | Self::DeleteBillingKey
            | Self::Authorize => false,
        }
    }
}

impl Calls {
    /// Adds a call and numbers it. A late effect is not another arrival.
    pub(crate) fn add(&self, mut call: Call, arrived: bool) {
        let mut record = self.lock();
        record.sequence = record.sequence.saturating_add(1);
        call.sequence = record.sequence;
        record.totals.count(&call, arrived);
        if record.kept.len() >= KEPT_MAX {
            record.kept.pop_front();
        }
        record.kept.push_back(call);
    }

    pub(crate) fn shown(&self, wanted: &Wanted) -> (Vec<Call>, Totals) {
        let record = self.lock();
        let first = record
            .kept
            .partition_point(|call| call.sequence <= wanted.after);
        let meant = |call: &&Call| {
            wanted
                .order_id
                .as_ref()
                .is_none_or(|order| call.order_id.as_ref() == Some(order))
        };
        (
            record.kept.range(first..).filter(meant).cloned().collect(),
            record.totals.clone(),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record
            .lock()
            .expect("nothing panics while the calls are locked")
    }
}

impl Totals {
    fn count(&mut self, call: &Call, arrived: bool) {
        let counter = match call.operation {
            Operation::Confirm => &mut self.confirm,
            Operation::Get => &mut self.get,
            Operation::GetByOrder => &mut self.get_by_order,
            Operation::Cancel => &mut self.cancel,
            Operation::Create => &mut self.create,
            Operation::Transactions => &mut self.transactions,
            Operation::Settlements => &mut self.settlements,
            Operation::IssueAccount => &mut self.issue_account,
            Operation::IssueBillingKey => &mut self.issue_billing_key,
            Operation::Charge => &mut self.charge,
            Operation::DeleteBillingKey => &mut self.delete_billing_key,
            Operation::Authorize => &mut self.authorize,
        };
        *counter = counter.saturating_add(u64::from(arrived));
        self.effects = self.effects.saturating_add(u64::from(call.effect));
        self.replayed = self.replayed.saturating_add(u64::from(call.replayed));
        self.faults = self
            .faults
            .saturating_add(u64::from(arrived && call.fault.is_some()));
    }
}
