//! Owns the spans of traces: which one work is in, and who is told of those that are over. Spans
//! have ids whether anybody is told or not: they go on in headers, lines and rows. A span that
//! nobody collects costs drawing its id.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use domain::change::Change;
use domain::trace::{SpanId, Trace};
use tracing::Instrument as _;

tokio::task_local! {
    static CURRENT: Trace;
}

/// Who is told, and of how much; one for the process, as it is with its log lines.
static COLLECTOR: OnceLock<(Arc<dyn Collector>, Share)> = OnceLock::new();

/// How many of a thousand traces are recorded, of those whose recording is decided here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u16);

impl Share {
    /// Every trace.
    pub const ALL: Self = Self(1000);

    /// So many of a thousand; none where that is more than all of them.
    #[must_use]
    pub const fn of_a_thousand(traces: u16) -> Option<Self> {
        if traces > Self::ALL.0 {
            None
        } else {
            Some(Self(traces))
        }
    }

    /// Whether a trace is one of them that drew `chance`.
    fn takes(self, chance: u64) -> bool {
        chance.checked_rem(Self::ALL.0.into()) < Some(self.0.into())
    }
}

/// Takes the spans of this process. It must not wait: whoever ends a span is at work.
pub trait Collector: Send + Sync {
    /// A span is over.
    fn ended(&self, span: Span);
}

/// How a span stands to what is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Within the service.
    Within,
    /// Somebody asked.
    Asked,
    /// Somebody is asked.
    Asks,
    /// A message is handed on.
    Tells,
    /// A message came in.
    Told,
}

/// What a span tells of its work. Words are ours, identifiers or short lists' members: nothing that
/// anybody wrote freely, and no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A word.
    Word(Cow<'static, str>),
    /// A number.
    Number(i64),
}

/// A span that is over.
#[derive(Clone, Debug)]
pub struct Span {
    /// What was done.
    pub name: &'static str,
    /// How it stands to what is outside.
    pub side: Side,
    /// The trace, with this span as the one that is in it.
    pub trace: Trace,
    /// The span that caused it.
    pub parent: Option<SpanId>,
    /// Whether that one is another service's, as far as is known.
    pub parent_is_remote: bool,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
    /// Whether it failed.
    pub failed: bool,
    /// What else is told.
    pub tags: Vec<(&'static str, Tag)>,
}

/// A span that is not over yet; it is when it is dropped, and so is work that was given up.
#[must_use]
pub struct Open(Span);

/// Has `collector` told from now on of the spans of that `share` of traces; the first one stays.
pub fn install(collector: Arc<dyn Collector>, share: Share) {
    // A second service in one process is told of with the first.
    drop(COLLECTOR.set((collector, share)));
}

/// Whether anybody is told of spans.
#[must_use]
pub fn is_collected() -> bool {
    COLLECTOR.get().is_some()
}

/// The trace that this task works in.
#[must_use]
pub fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// The span that this task is in, where it is one of `trace`; else the one that is kept there.
#[must_use]
pub(crate) fn current_of(trace: &Trace) -> Trace {
    let current = current().filter(|current| current.id() == trace.id());
    current.unwrap_or(*trace)
}

/// Does `work` in `trace`.
pub async fn within<T>(trace: Trace, work: impl Future<Output = T>) -> T {
    CURRENT.scope(trace, work).await
}

/// `work` for another task, in this task's trace and with this task's words in its lines.
pub(crate) fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let trace = current().unwrap_or(Trace::NONE);
    within(trace, work).in_current_span()
}

/// The change as a store keeps it: an event that was decided without a trace is of the one that
/// this task works in.
#[must_use]
pub fn stamped(change: &Change) -> Change {
    let mut change = change.clone();
    if let Change::AppendMemberEvent(event) = &mut change {
        event.trace = kept_of(event.trace);
    }
    change
}

/// `trace`, where it is one; else the one that this task works in.
pub(crate) fn kept_of(trace: Trace) -> Trace {
    let known = Some(trace).filter(|trace| *trace != Trace::NONE);
    known.or_else(current).unwrap_or(Trace::NONE)
}

/// A span id that nobody had before: chance, of no use for secrets.
fn fresh_span() -> SpanId {
    // Every state of a hasher has keys of its own, from the system's randomness at first.
    SpanId::of(RandomState::new().hash_one(0_u8)).unwrap_or_else(fresh_span)
}

/// `trace`, recorded as the settings here have it: chance takes the share of them. What somebody
/// outside says of it decides nothing, and neither does the trace's id, which is theirs.
#[must_use]
pub fn decided(trace: Trace) -> Trace {
    let share = COLLECTOR.get().map_or(Share::ALL, |(_, share)| *share);
    trace.recorded(share.takes(u64::from_be_bytes(fresh_span().to_bytes())))
}

/// A trace that begins here: of work that nobody asked for, or whose caller has none.
#[must_use]
pub fn begun() -> Trace {
    let (high, low) = (fresh_span().to_bytes(), fresh_span().to_bytes());
    let mut bits = [0; 16];
    bits[..8].copy_from_slice(&high);
    bits[8..].copy_from_slice(&low);
    decided(Trace::begun(u128::from_be_bytes(bits)))
}

impl Open {
    /// Begins a span that `parent` caused.
    pub fn under(parent: Trace, name: &'static str, side: Side) -> Self {
        Self(Span {
            name,
            side,
            trace: parent.within(fresh_span()),
            parent: parent.span(),
            parent_is_remote: false,
            began: Instant::now(),
            took: Duration::ZERO,
            failed: false,
            tags: Vec::new(),
        })
    }

    /// Begins a span in the one that this task is in; none where it works in no trace.
    #[must_use]
    pub fn here(name: &'static str, side: Side) -> Option<Self> {
        let current = current().filter(|trace| *trace != Trace::NONE);
        current.map(|trace| Self::under(trace, name, side))
    }

    /// Another service's span caused it.
    pub const fn from_outside(mut self) -> Self {
        self.0.parent_is_remote = true;
        self
    }

    /// It is named by an id that is known elsewhere already, and began at `began`.
    pub(crate) const fn named(mut self, span: SpanId, began: Instant) -> Self {
        self.0.trace = self.0.trace.within(span);
        self.0.began = began;
        self
    }

    /// The trace as it is within this span.
    #[must_use]
    pub const fn trace(&self) -> Trace {
        self.0.trace
    }

    /// Tells a word more.
    pub fn word(&mut self, name: &'static str, word: impl Into<Cow<'static, str>>) {
        if self.is_told() {
            self.0.tags.push((name, Tag::Word(word.into())));
        }
    }

    /// Tells what has to be written down first, where anybody is told of it.
    pub fn shown(&mut self, name: &'static str, value: &impl std::fmt::Display) {
        if self.is_told() {
            self.0
                .tags
                .push((name, Tag::Word(value.to_string().into())));
        }
    }

    /// Tells a number more.
    pub fn number(&mut self, name: &'static str, number: impl Into<i64>) {
        if self.is_told() {
            self.0.tags.push((name, Tag::Number(number.into())));
        }
    }

    /// It failed.
    pub const fn fail(&mut self) {
        self.0.failed = true;
    }

    fn is_told(&self) -> bool {
        self.0.trace.is_sampled() && is_collected()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some((collector, _)) = COLLECTOR.get().filter(|_| self.is_told()) {
            let tags = std::mem::take(&mut self.0.tags);
            let mut span = self.0.clone();
            span.tags = tags;
            span.took = span.began.elapsed();
            collector.ended(span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_takes_so_many_of_a_thousand() {
        for (share, taken) in [(0, 0), (1, 1), (250, 250), (1000, 1000)] {
            let share = Share::of_a_thousand(share).unwrap();
            let takes = (7_000..8_000).filter(|chance| share.takes(*chance));
            assert_eq!(takes.count(), taken, "{share:?}");
        }
        assert_eq!(Share::of_a_thousand(1001), None);
    }

    #[test]
    fn nobody_outside_decides_what_is_recorded() {
        let theirs = begun().within(SpanId::of(7).unwrap());
        for said in [false, true] {
            let ours = decided(theirs.recorded(said));
            assert_eq!(
                ours,
                theirs.recorded(true),
                "all are, where nobody says less"
            );
        }
    }
}
