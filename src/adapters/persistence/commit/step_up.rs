//! Owns the writes of step-up challenges: each is spent once, and only in time.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::Timestamp;
use domain::id::ChallengeId;
use domain::step_up::Challenge;

use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::Steady;
use crate::adapters::persistence::schema::step_up_challenges;
use crate::adapters::persistence::step_up::ChallengeRow;
use crate::adapters::persistence::types::AsInstant;

pub(super) async fn insert(challenge: &Challenge, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = ChallengeRow::from(challenge);
    insert_into(step_up_challenges::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn spend(
    id: ChallengeId,
    at: Timestamp,
    kept_until: Timestamp,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let unspent = step_up_challenges::table
        .find(id.to_string())
        .filter(step_up_challenges::spent_at.is_null())
        .filter(step_up_challenges::expires_at.gt(AsInstant(at)));
    let spent = (
        step_up_challenges::spent_at.eq(Some(AsInstant(at))),
        step_up_challenges::kept_until.eq(AsInstant(kept_until)),
    );
    Steady(update(unspent).set(spent)).execute(&mut conn).await
}
