//! Owns what a caller is shown of a payment, and what a stored outcome keeps of it.

use domain::Timestamp;
use domain::payment::{Canceled, Payment};
use serde::{Deserialize, Serialize};

use crate::subscriptions::SubscriptionView;

/// A payment as shown. Words, not enums: a stored outcome must stay readable for as long as its
/// key lives, whatever words are added later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
    /// Its id.
    pub payment_id: String,
    /// The order id for the payment window; the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_order_id: Option<String>,
    /// What the payment window is opened with; told when one is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// The merchant's order.
    pub order_id: String,
    /// What is bought.
    pub order_name: String,
    /// The newest event's sequence; 0 in an outcome that was stored before it was told.
    #[serde(default)]
    pub sequence: i64,
    /// Where it stands.
    pub status: String,
    /// How the money is taken.
    pub kind: String,
    /// What is to be paid, in minor units.
    pub amount: i64,
    /// The part of it without VAT, in minor units.
    pub tax_free_amount: i64,
    /// The currency of every amount in here.
    pub currency: String,
    /// Captured and not given back, in minor units.
    pub balance_amount: i64,
    /// Given back, in minor units.
    pub canceled_amount: i64,
    /// Captured, not given back and without VAT, in minor units.
    #[serde(default)]
    pub tax_free_balance_amount: i64,
    /// How money was given back, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancels: Vec<CancelView>,
    /// The authentication that paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_key: Option<String>,
    /// Card, easy pay …, as the gateway words it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where the buyer's receipt is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_url: Option<String>,
    /// Where the buyer pays in; its number and holder never in a stored outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_account: Option<AccountView>,
    /// Why the last attempt was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<DeclineView>,
    /// The unresolved saga, for support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saga_id: Option<String>,
    /// The member it belongs to. Never in a stored outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<String>,
    /// The buyer's name. Never in a stored outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when it can be paid.
    pub expires_at: Timestamp,
    /// When the gateway approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// The subscription that it is for, as this payment's move left it; in stored outcomes only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Box<SubscriptionView>>,
}

/// A virtual account as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// The gateway's code of the bank.
    pub bank: String,
    /// Its number. Never in a stored outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_number: Option<String>,
    /// In whose name it is. Never in a stored outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Until when a deposit is taken.
    pub due_at: Timestamp,
    /// How far the bank is with what was given back; none before anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_status: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_status_at: Option<Timestamp>,
}

/// One cancellation as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelView {
    /// The gateway's name of the movement.
    pub transaction_key: String,
    /// Given back, in minor units.
    pub amount: i64,
    /// The part of it without VAT, in minor units.
    pub tax_free_amount: i64,
    /// Why; none where others made it at the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In whose name; none where others made it at the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// When the gateway says it happened.
    pub canceled_at: Timestamp,
}

impl CancelView {
    fn of(cancel: &Canceled) -> Self {
        Self {
            transaction_key: cancel.transaction_key.to_string(),
            amount: cancel.amount.minor(),
            tax_free_amount: cancel.tax_free.minor(),
            reason: cancel.reason.clone(),
            reason_code: cancel.reason_code.map(|code| code.to_string()),
            canceled_at: cancel.canceled_at,
        }
    }
}

/// A decline as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclineView {
    /// Our stable reason.
    pub reason: String,
    /// Who can mend it.
    pub class: String,
    /// The gateway's code.
    pub code: String,
    /// The gateway's words, for people.
    pub message: String,
}

impl DeclineView {
    /// What is shown of `decline`.
    #[must_use]
    pub fn of(decline: &domain::decline::Decline) -> Self {
        Self {
            reason: decline.reason.to_string(),
            class: decline.class.as_str().to_owned(),
            code: decline.code.clone(),
            message: decline.message.clone(),
        }
    }
}

impl PaymentView {
    /// What is shown of `payment`, without personal data.
    #[must_use]
    pub fn impersonal(payment: &Payment) -> Self {
        let facts = &payment.facts;
        let paid = payment.paid.as_ref();
        Self {
            payment_id: facts.id.to_string(),
            gateway_order_id: None,
            client_key: None,
            order_id: facts.order_id.to_string(),
            order_name: facts.order_name.to_string(),
            status: payment.status().to_string(),
            kind: facts.kind.to_string(),
            amount: facts.amount.minor(),
            tax_free_amount: facts.tax_free.minor(),
            currency: facts.amount.currency().to_string(),
            balance_amount: payment.balance().map_or(0, domain::money::Money::minor),
            sequence: payment.head.sequence,
            canceled_amount: payment.canceled.minor(),
            tax_free_balance_amount: payment.tax_free_balance().minor(),
            cancels: payment.cancels.iter().map(CancelView::of).collect(),
            payment_key: paid.map(|paid| paid.payment_key.to_string()),
            method: paid.and_then(|paid| paid.method.clone()),
            receipt_url: paid.and_then(|paid| paid.receipt_url.clone()),
            virtual_account: payment.account.as_ref().map(|account| AccountView {
                bank: account.bank.to_string(),
                account_number: None,
                holder: None,
                due_at: account.due_at,
                refund_status: account.refund.map(|refund| refund.status.to_string()),
                refund_status_at: account.refund.map(|refund| refund.since),
            }),
            decline: payment.state.declined().map(DeclineView::of),
            saga_id: payment.open_saga().map(|saga| saga.to_string()),
            member_id: None,
            customer_name: None,
            created_at: facts.created_at,
            expires_at: facts.expires_at,
            approved_at: payment.state.approved_at(),
            subscription: None,
        }
    }

    /// What the owner is shown of `payment`.
    #[must_use]
    pub fn of(payment: &Payment) -> Self {
        let customer = &payment.facts.customer;
        Self {
            member_id: customer.member.as_ref().map(ToString::to_string),
            customer_name: customer.name.as_ref().map(ToString::to_string),
            ..Self::impersonal(payment)
        }
    }
}
