//! Owns what a reader has read and not finished: which of it may be told now, what became of what
//! was told, and how far the cursor may move. Decides, and performs nothing.

use std::collections::{HashSet, VecDeque};

use domain::change::Change;
use domain::feed::{Happening, Place, Subject};

use crate::ports::sink::{Fate, Told};
use crate::ports::store::Line;

/// Why a line is not told although nothing is wrong with it.
pub(super) const FOLLOWS: &str = "an earlier event of its subject is parked";

/// So many writes at once, unless one event alone has more: a batch of events may have many each,
/// and payments wait for whatever is written before them.
const WRITES_MAX: usize = 256;

/// Lines of the feed, in order and without gaps, from the first that is not behind the cursor.
///
/// Several tellings may be under way. Of one subject only one is: a later event is told when every
/// earlier one was taken, so no sink can take them in another order.
#[derive(Default)]
pub(super) struct Window {
    lines: VecDeque<Entry>,
    /// Subjects of which something was parked here.
    parked: HashSet<Subject>,
}

struct Entry {
    place: Place,
    state: State,
}

enum State {
    /// It has to be told.
    Waiting(Box<Happening>),
    /// It is being told.
    UnderWay,
    /// It was taken.
    Taken,
    /// It is done when these changes are committed; where they are not, it is told again.
    Effected(Vec<Change>, Box<Happening>),
    /// It is parked, for this reason.
    Parked(String),
}

impl State {
    /// How many rows are written when it is done.
    const fn writes(&self) -> usize {
        match self {
            Self::Waiting(_) | Self::UnderWay | Self::Taken => 0,
            Self::Effected(changes, _) => changes.len(),
            Self::Parked(_) => 1,
        }
    }
}

/// What may be committed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The last position before which everything is done; none where the first is not.
    pub(super) done: Option<i64>,
    /// What is parked, and why.
    pub(super) parks: Vec<(Place, String)>,
    /// What is committed with it.
    pub(super) effects: Vec<Change>,
}

impl Window {
    /// Takes up lines that were read behind those that are there: of the subjects in `parked`
    /// nothing is told, nor of those with a line that cannot be read from there on.
    pub(super) fn add(&mut self, lines: Vec<Line>, parked: &HashSet<Subject>) {
        for Line { place, event } in lines {
            let subject = place.subject;
            let state = if parked.contains(&subject) || self.parked.contains(&subject) {
                State::Parked(FOLLOWS.to_owned())
            } else {
                match event {
                    Ok(event) => State::Waiting(Box::new(event)),
                    Err(why) => {
                        self.parked.insert(subject);
                        State::Parked(why)
                    }
                }
            };
            self.lines.push_back(Entry { place, state });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The last position that was read.
    pub(super) fn end(&self) -> Option<i64> {
        self.lines.back().map(|entry| entry.place.position)
    }

    /// Whether anything was parked here since it was last forgotten.
    pub(super) fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// From now on the store tells what is parked: nothing of it is here any more.
    pub(super) fn forget_parked(&mut self) {
        self.parked.clear();
    }

    /// At most so many events that may be told now; they are under way from here on.
    pub(super) fn tell(&mut self, limit: usize) -> Vec<Told> {
        let mut told = Vec::new();
        let mut busy = HashSet::new();
        for Entry { place, state } in &mut self.lines {
            if told.len() >= limit {
                break;
            }
            match state {
                State::UnderWay => {
                    busy.insert(place.subject);
                }
                State::Waiting(_) if busy.contains(&place.subject) => {}
                State::Waiting(_) => {
                    if let State::Waiting(event) = std::mem::replace(state, State::UnderWay) {
                        let position = place.position;
                        told.push(Told { position, event });
                    }
                }
                State::Taken | State::Effected(..) | State::Parked(_) => {}
            }
        }
        told
    }

    /// Notes what became of a telling, in its order; why something of it has to be told again.
    pub(super) fn settle(&mut self, told: Vec<Told>, fates: Vec<Fate>) -> Option<String> {
        let silent = || Fate::Unavailable("the sink does not say what became of it".to_owned());
        let fates = fates.into_iter().chain(std::iter::repeat_with(silent));
        let mut answers = told.into_iter().zip(fates).peekable();
        let mut unavailable = None;
        // Of which subjects nothing later counts: told again with it, or parked behind it.
        let (mut stopped, mut parked) = (HashSet::new(), HashSet::new());
        for Entry { place, state } in &mut self.lines {
            let subject = place.subject;
            // Both are in the feed's order; lines that are not here any more have no answer.
            while answers
                .next_if(|(told, _)| told.position < place.position)
                .is_some()
            {}
            let answer = answers.next_if(|(told, _)| told.position == place.position);
            if let Some((Told { event, .. }, fate)) = answer {
                *state = match fate {
                    _ if stopped.contains(&subject) || parked.contains(&subject) => {
                        State::Waiting(event)
                    }
                    Fate::Delivered => State::Taken,
                    Fate::Effected(changes) => State::Effected(changes, event),
                    Fate::Poisoned(why) => State::Parked(why),
                    Fate::Unavailable(why) => {
                        unavailable.get_or_insert(why);
                        stopped.insert(subject);
                        State::Waiting(event)
                    }
                };
            }
            if matches!(state, State::Waiting(_)) && parked.contains(&subject) {
                *state = State::Parked(FOLLOWS.to_owned());
            }
            if matches!(state, State::Parked(_)) {
                parked.insert(subject);
            }
        }
        self.parked.extend(parked);
        unavailable
    }

    /// What may be committed now: whatever is done before the first line that is not, as far as
    /// that is little enough to be written at once.
    pub(super) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        let mut writes = 0_usize;
        for Entry { place, state } in &self.lines {
            writes = writes.saturating_add(state.writes());
            if verdict.done.is_some() && writes > WRITES_MAX {
                break;
            }
            match state {
                State::Waiting(_) | State::UnderWay => break,
                State::Taken => {}
                State::Effected(changes, _) => verdict.effects.extend(changes.iter().cloned()),
                State::Parked(why) => verdict.parks.push((*place, why.clone())),
            }
            verdict.done = Some(place.position);
        }
        verdict
    }

    /// The cursor is there now. Where that is not just before a line that is here, nothing here is
    /// to be relied on.
    pub(super) fn move_to(&mut self, position: i64) {
        let is_behind = |entry: &Entry| entry.place.position <= position;
        while self.lines.front().is_some_and(is_behind) {
            self.lines.pop_front();
        }
        let next = position.saturating_add(1);
        let follows = |entry: &Entry| entry.place.position == next;
        if !self.lines.front().is_none_or(follows) {
            self.lines.clear();
        }
    }

    /// What depends on changes that were not committed is told again: they may be others then.
    pub(super) fn drop_effects(&mut self) {
        for Entry { state, .. } in &mut self.lines {
            *state = match std::mem::replace(state, State::UnderWay) {
                State::Effected(_, event) => State::Waiting(event),
                same @ (State::Waiting(_) | State::UnderWay | State::Taken | State::Parked(_)) => {
                    same
                }
            };
        }
    }
}

#[cfg(test)]
mod tests;
