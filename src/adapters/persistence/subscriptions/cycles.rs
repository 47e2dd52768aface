//! Owns how cycles lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::money::Money;
use domain::subscription::{Cycle, CycleKey, CycleStatus, State};

use super::rows::{number, scope};
use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::cycles;
use crate::adapters::persistence::types::AsInstant;

/// A cycle's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = cycles, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct CycleRow {
    subscription_id: String,
    number: i64,
    merchant_id: String,
    mode: String,
    due_at: AsInstant,
    currency: String,
    amount: i64,
    #[diesel(embed)]
    standing: CycleStandingRow,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = cycles, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct CycleStandingRow {
    status: String,
    next_at: Option<AsInstant>,
    declined: i64,
    decline_reason: Option<String>,
    payment_id: Option<String>,
    paid_at: Option<AsInstant>,
    version: i64,
}

impl CycleRow {
    /// Which one, as it stands.
    pub(super) const fn place(&self) -> (&String, &i64, &i64) {
        (&self.subscription_id, &self.number, &self.standing.version)
    }
}

impl From<&Cycle> for CycleStandingRow {
    fn from(cycle: &Cycle) -> Self {
        let paid_at = match cycle.state {
            State::Paid { paid_at, .. } | State::Refunded { paid_at, .. } => Some(paid_at),
            State::Waiting { .. }
            | State::Charging { .. }
            | State::Held { .. }
            | State::Closing
            | State::Failed
            | State::Skipped
            | State::Void => None,
        };
        Self {
            status: cycle.state.status().to_string(),
            next_at: cycle.next_at().map(AsInstant),
            declined: cycle.declined.into(),
            decline_reason: cycle.reason.map(|reason| reason.to_string()),
            payment_id: cycle.payment.map(|payment| payment.to_string()),
            paid_at: paid_at.map(AsInstant),
            version: cycle.version,
        }
    }
}

impl From<&Cycle> for CycleRow {
    fn from(cycle: &Cycle) -> Self {
        Self {
            subscription_id: cycle.key.subscription.to_string(),
            number: cycle.key.number.get().into(),
            merchant_id: cycle.scope.merchant.to_string(),
            mode: cycle.scope.mode.to_string(),
            due_at: AsInstant(cycle.due_at),
            currency: cycle.amount.currency().code().to_owned(),
            amount: cycle.amount.minor(),
            standing: cycle.into(),
        }
    }
}

impl TryFrom<CycleRow> for Cycle {
    type Error = Error;

    fn try_from(row: CycleRow) -> Result<Self, Error> {
        let id = format!("{}/{}", row.subscription_id, row.number);
        let read = move || -> Result<Self, Why> {
            let standing = row.standing;
            let payment = standing.payment_id.map(|id| id.parse()).transpose()?;
            let next_at = || standing.next_at.map(|at| at.0).ok_or("no next time");
            let by = || payment.ok_or("no payment");
            let paid_at = || standing.paid_at.map(|at| at.0).ok_or("no time of payment");
            let state = match standing.status.parse()? {
                CycleStatus::Waiting => State::Waiting {
                    next_at: next_at()?,
                },
                CycleStatus::Charging => State::Charging { payment: by()? },
                CycleStatus::Held => State::Held { until: next_at()? },
                CycleStatus::Closing => State::Closing,
                CycleStatus::Paid => State::Paid {
                    payment: by()?,
                    paid_at: paid_at()?,
                },
                CycleStatus::Failed => State::Failed,
                CycleStatus::Skipped => State::Skipped,
                CycleStatus::Void => State::Void,
                CycleStatus::Refunded => State::Refunded {
                    payment: by()?,
                    paid_at: paid_at()?,
                },
            };
            let reason = standing.decline_reason.map(|reason| reason.parse());
            Ok(Self {
                key: CycleKey {
                    subscription: row.subscription_id.parse()?,
                    number: number(row.number)?,
                },
                scope: scope(&row.merchant_id, &row.mode)?,
                due_at: row.due_at.0,
                amount: Money::new(row.amount, row.currency.parse()?)?,
                state,
                declined: standing.declined.try_into()?,
                reason: reason.transpose()?,
                payment,
                version: standing.version,
            })
        };
        read().map_err(corrupt("cycles", id))
    }
}
