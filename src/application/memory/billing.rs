//! Owns the billing keys of the store in memory.

use async_trait::async_trait;
use domain::Timestamp;
use domain::billing::{BillingKey, Change, Status};
use domain::change::Hold;
use domain::id::{BillingKeyId, WorkerId};
use domain::principal::{Owner, Scope};
use domain::text::{CustomerKey, MemberId};

use super::apply::{Applied, insert, must};
use super::{Memory, State, rows};
use crate::idempotency::later;
use crate::ports::store::{BillingKeys, CommitError, Error};

/// A key, and who works on it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) key: BillingKey,
    holder: Option<WorkerId>,
    lease_until: Option<Timestamp>,
}

impl State {
    pub(super) fn billing(&mut self, change: &Change, now: Timestamp) -> Applied {
        match change {
            Change::Insert(key) => {
                let taken = |row: &Row| row.key.customer_key == key.customer_key;
                must(!self.billing_keys.values().any(taken))?;
                let row = Row {
                    key: key.as_ref().clone(),
                    holder: None,
                    lease_until: None,
                };
                insert(&mut self.billing_keys, key.id, row)
            }
            Change::Update {
                key,
                expected,
                hold,
            } => self.update_billing_key(key, *expected, *hold, now),
        }
    }

    fn update_billing_key(
        &mut self,
        key: &BillingKey,
        expected: i64,
        hold: Option<Hold>,
        now: Timestamp,
    ) -> Applied {
        let rival = |row: &Row| {
            let same = row.key.scope == key.scope && row.key.member == key.member;
            same && row.key.id != key.id && row.key.is_default()
        };
        must(!key.is_default() || !self.billing_keys.values().any(rival))?;
        let indexed = |row: &Row| {
            let index = |key: &BillingKey| key.stored().map(|stored| stored.index);
            let same = row.key.scope == key.scope && row.key.id != key.id;
            same && index(key).is_some() && index(&row.key) == index(key)
        };
        must(!self.billing_keys.values().any(indexed))?;
        let row = self.billing_keys.get_mut(&key.id);
        let row = row.ok_or(CommitError::Conflict)?;
        must(row.key.version == expected)?;
        row.key = key.clone();
        if let Some(hold) = hold {
            row.holder = Some(hold.holder);
            row.lease_until = Some(later(now, hold.lease));
        } else if key.work().is_none() {
            row.holder = None;
            row.lease_until = None;
        }
        Ok(())
    }
}

#[async_trait]
impl BillingKeys for Memory {
    async fn billing_key(
        &self,
        owner: &Owner,
        id: BillingKeyId,
    ) -> Result<Option<BillingKey>, Error> {
        let found = self.any_billing_key(id).await?;
        Ok(found.filter(|key| owner.owns(key.scope, Some(&key.member))))
    }

    async fn any_billing_key(&self, id: BillingKeyId) -> Result<Option<BillingKey>, Error> {
        Ok(self
            .state()
            .billing_keys
            .get(&id)
            .map(|row| row.key.clone()))
    }

    async fn billing_key_of(
        &self,
        owner: &Owner,
        customer: &CustomerKey,
    ) -> Result<Option<BillingKey>, Error> {
        let state = self.state();
        let mut all = state.billing_keys.values().map(|row| &row.key);
        let found = all.find(|key| key.customer_key == *customer);
        let theirs = found.filter(|key| owner.owns(key.scope, Some(&key.member)));
        Ok(theirs.cloned())
    }

    async fn billing_keys(
        &self,
        scope: Scope,
        member: &MemberId,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error> {
        let state = self.state();
        let shown = [Status::Issuing, Status::Active, Status::Deleting];
        let all = state.billing_keys.values().map(|row| &row.key);
        let theirs = all.filter(|key| key.scope == scope && key.member == *member);
        let mut found: Vec<BillingKey> = theirs
            .filter(|key| shown.contains(&key.status()))
            .cloned()
            .collect();
        found.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
        found.truncate(rows(limit));
        Ok(found)
    }

    async fn billing_key_by_index(
        &self,
        scope: Scope,
        index: &[u8; 32],
    ) -> Result<Option<BillingKey>, Error> {
        let state = self.state();
        let mut all = state.billing_keys.values().map(|row| &row.key);
        let found = all.find(|key| {
            key.scope == scope && key.stored().is_some_and(|stored| stored.index == *index)
        });
        Ok(found.cloned())
    }

    async fn is_charging(&self, id: BillingKeyId) -> Result<bool, Error> {
        let state = self.state();
        let mut open = state.sagas.values().map(|held| &held.saga);
        Ok(open.any(|saga| !saga.is_closed() && saga.head.intent.billing_key() == Some(id)))
    }

    async fn claim_billing_keys(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error> {
        let lease_now = self.lease_clock.now();
        let mut state = self.state();
        let free = |row: &&Row| row.lease_until.is_none_or(|until| until <= lease_now);
        let due = |row: &Row| row.key.work().map(|(_, work)| (work.due_at, row.key.id));
        let all = state.billing_keys.values().filter(free).filter_map(due);
        let mut due: Vec<(Timestamp, BillingKeyId)> = all.filter(|(at, _)| *at <= now).collect();
        due.sort_unstable();
        due.truncate(rows(limit));
        let mut claimed = Vec::with_capacity(due.len());
        for (_, id) in due {
            let Some(row) = state.billing_keys.get_mut(&id) else {
                continue;
            };
            row.key.version = row.key.version.saturating_add(1);
            row.holder = Some(hold.holder);
            row.lease_until = Some(later(lease_now, hold.lease));
            claimed.push(row.key.clone());
        }
        Ok(claimed)
    }

    async fn renew_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        hold: Hold,
    ) -> Result<bool, Error> {
        let until = later(self.lease_clock.now(), hold.lease);
        let mut state = self.state();
        let row = state.billing_keys.get_mut(&id);
        let ours = row.filter(|row| row.key.version == version && row.holder == Some(hold.holder));
        Ok(ours.map(|row| row.lease_until = Some(until)).is_some())
    }

    async fn release_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let row = state.billing_keys.get_mut(&id);
        if let Some(row) =
            row.filter(|row| row.key.version == version && row.holder == Some(holder))
        {
            row.holder = None;
            row.lease_until = None;
        }
        Ok(())
    }
}
