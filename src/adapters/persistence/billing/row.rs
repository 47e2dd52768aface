//! Owns how billing keys lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::billing::{BillingKey, Card, Heard, Stage, Status, Stored, Work};
use domain::principal::Scope;
use domain::vault::Sealed;

use crate::adapters::persistence::declines::{Why, columns_of, decline_in};
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::billing_keys;
use crate::adapters::persistence::types::{AsInstant, free_text};

/// A key's row, without its hold.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = billing_keys, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct KeyRow {
    id: String,
    merchant_id: String,
    mode: String,
    gateway_account_id: String,
    member_id: String,
    customer_key: String,
    created_at: AsInstant,
    #[diesel(embed)]
    moves: MoveRow,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = billing_keys, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct MoveRow {
    status: String,
    is_default: bool,
    auth_key: Option<Vec<u8>>,
    billing_key: Option<Vec<u8>>,
    billing_key_index: Option<Vec<u8>>,
    method: Option<String>,
    company: Option<String>,
    last4: Option<String>,
    issued_at: Option<AsInstant>,
    decline_reason: Option<String>,
    decline_class: Option<String>,
    decline_code: Option<String>,
    decline_message: Option<String>,
    n: Option<i64>,
    credential_version: Option<i32>,
    tries: Option<i64>,
    heard: Option<String>,
    wanted_at: Option<AsInstant>,
    intent_at: Option<AsInstant>,
    due_at: Option<AsInstant>,
    version: i64,
}

const fn heard_word(heard: Heard) -> &'static str {
    match heard {
        Heard::Nothing => "NOTHING",
        Heard::Error => "ERROR",
    }
}

impl From<&BillingKey> for KeyRow {
    fn from(key: &BillingKey) -> Self {
        Self {
            id: key.id.to_string(),
            merchant_id: key.scope.merchant.to_string(),
            mode: key.scope.mode.as_str().to_owned(),
            gateway_account_id: key.account.to_string(),
            member_id: key.member.to_string(),
            customer_key: key.customer_key.to_string(),
            created_at: AsInstant(key.created_at),
            moves: key.into(),
        }
    }
}

impl From<&BillingKey> for MoveRow {
    fn from(key: &BillingKey) -> Self {
        let auth_key = match &key.stage {
            Stage::Issuing { auth_key, .. } => Some(auth_key.0.clone()),
            Stage::Registered
            | Stage::Active { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => None,
        };
        let declined = match &key.stage {
            Stage::Failed { declined } => Some(declined),
            Stage::Registered
            | Stage::Issuing { .. }
            | Stage::Active { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. } => None,
        };
        let (decline_reason, decline_class, decline_code, decline_message) = columns_of(declined);
        let (stored, card) = (key.stored(), key.card());
        let work = key.work().map(|(_, work)| work);
        let shown = |text: Option<&String>| text.map(|text| free_text(text));
        Self {
            status: key.status().as_str().to_owned(),
            is_default: key.is_default(),
            auth_key,
            billing_key: stored.map(|stored| stored.sealed.0.clone()),
            billing_key_index: stored.map(|stored| stored.index.to_vec()),
            method: shown(card.and_then(|card| card.method.as_ref())),
            company: shown(card.and_then(|card| card.company.as_ref())),
            last4: shown(card.and_then(|card| card.last4.as_ref())),
            issued_at: stored.map(|stored| AsInstant(stored.issued_at)),
            decline_reason,
            decline_class,
            decline_code,
            decline_message,
            n: work.map(|work| work.n.into()),
            credential_version: work.map(|work| work.credential_version),
            tries: work.map(|work| work.tries.into()),
            heard: work.map(|work| heard_word(work.heard).to_owned()),
            wanted_at: work.map(|work| AsInstant(work.since)),
            intent_at: work.map(|work| AsInstant(work.intent_at)),
            due_at: work.map(|work| AsInstant(work.due_at)),
            version: key.version,
        }
    }
}

impl TryFrom<KeyRow> for BillingKey {
    type Error = Error;

    fn try_from(row: KeyRow) -> Result<Self, Error> {
        let id = row.id.clone();
        row.key().map_err(corrupt("billing_keys", id))
    }
}

impl KeyRow {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The row as a claim leaves it.
    pub(super) fn claimed(mut self) -> Self {
        self.moves.version = self.moves.version.saturating_add(1);
        self
    }

    fn key(self) -> Result<BillingKey, Why> {
        let version = self.moves.version;
        Ok(BillingKey {
            id: self.id.parse()?,
            scope: Scope {
                merchant: self.merchant_id.parse()?,
                mode: self.mode.parse()?,
            },
            account: self.gateway_account_id.parse()?,
            member: self.member_id.parse()?,
            customer_key: self.customer_key.parse()?,
            stage: self.moves.stage()?,
            created_at: self.created_at.0,
            version,
        })
    }
}

impl MoveRow {
    fn stage(self) -> Result<Stage, Why> {
        let status: Status = self.status.parse()?;
        let work = self.work()?;
        let declined = decline_in((
            self.decline_reason,
            self.decline_class,
            self.decline_code,
            self.decline_message,
        ))?;
        let card = Card {
            method: self.method,
            company: self.company,
            last4: self.last4,
        };
        let stored = match (self.billing_key, self.billing_key_index, self.issued_at) {
            (None, None, None) => None,
            (Some(sealed), Some(index), Some(issued_at)) => Some(Stored {
                sealed: Sealed(sealed),
                index: index.as_slice().try_into()?,
                card: card.clone(),
                issued_at: issued_at.0,
            }),
            (_, _, _) => return Err("half a billing key".into()),
        };
        let auth_key = self.auth_key.map(Sealed);
        let is_default = self.is_default;
        Ok(match (status, auth_key, stored, work, declined) {
            (Status::Registered, None, None, None, None) => Stage::Registered,
            (Status::Issuing, Some(auth_key), None, Some(work), None) => {
                Stage::Issuing { auth_key, work }
            }
            (Status::Active, None, Some(stored), None, None) => {
                Stage::Active { stored, is_default }
            }
            (Status::Deleting, None, Some(stored), Some(work), None) => {
                Stage::Deleting { stored, work }
            }
            (Status::Deleted, None, None, None, None) => Stage::Deleted { card },
            (Status::Failed, None, None, None, Some(declined)) => Stage::Failed { declined },
            (status, ..) => return Err(format!("{status} does not fit its columns").into()),
        })
    }

    fn work(&self) -> Result<Option<Work>, Why> {
        let heard = match self.heard.as_deref() {
            None => return Ok(None),
            Some("NOTHING") => Heard::Nothing,
            Some("ERROR") => Heard::Error,
            Some(word) => return Err(format!("unknown word {word:?}").into()),
        };
        let at = |at: Option<AsInstant>| at.map(|at| at.0).ok_or("half a call");
        Ok(Some(Work {
            n: self.n.ok_or("half a call")?.try_into()?,
            credential_version: self.credential_version.ok_or("half a call")?,
            tries: self.tries.ok_or("half a call")?.try_into()?,
            heard,
            since: at(self.wanted_at)?,
            intent_at: at(self.intent_at)?,
            due_at: at(self.due_at)?,
        }))
    }
}
