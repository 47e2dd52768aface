//! Owns having a consumer eat all that the broker was told, killed between an effect and its offset
//! and begun again, and what its effects come to then.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::{Book, Totals};
use crate::chaos::crash::is_death;
use crate::process::{Process, Program};
use crate::random::unique_name;

/// How often it dies with an effect that the broker does not know of.
const DEATHS: u64 = 3;
/// So many commits for all of it, at least: there have to be some to die between.
const COMMITS: usize = 20;
const BATCH_MAX: usize = 500;
/// How long nothing may be added.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long more than was expected is waited for.
const GRACE: Duration = Duration::from_millis(1500);
const POLL: Duration = Duration::from_millis(50);
/// What a consumer came to.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Eaten {
    /// How often it died between an effect and its offset.
    pub(crate) deaths: u64,
    /// How many events came to it again.
    pub(crate) came_again: i64,
    pub(crate) effects: i64,
    pub(crate) effects_missing: i64,
    pub(crate) effects_twice: i64,
    /// Totals of other amounts than the books'.
    pub(crate) amounts_other: i64,
    /// Effects that one without a marker had twice: what this proof is able to find.
    pub(crate) twice_without_marker: i64,
}

impl Eaten {
    /// What is wrong, for people; nothing where each effect was once, and could have been twice.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (what, number) in [
            ("effects are missing", self.effects_missing),
            ("effects were twice", self.effects_twice),
            ("totals are of other amounts", self.amounts_other),
        ] {
            if number > 0 {
                wrong.push(format!("{number} {what}"));
            }
        }
        for (what, number) in [
            (
                "no event came again to a consumer that was killed",
                self.came_again,
            ),
            (
                "one that marks nothing had no effect twice",
                self.twice_without_marker,
            ),
        ] {
            if number == 0 {
                wrong.push(what.to_owned());
            }
        }
        wrong
    }
}

/// Has two consumers eat everything: one that marks what it did, and one that does not. The books
/// say what there is.
pub(crate) async fn eat(address: &str, books: &Totals) -> anyhow::Result<Eaten> {
    let (right, wrong) = tokio::join!(
        consumer(address, books, true),
        consumer(address, books, false)
    );
    let ((deaths, right), (_, wrong)) = (right?, wrong?);
    let (totals, forgot) = (right.totals()?, wrong.totals()?);
    let differences = totals.beside(books);
    Ok(Eaten {
        deaths,
        came_again: right.again()?,
        effects: totals.times(),
        effects_missing: differences.missing,
        effects_twice: differences.twice,
        amounts_other: differences.other,
        twice_without_marker: forgot.beside(books).twice,
    })
}

/// One life after the other, until all is eaten; how often it died, and its books.
async fn consumer(address: &str, books: &Totals, marks: bool) -> anyhow::Result<(u64, Book)> {
    let folder = tempfile::tempdir()?;
    let (path, group) = (folder.path().join("book"), unique_name());
    let book = Book::open(&path, marks)?;
    let count = usize::try_from(books.times())?;
    let batch = count.div_ceil(COMMITS).clamp(1, BATCH_MAX).to_string();
    let mut deaths: u64 = 0;
    for life in 1..=DEATHS {
        let dies = ["--dies-after".to_owned(), life.to_string()];
        let mut process = start(&folder, (address, &group, &batch), marks, &dies)?;
        let ended = process.end_within(PATIENCE).await?;
        let status = ended.with_context(|| format!("it does not die:\n{}", process.tail()))?;
        ensure!(
            is_death(status),
            "it ended with {status}:\n{}",
            process.tail()
        );
        deaths = deaths.saturating_add(1);
    }
    let mut process = start(&folder, (address, &group, &batch), marks, &[])?;
    let (mut last, mut added_at) = (0, Instant::now());
    loop {
        let times = book.times()?;
        if times > last {
            (last, added_at) = (times, Instant::now());
        }
        // One that marks nothing is above the books' before it is through.
        let is_through = marks && times >= books.times() && added_at.elapsed() >= GRACE;
        if is_through || added_at.elapsed() >= PATIENCE {
            break;
        }
        if !marks && added_at.elapsed() >= GRACE && times > books.times() {
            break;
        }
        ensure!(process.ended()?.is_none(), "it ended:\n{}", process.tail());
        sleep(POLL).await;
    }
    process.kill().await?;
    Ok((deaths, book))
}

fn start(
    folder: &TempDir,
    (address, group, batch): (&str, &str, &str),
    marks: bool,
    more: &[String],
) -> anyhow::Result<Process> {
    let book = path_text(&folder.path().join("book"))?;
    let told = [
        ["--address", address],
        ["--group", group],
        ["--book", &book],
    ];
    let mut arguments = vec!["consume".to_owned()];
    arguments.extend(told.concat().into_iter().map(str::to_owned));
    arguments.extend(["--batch".to_owned(), batch.to_owned()]);
    if !marks {
        arguments.push("--forgetful".to_owned());
    }
    arguments.extend_from_slice(more);
    Process::start(&Program {
        path: std::env::current_exe()?,
        arguments,
        environment: BTreeMap::new(),
        folder: folder.path().to_owned(),
        log: folder.path().join("log"),
    })
}

fn path_text(path: &Path) -> anyhow::Result<String> {
    Ok(path
        .to_str()
        .context("a path that is not UTF-8")?
        .to_owned())
}
