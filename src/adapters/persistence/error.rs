//! Owns what a database's refusals mean for the store's callers.

use application::ports::store::{CommitError, Error};
use diesel::result::{DatabaseErrorKind, Error as Diesel};

/// Why a database cannot be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `postgres://…` nor `sqlite://path` nor `sqlite::memory:`.
    #[error("the database URL is none of postgres://…, sqlite://path and sqlite::memory:")]
    Scheme,
    /// A part of the URL cannot be used.
    #[error("the database URL is not usable: {0}")]
    Url(String),
    /// There is no such file, and it was not asked to be created.
    #[error("there is no database at {0}; is the path right?")]
    NoFile(String),
    /// The file cannot be made or locked.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What went wrong with it.
        source: std::io::Error,
    },
    /// Another process serves from this file.
    #[error("{0} is served by another process; several copies need PostgreSQL")]
    Served(String),
    /// No certificate authority can be read.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The database did not let us in.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// A migration did not go through.
    #[error("the database cannot be migrated: {0}")]
    Migration(String),
}

/// What a failed statement means.
enum Meaning {
    /// A unique key is taken, or the database chose us as a victim: decide again.
    Conflict,
    /// Away, busy or shutting down: try again later.
    Away,
    /// No room on its disk: nothing was written, and nothing is until somebody makes some.
    Full,
    /// Trying again does not mend it.
    Refused,
}

/// What SQLite says where a write finds no room; the driver has no word for it.
const FULL: &str = "database or disk is full";

/// The one place where driver errors are told apart.
#[expect(clippy::wildcard_enum_match_arm, reason = "the driver's enum is open")]
fn meaning(error: &Diesel) -> Meaning {
    let Diesel::DatabaseError(kind, information) = error else {
        return Meaning::Refused;
    };
    match kind {
        DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure => {
            Meaning::Conflict
        }
        DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation => Meaning::Refused,
        // The driver has no word for a deadlock; its message is the server's.
        DatabaseErrorKind::Unknown if information.message().contains("deadlock detected") => {
            Meaning::Conflict
        }
        DatabaseErrorKind::Unknown if information.message().contains(FULL) => Meaning::Full,
        // Timeouts, shutdowns, "database is locked": the drivers have no word for them either.
        _ => Meaning::Away,
    }
}

/// What a failed read or claim is to the caller.
pub(super) fn of_read(error: &Diesel) -> Error {
    match meaning(error) {
        Meaning::Conflict | Meaning::Away | Meaning::Full => Error::Unavailable(error.to_string()),
        Meaning::Refused => Error::Broken(error.to_string()),
    }
}

/// What a failed statement of a commit is to the caller; the transaction is rolled back.
pub(super) fn of_statement(error: &Diesel) -> CommitError {
    match meaning(error) {
        Meaning::Conflict => CommitError::Conflict,
        Meaning::Away | Meaning::Full => Error::Unavailable(error.to_string()).into(),
        Meaning::Refused => Error::Broken(error.to_string()).into(),
    }
}

/// What a failed COMMIT is to the caller: only where the database says no is it known to have
/// written nothing.
pub(super) fn of_commit(error: &Diesel) -> CommitError {
    match meaning(error) {
        Meaning::Conflict => CommitError::Conflict,
        Meaning::Away => CommitError::InDoubt,
        Meaning::Full => Error::Unavailable(error.to_string()).into(),
        Meaning::Refused => Error::Broken(error.to_string()).into(),
    }
}

/// A row that is no valid domain value.
pub(super) fn corrupt(
    table: &'static str,
    id: impl ToString,
) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Error {
    move |why| Error::Corrupt {
        table,
        id: id.to_string(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Diesel {
        Diesel::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    #[test]
    fn a_commit_that_finds_no_room_wrote_nothing_and_any_other_silence_is_doubt() {
        let away = |error: &CommitError| matches!(error, CommitError::Store(Error::Unavailable(_)));
        assert!(away(&of_commit(&said("database or disk is full"))));
        assert!(away(&of_statement(&said("database or disk is full"))));
        for other in ["disk I/O error", "server closed the connection", "timeout"] {
            assert!(matches!(of_commit(&said(other)), CommitError::InDoubt));
            assert!(away(&of_statement(&said(other))), "{other}");
        }
    }
}
