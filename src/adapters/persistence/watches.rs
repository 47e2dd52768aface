//! Owns how far gateway accounts are watched, and which movements are booked.

use std::time::Duration;

use application::ports::store::{Booked, Error, Watches};
use async_trait::async_trait;
use diesel::insert_into;
use diesel::prelude::*;
use domain::Timestamp;
use domain::id::GatewayAccountId;
use domain::merchant::GatewayAccount;
use domain::text::PaymentKey;

use super::accounts::GatewayAccountRow;
use super::connection::Database;
use super::declines::Why;
use super::dialect::{Steady, columns, db_now, db_now_plus};
use super::error::corrupt;
use super::readable;
use super::schema::{entries, gateway_accounts, watches};
use super::types::AsInstant;

#[async_trait]
impl Watches for Database {
    async fn accounts_to_watch(&self) -> Result<Vec<GatewayAccount>, Error> {
        let its_watch = watches::table.on(watches::gateway_account_id.eq(gateway_accounts::id));
        let query = gateway_accounts::table
            .left_join(its_watch)
            .filter(watches::due_at.is_null().or(watches::due_at.le(db_now())))
            .order((
                gateway_accounts::created_at.asc(),
                gateway_accounts::id.asc(),
            ))
            .select(columns::<GatewayAccountRow>());
        Ok(readable(self.load::<_, GatewayAccountRow>(query).await?))
    }

    async fn claim_watch(
        &self,
        account: GatewayAccountId,
        begin: Timestamp,
        every: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        let id = account.to_string();
        let due = watches::table
            .find(id.clone())
            .filter(watches::due_at.le(db_now()));
        let taken = Steady(diesel::update(due).set(watches::due_at.eq(db_now_plus(every))));
        if self.execute(taken).await? == 0 {
            let first = insert_into(watches::table)
                .values((
                    watches::gateway_account_id.eq(id),
                    watches::watched_until.eq(AsInstant(begin)),
                    watches::due_at.eq(db_now_plus(every)),
                ))
                .on_conflict_do_nothing();
            let is_first = self.execute(first).await? == 1;
            return Ok(is_first.then_some(begin));
        }
        let query = watches::table.find(id).select(watches::watched_until);
        let until = self.load::<_, AsInstant>(query).await?;
        Ok(until.first().map(|until| until.0))
    }

    async fn move_watch(
        &self,
        account: GatewayAccountId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let unmoved = watches::table
            .find(account.to_string())
            .filter(watches::watched_until.eq(AsInstant(from)));
        let moved = diesel::update(unmoved).set(watches::watched_until.eq(AsInstant(until)));
        Ok(self.execute(Steady(moved)).await? == 1)
    }

    async fn booked(
        &self,
        account: GatewayAccountId,
        keys: &[PaymentKey],
    ) -> Result<Vec<Booked>, Error> {
        let keys: Vec<&str> = keys.iter().map(PaymentKey::as_str).collect();
        let query = entries::table
            .filter(entries::gateway_account_id.eq(account.to_string()))
            .filter(entries::payment_key.eq_any(keys))
            .select((entries::payment_key, entries::movement));
        let rows = self.load::<_, BookedRow>(query).await?;
        rows.into_iter().map(Booked::try_from).collect()
    }
}

/// Which movement of which payment key.
#[derive(Queryable)]
struct BookedRow {
    payment_key: String,
    movement: String,
}

impl TryFrom<BookedRow> for Booked {
    type Error = Error;

    fn try_from(row: BookedRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                payment_key: row.payment_key.parse()?,
                movement: row.movement.parse()?,
            })
        };
        let id = format!("{}/{}", row.payment_key, row.movement);
        read().map_err(corrupt("entries", id))
    }
}
