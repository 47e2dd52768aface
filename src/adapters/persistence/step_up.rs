//! Owns the reads and the end of step-up challenges, and how they lie in their rows.

use application::ports::store::{Challenges, Error};
use async_trait::async_trait;
use diesel::prelude::*;
use domain::Timestamp;
use domain::id::ChallengeId;
use domain::principal::Scope;
use domain::step_up::{Challenge, DeviceHash};
use domain::text::MemberId;

use super::connection::Database;
use super::declines::Why;
use super::dialect::{IdAmong, columns};
use super::error::corrupt;
use super::one;
use super::schema::step_up_challenges;
use super::types::AsInstant;

/// A challenge.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = step_up_challenges, treat_none_as_default_value = false)]
pub(super) struct ChallengeRow {
    id: String,
    merchant_id: String,
    mode: String,
    member: String,
    device_hash: Vec<u8>,
    payment_id: String,
    action: String,
    issued_at: AsInstant,
    expires_at: AsInstant,
    spent_at: Option<AsInstant>,
    kept_until: AsInstant,
}

impl From<&Challenge> for ChallengeRow {
    fn from(challenge: &Challenge) -> Self {
        Self {
            id: challenge.id.to_string(),
            merchant_id: challenge.scope.merchant.to_string(),
            mode: challenge.scope.mode.as_str().to_owned(),
            member: challenge.member.to_string(),
            device_hash: challenge.device.0.to_vec(),
            payment_id: challenge.payment.to_string(),
            action: challenge.action.as_str().to_owned(),
            issued_at: AsInstant(challenge.issued_at),
            expires_at: AsInstant(challenge.expires_at),
            spent_at: challenge.spent_at.map(AsInstant),
            kept_until: AsInstant(challenge.kept_until),
        }
    }
}

impl TryFrom<ChallengeRow> for Challenge {
    type Error = Error;

    fn try_from(row: ChallengeRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                member: row.member.parse()?,
                device: DeviceHash(row.device_hash.as_slice().try_into()?),
                payment: row.payment_id.parse()?,
                action: row.action.parse()?,
                issued_at: row.issued_at.0,
                expires_at: row.expires_at.0,
                spent_at: row.spent_at.map(|at| at.0),
                kept_until: row.kept_until.0,
            })
        };
        read().map_err(corrupt("step_up_challenges", id))
    }
}

#[async_trait]
impl Challenges for Database {
    async fn challenge(
        &self,
        scope: Scope,
        member: &MemberId,
        id: ChallengeId,
    ) -> Result<Option<Challenge>, Error> {
        let query = step_up_challenges::table
            .find(id.to_string())
            .filter(step_up_challenges::merchant_id.eq(scope.merchant.to_string()))
            .filter(step_up_challenges::mode.eq(scope.mode.as_str()))
            .filter(step_up_challenges::member.eq(member.as_str()))
            .select(columns::<ChallengeRow>());
        one(self.load::<_, ChallengeRow>(query).await?)
    }

    async fn is_known_device(
        &self,
        scope: Scope,
        member: &MemberId,
        device: DeviceHash,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let query = step_up_challenges::table
            .filter(step_up_challenges::merchant_id.eq(scope.merchant.to_string()))
            .filter(step_up_challenges::mode.eq(scope.mode.as_str()))
            .filter(step_up_challenges::member.eq(member.as_str()))
            .filter(step_up_challenges::device_hash.eq(device.0.to_vec()))
            .filter(step_up_challenges::spent_at.gt(Some(AsInstant(since))))
            .limit(1)
            .select(step_up_challenges::id);
        Ok(!self.load::<_, String>(query).await?.is_empty())
    }

    async fn sweep_challenges(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        let over = step_up_challenges::table
            .filter(step_up_challenges::kept_until.le(AsInstant(now)))
            .order(step_up_challenges::kept_until.asc())
            .limit(limit.into())
            .select(step_up_challenges::id);
        let swept = step_up_challenges::table
            .filter(IdAmong(over))
            // Asked again of each: it may have been spent in the meantime.
            .filter(step_up_challenges::kept_until.le(AsInstant(now)));
        let swept = self.execute(diesel::delete(swept)).await?;
        Ok(u64::try_from(swept).unwrap_or(u64::MAX))
    }
}
