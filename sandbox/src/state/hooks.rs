//! Owns what the sandbox knows about webhooks: where they go, what was to be told, what came of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// How many deliveries are remembered; the oldest that are over are forgotten first.
const KEPT_MAX: usize = 20_000;

/// How many may wait: a merchant that is away for days must not fill the memory.
const WAITING_MAX: usize = 10_000;

/// What is told, by the name under which it is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Event {
    #[serde(rename = "PAYMENT_STATUS_CHANGED")]
    PaymentStatusChanged,
    #[serde(rename = "DEPOSIT_CALLBACK")]
    DepositCallback,
    #[serde(rename = "CANCEL_STATUS_CHANGED")]
    CancelStatusChanged,
    #[serde(rename = "BILLING_DELETED")]
    BillingDeleted,
    #[serde(rename = "payout.changed")]
    PayoutChanged,
    #[serde(rename = "seller.changed")]
    SellerChanged,
}

/// An address that wants to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) id: u64,
    pub(crate) url: String,
    pub(crate) events: Vec<Event>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Standing {
    /// It is tried when its time comes.
    Waiting,
    Delivered,
    /// Its last try failed, or its address was taken away.
    Failed,
    /// Lost on purpose: it is never tried.
    Lost,
}

/// One thing told to one address, however often it is tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    pub(crate) sequence: u64,
    pub(crate) transmission_id: String,
    pub(crate) endpoint: u64,
    pub(crate) url: String,
    pub(crate) event: Event,
    pub(crate) order_id: Option<String>,
    pub(crate) body: String,
    pub(crate) at: Timestamp,
    pub(crate) standing: Standing,
    /// When it is tried next, while it waits.
    pub(crate) due_at: Timestamp,
    pub(crate) tries: Vec<Try>,
}

/// What came of one try.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Try {
    pub(crate) at: Timestamp,
    /// What the address answered; none when it did not.
    pub(crate) status: Option<u16>,
    pub(crate) problem: Option<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    endpoints: BTreeMap<u64, Endpoint>,
    endpoints_ever: u64,
    deliveries: BTreeMap<u64, Delivery>,
    deliveries_ever: u64,
    waiting: BTreeSet<(Timestamp, u64)>,
}

impl Event {
    pub(crate) const ALL: [Self; 6] = [
        Self::PaymentStatusChanged,
        Self::DepositCallback,
        Self::CancelStatusChanged,
        Self::BillingDeleted,
        Self::PayoutChanged,
        Self::SellerChanged,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PaymentStatusChanged => "PAYMENT_STATUS_CHANGED",
            Self::DepositCallback => "DEPOSIT_CALLBACK",
            Self::CancelStatusChanged => "CANCEL_STATUS_CHANGED",
            Self::BillingDeleted => "BILLING_DELETED",
            Self::PayoutChanged => "payout.changed",
            Self::SellerChanged => "seller.changed",
        }
    }

    /// The only ones whose sender can be checked (`toss-api.md` §15.2).
    pub(crate) fn is_signed(self) -> bool {
        match self {
            Self::PayoutChanged | Self::SellerChanged => true,
            Self::PaymentStatusChanged
            | Self::DepositCallback
            | Self::CancelStatusChanged
            | Self::BillingDeleted => false,
        }
    }
}

impl Hooks {
    /// Whether anybody wants to be told anything.
    pub(crate) fn any(&self) -> bool {
        !self.endpoints.is_empty()
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values()
    }

    pub(crate) fn next_endpoint(&self) -> u64 {
        self.endpoints_ever.saturating_add(1)
    }

    pub(crate) fn next_delivery(&self) -> u64 {
        self.deliveries_ever.saturating_add(1)
    }

    /// Whether one more may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    pub(crate) fn delivery(&self, sequence: u64) -> Option<&Delivery> {
        self.deliveries.get(&sequence)
    }

    /// Those after a number, oldest first.
    pub(crate) fn deliveries(&self, after: u64) -> impl Iterator<Item = &Delivery> {
        let later = self.deliveries.range(after.saturating_add(1)..);
        later.map(|(_, delivery)| delivery)
    }

    /// What waits for its try, the one due first before the others.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Timestamp, &Delivery)> {
        let all = self.waiting.iter();
        all.filter_map(|(due, sequence)| Some((*due, self.deliveries.get(sequence)?)))
    }

    pub(super) fn register(&mut self, endpoint: Endpoint) {
        self.endpoints_ever = self.endpoints_ever.max(endpoint.id);
        self.endpoints.insert(endpoint.id, endpoint);
    }

    pub(super) fn unregister(&mut self, id: u64) {
        self.endpoints.remove(&id);
        for delivery in self.deliveries.values_mut() {
            if delivery.endpoint == id && delivery.standing == Standing::Waiting {
                self.waiting.remove(&(delivery.due_at, delivery.sequence));
                delivery.standing = Standing::Failed;
            }
        }
    }

    pub(super) fn notify(&mut self, delivery: Delivery) {
        self.deliveries_ever = self.deliveries_ever.max(delivery.sequence);
        if delivery.standing == Standing::Waiting {
            self.waiting.insert((delivery.due_at, delivery.sequence));
        }
        self.deliveries.insert(delivery.sequence, delivery);
        if self.deliveries.len() > KEPT_MAX {
            let over = |delivery: &&Delivery| delivery.standing != Standing::Waiting;
            let oldest = self.deliveries.values().find(over);
            if let Some(sequence) = oldest.map(|delivery| delivery.sequence) {
                self.deliveries.remove(&sequence);
            }
        }
    }

    /// What a try came to, and when the next one is.
    pub(super) fn tried(&mut self, sequence: u64, made: Try, next: Next) {
        let Some(delivery) = self.deliveries.get_mut(&sequence) else {
            return;
        };
        delivery.tries.push(made);
        if delivery.standing != Standing::Waiting {
            // Its address was taken away meanwhile.
            return;
        }
        self.waiting.remove(&(delivery.due_at, sequence));
        match next {
            Next::Delivered => delivery.standing = Standing::Delivered,
            Next::Failed => delivery.standing = Standing::Failed,
            Next::Again { at } => {
                delivery.due_at = at;
                self.waiting.insert((at, sequence));
            }
        }
    }

    /// Tries once more what is over, or does not wait any longer.
    pub(super) fn resend(&mut self, sequence: u64, at: Timestamp) {
        if let Some(delivery) = self.deliveries.get_mut(&sequence) {
            self.waiting.remove(&(delivery.due_at, sequence));
            delivery.standing = Standing::Waiting;
            delivery.due_at = at;
            self.waiting.insert((at, sequence));
        }
    }
}

/// What follows a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Next {
    Delivered,
    Again { at: Timestamp },
    Failed,
}
