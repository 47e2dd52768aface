//! Owns the reads of what people found out about sagas, and how it lies in its rows.

use application::ports::store::{ByHand, Error};
use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::id::SagaId;
use domain::settlement::{
    Acknowledgement, Confirmation, Contradiction, Finding, Proposal, Settlement,
};

use super::connection::Database;
use super::declines::Why;
use super::dialect::columns;
use super::error::corrupt;
use super::one;
use super::schema::{proposals, settlements};
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
    confirmed_by: Option<String>,
    confirmation: Option<String>,
    acknowledged_by: Option<String>,
    acknowledgement: Option<String>,
    acknowledged_at: Option<AsInstant>,
}

/// What one person found out.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = proposals, treat_none_as_default_value = false)]
pub(super) struct ProposalRow {
    saga_id: String,
    payment_id: String,
    verdict: String,
    evidence: String,
    proposed_by: String,
    reference: Option<String>,
    occurred_at: Option<AsInstant>,
    proposed_at: AsInstant,
}

impl From<&Proposal> for ProposalRow {
    fn from(proposal: &Proposal) -> Self {
        let finding = &proposal.finding;
        Self {
            saga_id: proposal.saga.to_string(),
            payment_id: proposal.payment.to_string(),
            verdict: finding.verdict.as_str().to_owned(),
            evidence: finding.evidence.to_string(),
            proposed_by: finding.by.to_string(),
            reference: finding.reference.as_ref().map(ToString::to_string),
            occurred_at: finding.occurred_at.map(AsInstant),
            proposed_at: AsInstant(proposal.proposed_at),
        }
    }
}

impl TryFrom<ProposalRow> for Proposal {
    type Error = Error;

    fn try_from(row: ProposalRow) -> Result<Self, Error> {
        let id = row.saga_id.clone();
        let read = move || -> Result<Self, Why> {
            let words = [row.verdict, row.evidence, row.proposed_by];
            Ok(Self {
                saga: row.saga_id.parse()?,
                payment: row.payment_id.parse()?,
                finding: finding(&words, row.reference, row.occurred_at)?,
                proposed_at: row.proposed_at.0,
            })
        };
        read().map_err(corrupt("proposals", id))
    }
}

/// Of its verdict, its evidence and who says so.
fn finding(
    [verdict, evidence, by]: &[String; 3],
    reference: Option<String>,
    occurred_at: Option<AsInstant>,
) -> Result<Finding, Why> {
    let reference = reference.map(|reference| reference.parse());
    Ok(Finding {
        verdict: verdict.parse()?,
        evidence: evidence.parse()?,
        by: by.parse()?,
        reference: reference.transpose()?,
        occurred_at: occurred_at.map(|at| at.0),
    })
}

impl From<&Settlement> for SettlementRow {
    fn from(settlement: &Settlement) -> Self {
        let finding = &settlement.finding;
        let contradiction = settlement.contradiction.as_ref();
        let confirmation = settlement.confirmation.as_ref();
        let acknowledgement = settlement.acknowledgement.as_ref();
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
            confirmed_by: confirmation.map(|it| it.by.to_string()),
            confirmation: confirmation.map(|it| it.evidence.to_string()),
            acknowledged_by: acknowledgement.map(|it| it.by.to_string()),
            acknowledgement: acknowledgement.map(|it| it.why.to_string()),
            acknowledged_at: acknowledgement.map(|it| AsInstant(it.at)),
        }
    }
}

impl TryFrom<SettlementRow> for Settlement {
    type Error = Error;

    fn try_from(row: SettlementRow) -> Result<Self, Error> {
        let id = row.saga_id.clone();
        let read = move || -> Result<Self, Why> {
            let words = [row.verdict, row.evidence, row.settled_by];
            let dealt_with = (
                row.acknowledged_by,
                row.acknowledgement,
                row.acknowledged_at,
            );
            Ok(Self {
                saga: row.saga_id.parse()?,
                payment: row.payment_id.parse()?,
                finding: finding(&words, row.reference, row.occurred_at)?,
                confirmation: match (row.confirmed_by, row.confirmation) {
                    (None, None) => None,
                    (Some(by), Some(evidence)) => Some(Confirmation {
                        by: by.parse()?,
                        evidence: evidence.parse()?,
                    }),
                    (Some(_), None) | (None, Some(_)) => Err("half a confirmation")?,
                },
                settled_at: row.settled_at.0,
                contradiction: match (row.contradiction, row.contradicted_at) {
                    (None, None) => None,
                    (Some(said), Some(at)) => Some(Contradiction { said, at: at.0 }),
                    (Some(_), None) | (None, Some(_)) => Err("half a contradiction")?,
                },
                acknowledgement: match dealt_with {
                    (None, None, None) => None,
                    (Some(by), Some(why), Some(at)) => Some(Acknowledgement {
                        by: by.parse()?,
                        why: why.parse()?,
                        at: at.0,
                    }),
                    (Some(_) | None, Some(_) | None, Some(_) | None) => {
                        Err("a part of an acknowledgement")?
                    }
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

    async fn contradicted(&self, dealt_with: bool, limit: u32) -> Result<Vec<Settlement>, Error> {
        let query = settlements::table
            .filter(settlements::contradicted_at.is_not_null())
            .filter(
                settlements::acknowledged_at
                    .is_null()
                    .or(dealt_with.into_sql::<Bool>()),
            )
            .order((
                settlements::contradicted_at.desc(),
                settlements::saga_id.desc(),
            ))
            .limit(limit.into())
            .select(columns::<SettlementRow>());
        let rows = self.load::<_, SettlementRow>(query).await?;
        rows.into_iter().map(Settlement::try_from).collect()
    }

    async fn proposals(&self, saga: SagaId) -> Result<Vec<Proposal>, Error> {
        let query = proposals::table
            .filter(proposals::saga_id.eq(saga.to_string()))
            .order((proposals::proposed_at, proposals::proposed_by))
            .select(columns::<ProposalRow>());
        let rows = self.load::<_, ProposalRow>(query).await?;
        rows.into_iter().map(Proposal::try_from).collect()
    }
}
