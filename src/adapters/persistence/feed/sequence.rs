//! Owns giving events their positions: one transaction and a few statements per batch.

use std::time::Duration;

use application::ports::store::{CommitError, Error, SequenceError};
use diesel::prelude::*;
use diesel::{delete, insert_into};
use domain::lease::Tenure;
use tokio::time::timeout;

use crate::adapters::persistence::commit::keep_lease;
use crate::adapters::persistence::connection::{Database, Lease, RunQueryDsl};
use crate::adapters::persistence::dialect::{coalesce, next_position};
use crate::adapters::persistence::error::{of_read, of_statement};
use crate::adapters::persistence::schema::{events, feed, member_events, unsequenced};

/// What a place is written by.
const PLACE: (
    feed::position,
    feed::merchant_id,
    feed::mode,
    feed::payment_id,
    feed::sequence,
) = (
    feed::position,
    feed::merchant_id,
    feed::mode,
    feed::payment_id,
    feed::sequence,
);

impl Database {
    /// What [`application::ports::store::Feed::sequence`] says.
    pub(super) async fn give_positions(
        &self,
        tenure: &Tenure,
        lease: Duration,
        limit: u32,
    ) -> Result<u64, SequenceError> {
        // Looked at often, and mostly in vain: that takes no transaction.
        let waiting = unsequenced::table.limit(1).select(unsequenced::id);
        if self.load::<_, i64>(waiting).await?.is_empty() {
            return Ok(0);
        }
        let mut writer = self.writer().await?;
        let moved = timeout(self.patience, batch(&mut writer, tenure, lease, limit)).await;
        let moved = moved.map_err(|_| away("the batch took too long"))?;
        if moved.is_err() {
            let _ = timeout(self.patience, writer.rollback()).await;
        }
        moved
    }
}

async fn batch(
    writer: &mut Lease,
    tenure: &Tenure,
    lease: Duration,
    limit: u32,
) -> Result<u64, SequenceError> {
    writer.begin().await.map_err(|error| of_read(&error))?;
    // The lease's row is ours from here to the COMMIT: whoever takes the job comes after it.
    let kept = keep_lease(tenure, lease, writer.connection()).await;
    if kept.map_err(|error| of_read(&error))? != 1 {
        return Err(SequenceError::Lost);
    }
    let first = unsequenced::table
        .order(unsequenced::id.asc())
        .limit(limit.into())
        .select(unsequenced::id);
    let ids: Vec<i64> = RunQueryDsl::load(first, &mut writer.connection())
        .await
        .map_err(|error| of_read(&error))?;
    if !ids.is_empty() {
        // By their ids: a row that becomes visible only now must not be taken away unmoved.
        let moved = move_rows(&ids, writer).await?;
        if moved != (ids.len(), ids.len()) {
            let why = format!("of {} events {moved:?} were moved", ids.len());
            return Err(Error::Broken(why).into());
        }
    }
    #[cfg(feature = "crash-points")]
    application::crash::pass("sequencer.before_commit");
    // Where the answer is lost, the next batch begins wherever this one has come to.
    writer.commit().await.map_err(|error| of_read(&error))?;
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}

/// How many rows were written into the feed, and how many taken from those that wait; whatever
/// they are of, in the order of insertion.
async fn move_rows(ids: &[i64], writer: &mut Lease) -> Result<(usize, usize), SequenceError> {
    let of_payment = events::table.on(events::payment_id
        .eq(unsequenced::payment_id)
        .and(events::sequence.eq(unsequenced::sequence)));
    let of_member = member_events::table.on(member_events::subject
        .eq(unsequenced::payment_id)
        .and(member_events::sequence.eq(unsequenced::sequence)));
    let merchant = coalesce(
        events::merchant_id.nullable(),
        member_events::merchant_id.nullable(),
    );
    let mode = coalesce(events::mode.nullable(), member_events::mode.nullable());
    let rows = unsequenced::table
        .left_join(of_payment)
        .left_join(of_member)
        .filter(unsequenced::id.eq_any(ids))
        .filter(merchant.is_not_null())
        .select((
            next_position(),
            merchant.assume_not_null(),
            mode.assume_not_null(),
            unsequenced::payment_id,
            unsequenced::sequence,
        ));
    let given = insert_into(feed::table).values(rows).into_columns(PLACE);
    let given = RunQueryDsl::execute(given, &mut writer.connection()).await;
    let given = given.map_err(|error| refused(of_statement(&error)))?;
    let taken = delete(unsequenced::table.filter(unsequenced::id.eq_any(ids)));
    let taken = RunQueryDsl::execute(taken, &mut writer.connection()).await;
    Ok((given, taken.map_err(|error| of_read(&error))?))
}

/// A position that is taken is somebody else's work, which the fence rules out.
fn refused(error: CommitError) -> Error {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict | CommitError::InDoubt => Error::Broken(error.to_string()),
    }
}

fn away(why: &str) -> Error {
    Error::Unavailable(why.to_owned())
}
