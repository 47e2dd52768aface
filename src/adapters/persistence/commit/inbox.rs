//! Owns the writes about what gateways tell unasked.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::Timestamp;
use domain::id::GatewayAccountId;
use domain::inbox::{Change, Hint, Inbound, Number, SecurityKey, Token};

use super::Touched;
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::{Steady, when};
use crate::adapters::persistence::inbox::{HintRow, InboundRow, SecurityKeyRow, TokenRow};
use crate::adapters::persistence::schema::{hints, hook_tokens, inbox, security_keys};
use crate::adapters::persistence::types::AsInstant;

/// The one statement that a change is.
pub(super) fn statement<'c>(change: &'c Change, conn: Connection<'c>) -> Touched<'c> {
    match change {
        Change::InsertToken(token) => Box::pin(insert_token(token, conn)),
        Change::EndToken {
            hash,
            expires_at,
            expected,
        } => Box::pin(end_token(hash, *expires_at, *expected, conn)),
        Change::Insert(inbound) => Box::pin(insert_inbound(inbound, conn)),
        Change::Update { inbound, expected } => Box::pin(update_inbound(inbound, *expected, conn)),
        Change::InsertSecurityKey(key) => Box::pin(insert_security_key(key, conn)),
        Change::EndSecurityKey {
            account,
            number,
            expires_at,
            expected,
        } => {
            let ends = (*expires_at, *expected);
            Box::pin(end_security_key(*account, *number, ends, conn))
        }
        Change::InsertHint(hint) => Box::pin(insert_hint(hint, conn)),
        Change::UpdateHint { hint, expected } => Box::pin(update_hint(hint, *expected, conn)),
    }
}

async fn insert_token(token: &Token, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(hook_tokens::table)
        .values(TokenRow::from(token))
        .execute(&mut conn)
        .await
}

async fn end_token(
    hash: &[u8; 32],
    expires_at: Timestamp,
    expected: Option<Timestamp>,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let ending = expected.map(|end| hook_tokens::expires_at.eq(AsInstant(end)));
    let lasting = expected
        .is_none()
        .then(|| hook_tokens::expires_at.is_null());
    let as_expected = hook_tokens::table
        .find(hash.to_vec())
        .filter(when(ending))
        .filter(when(lasting));
    update(as_expected)
        .set(hook_tokens::expires_at.eq(Some(AsInstant(expires_at))))
        .execute(&mut conn)
        .await
}

async fn insert_security_key(key: &SecurityKey, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(security_keys::table)
        .values(SecurityKeyRow::from(key))
        .execute(&mut conn)
        .await
}

async fn end_security_key(
    account: GatewayAccountId,
    number: Number,
    (expires_at, expected): (Timestamp, Option<Timestamp>),
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let ending = expected.map(|end| security_keys::expires_at.eq(AsInstant(end)));
    let lasting = expected
        .is_none()
        .then(|| security_keys::expires_at.is_null());
    let as_expected = security_keys::table
        .find((account.to_string(), number.get()))
        .filter(when(ending))
        .filter(when(lasting));
    update(as_expected)
        .set(security_keys::expires_at.eq(Some(AsInstant(expires_at))))
        .execute(&mut conn)
        .await
}

async fn insert_inbound(inbound: &Inbound, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(inbox::table)
        .values(InboundRow::from(inbound))
        .execute(&mut conn)
        .await
}

async fn update_inbound(
    inbound: &Inbound,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let key = (inbound.account.to_string(), inbound.digest.to_vec());
    let as_expected = inbox::table.find(key).filter(inbox::version.eq(expected));
    let next = (
        inbox::verdict.eq(inbound.verdict.as_str()),
        inbox::payment_id.eq(inbound.payment.map(|payment| payment.to_string())),
        inbox::due_at.eq(AsInstant(inbound.due_at)),
        inbox::version.eq(inbound.version),
        inbox::holder.eq(None::<&str>),
        inbox::lease_until.eq(None::<AsInstant>),
    );
    Steady(update(as_expected).set(next))
        .execute(&mut conn)
        .await
}

async fn insert_hint(hint: &Hint, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(hints::table)
        .values(HintRow::from(hint))
        .execute(&mut conn)
        .await
}

async fn update_hint(hint: &Hint, expected: i64, mut conn: Connection<'_>) -> QueryResult<usize> {
    let as_expected = hints::table
        .find(hint.payment.to_string())
        .filter(hints::version.eq(expected));
    let unheld = (
        hints::holder.eq(None::<&str>),
        hints::lease_until.eq(None::<AsInstant>),
    );
    update(as_expected)
        .set((HintRow::from(hint), unheld))
        .execute(&mut conn)
        .await
}
