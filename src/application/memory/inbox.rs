//! Owns what gateways tell unasked, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{GatewayAccountId, InboundId, PaymentId, WorkerId};
use domain::inbox::{Change, Hint, Inbound, Number, SecurityKey, Token, Verdict};

use super::apply::{Applied, insert, must};
use super::{Memory, rows};
use crate::idempotency::later;
use crate::ports::store::{CommitError, Error, HasInbox, Inbox, Tray};

/// A hint and who holds it.
#[derive(Clone)]
struct Held {
    hint: Hint,
    hold: Option<(WorkerId, Timestamp)>,
}

/// The tables of the inbox.
#[derive(Clone, Default)]
pub(super) struct Tables {
    tokens: BTreeMap<[u8; 32], Token>,
    inbox: BTreeMap<(GatewayAccountId, [u8; 32]), Arc<Inbound>>,
    /// Until when those that wait are somebody's.
    holds: BTreeMap<(GatewayAccountId, [u8; 32]), Timestamp>,
    security_keys: BTreeMap<(GatewayAccountId, Number), SecurityKey>,
    hints: BTreeMap<PaymentId, Held>,
}

impl Tables {
    pub(super) fn apply(&mut self, change: &Change) -> Applied {
        match change {
            Change::InsertToken(token) => insert(&mut self.tokens, token.hash, token.clone()),
            Change::EndToken {
                hash,
                expires_at,
                expected,
            } => {
                let row = self.tokens.get_mut(hash).ok_or(CommitError::Conflict)?;
                must(row.expires_at == *expected)?;
                row.expires_at = Some(*expires_at);
                Ok(())
            }
            Change::Insert(inbound) => {
                must(!self.inbox.values().any(|known| known.id == inbound.id))?;
                let row = Arc::new(inbound.as_ref().clone());
                insert(&mut self.inbox, (inbound.account, inbound.digest), row)
            }
            Change::Update { inbound, expected } => {
                let row = self.inbox.get_mut(&(inbound.account, inbound.digest));
                let row = row.ok_or(CommitError::Conflict)?;
                must(row.version == *expected)?;
                self.holds.remove(&(inbound.account, inbound.digest));
                let row = Arc::make_mut(row);
                row.verdict = inbound.verdict;
                row.payment = inbound.payment;
                row.due_at = inbound.due_at;
                row.version = inbound.version;
                Ok(())
            }
            Change::InsertSecurityKey(key) => {
                let mut own = self.security_keys.values();
                must(!own.any(|own| own.account == key.account && own.expires_at.is_none()))?;
                let place = (key.account, key.number);
                insert(&mut self.security_keys, place, key.as_ref().clone())
            }
            Change::EndSecurityKey {
                account,
                number,
                expires_at,
                expected,
            } => {
                let row = self.security_keys.get_mut(&(*account, *number));
                let row = row.ok_or(CommitError::Conflict)?;
                must(row.expires_at == *expected)?;
                row.expires_at = Some(*expires_at);
                Ok(())
            }
            Change::InsertHint(hint) => {
                let hint = hint.as_ref().clone();
                insert(&mut self.hints, hint.payment, Held { hint, hold: None })
            }
            Change::UpdateHint { hint, expected } => {
                let row = self.hints.get_mut(&hint.payment);
                let row = row.ok_or(CommitError::Conflict)?;
                must(row.hint.version == *expected)?;
                *row = Held {
                    hint: hint.as_ref().clone(),
                    hold: None,
                };
                Ok(())
            }
        }
    }
}

impl Memory {
    /// Every notification, oldest first.
    #[must_use]
    pub fn all_inbounds(&self) -> Vec<Inbound> {
        let state = self.state();
        let all = state.inbox.inbox.values();
        let mut all: Vec<Inbound> = all.map(|row| row.as_ref().clone()).collect();
        all.sort_by_key(|row| (row.received_at, row.id));
        all
    }

    /// Every hint.
    #[must_use]
    pub fn all_hints(&self) -> Vec<Hint> {
        let state = self.state();
        let all = state.inbox.hints.values();
        all.map(|held| held.hint.clone()).collect()
    }
}

impl HasInbox for Memory {
    fn inbox(&self) -> &dyn Inbox {
        self
    }
}

#[async_trait]
impl Inbox for Memory {
    async fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Error> {
        Ok(self.state().inbox.tokens.get(hash).cloned())
    }

    async fn tokens(
        &self,
        account: GatewayAccountId,
        since: Timestamp,
    ) -> Result<Vec<Token>, Error> {
        let state = self.state();
        let own = state.inbox.tokens.values();
        let own = own.filter(|token| token.account == account && token.is_usable(since));
        let mut own: Vec<Token> = own.cloned().collect();
        own.sort_by_key(|token| std::cmp::Reverse(token.created_at));
        Ok(own)
    }

    async fn inbound_of(
        &self,
        account: GatewayAccountId,
        digest: &[u8; 32],
    ) -> Result<Option<Inbound>, Error> {
        let state = self.state();
        let found = state.inbox.inbox.get(&(account, *digest));
        Ok(found.map(|row| row.as_ref().clone()))
    }

    async fn inbound(&self, id: InboundId) -> Result<Option<Inbound>, Error> {
        let mut all = self.all_inbounds().into_iter();
        Ok(all.find(|row| row.id == id))
    }

    async fn inbounds(&self, verdict: Option<Verdict>, limit: u32) -> Result<Vec<Inbound>, Error> {
        let mut all = self.all_inbounds();
        all.retain(|row| verdict.is_none_or(|verdict| row.verdict == verdict));
        all.reverse();
        all.truncate(rows(limit));
        Ok(all)
    }

    async fn claim_inbounds(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Inbound>, Error> {
        let lease_now = self.lease_clock.now();
        let mut state = self.state();
        let Tables { inbox, holds, .. } = &mut state.inbox;
        let due = inbox.iter_mut().filter(|(key, row)| {
            row.verdict == Verdict::Waiting
                && row.due_at <= now
                && holds.get(key).is_none_or(|until| *until <= lease_now)
        });
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(_, row)| (row.due_at, row.received_at, row.id));
        due.truncate(rows(limit));
        let mut claimed = Vec::with_capacity(due.len());
        for (key, row) in due {
            let row = Arc::make_mut(row);
            row.version = row.version.saturating_add(1);
            claimed.push((*key, row.clone()));
        }
        for (key, _) in &claimed {
            holds.insert(*key, later(lease_now, hold.lease));
        }
        Ok(claimed.into_iter().map(|(_, row)| row).collect())
    }

    async fn security_keys(
        &self,
        account: GatewayAccountId,
        since: Timestamp,
    ) -> Result<Vec<SecurityKey>, Error> {
        let state = self.state();
        let own = state.inbox.security_keys.values().rev();
        let own = own.filter(|key| key.account == account && key.is_usable(since));
        Ok(own.cloned().collect())
    }

    async fn last_security_key(&self, account: GatewayAccountId) -> Result<Option<Number>, Error> {
        let state = self.state();
        let own = state.inbox.security_keys.keys();
        let own = own.filter(|(owner, _)| *owner == account);
        Ok(own.map(|(_, number)| *number).max())
    }

    async fn hint(&self, payment: PaymentId) -> Result<Option<Hint>, Error> {
        let state = self.state();
        let found = state.inbox.hints.get(&payment);
        Ok(found.map(|held| held.hint.clone()))
    }

    async fn claim_hint(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[GatewayAccountId],
    ) -> Result<Option<Hint>, Error> {
        let lease_now = self.lease_clock.now();
        let mut state = self.state();
        let due = state.inbox.hints.values_mut();
        let due = due.filter(|held| {
            held.hint.due_at.is_some_and(|due| due <= now)
                && held.hold.is_none_or(|(_, until)| until <= lease_now)
                && !except.contains(&held.hint.account)
        });
        Ok(due.min_by_key(|held| held.hint.due_at).map(|held| {
            held.hint.version = held.hint.version.saturating_add(1);
            held.hint.looked_at = Some(now);
            held.hold = Some((hold.holder, later(lease_now, hold.lease)));
            held.hint.clone()
        }))
    }

    async fn tray(&self) -> Result<Tray, Error> {
        let state = self.state();
        let waiting = state.inbox.inbox.values();
        let waiting = waiting.filter(|row| row.verdict == Verdict::Waiting);
        let open = state.inbox.hints.values();
        let open: Vec<Timestamp> = open.filter_map(|held| held.hint.due_at).collect();
        Ok(Tray {
            oldest: waiting.map(|row| row.due_at).min(),
            hints: u64::try_from(open.len()).unwrap_or(u64::MAX),
            oldest_hint: open.into_iter().min(),
        })
    }

    async fn sweep_inbox(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let mut state = self.state();
        let old = state.inbox.inbox.values();
        let old = old.filter(|row| row.verdict != Verdict::Waiting && row.received_at < before);
        let mut old: Vec<_> = old
            .map(|row| (row.received_at, (row.account, row.digest)))
            .collect();
        old.sort_unstable();
        old.truncate(rows(limit));
        for (_, key) in &old {
            state.inbox.inbox.remove(key);
        }
        let settled = state.inbox.hints.values();
        let is_old = |held: &&Held| {
            let looked_at = held.hint.looked_at;
            held.hint.due_at.is_none() && looked_at.is_some_and(|at| at < before)
        };
        let settled = settled.filter(is_old);
        let mut settled: Vec<_> = settled
            .map(|held| (held.hint.looked_at, held.hint.payment))
            .collect();
        settled.sort_unstable();
        settled.truncate(rows(limit));
        for (_, payment) in &settled {
            state.inbox.hints.remove(payment);
        }
        Ok(u64::try_from(old.len().max(settled.len())).unwrap_or(u64::MAX))
    }
}
