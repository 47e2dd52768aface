//! Owns the one place that writes: every change is one conditional statement, and all of them
//! are one transaction, which commits that wait at the same time share.

mod access;
mod accounts;
mod billing;
mod books;
mod feed;
mod group;
mod inbox;
mod keys;
mod payments;
mod sagas;
mod secrets;
mod settlements;
mod step_up;
mod subscriptions;
mod switches;
mod transaction;
mod webhooks;

use std::pin::Pin;

use application::ports::store::{Commit, CommitError, Error};
use async_trait::async_trait;
use diesel::QueryResult;
use domain::change::Change;
use tokio::time::timeout;

use super::connection::{Connection, Database};

pub(super) use feed::keep_lease;
pub(super) use group::Group;

/// How many rows a statement touched.
type Touched<'c> = Pin<Box<dyn Future<Output = QueryResult<usize>> + Send + 'c>>;

#[async_trait]
impl Commit for Database {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        let (number, mut told) = self.group.join(changes, self);
        let told = match timeout(self.wait, &mut told).await {
            Ok(told) => told,
            // It was not begun, and will not be.
            Err(_) if self.group.leave(number) => return Err(busy().into()),
            Err(_) => told.await,
        };
        // A writer that is gone may have got as far as its COMMIT.
        told.unwrap_or(Err(CommitError::InDoubt))
    }
}

fn busy() -> Error {
    Error::Unavailable("every writer is busy".to_owned())
}

/// The one statement that a change is.
fn statement<'c>(change: &'c Change, conn: Connection<'c>) -> Touched<'c> {
    match change {
        Change::InsertMerchant(merchant) => Box::pin(access::insert_merchant(merchant, conn)),
        Change::UpdateMerchant { merchant, expected } => {
            Box::pin(access::update_merchant(merchant, *expected, conn))
        }
        Change::InsertApiKey(key) => Box::pin(access::insert_api_key(key, conn)),
        Change::EndApiKey {
            key,
            expires_at,
            expected,
        } => Box::pin(access::end_api_key(*key, *expires_at, *expected, conn)),
        Change::InsertGatewayAccount(account) => Box::pin(accounts::insert(account, conn)),
        Change::PinMerchantId {
            account,
            merchant_id,
        } => Box::pin(accounts::pin_merchant_id(*account, merchant_id, conn)),
        Change::SetCredentials {
            account,
            credentials,
            replaced,
        } => Box::pin(accounts::set_credentials(
            *account,
            credentials,
            *replaced,
            conn,
        )),
        Change::SetAccountStatus { account, status } => {
            Box::pin(accounts::set_status(*account, *status, conn))
        }
        Change::TurnSwitch(turn) => Box::pin(switches::turn(turn, conn)),
        Change::InsertDataKey(key) => Box::pin(secrets::insert_data_key(key, conn)),
        Change::RewrapDataKey {
            id,
            wrapped,
            expected,
        } => Box::pin(secrets::rewrap(*id, wrapped, expected, conn)),
        Change::InsertPayment(payment) => Box::pin(payments::insert(payment, conn)),
        Change::UpdatePayment { payment, expected } => {
            Box::pin(payments::update(payment, *expected, conn))
        }
        Change::InsertGatewayOrder(order) => Box::pin(payments::insert_order(order, conn)),
        Change::InsertSaga { saga, hold } => Box::pin(sagas::insert(saga, *hold, conn)),
        Change::UpdateSaga { saga, expected } => Box::pin(sagas::update(saga, *expected, conn)),
        Change::InsertEntry(entry) => Box::pin(books::insert_entry(entry, conn)),
        Change::AppendEvent(event) => Box::pin(books::append_event(event, conn)),
        Change::AppendMemberEvent(event) => Box::pin(subscriptions::append_told(event, conn)),
        Change::ReserveKey(reservation) => Box::pin(keys::reserve(reservation, conn)),
        Change::FinishKey { saga, outcome } => Box::pin(keys::finish(*saga, outcome, conn)),
        Change::IssueKey(issued) => Box::pin(keys::issue(issued, conn)),
        Change::InsertChallenge(challenge) => Box::pin(step_up::insert(challenge, conn)),
        Change::SpendChallenge {
            challenge,
            at,
            kept_until,
        } => Box::pin(step_up::spend(*challenge, *at, *kept_until, conn)),
        Change::Subscription(change) => subscriptions::statement(change, conn),
        Change::Feed(change) => feed::statement(change, conn),
        Change::Webhook(change) => webhooks::statement(change, conn),
        Change::Billing(change) => billing::statement(change, conn),
        Change::Inbox(change) => inbox::statement(change, conn),
        Change::Settlement(change) => settlements::statement(change, conn),
    }
}
