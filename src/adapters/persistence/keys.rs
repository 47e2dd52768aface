//! Owns the reads and the end of idempotency keys, and how they lie in their rows.

use std::ops::Range;

use application::ports::store::{Error, Keys};
use async_trait::async_trait;
use diesel::prelude::*;
use domain::Timestamp;
use domain::idempotency::{Fingerprint, IssuedKey, KeyRef, Reservation};
use domain::principal::Scope;
use domain::saga::{Kind, Phase};

use super::connection::Database;
use super::declines::Why;
use super::dialect::{KeyAmong, columns};
use super::error::corrupt;
use super::one;
use super::schema::{idempotency_keys, issued_keys, sagas};
use super::types::AsInstant;

/// A key in use.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
pub(super) struct ReservationRow {
    merchant_id: String,
    mode: String,
    member: String,
    key: String,
    fingerprint: Vec<u8>,
    payment_id: Option<String>,
    saga_id: Option<String>,
    patience_until: AsInstant,
    created_at: AsInstant,
    outcome: Option<Vec<u8>>,
}

impl From<&Reservation> for ReservationRow {
    fn from(reservation: &Reservation) -> Self {
        let key = &reservation.key;
        Self {
            merchant_id: key.scope.merchant.to_string(),
            mode: key.scope.mode.as_str().to_owned(),
            member: key.member.clone(),
            key: key.key.to_string(),
            fingerprint: reservation.fingerprint.0.to_vec(),
            payment_id: reservation.payment.map(|payment| payment.to_string()),
            saga_id: reservation.saga.map(|saga| saga.to_string()),
            patience_until: AsInstant(reservation.patience_until),
            created_at: AsInstant(reservation.created_at),
            outcome: reservation.outcome.clone(),
        }
    }
}

impl TryFrom<ReservationRow> for Reservation {
    type Error = Error;

    fn try_from(row: ReservationRow) -> Result<Self, Error> {
        let id = row.key.clone();
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                key: key_ref(&row.merchant_id, &row.mode, row.member, &row.key)?,
                fingerprint: Fingerprint(row.fingerprint.as_slice().try_into()?),
                payment: row.payment_id.as_deref().map(str::parse).transpose()?,
                saga: row.saga_id.as_deref().map(str::parse).transpose()?,
                patience_until: row.patience_until.0,
                created_at: row.created_at.0,
                outcome: row.outcome,
            })
        };
        read().map_err(corrupt("idempotency_keys", id))
    }
}

/// A key we handed out.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = issued_keys, treat_none_as_default_value = false)]
pub(super) struct IssuedKeyRow {
    merchant_id: String,
    mode: String,
    member: String,
    key: String,
    expires_at: AsInstant,
    created_at: AsInstant,
}

impl From<&IssuedKey> for IssuedKeyRow {
    fn from(issued: &IssuedKey) -> Self {
        Self {
            merchant_id: issued.key.scope.merchant.to_string(),
            mode: issued.key.scope.mode.as_str().to_owned(),
            member: issued.key.member.clone(),
            key: issued.key.key.to_string(),
            expires_at: AsInstant(issued.expires_at),
            created_at: AsInstant(issued.created_at),
        }
    }
}

impl TryFrom<IssuedKeyRow> for IssuedKey {
    type Error = Error;

    fn try_from(row: IssuedKeyRow) -> Result<Self, Error> {
        let id = row.key.clone();
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                key: key_ref(&row.merchant_id, &row.mode, row.member, &row.key)?,
                expires_at: row.expires_at.0,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("issued_keys", id))
    }
}

fn key_ref(merchant: &str, mode: &str, member: String, key: &str) -> Result<KeyRef, Why> {
    let scope = Scope {
        merchant: merchant.parse()?,
        mode: mode.parse()?,
    };
    Ok(KeyRef {
        scope,
        member,
        key: key.parse()?,
    })
}

#[async_trait]
impl Keys for Database {
    async fn reservation(&self, key: &KeyRef) -> Result<Option<Reservation>, Error> {
        let query = idempotency_keys::table
            .filter(idempotency_keys::merchant_id.eq(key.scope.merchant.to_string()))
            .filter(idempotency_keys::mode.eq(key.scope.mode.as_str()))
            .filter(idempotency_keys::member.eq(&key.member))
            .filter(idempotency_keys::key.eq(key.key.as_str()))
            .select(columns::<ReservationRow>());
        one(self.load::<_, ReservationRow>(query).await?)
    }

    async fn issued_key(&self, key: &KeyRef) -> Result<Option<IssuedKey>, Error> {
        let query = issued_keys::table
            .filter(issued_keys::merchant_id.eq(key.scope.merchant.to_string()))
            .filter(issued_keys::mode.eq(key.scope.mode.as_str()))
            .filter(issued_keys::member.eq(&key.member))
            .filter(issued_keys::key.eq(key.key.as_str()))
            .select(columns::<IssuedKeyRow>());
        one(self.load::<_, IssuedKeyRow>(query).await?)
    }

    async fn sweep_keys(&self, first_used: Range<Timestamp>, limit: u32) -> Result<u64, Error> {
        // Joined, not asked whether it exists: PostgreSQL would read all sagas for that.
        let its_saga = sagas::table.on(sagas::id.nullable().eq(idempotency_keys::saga_id));
        let is_over = sagas::phase
            .eq(Phase::Closed.as_str())
            .and(sagas::kind.ne(Kind::Cancellation.as_str()));
        let over = idempotency_keys::table
            .left_join(its_saga)
            .filter(idempotency_keys::created_at.ge(AsInstant(first_used.start)))
            .filter(idempotency_keys::created_at.lt(AsInstant(first_used.end)))
            .filter(idempotency_keys::saga_id.is_null().or(is_over))
            .order(idempotency_keys::created_at.asc())
            .limit(limit.into())
            .select((
                idempotency_keys::merchant_id,
                idempotency_keys::mode,
                idempotency_keys::member,
                idempotency_keys::key,
            ));
        let swept = diesel::delete(idempotency_keys::table.filter(KeyAmong(over)));
        let swept = self.execute(swept).await?;
        let unused = issued_keys::table
            .filter(issued_keys::expires_at.lt(AsInstant(first_used.end)))
            .order(issued_keys::expires_at.asc())
            .limit(limit.into())
            .select((
                issued_keys::merchant_id,
                issued_keys::mode,
                issued_keys::member,
                issued_keys::key,
            ));
        let unused = diesel::delete(issued_keys::table.filter(KeyAmong(unused)));
        let swept = swept.saturating_add(self.execute(unused).await?);
        Ok(u64::try_from(swept).unwrap_or(u64::MAX))
    }
}
