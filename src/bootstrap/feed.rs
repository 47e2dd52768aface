//! Owns the commands about the feed: `feed readers|parked|replay|raise-epoch`.

use anyhow::Context as _;
use application::events::{raise_epoch, replay};
use application::ports::Store;
use application::ports::store::ReaderStanding;
use chrono::SecondsFormat;
use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use domain::feed::{Parked, Reader, Subject};
use serde_json::{Value, json};

use super::outside;
use crate::adapters::clock::Wall;
use crate::config::Config;

/// How many parked events are read at once.
const ROWS: u32 = 500;

/// What can be done about the feed. Every command answers with lines of JSON.
#[derive(Subcommand)]
pub(super) enum Action {
    /// List who reads it: how far each is, since when it has something to tell, and how much of it
    /// is parked.
    Readers,
    /// List what a reader could not tell, and why.
    Parked {
        /// Which one, as `readers` names it.
        reader: Reader,
    },
    /// Have a reader try again what it parked; it does so within seconds.
    Replay {
        /// Which one, as `readers` names it.
        reader: Reader,
        /// Of this subject, from its first parked event on: pay_…, sub_… or bkey_….
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        subject: Option<Subject>,
        /// Of every subject.
        #[arg(long)]
        all: bool,
    },
    /// Tell everybody outside that their cursors are over. After the database was restored, or
    /// failed over to a copy that lacked commits.
    RaiseEpoch {
        /// Why, for who reads it later.
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        why: String,
    },
}

/// Does it, and answers with what is to be printed.
///
/// # Errors
/// The store does not take it, or there is no such reader or nothing of it is parked.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    let store = outside::open(config, false).await?;
    let store = store.as_ref();
    let lines = match action {
        Action::Readers => store.readers().await?.iter().map(standing).collect(),
        Action::Parked { reader } => {
            let found = parked(store, &reader).await?;
            found.iter().map(event).collect()
        }
        Action::Replay {
            reader, subject, ..
        } => vec![ask(store, &reader, subject).await?],
        Action::RaiseEpoch { why } => {
            let epoch = raise_epoch(store, &Wall::default(), why).await?;
            vec![json!({
                "epoch": epoch.number, "raisedAt": epoch.raised_at, "why": epoch.why,
            })]
        }
    };
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    Ok(lines.join("\n"))
}

/// Everything that a reader has parked, in the order of the feed.
async fn parked(store: &dyn Store, reader: &Reader) -> anyhow::Result<Vec<Parked>> {
    let known = store.readers().await?;
    let mut known = known.iter().map(|standing| &standing.reader);
    known
        .find(|known| *known == reader)
        .with_context(|| format!("nobody reads the feed as {reader}"))?;
    let mut all: Vec<Parked> = Vec::new();
    loop {
        let after = all.last().map_or(0, |event| event.position);
        let page = store.parked(reader, after, ROWS).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn ask(
    store: &dyn Store,
    reader: &Reader,
    subject: Option<Subject>,
) -> anyhow::Result<Value> {
    let found = parked(store, reader).await?;
    let mut subjects: Vec<Subject> = found.iter().map(|event| event.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    if let Some(subject) = subject {
        subjects.retain(|known| *known == subject);
        anyhow::ensure!(
            !subjects.is_empty(),
            "{reader} has parked nothing of {subject}"
        );
    }
    for subject in &subjects {
        replay(store, reader, *subject).await?;
    }
    Ok(json!({ "reader": reader.as_str(), "subjectsAsked": subjects.len() }))
}

fn standing(reader: &ReaderStanding) -> Value {
    json!({
        "reader": reader.reader.as_str(),
        "epoch": reader.cursor.epoch,
        "position": reader.cursor.position,
        "waitingSince": reader.waiting_since,
        "parked": reader.parked,
    })
}

fn event(parked: &Parked) -> Value {
    let at = parked.parked_at;
    json!({
        "subject": parked.subject.to_string(),
        "sequence": parked.sequence,
        "position": parked.position,
        "reason": parked.reason,
        "parkedAt": at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "asked": parked.asked,
    })
}
