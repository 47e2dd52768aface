//! Owns the one place that writes: every change is one conditional statement, and all of them
//! are one transaction.

mod access;
mod books;
mod keys;
mod payments;
mod sagas;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use application::ports::store::{Commit, CommitError, Error};
use async_trait::async_trait;
use diesel::QueryResult;
use domain::change::Change;
use tokio::time::timeout;

use super::connection::{Connection, Database, Lease};
use super::error::{of_commit, of_statement};

/// How many rows a statement touched.
type Touched<'c> = Pin<Box<dyn Future<Output = QueryResult<usize>> + Send + 'c>>;

#[async_trait]
impl Commit for Database {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        let mut ordered: Vec<&Change> = changes.iter().collect();
        ordered.sort_by_cached_key(|change| change.lock_order());
        let mut lease = self.writer().await?;
        let written = timeout(self.patience, write(&mut lease, &ordered));
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(refused)) => {
                // Not awaited for longer than the statements; dropping the lease does the same.
                let _ = timeout(self.patience, lease.rollback()).await;
                return Err(refused);
            }
            Err(_) => return Err(too_slow().into()),
        }
        match timeout(self.patience, lease.commit()).await {
            Ok(committed) => committed.map_err(|error| of_commit(&error)),
            Err(_) => Err(CommitError::InDoubt),
        }
    }
}

fn too_slow() -> Error {
    Error::Unavailable("the statements took too long".to_owned())
}

/// Runs the statements of a transaction; each must touch exactly one row.
async fn write(lease: &mut Lease, changes: &[&Change]) -> Result<(), CommitError> {
    // Awaited alone: statements that overtook a BEGIN that failed would stand by themselves.
    lease.begin().await.map_err(|error| of_statement(&error))?;
    if let Connection::Postgres(conn) = lease.connection() {
        let statements = changes
            .iter()
            .map(|change| statement(change, Connection::Postgres(conn)));
        return together(statements.collect())
            .await
            .into_iter()
            .try_for_each(one_row);
    }
    for change in changes {
        one_row(statement(change, lease.connection()).await)?;
    }
    Ok(())
}

fn one_row(touched: QueryResult<usize>) -> Result<(), CommitError> {
    match touched.map_err(|error| of_statement(&error))? {
        1 => Ok(()),
        _ => Err(CommitError::Conflict),
    }
}

/// Sends the statements in their order without waiting for an answer in between; after one that
/// failed the server refuses the rest, so the first failure is the one that counts.
async fn together(mut statements: Vec<Touched<'_>>) -> Vec<QueryResult<usize>> {
    let mut answers: Vec<Option<QueryResult<usize>>> = statements.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for (statement, answer) in statements.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                match statement.as_mut().poll(context) {
                    Poll::Ready(touched) => *answer = Some(touched),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// The one statement that a change is.
fn statement<'c>(change: &'c Change, conn: Connection<'c>) -> Touched<'c> {
    match change {
        Change::InsertMerchant(merchant) => Box::pin(access::insert_merchant(merchant, conn)),
        Change::InsertApiKey(key) => Box::pin(access::insert_api_key(key, conn)),
        Change::InsertGatewayAccount(account) => Box::pin(access::insert_account(account, conn)),
        Change::PinMerchantId {
            account,
            merchant_id,
        } => Box::pin(access::pin_merchant_id(*account, merchant_id, conn)),
        Change::InsertPayment(payment) => Box::pin(payments::insert(payment, conn)),
        Change::UpdatePayment { payment, expected } => {
            Box::pin(payments::update(payment, *expected, conn))
        }
        Change::InsertGatewayOrder(order) => Box::pin(payments::insert_order(order, conn)),
        Change::InsertSaga { saga, hold } => Box::pin(sagas::insert(saga, *hold, conn)),
        Change::UpdateSaga { saga, expected } => Box::pin(sagas::update(saga, *expected, conn)),
        Change::InsertEntry(entry) => Box::pin(books::insert_entry(entry, conn)),
        Change::AppendEvent(event) => Box::pin(books::append_event(event, conn)),
        Change::ReserveKey(reservation) => Box::pin(keys::reserve(reservation, conn)),
        Change::FinishKey { saga, outcome } => Box::pin(keys::finish(*saga, outcome, conn)),
        Change::IssueKey(issued) => Box::pin(keys::issue(issued, conn)),
    }
}
