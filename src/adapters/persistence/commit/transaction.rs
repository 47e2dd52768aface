//! Owns one transaction: its statements in the order of locks, their counts checked before COMMIT.

use std::future::poll_fn;
use std::task::Poll;

use application::ports::store::{CommitError, Error};
use diesel::QueryResult;
use domain::change::Change;
use tokio::time::timeout;

use super::{Touched, statement};
use crate::adapters::persistence::connection::{Connection, Database, Lease};
use crate::adapters::persistence::error::{of_commit, of_statement};

/// Writes all of `changes`, which are in the order of their locks, or nothing.
pub(super) async fn run(database: &Database, changes: &[&Change]) -> Result<(), CommitError> {
    let mut lease = database.writer().await?;
    let written = timeout(database.patience, write(&mut lease, changes));
    match written.await {
        Ok(Ok(())) => {}
        Ok(Err(refused)) => {
            // Not awaited for longer than the statements; dropping the lease does the same.
            let _ = timeout(database.patience, lease.rollback()).await;
            return Err(refused);
        }
        Err(_) => return Err(too_slow().into()),
    }
    match timeout(database.patience, lease.commit()).await {
        Ok(committed) => committed.map_err(|error| of_commit(&error)),
        Err(_) => Err(CommitError::InDoubt),
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
