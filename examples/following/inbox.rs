//! Owns a service's database: what it has made of events, and how far it has read, in one commit.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{
    Connection, OptionalExtension as _, Result, Transaction, TransactionBehavior, params,
};

use crate::client::Page;
use crate::{Event, Happened, Service};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS place (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    after TEXT NOT NULL -- where to go on reading
) STRICT;
CREATE TABLE IF NOT EXISTS subjects (
    subject TEXT PRIMARY KEY, -- a payment, a subscription or a stored card
    sequence INTEGER NOT NULL, -- of its last event that was dealt with
    member TEXT -- whose it is; nobody's, or not asked yet, without
) STRICT;
";
/// For how long another process may write.
const BUSY: Duration = Duration::from_secs(5);

/// Whose the subjects of a page are, as far as it matters.
pub(crate) type Members = HashMap<String, Option<String>>;

/// The database.
pub(crate) struct Inbox {
    connection: Connection,
}

impl Inbox {
    /// Opens the file, and makes what is not there.
    pub(crate) fn open<S: Service>(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        // What is committed outlives a power cut, too.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} {} COMMIT;", S::SCHEMA))?;
        Ok(Self { connection })
    }

    /// Where to go on; nowhere yet where nothing was read.
    pub(crate) fn place(&self) -> Result<Option<String>> {
        let query = "SELECT after FROM place";
        let place = self.connection.query_row(query, [], |row| row.get(0));
        place.optional()
    }

    /// Reads on from the first event of all. What was dealt with stays so.
    pub(crate) fn begin_again(&self) -> Result<()> {
        self.connection.execute("DELETE FROM place", []).map(drop)
    }

    /// Whether this event was not dealt with yet, and no later one of its subject.
    pub(crate) fn is_new(&self, event: &Event) -> Result<bool> {
        let known: Option<i64> = self
            .connection
            .query_row(
                "SELECT sequence FROM subjects WHERE subject = ?1",
                [&event.subject],
                |row| row.get(0),
            )
            .optional()?;
        Ok(known.is_none_or(|known| known < event.sequence))
    }

    /// The member whose it is, where that is known.
    pub(crate) fn member(&self, subject: &str) -> Result<Option<String>> {
        let query = "SELECT member FROM subjects WHERE subject = ?1";
        let member = self
            .connection
            .query_row(query, [subject], |row| row.get(0));
        Ok(member.optional()?.flatten())
    }

    /// Deals with a page: effects, which events had them, and the place behind them, or nothing of
    /// all that.
    pub(crate) fn take<S: Service>(
        &mut self,
        page: &Page,
        members: &Members,
    ) -> anyhow::Result<()> {
        let commit = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for event in &page.events {
            let member = members.get(&event.subject).and_then(Option::as_deref);
            if !mark(&commit, event, member)? {
                continue;
            }
            if S::TYPES.contains(&event.kind.as_str()) {
                if let (Some(member), Some(kind)) = (member, event.of()) {
                    let payload = event.payload(kind)?;
                    let happened = Happened {
                        event,
                        payload,
                        member,
                    };
                    S::apply(&commit, &happened)?;
                }
            } else if !event.is_known() {
                tracing::warn!(
                    event = event.id(),
                    kind = event.kind,
                    "skipped, type unknown"
                );
            }
        }
        commit.execute(
            "INSERT OR REPLACE INTO place (number, after) VALUES (1, ?1)",
            [&page.next_after],
        )?;
        Ok(commit.commit()?)
    }

    /// What the service has come to.
    pub(crate) fn show<S: Service>(&self) -> Result<Vec<serde_json::Value>> {
        S::show(&self.connection)
    }
}

/// Marks the event as dealt with. False where it was before, or a later one of its subject was: an
/// older event that comes late must not undo what a newer one did.
fn mark(commit: &Transaction<'_>, event: &Event, member: Option<&str>) -> Result<bool> {
    let changed = commit.execute(
        "INSERT INTO subjects (subject, sequence, member) VALUES (?1, ?2, ?3)
         ON CONFLICT (subject) DO UPDATE
         SET sequence = excluded.sequence, member = coalesce(excluded.member, member)
         WHERE subjects.sequence < excluded.sequence",
        params![event.subject, event.sequence, member],
    )?;
    Ok(changed == 1)
}
