//! Owns the reads and claims of what gateways tell unasked.

mod claim;
mod rows;

use application::ports::store::{Error, HasInbox, Inbox, Tray};
use async_trait::async_trait;
use diesel::dsl::count_star;
use diesel::prelude::*;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{GatewayAccountId, InboundId, PaymentId};
use domain::inbox::{Hint, Inbound, Number, SecurityKey, Token, Verdict};

use super::connection::Database;
use super::dialect::{columns, inbound_is_waiting, when};
use super::schema::{hints, hook_tokens, inbox, security_keys};
use super::types::AsInstant;
use super::{one, readable};

pub(super) use rows::{HintRow, InboundRow, SecurityKeyRow, TokenRow};

impl HasInbox for Database {
    fn inbox(&self) -> &dyn Inbox {
        self
    }
}

#[async_trait]
impl Inbox for Database {
    async fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Error> {
        let query = hook_tokens::table
            .find(hash.to_vec())
            .select(columns::<TokenRow>());
        one(self.load::<_, TokenRow>(query).await?)
    }

    async fn tokens(
        &self,
        account: GatewayAccountId,
        since: Timestamp,
    ) -> Result<Vec<Token>, Error> {
        let lasting = hook_tokens::expires_at.is_null();
        let ending = hook_tokens::expires_at.gt(AsInstant(since));
        let query = hook_tokens::table
            .filter(hook_tokens::gateway_account_id.eq(account.to_string()))
            .filter(lasting.or(ending))
            .order((hook_tokens::created_at.desc(), hook_tokens::hash.asc()))
            .select(columns::<TokenRow>());
        Ok(readable(self.load::<_, TokenRow>(query).await?))
    }

    async fn inbound_of(
        &self,
        account: GatewayAccountId,
        digest: &[u8; 32],
    ) -> Result<Option<Inbound>, Error> {
        let query = inbox::table
            .find((account.to_string(), digest.to_vec()))
            .select(columns::<InboundRow>());
        one(self.load::<_, InboundRow>(query).await?)
    }

    async fn inbound(&self, id: InboundId) -> Result<Option<Inbound>, Error> {
        let query = inbox::table
            .filter(inbox::id.eq(id.to_string()))
            .select(columns::<InboundRow>());
        one(self.load::<_, InboundRow>(query).await?)
    }

    async fn inbounds(&self, verdict: Option<Verdict>, limit: u32) -> Result<Vec<Inbound>, Error> {
        let query = inbox::table
            .filter(when(
                verdict.map(|verdict| inbox::verdict.eq(verdict.as_str())),
            ))
            .order((inbox::received_at.desc(), inbox::id.desc()))
            .limit(limit.into())
            .select(columns::<InboundRow>());
        Ok(readable(self.load::<_, InboundRow>(query).await?))
    }

    async fn claim_inbounds(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Inbound>, Error> {
        self.claim_due_inbounds(now, hold, limit).await
    }

    async fn security_keys(
        &self,
        account: GatewayAccountId,
        since: Timestamp,
    ) -> Result<Vec<SecurityKey>, Error> {
        let lasting = security_keys::expires_at.is_null();
        let ending = security_keys::expires_at.gt(AsInstant(since));
        let query = security_keys::table
            .filter(security_keys::gateway_account_id.eq(account.to_string()))
            .filter(lasting.or(ending))
            .order(security_keys::number.desc())
            .select(columns::<SecurityKeyRow>());
        Ok(readable(self.load::<_, SecurityKeyRow>(query).await?))
    }

    async fn last_security_key(&self, account: GatewayAccountId) -> Result<Option<Number>, Error> {
        let query = security_keys::table
            .filter(security_keys::gateway_account_id.eq(account.to_string()))
            .order(security_keys::number.desc())
            .limit(1)
            .select(security_keys::number);
        let last = self.load::<_, i64>(query).await?;
        Ok(last.first().copied().and_then(Number::new))
    }

    async fn hint(&self, payment: PaymentId) -> Result<Option<Hint>, Error> {
        let query = hints::table
            .find(payment.to_string())
            .select(columns::<HintRow>());
        one(self.load::<_, HintRow>(query).await?)
    }

    async fn claim_hint(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[GatewayAccountId],
    ) -> Result<Option<Hint>, Error> {
        self.claim_due_hint(now, hold, except).await
    }

    async fn tray(&self) -> Result<Tray, Error> {
        let oldest = inbox::table
            .filter(inbound_is_waiting())
            .order(inbox::due_at.asc())
            .limit(1)
            .select(inbox::due_at);
        let oldest = self.load::<_, AsInstant>(oldest).await?;
        let open = hints::table.filter(hints::due_at.is_not_null());
        let count = self.load::<_, i64>(open.select(count_star())).await?;
        let first = hints::table
            .filter(hints::due_at.is_not_null())
            .order(hints::due_at.asc())
            .limit(1)
            .select(hints::due_at);
        let first = self.load::<_, Option<AsInstant>>(first).await?;
        let count = count.first().copied().unwrap_or_default();
        Ok(Tray {
            oldest: oldest.first().map(|at| at.0),
            hints: u64::try_from(count).unwrap_or_default(),
            oldest_hint: first.into_iter().flatten().next().map(|at| at.0),
        })
    }

    async fn sweep_inbox(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let old = inbox::table
            .filter(inbox::received_at.lt(AsInstant(before)))
            .filter(inbox::verdict.ne(Verdict::Waiting.as_str()))
            .order(inbox::received_at.asc())
            .limit(limit.into())
            .select(inbox::id);
        let old = self.load::<_, String>(old).await?;
        let old = inbox::table
            .filter(inbox::id.eq_any(old))
            .filter(inbox::verdict.ne(Verdict::Waiting.as_str()));
        let notifications = self.execute(diesel::delete(old)).await?;
        let settled = hints::table
            .filter(hints::due_at.is_null())
            .filter(hints::looked_at.lt(AsInstant(before)))
            .order(hints::looked_at.asc())
            .limit(limit.into())
            .select(hints::payment_id);
        let settled = self.load::<_, String>(settled).await?;
        let settled = hints::table
            .filter(hints::payment_id.eq_any(settled))
            .filter(hints::due_at.is_null())
            .filter(hints::looked_at.lt(AsInstant(before)));
        let settled = self.execute(diesel::delete(settled)).await?;
        Ok(u64::try_from(notifications.max(settled)).unwrap_or(limit.into()))
    }
}
