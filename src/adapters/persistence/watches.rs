//! Owns how far gateway accounts are watched, which movements are booked, and what was seen and is
//! not.

use std::time::Duration;

use application::ports::store::{Booked, Error, Sighting, Standing, Watches};
use async_trait::async_trait;
use diesel::dsl::count_star;
use diesel::insert_into;
use diesel::prelude::*;
use domain::Timestamp;
use domain::account::Status;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::merchant::GatewayAccount;
use domain::text::PaymentKey;

use super::accounts::GatewayAccountRow;
use super::connection::Database;
use super::declines::Why;
use super::dialect::{Steady, columns, db_now, db_now_plus};
use super::error::corrupt;
use super::readable;
use super::schema::{entries, gateway_accounts, gateway_orders, payments, sightings, watches};
use super::types::{AsInstant, free_text};

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
        lease: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        let id = account.to_string();
        let due = watches::table
            .find(id.clone())
            .filter(watches::due_at.le(db_now()));
        let taken = Steady(diesel::update(due).set(watches::due_at.eq(db_now_plus(lease))));
        if self.execute(taken).await? == 0 {
            let first = insert_into(watches::table)
                .values((
                    watches::gateway_account_id.eq(id),
                    watches::watched_until.eq(AsInstant(begin)),
                    watches::due_at.eq(db_now_plus(lease)),
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
            .select(columns::<BookedRow>());
        Ok(readable(self.load::<_, BookedRow>(query).await?))
    }

    async fn release_watch(&self, account: GatewayAccountId, pause: Duration) -> Result<(), Error> {
        let row = watches::table.find(account.to_string());
        let released = diesel::update(row).set(watches::due_at.eq(db_now_plus(pause)));
        self.execute(Steady(released)).await.map(|_| ())
    }

    async fn own_orders(
        &self,
        account: GatewayAccountId,
        orders: &[GatewayOrderId],
    ) -> Result<Vec<GatewayOrderId>, Error> {
        let ids: Vec<String> = orders.iter().map(ToString::to_string).collect();
        let query = gateway_orders::table
            .inner_join(payments::table.on(payments::id.eq(gateway_orders::payment_id)))
            .filter(gateway_orders::id.eq_any(ids))
            .filter(payments::gateway_account_id.eq(account.to_string()))
            .select(gateway_orders::id);
        let own = self.load::<_, String>(query).await?;
        Ok(own.iter().filter_map(|id| id.parse().ok()).collect())
    }

    async fn sight(&self, seen: &[Sighting]) -> Result<(), Error> {
        for sighting in seen {
            self.hasten(sighting).await?;
            let row = insert_into(sightings::table)
                .values((
                    sightings::gateway_account_id.eq(sighting.account.to_string()),
                    sightings::payment_key.eq(sighting.key.as_str()),
                    sightings::gateway_order_id.eq(sighting.order.to_string()),
                    sightings::first_seen_at.eq(AsInstant(sighting.first_seen_at)),
                    sightings::moved_at.eq(sighting.moved_at.map(AsInstant)),
                    sightings::due_at.eq(db_now()),
                    sightings::looks.eq(0_i64),
                    sightings::reported.eq(false),
                ))
                .on_conflict_do_nothing();
            self.execute(row).await?;
        }
        Ok(())
    }

    async fn claim_sighting(
        &self,
        account: GatewayAccountId,
        lease: Duration,
    ) -> Result<Option<Sighting>, Error> {
        let due = sightings::table
            .filter(sightings::gateway_account_id.eq(account.to_string()))
            .filter(sightings::due_at.le(db_now()))
            .order((
                sightings::moved_at.is_null().asc(),
                sightings::due_at.asc(),
                sightings::payment_key.asc(),
            ))
            .limit(1)
            .select(columns::<SightingRow>());
        let rows = self.load::<_, SightingRow>(due).await?;
        let Some(mut row) = rows.into_iter().next() else {
            return Ok(None);
        };
        let key = (row.gateway_account_id.clone(), row.payment_key.clone());
        let untaken = sightings::table
            .find(key)
            .filter(sightings::looks.eq(row.looks))
            .filter(sightings::due_at.le(db_now()));
        row.looks = row.looks.saturating_add(1);
        let taken = diesel::update(untaken).set((
            sightings::looks.eq(row.looks),
            sightings::due_at.eq(db_now_plus(lease)),
        ));
        if self.execute(Steady(taken)).await? == 0 {
            return Ok(None);
        }
        Sighting::try_from(row).map(Some)
    }

    async fn keep_sighting(&self, sighting: &Sighting, pause: Duration) -> Result<bool, Error> {
        let key = (sighting.account.to_string(), sighting.key.to_string());
        let held = sightings::table
            .find(key)
            .filter(sightings::looks.eq(sighting.looks));
        let kept = diesel::update(held).set((
            sightings::verdict.eq(sighting.verdict.as_deref().map(free_text)),
            sightings::reported.eq(sighting.reported),
            sightings::due_at.eq(db_now_plus(pause)),
        ));
        Ok(self.execute(Steady(kept)).await? == 1)
    }

    async fn settle_sighting(&self, sighting: &Sighting) -> Result<(), Error> {
        let key = (sighting.account.to_string(), sighting.key.to_string());
        let held = sightings::table
            .find(key)
            .filter(sightings::looks.eq(sighting.looks));
        self.execute(diesel::delete(held)).await.map(|_| ())
    }

    async fn standing(&self) -> Result<Standing, Error> {
        let query = sightings::table
            .group_by(sightings::reported)
            .select((sightings::reported, count_star()));
        let mut standing = Standing::default();
        for (reported, count) in self.load::<_, (bool, i64)>(query).await? {
            let count = u64::try_from(count).unwrap_or_default();
            standing.open = standing.open.saturating_add(count);
            if reported {
                standing.strange = count;
            }
        }
        let furthest = watches::table
            .inner_join(
                gateway_accounts::table.on(gateway_accounts::id.eq(watches::gateway_account_id)),
            )
            .filter(gateway_accounts::status.eq(Status::Active.as_str()))
            .order(watches::watched_until.asc())
            .limit(1)
            .select(watches::watched_until);
        let until = self.load::<_, AsInstant>(furthest).await?;
        standing.until = until.first().map(|until| until.0);
        Ok(standing)
    }
}

impl Database {
    /// One that is kept and has moved since is due at once. Counted as a look: whoever looks at it
    /// has not seen this movement, and does not settle it.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the database adds, and refuses what overflows"
    )]
    async fn hasten(&self, sighting: &Sighting) -> Result<(), Error> {
        let Some(moved_at) = sighting.moved_at.map(AsInstant) else {
            return Ok(());
        };
        let key = (sighting.account.to_string(), sighting.key.to_string());
        let undated = sightings::moved_at.is_null();
        let stale = sightings::table
            .find(key)
            .filter(undated.or(sightings::moved_at.lt(moved_at)));
        let hastened = diesel::update(stale).set((
            sightings::moved_at.eq(Some(moved_at)),
            sightings::looks.eq(sightings::looks + 1_i64),
            sightings::due_at.eq(db_now()),
        ));
        self.execute(Steady(hastened)).await.map(|_| ())
    }
}

/// Which movement of which payment key.
#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
struct BookedRow {
    payment_key: String,
    movement: String,
    transaction_key: Option<String>,
}

impl TryFrom<BookedRow> for Booked {
    type Error = Error;

    fn try_from(row: BookedRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                payment_key: row.payment_key.parse()?,
                movement: row.movement.parse()?,
                transaction_key: row.transaction_key.as_deref().map(str::parse).transpose()?,
            })
        };
        let id = format!("{}/{}", row.payment_key, row.movement);
        read().map_err(corrupt("entries", id))
    }
}

/// What was seen and is not settled.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sightings)]
struct SightingRow {
    gateway_account_id: String,
    payment_key: String,
    gateway_order_id: String,
    first_seen_at: AsInstant,
    moved_at: Option<AsInstant>,
    looks: i64,
    verdict: Option<String>,
    reported: bool,
}

impl TryFrom<SightingRow> for Sighting {
    type Error = Error;

    fn try_from(row: SightingRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                account: row.gateway_account_id.parse()?,
                key: row.payment_key.parse()?,
                order: row.gateway_order_id.parse()?,
                first_seen_at: row.first_seen_at.0,
                moved_at: row.moved_at.map(|at| at.0),
                looks: row.looks,
                verdict: row.verdict.clone(),
                reported: row.reported,
            })
        };
        let id = format!("{}/{}", row.gateway_account_id, row.payment_key);
        read().map_err(corrupt("sightings", id))
    }
}
