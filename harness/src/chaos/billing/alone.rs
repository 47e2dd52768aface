//! Owns the proof that a member's trouble is nobody else's: a card is lost, its subscription is
//! given up, and every row of every other member is what it was.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use super::members::{Fate, LOST, Member};
use super::past::{self, Span};
use crate::books::{Books, Rows};
use crate::chaos::rounds::Counts;
use crate::stand::Stand;

const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(200);

/// The card of a member whose cycles were paid is lost before the next one; what is wrong then. No
/// copy runs before and after.
pub(super) async fn fails_alone(
    stand: &mut Stand,
    members: &[Member],
    counts: &mut Counts,
) -> anyhow::Result<Vec<String>> {
    let chosen = members.iter().find(|member| member.fate == Fate::Each);
    let chosen = chosen.context("nobody is paid for")?;
    let target = stand.target();
    stand.sandbox.change_card(&chosen.customer, LOST).await?;
    past::move_back(&target, Span::Months(1), Some(&chosen.subscription)).await?;
    let before = Books::rows(&target).await?;
    stand.start().await?;
    let begun = Instant::now();
    let ended = loop {
        let books = Books::read(&target).await;
        let ended = books.as_ref().ok().and_then(|books| {
            let own = books.subscriptions.get(&chosen.subscription);
            own.map(|own| own.status == "EXPIRED")
        });
        let standing = Books::standing(&target, past::now()).await;
        let drained = standing.is_ok_and(|standing| standing.is_drained());
        if ended == Some(true) && drained || begun.elapsed() >= PATIENCE {
            break ended == Some(true);
        }
        sleep(POLL).await;
    };
    stand.kill().await?;
    ensure!(
        ended,
        "a lost card's subscription goes on\n{}",
        stand.tail()
    );
    let after = Books::rows(&target).await?;
    let mut own = vec![chosen.subscription.clone(), chosen.billing_key.clone()];
    own.extend(Books::payments_of(&target, &chosen.subscription).await?);
    let (theirs, elsewhere) = difference(&before, &after, &own);
    counts.add("rows compared", u64::try_from(after.len())?);
    counts.add("rows of the member changed", u64::try_from(theirs)?);
    counts.add("rows of others changed", u64::try_from(elsewhere.len())?);
    let mut wrong = Vec::new();
    if theirs == 0 {
        wrong.push("a lost card changed no row at all".to_owned());
    }
    wrong.extend(elsewhere.into_iter().take(5).map(|row| {
        format!(
            "{} failed, and another's row changed: {row}",
            chosen.subscription
        )
    }));
    Ok(wrong)
}

/// How many rows differ that name one of `own`, and which others do.
fn difference(before: &Rows, after: &Rows, own: &[String]) -> (usize, Vec<String>) {
    let changed = |one: &Rows, other: &Rows| {
        let rows = one
            .iter()
            .filter(|(row, count)| other.get(row) != Some(count));
        rows.map(|((table, row), _)| format!("{table}: {row}"))
            .collect::<Vec<String>>()
    };
    let mut all = changed(before, after);
    all.extend(changed(after, before));
    let is_own = |row: &String| own.iter().any(|id| row.contains(id));
    let (theirs, others): (Vec<String>, Vec<String>) = all.into_iter().partition(is_own);
    (theirs.len(), others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::{TABLES, Target};

    #[test]
    fn a_row_of_another_is_found_whether_it_is_new_gone_or_changed() {
        let rows = |rows: &[&str]| {
            let counted = rows.iter().map(|row| (("cycles", (*row).to_owned()), 1));
            counted.collect::<Rows>()
        };
        let before = rows(&["sub_1 WAITING", "sub_2 WAITING", "sub_3 PAID"]);
        let after = rows(&["sub_1 FAILED", "sub_2 WAITING", "sub_3 VOID"]);
        let own = ["sub_1".to_owned()];
        let (theirs, others) = difference(&before, &after, &own);
        assert_eq!((theirs, others.len()), (2, 2));
        let (_, none) = difference(&before, &before, &own);
        assert!(none.is_empty());
    }

    /// One fault is seeded after the other: in each table a row of another member's changes.
    #[tokio::test]
    async fn a_change_of_anothers_row_is_seen_in_every_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.db");
        let target = Target::Sqlite(path.clone());
        let own = ["sub_1".to_owned()];
        let file = rusqlite::Connection::open(path).unwrap();
        for table in TABLES {
            let made = format!(
                "CREATE TABLE {table} (id TEXT, note TEXT);
                 INSERT INTO {table} VALUES ('sub_1', ''), ('sub_2', '')"
            );
            file.execute_batch(&made).unwrap();
        }
        for table in TABLES {
            let before = Books::rows(&target).await.unwrap();
            let both = format!("UPDATE {table} SET note = note || '!'");
            file.execute_batch(&both).unwrap();
            let after = Books::rows(&target).await.unwrap();
            let (theirs, others) = difference(&before, &after, &own);
            assert_eq!((theirs, others.len()), (2, 2), "{table}");
            assert!(
                others.iter().all(|row| row.starts_with(table)),
                "{others:?}"
            );
        }
    }
}
