//! Owns the reads of what people found out about sagas, and how it lies in its rows.

use application::ports::store::{ByHand, Error};
use async_trait::async_trait;
use diesel::prelude::*;
use domain::id::SagaId;
use domain::settlement::{Contradiction, Finding, Settlement};

use super::connection::Database;
use super::declines::Why;
use super::dialect::columns;
use super::error::corrupt;
use super::one;
use super::schema::settlements;
use super::types::AsInstant;

/// What was found out about one saga.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = settlements, treat_none_as_default_value = false)]
pub(super) struct SettlementRow {
    saga_id: String,
    payment_id: String,
    verdict: String,
    evidence: String,
    settled_by: String,
    reference: Option<String>,
    occurred_at: Option<AsInstant>,
    settled_at: AsInstant,
    contradiction: Option<String>,
    contradicted_at: Option<AsInstant>,
}

impl From<&Settlement> for SettlementRow {
    fn from(settlement: &Settlement) -> Self {
        let finding = &settlement.finding;
        let contradiction = settlement.contradiction.as_ref();
        Self {
            saga_id: settlement.saga.to_string(),
            payment_id: settlement.payment.to_string(),
            verdict: finding.verdict.as_str().to_owned(),
            evidence: finding.evidence.to_string(),
            settled_by: finding.by.to_string(),
            reference: finding.reference.as_ref().map(ToString::to_string),
            occurred_at: finding.occurred_at.map(AsInstant),
            settled_at: AsInstant(settlement.settled_at),
            contradiction: contradiction.map(|it| it.said.clone()),
            contradicted_at: contradiction.map(|it| AsInstant(it.at)),
        }
    }
}

impl TryFrom<SettlementRow> for Settlement {
    type Error = Error;

    fn try_from(row: SettlementRow) -> Result<Self, Error> {
        let id = row.saga_id.clone();
        let read = move || -> Result<Self, Why> {
            let reference = row.reference.map(|reference| reference.parse());
            Ok(Self {
                saga: row.saga_id.parse()?,
                payment: row.payment_id.parse()?,
                finding: Finding {
                    verdict: row.verdict.parse()?,
                    evidence: row.evidence.parse()?,
                    by: row.settled_by.parse()?,
                    reference: reference.transpose()?,
                    occurred_at: row.occurred_at.map(|at| at.0),
                },
                settled_at: row.settled_at.0,
                contradiction: match (row.contradiction, row.contradicted_at) {
                    (None, None) => None,
                    (Some(said), Some(at)) => Some(Contradiction { said, at: at.0 }),
                    (Some(_), None) | (None, Some(_)) => Err("half a contradiction")?,
                },
            })
        };
        read().map_err(corrupt("settlements", id))
    }
}

#[async_trait]
impl ByHand for Database {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        let query = settlements::table
            .find(saga.to_string())
            .select(columns::<SettlementRow>());
        one(self.load::<_, SettlementRow>(query).await?)
    }

    async fn contradicted(&self, limit: u32) -> Result<Vec<Settlement>, Error> {
        let query = settlements::table
            .filter(settlements::contradicted_at.is_not_null())
            .order((
                settlements::contradicted_at.desc(),
                settlements::saga_id.desc(),
            ))
            .limit(limit.into())
            .select(columns::<SettlementRow>());
        let rows = self.load::<_, SettlementRow>(query).await?;
        rows.into_iter().map(Settlement::try_from).collect()
    }
}
