//! Owns how tokens, notifications and hints lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::inbox::{Claim, Headers, Hint, Inbound, Number, SecurityKey, Token};
use domain::vault::Sealed;

use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{hints, hook_tokens, inbox, security_keys};
use crate::adapters::persistence::types::{AsInstant, free_text};

/// A token's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = hook_tokens, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct TokenRow {
    hash: Vec<u8>,
    gateway_account_id: String,
    created_at: AsInstant,
    expires_at: Option<AsInstant>,
}

impl From<&Token> for TokenRow {
    fn from(token: &Token) -> Self {
        Self {
            hash: token.hash.to_vec(),
            gateway_account_id: token.account.to_string(),
            created_at: AsInstant(token.created_at),
            expires_at: token.expires_at.map(AsInstant),
        }
    }
}

impl TryFrom<TokenRow> for Token {
    type Error = Error;

    fn try_from(row: TokenRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                hash: row.hash.as_slice().try_into()?,
                account: row.gateway_account_id.parse()?,
                created_at: row.created_at.0,
                expires_at: row.expires_at.map(|end| end.0),
            })
        };
        read().map_err(corrupt("hook_tokens", &row.gateway_account_id))
    }
}

/// A security key's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = security_keys, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct SecurityKeyRow {
    gateway_account_id: String,
    number: i64,
    security_key: Vec<u8>,
    created_at: AsInstant,
    expires_at: Option<AsInstant>,
}

impl From<&SecurityKey> for SecurityKeyRow {
    fn from(key: &SecurityKey) -> Self {
        Self {
            gateway_account_id: key.account.to_string(),
            number: key.number.get(),
            security_key: key.sealed.0.clone(),
            created_at: AsInstant(key.created_at),
            expires_at: key.expires_at.map(AsInstant),
        }
    }
}

impl TryFrom<SecurityKeyRow> for SecurityKey {
    type Error = Error;

    fn try_from(row: SecurityKeyRow) -> Result<Self, Error> {
        let account = row.gateway_account_id.clone();
        let read = || -> Result<Self, Why> {
            Ok(Self {
                account: row.gateway_account_id.parse()?,
                number: Number::new(row.number).ok_or("no number")?,
                sealed: Sealed(row.security_key),
                created_at: row.created_at.0,
                expires_at: row.expires_at.map(|end| end.0),
            })
        };
        read().map_err(corrupt("security_keys", account))
    }
}

/// A notification's row without who sorts it.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = inbox, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct InboundRow {
    pub(super) id: String,
    gateway_account_id: String,
    digest: Vec<u8>,
    kind: String,
    transmission_id: Option<String>,
    sent_at: Option<String>,
    retried: Option<String>,
    signature: Option<String>,
    body: Vec<u8>,
    received_at: AsInstant,
    verdict: String,
    payment_id: Option<String>,
    due_at: AsInstant,
    pub(super) version: i64,
}

impl From<&Inbound> for InboundRow {
    fn from(inbound: &Inbound) -> Self {
        let headers = &inbound.headers;
        let text = |header: &Option<String>| header.as_deref().map(free_text);
        Self {
            id: inbound.id.to_string(),
            gateway_account_id: inbound.account.to_string(),
            digest: inbound.digest.to_vec(),
            kind: inbound.kind.to_string(),
            transmission_id: text(&headers.transmission_id),
            sent_at: text(&headers.sent_at),
            retried: text(&headers.retried),
            signature: text(&headers.signature),
            body: inbound.body.0.clone(),
            received_at: AsInstant(inbound.received_at),
            verdict: inbound.verdict.to_string(),
            payment_id: inbound.payment.map(|payment| payment.to_string()),
            due_at: AsInstant(inbound.due_at),
            version: inbound.version,
        }
    }
}

impl TryFrom<InboundRow> for Inbound {
    type Error = Error;

    fn try_from(row: InboundRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                account: row.gateway_account_id.parse()?,
                digest: row.digest.as_slice().try_into()?,
                kind: row.kind.parse()?,
                headers: Headers {
                    transmission_id: row.transmission_id,
                    sent_at: row.sent_at,
                    retried: row.retried,
                    signature: row.signature,
                },
                body: Sealed(row.body),
                received_at: row.received_at.0,
                verdict: row.verdict.parse()?,
                payment: row.payment_id.as_deref().map(str::parse).transpose()?,
                due_at: row.due_at.0,
                version: row.version,
            })
        };
        read().map_err(corrupt("inbox", id))
    }
}

/// A hint's row without who holds it.
#[derive(Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = hints, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct HintRow {
    pub(super) payment_id: String,
    gateway_account_id: String,
    gateway_order_id: String,
    claim: String,
    claimed_key: Option<String>,
    turn: i64,
    asked: i64,
    looks: i64,
    pub(super) looked_at: Option<AsInstant>,
    due_at: Option<AsInstant>,
    pub(super) version: i64,
}

impl From<&Hint> for HintRow {
    fn from(hint: &Hint) -> Self {
        let (claim, claimed_key) = hint.claim.parts();
        Self {
            payment_id: hint.payment.to_string(),
            gateway_account_id: hint.account.to_string(),
            gateway_order_id: hint.order.to_string(),
            claim: claim.to_owned(),
            claimed_key: claimed_key.map(ToString::to_string),
            turn: hint.turn,
            asked: hint.asked,
            looks: hint.looks,
            looked_at: hint.looked_at.map(AsInstant),
            due_at: hint.due_at.map(AsInstant),
            version: hint.version,
        }
    }
}

impl TryFrom<HintRow> for Hint {
    type Error = Error;

    fn try_from(row: HintRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            let key = row.claimed_key.as_deref().map(str::parse).transpose()?;
            let claim = Claim::of_parts(&row.claim, key);
            Ok(Self {
                payment: row.payment_id.parse()?,
                account: row.gateway_account_id.parse()?,
                order: row.gateway_order_id.parse()?,
                claim: claim.ok_or("half a claim")?,
                turn: row.turn,
                asked: row.asked,
                looks: row.looks,
                looked_at: row.looked_at.map(|at| at.0),
                due_at: row.due_at.map(|at| at.0),
                version: row.version,
            })
        };
        read().map_err(corrupt("hints", &row.payment_id))
    }
}
