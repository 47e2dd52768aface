//! Owns the JSON of billing keys. What could be paid with is in none of it.

use application::{Opened, view};
use chrono::{DateTime, Utc};
use domain::billing::{self, Stage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::presentation::bodies::Decline;

/// Whose card is to be registered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::presentation) struct RegisterCard {
    /// The merchant's id of the member; a merchant's server has to say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "member-1", min_length = 1, max_length = 64)]
    member_id: Option<String>,
}

/// What the window's redirect brought back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::presentation) struct IssueBillingKey {
    /// `customerKey` of the redirect; it must be the one that was handed out.
    #[schema(example = "cus_06f8q0e1x4000000000000000000000000", max_length = 50)]
    customer_key: String,
    /// `authKey` of the redirect; the gateway takes it once.
    #[schema(example = "bln_auth_a1b2c3", min_length = 1, max_length = 300)]
    auth_key: String,
}

/// What is charged with which card.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::presentation) struct ChargePayment {
    /// A billing key of the payment's member; their default where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "bkey_06f8q0e1x4000000000000000000000000")]
    billing_key_id: Option<String>,
}

/// A registration that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "three keys of three parties")]
pub(in crate::presentation) struct NewBillingKey {
    /// The name of the member for the gateway's window: random, and of this card alone.
    #[schema(example = "cus_06f8q0e1x4000000000000000000000000")]
    customer_key: String,
    /// The gateway's client key to open the window with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "test_ck_D5GePWvyJnrK0W0k6q8gLzN97Eoq")]
    client_key: Option<String>,
    /// What it will be.
    billing_key: BillingKey,
}

/// A stored payment method of a member.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct BillingKey {
    /// Its id. It is ours: with it nobody can charge anything at the gateway.
    #[serde(rename = "billingKeyId")]
    #[schema(example = "bkey_06f8q0e1x4000000000000000000000000")]
    id: String,
    /// Whose it is.
    #[schema(example = "member-1")]
    member_id: String,
    /// `REGISTERED`, `ISSUING`, `ACTIVE`, `DELETING`, `DELETED` or `FAILED`.
    #[schema(example = "ACTIVE")]
    status: &'static str,
    /// Whether the member pays with it where nothing else is said.
    is_default: bool,
    /// Card, account …, as the gateway words it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "카드")]
    method: Option<String>,
    /// Who issued the card, in the gateway's code, or the bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "61")]
    company: Option<String>,
    /// The last digits that the gateway shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1234")]
    last4: Option<String>,
    /// Why it was never issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<Decline>,
    /// Since when.
    created_at: DateTime<Utc>,
    /// When the gateway issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<DateTime<Utc>>,
}

/// A member's billing keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct BillingKeys {
    /// Newest first.
    pub(super) billing_keys: Vec<BillingKey>,
}

impl From<billing::BillingKey> for BillingKey {
    fn from(key: billing::BillingKey) -> Self {
        let card = key.card().cloned().unwrap_or_default();
        let decline = match &key.stage {
            Stage::Failed { declined } => Some(view::DeclineView::of(declined).into()),
            Stage::Registered
            | Stage::Issuing { .. }
            | Stage::Active { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. } => None,
        };
        Self {
            id: key.id.to_string(),
            member_id: key.member.to_string(),
            status: key.status().as_str(),
            is_default: key.is_default(),
            method: card.method,
            company: card.company,
            last4: card.last4,
            decline,
            created_at: key.created_at,
            issued_at: key.stored().map(|stored| stored.issued_at),
        }
    }
}

impl From<Opened> for NewBillingKey {
    fn from(opened: Opened) -> Self {
        Self {
            customer_key: opened.key.customer_key.to_string(),
            client_key: opened.client_key,
            billing_key: opened.key.into(),
        }
    }
}
