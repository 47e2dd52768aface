//! Owns how the cancellations of a payment lie in their column: one JSON list, oldest first.

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use domain::payment::Canceled;
use serde::{Deserialize, Serialize};

use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::types::free_text;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Row {
    transaction_key: String,
    amount: i64,
    tax_free: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    saga: Option<String>,
    canceled_at: DateTime<Utc>,
}

/// The column's text; none where nothing was given back.
pub(super) fn to_text(cancels: &[Canceled]) -> Option<String> {
    let rows: Vec<Row> = cancels.iter().map(Row::from).collect();
    let text = || serde_json::to_string(&rows).expect("texts and numbers always serialise");
    (!rows.is_empty()).then(text)
}

/// What `text` says.
pub(super) fn from_text(text: Option<&str>, currency: Currency) -> Result<Vec<Canceled>, Why> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let rows: Vec<Row> = serde_json::from_str(text)?;
    rows.into_iter().map(|row| row.canceled(currency)).collect()
}

impl From<&Canceled> for Row {
    fn from(cancel: &Canceled) -> Self {
        Self {
            transaction_key: cancel.transaction_key.to_string(),
            amount: cancel.amount.minor(),
            tax_free: cancel.tax_free.minor(),
            reason: cancel.reason.as_deref().map(free_text),
            reason_code: cancel.reason_code.map(|code| code.to_string()),
            saga: cancel.saga.map(|saga| saga.to_string()),
            canceled_at: cancel.canceled_at,
        }
    }
}

impl Row {
    fn canceled(self, currency: Currency) -> Result<Canceled, Why> {
        Ok(Canceled {
            transaction_key: self.transaction_key.parse()?,
            amount: Money::new(self.amount, currency)?,
            tax_free: Money::new(self.tax_free, currency)?,
            reason: self.reason,
            reason_code: self.reason_code.as_deref().map(str::parse).transpose()?,
            saga: self.saga.as_deref().map(str::parse).transpose()?,
            canceled_at: self.canceled_at,
        })
    }
}
