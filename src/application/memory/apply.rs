//! Owns what each change does to the maps: its condition, then its one row.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::change::{Change, Hold};
use domain::event::PaymentEvent;
use domain::feed::Subject;
use domain::id::{ApiKeyId, GatewayAccountId, SagaId};
use domain::idempotency::Reservation;
use domain::ledger::{Account, Entry};
use domain::member_event::{Facts, MemberEvent};
use domain::merchant::{ApiKey, Merchant};
use domain::payment::Payment;
use domain::saga::{Kind, Saga};

use super::{Held, State};
use crate::idempotency::later;
use crate::ports::store::CommitError;
use crate::trace::kept_of;

pub(super) type Applied = Result<(), CommitError>;

impl State {
    pub(super) fn apply(&mut self, change: &Change, now: Timestamp) -> Applied {
        match change {
            Change::InsertMerchant(merchant) => {
                insert(&mut self.merchants, merchant.id, Arc::new(merchant.clone()))
            }
            Change::UpdateMerchant { merchant, expected } => {
                self.update_merchant(merchant, *expected)
            }
            Change::InsertApiKey(key) => self.insert_api_key(key),
            Change::EndApiKey {
                key,
                expires_at,
                expected,
            } => self.end_api_key(*key, *expires_at, *expected),
            Change::InsertGatewayAccount(account) => {
                insert(&mut self.accounts, account.id, Arc::new(account.clone()))
            }
            Change::PinMerchantId {
                account,
                merchant_id,
            } => self.pin(*account, merchant_id),
            Change::SetCredentials {
                account,
                credentials,
                replaced,
            } => self.set_credentials(*account, credentials, *replaced),
            Change::SetAccountStatus { account, status } => {
                self.set_account_status(*account, *status)
            }
            Change::TurnSwitch(turn) => self.turn(turn),
            Change::InsertDataKey(key) => self.insert_data_key(key),
            Change::RewrapDataKey {
                id,
                wrapped,
                expected,
            } => self.rewrap(*id, wrapped, expected),
            Change::InsertPayment(payment) => self.insert_payment(payment),
            Change::UpdatePayment { payment, expected } => self.update_payment(payment, *expected),
            Change::InsertGatewayOrder(order) => insert(&mut self.orders, order.id, order.clone()),
            Change::InsertSaga { saga, hold } => self.insert_saga(saga, hold.as_ref(), now),
            Change::UpdateSaga { saga, expected } => self.update_saga(saga, *expected),
            Change::InsertEntry(entry) => self.insert_entry(entry),
            Change::AppendEvent(event) => self.append_event(event),
            Change::AppendMemberEvent(event) => self.append_member_event(event),
            Change::ReserveKey(key) => self.reserve_key(key),
            Change::FinishKey { saga, outcome } => self.finish_key(*saga, outcome),
            Change::IssueKey(key) => {
                let row = Arc::new(key.as_ref().clone());
                insert(&mut self.issued, key.key.clone(), row)
            }
            Change::InsertChallenge(challenge) => self.insert_challenge(challenge),
            Change::SpendChallenge {
                challenge,
                at,
                kept_until,
            } => self.spend_challenge(*challenge, *at, *kept_until),
            Change::Subscription(change) => self.subscriptions.apply(change),
            Change::Feed(change) => self.feed.apply(change, now),
            Change::Webhook(change) => self.webhooks.apply(change),
            Change::Billing(change) => self.billing(change, now),
            Change::Inbox(change) => self.inbox.apply(change),
            Change::Settlement(change) => self.settle(change),
        }
    }

    fn append_event(&mut self, event: &PaymentEvent) -> Applied {
        let row = Arc::new(event.clone());
        insert(&mut self.events, (event.payment, event.sequence), row)?;
        let subject = Subject::Payment(event.payment);
        self.feed.await_position(subject, event.sequence);
        Ok(())
    }

    fn append_member_event(&mut self, event: &MemberEvent<Facts>) -> Applied {
        let (subject, sequence) = (event.subject, event.sequence);
        let payload = crate::events::payload_of(&event.payload);
        let mut row = event.clone().with(payload);
        row.trace = kept_of(row.trace);
        insert(&mut self.member_events, (subject, sequence), Arc::new(row))?;
        self.feed.await_position(Subject::Member(subject), sequence);
        Ok(())
    }

    fn reserve_key(&mut self, key: &Reservation) -> Applied {
        let taken = |known: &Arc<Reservation>| known.saga.is_some() && known.saga == key.saga;
        must(!self.keys.values().any(taken))?;
        insert(&mut self.keys, key.key.clone(), Arc::new(key.clone()))
    }

    fn update_merchant(&mut self, merchant: &Merchant, expected: i64) -> Applied {
        let row = self.merchants.get_mut(&merchant.id);
        let row = row.ok_or(CommitError::Conflict)?;
        must(row.version == expected)?;
        let row = Arc::make_mut(row);
        row.status = merchant.status;
        row.currencies.clone_from(&merchant.currencies);
        row.zone = merchant.zone;
        row.version = merchant.version;
        Ok(())
    }

    fn insert_api_key(&mut self, key: &ApiKey) -> Applied {
        let taken = self.api_keys.values().any(|known| known.id == key.id);
        must(!taken)?;
        insert(&mut self.api_keys, key.hash, Arc::new(key.clone()))
    }

    fn end_api_key(
        &mut self,
        id: ApiKeyId,
        expires_at: Timestamp,
        expected: Option<Timestamp>,
    ) -> Applied {
        let mut rows = self.api_keys.values_mut();
        let row = rows.find(|key| key.id == id);
        let row = row.ok_or(CommitError::Conflict)?;
        must(row.expires_at == expected)?;
        Arc::make_mut(row).expires_at = Some(expires_at);
        Ok(())
    }

    fn pin(&mut self, id: GatewayAccountId, merchant_id: &str) -> Applied {
        let row = self.accounts.get_mut(&id).ok_or(CommitError::Conflict)?;
        must(row.merchant_id.is_none())?;
        Arc::make_mut(row).merchant_id = Some(merchant_id.to_owned());
        Ok(())
    }

    fn insert_payment(&mut self, payment: &Payment) -> Applied {
        let facts = &payment.facts;
        let taken = self.payments.values().any(|known| {
            known.facts.scope == facts.scope && known.facts.order_id == facts.order_id
        });
        must(!taken)?;
        insert(&mut self.payments, facts.id, Arc::new(payment.clone()))
    }

    fn update_payment(&mut self, payment: &Payment, expected: i64) -> Applied {
        let row = self
            .payments
            .get_mut(&payment.facts.id)
            .ok_or(CommitError::Conflict)?;
        must(row.version == expected)?;
        *row = Arc::new(payment.clone());
        Ok(())
    }

    fn insert_saga(&mut self, saga: &Saga, hold: Option<&Hold>, now: Timestamp) -> Applied {
        let rival = saga.head.kind() != Kind::Reversal
            && self.sagas.values().any(|held| {
                held.saga.head.payment == saga.head.payment
                    && held.saga.head.kind() != Kind::Reversal
                    && !held.saga.is_closed()
            });
        must(!rival)?;
        let row = Held {
            saga: Arc::new(saga.clone()),
            holder: hold.map(|hold| hold.holder),
            lease_until: hold.map(|hold| later(now, hold.lease)),
        };
        insert(&mut self.sagas, saga.head.id, row)
    }

    fn update_saga(&mut self, saga: &Saga, expected: i64) -> Applied {
        let row = self
            .sagas
            .get_mut(&saga.head.id)
            .ok_or(CommitError::Conflict)?;
        must(row.saga.version == expected)?;
        row.saga = Arc::new(saga.clone());
        if saga.is_closed() {
            row.holder = None;
            row.lease_until = None;
        }
        Ok(())
    }

    fn insert_entry(&mut self, entry: &Entry) -> Applied {
        let came_in = |entry: &Entry| entry.debit == Account::GatewayReceivable;
        let booked = self.entries.iter().any(|known| {
            let named = entry.transaction_key.is_some();
            let is_shown_again = named && known.transaction_key == entry.transaction_key;
            known.account == entry.account
                && known.payment_key == entry.payment_key
                && (known.movement == entry.movement
                    || is_shown_again && came_in(known) && came_in(entry))
        });
        must(!booked)?;
        self.entries.push(Arc::new(entry.clone()));
        Ok(())
    }

    fn finish_key(&mut self, saga: SagaId, outcome: &[u8]) -> Applied {
        let waiting = |key: &&mut Arc<Reservation>| key.saga == Some(saga) && key.outcome.is_none();
        let row = self
            .keys
            .values_mut()
            .find(waiting)
            .ok_or(CommitError::Conflict)?;
        Arc::make_mut(row).outcome = Some(outcome.to_vec());
        Ok(())
    }
}

pub(super) fn must(holds: bool) -> Applied {
    if holds {
        Ok(())
    } else {
        Err(CommitError::Conflict)
    }
}

pub(super) fn insert<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, row: V) -> Applied {
    must(!table.contains_key(&key))?;
    table.insert(key, row);
    Ok(())
}
