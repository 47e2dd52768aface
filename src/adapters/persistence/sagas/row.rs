//! Owns how sagas lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::money::{Currency, Money};
use domain::principal::Scope;
use domain::saga::{Head, Heard, Intent, Outcome, Progress, Saga};
use domain::trace::Trace;
use domain::vault::Sealed;

use crate::adapters::persistence::declines::{Why, columns_of, decline_in};
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::sagas;
use crate::adapters::persistence::types::{AsInstant, free_text};

/// A saga's row, without its hold.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = sagas, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct SagaRow {
    #[diesel(embed)]
    head: HeadRow,
    #[diesel(embed)]
    progress: ProgressRow,
}

/// What never changes.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = sagas, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct HeadRow {
    id: String,
    kind: String,
    merchant_id: String,
    mode: String,
    gateway_account_id: String,
    payment_id: String,
    payment_key: Option<String>,
    billing_key_id: Option<String>,
    gateway_order_id: String,
    currency: String,
    amount: i64,
    tax_free: i64,
    actor: String,
    reason: Option<String>,
    credential_version: i32,
    trace_id: String,
    trace_parent: String,
    keyed: bool,
    created_at: AsInstant,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = sagas, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct ProgressRow {
    phase: String,
    n: i64,
    unanswered: i64,
    asks: i64,
    heard: String,
    heard_reason: Option<String>,
    heard_class: Option<String>,
    heard_code: Option<String>,
    heard_message: Option<String>,
    refundable: i64,
    surprise: Option<i64>,
    surprise_currency: Option<String>,
    charged_order_id: Option<String>,
    rekeyed_version: Option<i32>,
    intent_at: AsInstant,
    asked_at: Option<AsInstant>,
    due_at: AsInstant,
    sealed: Option<Vec<u8>>,
    outcome: Option<String>,
    outcome_reason: Option<String>,
    outcome_class: Option<String>,
    outcome_code: Option<String>,
    outcome_message: Option<String>,
    reversal_id: Option<String>,
    version: i64,
}

impl From<&Saga> for SagaRow {
    fn from(saga: &Saga) -> Self {
        Self {
            head: (&saga.head).into(),
            progress: saga.into(),
        }
    }
}

impl From<&Head> for HeadRow {
    fn from(head: &Head) -> Self {
        Self {
            id: head.id.to_string(),
            kind: head.kind().as_str().to_owned(),
            merchant_id: head.scope.merchant.to_string(),
            mode: head.scope.mode.as_str().to_owned(),
            gateway_account_id: head.account.to_string(),
            payment_id: head.payment.to_string(),
            payment_key: head.intent.payment_key().map(ToString::to_string),
            billing_key_id: head.intent.billing_key().map(|key| key.to_string()),
            gateway_order_id: head.gateway_order.to_string(),
            currency: head.amount.currency().code().to_owned(),
            amount: head.amount.minor(),
            tax_free: head.tax_free.minor(),
            actor: head.actor.as_str().to_owned(),
            reason: head.reason.as_deref().map(free_text),
            credential_version: head.credential_version,
            trace_id: head.trace.id().to_string(),
            trace_parent: head.trace.parent(),
            keyed: head.keyed,
            created_at: AsInstant(head.created_at),
        }
    }
}

impl From<&Saga> for ProgressRow {
    fn from(saga: &Saga) -> Self {
        let progress = &saga.progress;
        let (heard, refusal) = match &progress.heard {
            Heard::Nothing => ("NOTHING", None),
            Heard::Temporary => ("TEMPORARY", None),
            Heard::SessionGone => ("SESSION_GONE", None),
            Heard::Refused(decline) => ("REFUSED", Some(decline)),
            Heard::Noise => ("NOISE", None),
            Heard::OrderUsed => ("ORDER_USED", None),
        };
        let (outcome, declined, reversal) = match &progress.outcome {
            None => (None, None, None),
            Some(Outcome::Approved) => (Some("APPROVED"), None, None),
            Some(Outcome::Declined(decline)) => (Some("DECLINED"), Some(decline), None),
            Some(Outcome::Misfit { reversal }) => (Some("MISFIT"), None, Some(reversal)),
            Some(Outcome::Reversed) => (Some("REVERSED"), None, None),
            Some(Outcome::Canceled) => (Some("CANCELED"), None, None),
            Some(Outcome::Issued) => (Some("ISSUED"), None, None),
            Some(Outcome::Closed) => (Some("CLOSED"), None, None),
        };
        let (heard_reason, heard_class, heard_code, heard_message) = columns_of(refusal);
        let (outcome_reason, outcome_class, outcome_code, outcome_message) = columns_of(declined);
        Self {
            phase: progress.phase.as_str().to_owned(),
            n: progress.n.into(),
            unanswered: progress.unanswered.into(),
            asks: progress.asks.into(),
            heard: heard.to_owned(),
            heard_reason,
            heard_class,
            heard_code,
            heard_message,
            refundable: progress.refundable.minor(),
            surprise: progress.surprise.map(Money::minor),
            surprise_currency: progress
                .surprise
                .map(|shown| shown.currency().code().to_owned()),
            charged_order_id: progress.order.map(|order| order.to_string()),
            rekeyed_version: progress.rekeyed,
            intent_at: AsInstant(progress.intent_at),
            asked_at: progress.asked_at.map(AsInstant),
            due_at: AsInstant(progress.due_at),
            sealed: progress.sealed.as_ref().map(|sealed| sealed.0.clone()),
            outcome: outcome.map(ToOwned::to_owned),
            outcome_reason,
            outcome_class,
            outcome_code,
            outcome_message,
            reversal_id: reversal.map(ToString::to_string),
            version: saga.version,
        }
    }
}

impl TryFrom<SagaRow> for Saga {
    type Error = Error;

    fn try_from(row: SagaRow) -> Result<Self, Error> {
        let id = row.head.id.clone();
        row.saga().map_err(corrupt("sagas", id))
    }
}

impl SagaRow {
    pub(super) fn id(&self) -> &str {
        &self.head.id
    }

    /// The row as a claim leaves it.
    pub(super) fn claimed(mut self) -> Self {
        self.progress.version = self.progress.version.saturating_add(1);
        self
    }

    fn saga(self) -> Result<Saga, Why> {
        let currency: Currency = self.head.currency.parse()?;
        let version = self.progress.version;
        Ok(Saga {
            head: self.head.head(currency)?,
            progress: self.progress.progress(currency)?,
            version,
        })
    }
}

impl HeadRow {
    fn head(self, currency: Currency) -> Result<Head, Why> {
        let payment_key = self.payment_key.map(|key| key.parse()).transpose()?;
        let billing_key = self.billing_key_id.map(|key| key.parse()).transpose()?;
        let intent = Intent::of(self.kind.parse()?, payment_key, billing_key);
        Ok(Head {
            id: self.id.parse()?,
            intent: intent.ok_or("its kind does not fit its key")?,
            scope: Scope {
                merchant: self.merchant_id.parse()?,
                mode: self.mode.parse()?,
            },
            account: self.gateway_account_id.parse()?,
            payment: self.payment_id.parse()?,
            gateway_order: self.gateway_order_id.parse()?,
            amount: Money::new(self.amount, currency)?,
            tax_free: Money::new(self.tax_free, currency)?,
            actor: self.actor.parse()?,
            reason: self.reason,
            credential_version: self.credential_version,
            trace: Trace::kept(&self.trace_id, &self.trace_parent),
            keyed: self.keyed,
            created_at: self.created_at.0,
        })
    }
}

impl ProgressRow {
    fn progress(self, currency: Currency) -> Result<Progress, Why> {
        let refusal = decline_in((
            self.heard_reason,
            self.heard_class,
            self.heard_code,
            self.heard_message,
        ))?;
        let declined = decline_in((
            self.outcome_reason,
            self.outcome_class,
            self.outcome_code,
            self.outcome_message,
        ))?;
        let heard = match (self.heard.as_str(), refusal) {
            ("NOTHING", None) => Heard::Nothing,
            ("TEMPORARY", None) => Heard::Temporary,
            ("SESSION_GONE", None) => Heard::SessionGone,
            ("REFUSED", Some(decline)) => Heard::Refused(decline),
            ("NOISE", None) => Heard::Noise,
            ("ORDER_USED", None) => Heard::OrderUsed,
            (word, _) => return Err(format!("heard {word:?} does not fit its columns").into()),
        };
        let outcome = match (self.outcome.as_deref(), declined, self.reversal_id) {
            (None, None, None) => None,
            (Some("APPROVED"), None, None) => Some(Outcome::Approved),
            (Some("DECLINED"), Some(decline), None) => Some(Outcome::Declined(decline)),
            (Some("MISFIT"), None, Some(id)) => Some(Outcome::Misfit {
                reversal: id.parse()?,
            }),
            (Some("REVERSED"), None, None) => Some(Outcome::Reversed),
            (Some("CANCELED"), None, None) => Some(Outcome::Canceled),
            (Some("ISSUED"), None, None) => Some(Outcome::Issued),
            (Some("CLOSED"), None, None) => Some(Outcome::Closed),
            (word, _, _) => return Err(format!("outcome {word:?} does not fit its columns").into()),
        };
        let surprise = match (self.surprise, self.surprise_currency) {
            (None, None) => None,
            (Some(minor), Some(currency)) => Some(Money::new(minor, currency.parse()?)?),
            (_, _) => return Err("half a surprise".into()),
        };
        Ok(Progress {
            phase: self.phase.parse()?,
            n: self.n.try_into()?,
            unanswered: self.unanswered.try_into()?,
            asks: self.asks.try_into()?,
            heard,
            refundable: Money::new(self.refundable, currency)?,
            surprise,
            order: self.charged_order_id.map(|id| id.parse()).transpose()?,
            rekeyed: self.rekeyed_version,
            intent_at: self.intent_at.0,
            asked_at: self.asked_at.map(|at| at.0),
            due_at: self.due_at.0,
            sealed: self.sealed.map(Sealed),
            outcome,
        })
    }
}
