//! Owns the reads of payments and their gateway orders.

mod cancels;
mod row;

use application::ports::store::{Error, PageAfter, PaymentFilter, Payments, Whose};
use async_trait::async_trait;
use diesel::prelude::*;
use domain::Timestamp;
use domain::change::GatewayOrder;
use domain::event::PaymentEvent;
use domain::id::{GatewayOrderId, PaymentId};
use domain::ledger::Entry;
use domain::payment::Payment;
use domain::principal::{Owner, Scope};
use domain::text::OrderId;

pub(super) use row::{GatewayOrderRow, PaymentRow, StandingRow};

use super::connection::Database;
use super::dialect::{columns, payment_is_ready, when};
use super::schema::{gateway_orders, payments};
use super::types::AsInstant;
use super::{books, one, readable};

fn all<T: TryFrom<R, Error = Error>, R>(rows: Vec<R>) -> Result<Vec<T>, Error> {
    rows.into_iter().map(T::try_from).collect()
}

#[async_trait]
impl Payments for Database {
    async fn payment(&self, owner: &Owner, id: PaymentId) -> Result<Option<Payment>, Error> {
        // Asked for by its id alone: a planner without statistics took the merchant's index.
        let found = self.any_payment(id).await?;
        Ok(found.filter(|Payment { facts, .. }| {
            owner.owns(facts.scope, facts.customer.member.as_ref())
        }))
    }

    async fn any_payment(&self, id: PaymentId) -> Result<Option<Payment>, Error> {
        let query = payments::table
            .find(id.to_string())
            .select(columns::<PaymentRow>());
        one(self.load::<_, PaymentRow>(query).await?)
    }

    async fn members_of(&self, of: &[PaymentId]) -> Result<Vec<Whose>, Error> {
        let ids: Vec<String> = of.iter().map(ToString::to_string).collect();
        let query = payments::table
            .filter(payments::id.eq_any(ids))
            .filter(payments::member_id.is_not_null())
            .select((payments::id, payments::member_id.assume_not_null()));
        let rows = self.load::<_, (String, String)>(query).await?;
        let whose = |(id, member): (String, String)| {
            let member = member.parse().map_err(|why| format!("of {id}: {why}"));
            // One that is asked for by its id has one.
            Some((id.parse().ok()?, member))
        };
        Ok(rows.into_iter().filter_map(whose).collect())
    }

    async fn payment_of_order(&self, scope: Scope, o: &OrderId) -> Result<Option<Payment>, Error> {
        let query = payments::table
            .filter(payments::merchant_id.eq(scope.merchant.to_string()))
            .filter(payments::mode.eq(scope.mode.as_str()))
            .filter(payments::order_id.eq(o.as_str()))
            .select(columns::<PaymentRow>());
        one(self.load::<_, PaymentRow>(query).await?)
    }

    async fn gateway_order(&self, id: GatewayOrderId) -> Result<Option<GatewayOrder>, Error> {
        let query = gateway_orders::table
            .find(id.to_string())
            .select(columns::<GatewayOrderRow>());
        one(self.load::<_, GatewayOrderRow>(query).await?)
    }

    async fn gateway_orders(&self, payment: PaymentId) -> Result<Vec<GatewayOrder>, Error> {
        let query = gateway_orders::table
            .filter(gateway_orders::payment_id.eq(payment.to_string()))
            .order((gateway_orders::created_at.desc(), gateway_orders::id.desc()))
            .select(columns::<GatewayOrderRow>());
        all(self.load::<_, GatewayOrderRow>(query).await?)
    }

    async fn payments(
        &self,
        scope: Scope,
        filter: &PaymentFilter,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Result<Vec<Payment>, Error> {
        let status = filter
            .status
            .map(|status| payments::status.eq(status.as_str()));
        let kind = filter.kind.map(|kind| payments::kind.eq(kind.as_str()));
        let order = filter
            .order_id
            .as_ref()
            .map(|order| payments::order_id.eq(order.as_str()));
        let name = filter.customer_name.as_ref();
        let name = name.map(|name| payments::customer_name.eq(name.as_str()));
        let member = filter.member.as_ref();
        let member = member.map(|member| payments::member_id.eq(member.as_str()));
        let from = filter
            .from
            .map(|from| payments::created_at.ge(AsInstant(from)));
        let until = filter
            .until
            .map(|until| payments::created_at.lt(AsInstant(until)));
        // The first condition is one that an index can begin from; the second is exact.
        let not_newer = after.map(|row| payments::created_at.le(AsInstant(row.created_at)));
        let beyond = after.map(|row| {
            let earlier = payments::created_at.lt(AsInstant(row.created_at));
            earlier.or(payments::id.lt(row.id.to_string()))
        });
        let query = payments::table
            .filter(payments::merchant_id.eq(scope.merchant.to_string()))
            .filter(payments::mode.eq(scope.mode.as_str()))
            .filter(when(status))
            .filter(when(kind))
            .filter(when(order))
            .filter(when(name))
            .filter(when(member))
            .filter(when(from))
            .filter(when(until))
            .filter(when(not_newer))
            .filter(when(beyond))
            .order((payments::created_at.desc(), payments::id.desc()))
            .limit(limit.into())
            .select(columns::<PaymentRow>());
        all(self.load::<_, PaymentRow>(query).await?)
    }

    async fn payments_to_expire(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        let query = payments::table
            .filter(payment_is_ready())
            .filter(payments::expires_at.le(AsInstant(now)))
            .order((payments::expires_at.asc(), payments::id.asc()))
            .limit(limit.into())
            .select(columns::<PaymentRow>());
        Ok(readable(self.load::<_, PaymentRow>(query).await?))
    }

    async fn accounts_to_ask(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        let query = payments::table
            .filter(payments::account_look_at.le(AsInstant(now)))
            .order((payments::account_look_at.asc(), payments::id.asc()))
            .limit(limit.into())
            .select(columns::<PaymentRow>());
        Ok(readable(self.load::<_, PaymentRow>(query).await?))
    }

    async fn events(
        &self,
        payment: PaymentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, Error> {
        books::events(self, payment, after, limit).await
    }

    async fn entries(&self, payment: PaymentId) -> Result<Vec<Entry>, Error> {
        books::entries(self, payment).await
    }
}
