//! Owns how the gateway's list is read: from a durable place on, page after page, within bounds.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use domain::Timestamp;
use domain::snapshot::Cause;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{DAY, READING_MAX, Unwatched, Watched};
use crate::App;
use crate::idempotency::later;
use crate::ports::Finding;
use crate::ports::gateway::ListPage;
use crate::upkeep::earlier;

/// How far into the future the list is read: the gateway's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_mins(1);
/// How many pages one pass reads of an account's list.
const PAGES_MAX: usize = 200;

/// How much one pass may still read.
struct Bound {
    pages: usize,
    end: Instant,
}

/// How far a stretch of the list was read.
enum Walked {
    ToItsEnd,
    /// The bounds were reached at this date.
    Until(Timestamp),
}

impl App {
    /// Reads the list from where the account was watched until now, a day at a time. The place
    /// moves on when what a stretch shows is booked or kept as sightings.
    pub(super) async fn watch_from(
        &self,
        watched: &Watched<'_>,
        mut from: Timestamp,
    ) -> Result<(), Unwatched> {
        let mut bound = Bound {
            pages: PAGES_MAX,
            end: Instant::now()
                .checked_add(READING_MAX)
                .ok_or(Unwatched::Slow)?,
        };
        loop {
            // A clock that was set back has nothing ahead of it.
            let begin = from.min(watched.now);
            let reached = later(begin, DAY).min(watched.now);
            let overlap = self.parts.timings.watch_overlap;
            let within = earlier(begin, overlap)..later(reached, AHEAD);
            let until = match self.walk(watched, &within, &mut bound).await? {
                Walked::ToItsEnd => reached,
                Walked::Until(at) => at.min(reached),
            };
            let bounded = until < reached;
            if bounded && until <= begin {
                return Err(Unwatched::Crowded);
            }
            let store = &self.parts.store;
            if !store.move_watch(watched.account.id, from, until).await? {
                debug!("another process has watched meanwhile");
                return Ok(());
            }
            if bounded || reached >= watched.now {
                return Ok(());
            }
            from = until;
        }
    }

    /// Reads one stretch of the list, and keeps what of it is not booked.
    async fn walk(
        &self,
        watched: &Watched<'_>,
        within: &Range<Timestamp>,
        bound: &mut Bound,
    ) -> Result<Walked, Unwatched> {
        let rows = self.parts.bounds.watch_rows;
        let mut read = BTreeSet::new();
        let mut after = None;
        loop {
            let asked = watched.gateway.movements(within, after.as_ref(), rows);
            let page = self.unless_stopping(asked).await?;
            let page = page.map_err(Unwatched::Unlisted)?;
            self.count_unreadable(&page);
            // A short page may have been cut: only an empty one is the end.
            let Some(next) = page.next else {
                return is_end(page.unreadable, !read.is_empty(), rows).map(|()| Walked::ToItsEnd);
            };
            if !read.insert(next.clone()) {
                return Err(Unwatched::Endless);
            }
            self.sight(watched, &page.listed).await?;
            after = Some(next);
            bound.pages = bound.pages.saturating_sub(1);
            let last = page.listed.iter().filter_map(|line| line.at).max();
            if bound.pages == 0 || Instant::now() >= bound.end {
                return last.map(Walked::Until).ok_or(Unwatched::Crowded);
            }
        }
    }

    fn count_unreadable(&self, page: &ListPage) {
        if page.unreadable > 0 {
            warn!(
                lines = page.unreadable,
                "lines of the gateway's list are unreadable"
            );
        }
        for _ in 0..page.unreadable {
            self.parts.tally.found(Finding::Unreadable);
        }
    }
}

/// Whether a page after which none can be asked for ends the list: a few unreadable lines after
/// readable ones do, a list of nothing else is in words that we do not know.
fn is_end(unreadable: usize, some_were_read: bool, rows: u32) -> Result<(), Unwatched> {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    if unreadable == 0 || some_were_read && unreadable < rows {
        Ok(())
    } else {
        let why = format!("transactions: none of {unreadable} lines has a key");
        Err(Unwatched::Unlisted(Cause::Unreadable(why)))
    }
}
