//! Owns what callers were told in one phase: how often what, how quickly, and what of it nobody
//! should ever be told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::pace::{Goodput, Pace};
use crate::http::Reply;
use crate::stats::Samples;

/// What is told instead of an answer, where none comes.
const SILENCE: &str = "no answer";
/// What the service asks its callers to come back for: without a time they would come at once.
const COME_BACK: [u16; 3] = [202, 429, 503];
/// Who asks them is no buyer.
const PROBES: [&str; 2] = ["live", "ready"];
/// What is counted as served: who is only prepared, or reads what is, has paid nothing.
pub(super) const SERVED: &str = "approve";

/// Before, during and after a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Phase {
    /// Nothing is wrong yet.
    Before,
    /// The trouble.
    During,
    /// It is over.
    After,
}

impl Phase {
    /// In their order.
    pub(super) const ALL: [Self; 3] = [Self::Before, Self::During, Self::After];
}

/// When somebody came, and when their request began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) came: Phase,
    pub(super) asked: Phase,
}

/// What was told in each phase.
#[derive(Clone)]
pub(super) struct Board {
    state: Arc<Mutex<State>>,
    documented: Arc<BTreeSet<String>>,
}

#[derive(Default)]
struct State {
    phase: Option<Phase>,
    heard: BTreeMap<Phase, Heard>,
    paces: BTreeMap<Phase, Pace>,
    /// What was served before the trouble.
    before: Goodput,
    breaches: BTreeSet<String>,
}

/// What was heard in a phase.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// How often each kind of request was told what.
    pub(super) told: BTreeMap<String, BTreeMap<String, u64>>,
    /// How long the answers of each kind of request took.
    pub(super) took: BTreeMap<String, Samples>,
}

impl Board {
    /// Nothing was told; `errors` is the folder with a page for each code.
    pub(super) fn new(errors: &Path) -> anyhow::Result<Self> {
        let mut documented = BTreeSet::new();
        let pages = std::fs::read_dir(errors);
        for page in pages.with_context(|| format!("no pages in {}", errors.display()))? {
            let path = page?.path();
            let name = path.file_stem().and_then(|stem| stem.to_str());
            documented.extend(name.map(str::to_owned));
        }
        Ok(Self {
            state: Arc::default(),
            documented: Arc::new(documented),
        })
    }

    /// From now on it is this phase.
    pub(super) fn turn(&self, phase: Phase) {
        let mut state = self.state();
        let now = Instant::now();
        if state.phase == Some(Phase::Before) {
            let before = state.paces.get(&Phase::Before);
            state.before = before.map(|pace| pace.goodput(now)).unwrap_or_default();
        }
        state.phase = Some(phase);
        state.paces.insert(phase, Pace::new(now));
    }

    /// Somebody comes, or a request begins: in which phase.
    pub(super) fn begin(&self) -> Phase {
        self.state().phase.unwrap_or(Phase::Before)
    }

    /// A request of somebody who came in that phase begins.
    pub(super) fn begin_of(&self, came: Phase) -> Begun {
        let asked = self.begin();
        Begun { came, asked }
    }

    /// A request of this kind was answered, or was not; what it was told.
    pub(super) fn hear(&self, kind: &str, begun: Begun, reply: Option<&Reply>) -> String {
        let Begun { came, asked: begun } = begun;
        let told = reply.map_or_else(|| SILENCE.to_owned(), told);
        let mut state = self.state();
        // Who came shortly before the trouble met it.
        let phase = match (begun, state.phase) {
            (Phase::Before, Some(now)) => now.min(Phase::During),
            (phase, _) => phase,
        };
        if let Some(wrong) = self.wrong(phase, reply) {
            state
                .breaches
                .insert(format!("{kind} was told {told}: {wrong}"));
        }
        // Who waits meanwhile is neither served nor refused; nor is a probe a buyer. Who came in an
        // earlier phase tells of that one.
        let is_buyer = !PROBES.contains(&kind);
        let waits = reply.is_some_and(|reply| reply.status == 202);
        let served = reply.is_some_and(|reply| (200..300).contains(&reply.status));
        if is_buyer
            && !waits
            && (kind == SERVED || !served)
            && came == begun
            && state.phase == Some(begun)
            && let Some(pace) = state.paces.get_mut(&begun)
        {
            pace.note(Instant::now(), served);
        }
        let heard = state.heard.entry(phase).or_default();
        let counts = heard.told.entry(kind.to_owned()).or_default();
        let count = counts.entry(told.clone()).or_default();
        *count = count.saturating_add(1);
        if let Some(reply) = reply {
            let took = heard.took.entry(kind.to_owned()).or_default();
            took.add(reply.took);
        }
        told
    }

    /// What nobody should be told, whatever is away.
    fn wrong(&self, phase: Phase, reply: Option<&Reply>) -> Option<String> {
        let Some(reply) = reply else {
            return Some("the service was there".to_owned());
        };
        let served = (200..300).contains(&reply.status);
        // A busy machine may tell somebody to come back, also where nothing is away.
        let retryable = matches!(reply.status, 409 | 429 | 503);
        if phase == Phase::Before && !served && !retryable {
            return Some("nothing was wrong yet".to_owned());
        }
        if reply.status == 500 {
            return Some(format!(
                "nobody is to blame for what is away: {}",
                reply.body
            ));
        }
        if COME_BACK.contains(&reply.status) && reply.header("retry-after").is_none() {
            return Some("it does not say when to come back".to_owned());
        }
        let code = code(reply);
        if !served && !self.documented.contains(&code) {
            return Some(format!("{code} has no page"));
        }
        None
    }

    /// Something that must not be.
    pub(super) fn breach(&self, what: String) {
        self.state().breaches.insert(what);
    }

    /// All that must not be.
    pub(super) fn breaches(&self) -> Vec<String> {
        self.state().breaches.iter().cloned().collect()
    }

    /// What was heard in a phase.
    pub(super) fn heard(&self, phase: Phase) -> Heard {
        self.state().heard.get(&phase).cloned().unwrap_or_default()
    }

    /// At the end of which second after the trouble enough were served within it; none yet.
    pub(super) fn served_again(&self) -> Option<u64> {
        let state = self.state();
        state.paces.get(&Phase::After)?.again(state.before)
    }

    /// How many of those who came after the trouble were refused, by second.
    pub(super) fn refused_after(&self) -> Vec<u64> {
        let state = self.state();
        let pace = state.paces.get(&Phase::After);
        pace.map(|pace| pace.refused().to_vec()).unwrap_or_default()
    }

    /// What was served before the trouble.
    pub(super) fn before(&self) -> Goodput {
        self.state().before
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it is locked")
    }
}

impl Heard {
    /// How many requests of any kind were told this.
    pub(super) fn count(&self, told: &str) -> u64 {
        let counts = self.told.values().filter_map(|counts| counts.get(told));
        counts.fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Status and code; of what went well, the payment's status.
fn told(reply: &Reply) -> String {
    let more = if (200..300).contains(&reply.status) {
        reply.data("status").map(str::to_owned)
    } else {
        Some(code(reply))
    };
    let said = match more {
        Some(more) => format!("{} {more}", reply.status),
        None => reply.status.to_string(),
    };
    match reply.data("redis") {
        Some(redis) => format!("{said} (redis {redis})"),
        None => said,
    }
}

fn code(reply: &Reply) -> String {
    let code = reply.body.get("code").and_then(Value::as_str);
    code.unwrap_or("without a code").to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
    use serde_json::json;

    use super::*;

    fn board() -> Board {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("STORE_UNAVAILABLE.md"), "").unwrap();
        Board::new(folder.path()).unwrap()
    }

    fn reply(status: u16, code: &str, retry: bool) -> Reply {
        let mut headers = HeaderMap::new();
        if retry {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Reply {
            status,
            headers,
            body: json!({ "code": code, "data": { "status": "DONE" } }),
            took: Duration::from_millis(3),
        }
    }

    #[test]
    fn what_is_documented_and_says_when_to_come_back_is_well() {
        let board = board();
        board.turn(Phase::During);
        let begun = board.begin_of(Phase::During);
        let away = reply(503, "STORE_UNAVAILABLE", true);
        assert_eq!(
            board.hear("read", begun, Some(&away)),
            "503 STORE_UNAVAILABLE"
        );
        assert_eq!(
            board.hear("approve", begun, Some(&reply(200, "OK", false))),
            "200 DONE"
        );
        assert_eq!(board.breaches(), Vec::<String>::new());
        assert_eq!(board.heard(Phase::During).count("503 STORE_UNAVAILABLE"), 1);
        assert_eq!(board.heard(Phase::Before).count("503 STORE_UNAVAILABLE"), 0);
    }

    #[test]
    fn what_nobody_should_be_told_is_a_breach() {
        let wrongs = [
            (Phase::During, Some(reply(500, "STORE_UNAVAILABLE", false))),
            (Phase::During, Some(reply(503, "STORE_UNAVAILABLE", false))),
            (Phase::During, Some(reply(202, "PAYMENT_PENDING", false))),
            (Phase::During, Some(reply(409, "SOMETHING_ELSE", false))),
            (Phase::Before, Some(reply(503, "STORE_UNAVAILABLE", false))),
            (Phase::Before, Some(reply(422, "STORE_UNAVAILABLE", false))),
            (Phase::During, None),
        ];
        for (phase, wrong) in wrongs {
            let board = board();
            board.turn(phase);
            board.hear("approve", board.begin_of(phase), wrong.as_ref());
            assert_eq!(board.breaches().len(), 1, "{wrong:?}");
        }
    }

    #[test]
    fn a_busy_machine_may_tell_somebody_to_come_back() {
        let board = board();
        board.turn(Phase::Before);
        let busy = reply(503, "STORE_UNAVAILABLE", true);
        board.hear("approve", board.begin_of(Phase::Before), Some(&busy));
        assert_eq!(board.breaches(), Vec::<String>::new());
    }

    #[test]
    fn it_is_over_when_nearly_as_many_are_served_as_before() {
        let board = board();
        let well = reply(200, "OK", false);
        let away = reply(503, "STORE_UNAVAILABLE", true);
        board.turn(Phase::During);
        let earlier = board.begin();
        let long_ago = board.begin_of(earlier);
        board.turn(Phase::After);
        let late = board.begin_of(earlier);
        let now = board.begin_of(board.begin());
        board.state().before = Goodput {
            served: 10,
            within: Duration::from_secs(1),
        };
        // Who came during the trouble is served now, and so are the probes and whoever only reads.
        for _ in 0..10 {
            board.hear("approve", long_ago, Some(&well));
            board.hear("approve", late, Some(&well));
            board.hear("ready", now, Some(&well));
            board.hear("prepare", now, Some(&well));
            board.hear("read", now, Some(&well));
        }
        board.hear("approve", now, Some(&away));
        for _ in 0..7 {
            board.hear("approve", now, Some(&well));
        }
        assert_eq!(board.served_again(), None);
        board.hear("approve", now, Some(&well));
        assert_eq!(board.served_again(), Some(1));
        assert_eq!(board.refused_after(), [1]);
    }
}
