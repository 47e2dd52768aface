//! Owns commits that share a transaction: whoever waits while others are written goes with the
//! next one, so that one flush of the database's log serves many payments.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use application::ports::store::{CommitError, Error};
use application::trace::stamped;
use domain::change::Change;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::transaction;
use crate::adapters::persistence::connection::Database;

/// More would make the first member wait for little gain.
const MEMBERS_MAX: usize = 32;
/// A job may write many rows at once: whoever goes with it would wait for all of them.
const CHANGES_MAX: usize = 320;

type Outcome = Result<(), CommitError>;
/// Where a change stands in the order of locks; the same place is the same row.
type Row = (u8, String);

/// The commits that wait, and those who write them.
pub(in crate::adapters::persistence) struct Group {
    queue: Mutex<Queue>,
    tasks: TaskTracker,
}

struct Queue {
    waiting: VecDeque<Member>,
    joined: u64,
    writers: usize,
    writers_max: usize,
}

/// One caller's commit.
struct Member {
    number: u64,
    changes: Vec<(Row, Change)>,
    told: oneshot::Sender<Outcome>,
}

impl Group {
    /// At most so many transactions are written at once.
    pub(in crate::adapters::persistence) fn new(writers_max: usize) -> Self {
        Self {
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                joined: 0,
                writers: 0,
                writers_max,
            }),
            tasks: TaskTracker::new(),
        }
    }

    /// Lines up; with its number, and where its outcome will be told.
    pub(super) fn join(
        &self,
        changes: &[Change],
        database: &Database,
    ) -> (u64, oneshot::Receiver<Outcome>) {
        let (told, outcome) = oneshot::channel();
        let rows = changes
            .iter()
            .map(|change| (change.lock_order(), stamped(change)));
        let mut queue = self.queue();
        let number = queue.join(rows.collect(), told);
        if queue.has_work_for_another() {
            queue.writers = queue.writers.saturating_add(1);
            drop(queue);
            self.tasks.spawn(write_on(database.clone()));
        }
        (number, outcome)
    }

    /// Gives up the place in the line; `false` when it is being written already.
    pub(super) fn leave(&self, number: u64) -> bool {
        let mut queue = self.queue();
        let before = queue.waiting.len();
        queue.waiting.retain(|member| member.number != number);
        queue.waiting.len() < before
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue
            .lock()
            .expect("nothing panics while it is locked")
    }
}

impl Queue {
    fn join(&mut self, changes: Vec<(Row, Change)>, told: oneshot::Sender<Outcome>) -> u64 {
        self.joined = self.joined.wrapping_add(1);
        self.waiting.push_back(Member {
            number: self.joined,
            changes,
            told,
        });
        self.joined
    }

    fn has_work_for_another(&self) -> bool {
        self.writers < self.writers_max && !self.waiting.is_empty()
    }

    /// The oldest that wait, as far as no two touch the same row: the second would be refused by
    /// what the first does, or would wait for itself.
    fn batch(&mut self) -> Vec<Member> {
        let mut batch: Vec<Member> = Vec::new();
        let mut rows: HashSet<Row> = HashSet::new();
        let mut written = 0_usize;
        let mut left = VecDeque::new();
        for member in self.waiting.drain(..) {
            if member.told.is_closed() {
                // Its caller left before it was begun: nobody wants it written.
                continue;
            }
            let free = |(row, _): &(Row, Change)| !rows.contains(row);
            let together = written.saturating_add(member.changes.len());
            let fits = batch.is_empty() || batch.len() < MEMBERS_MAX && together <= CHANGES_MAX;
            if fits && member.changes.iter().all(free) {
                written = together;
                rows.extend(member.changes.iter().map(|(row, _)| row.clone()));
                batch.push(member);
            } else {
                left.push_back(member);
            }
        }
        self.waiting = left;
        batch
    }
}

/// A writer at work: also one that panics is counted out.
struct Shift {
    group: Arc<Group>,
    over: bool,
}

impl Shift {
    /// Whether nothing is left to do; the writer is counted out in the same moment, so that
    /// whoever joins next begins another.
    fn is_over(&mut self) -> bool {
        let mut queue = self.group.queue();
        if queue.waiting.is_empty() {
            queue.writers = queue.writers.saturating_sub(1);
            self.over = true;
        }
        self.over
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        if !self.over {
            let mut queue = self.group.queue();
            queue.writers = queue.writers.saturating_sub(1);
        }
    }
}

/// Writes one batch after the other until nobody waits.
async fn write_on(database: Database) {
    let mut shift = Shift {
        group: Arc::clone(&database.group),
        over: false,
    };
    loop {
        let batch = shift.group.queue().batch();
        let outcomes = write(&database, &batch).await;
        let over = shift.is_over();
        let answers = batch.into_iter().map(|member| member.told).zip(outcomes);
        if over {
            // Whoever hears of the last commit may close the database at once.
            drop(database);
            return answers.for_each(tell);
        }
        answers.for_each(tell);
    }
}

fn tell((told, outcome): (oneshot::Sender<Outcome>, Outcome)) {
    // Who is not there any more has nothing to be told.
    let _ = told.send(outcome);
}

/// All in one transaction; where that is refused, each in its own, so that only the one that
/// cannot be written is told so.
async fn write(database: &Database, batch: &[Member]) -> Vec<Outcome> {
    let together = transact(database, batch).await;
    let refused = matches!(
        together,
        Err(CommitError::Conflict | CommitError::Store(Error::Broken(_) | Error::Corrupt { .. }))
    );
    if !refused || batch.len() < 2 {
        return batch.iter().map(|_| together.clone()).collect();
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    for member in batch {
        outcomes.push(transact(database, std::slice::from_ref(member)).await);
    }
    outcomes
}

async fn transact(database: &Database, members: &[Member]) -> Outcome {
    let mut changes: Vec<&(Row, Change)> =
        members.iter().flat_map(|member| &member.changes).collect();
    // Stable: two updates of one row keep their order.
    changes.sort_by(|(one, _), (other, _)| one.cmp(other));
    let changes: Vec<&Change> = changes.into_iter().map(|(_, change)| change).collect();
    transaction::run(database, &changes).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::GatewayAccountId;

    fn pin(account: &GatewayAccountId) -> Vec<(Row, Change)> {
        let change = Change::PinMerchantId {
            account: *account,
            merchant_id: "tsimshop".to_owned(),
        };
        vec![(change.lock_order(), change)]
    }

    fn account(last: char) -> GatewayAccountId {
        let text = format!("gwa_{}{last}", "0".repeat(33));
        text.parse().expect("an id")
    }

    fn queue() -> Queue {
        Queue {
            waiting: VecDeque::new(),
            joined: 0,
            writers: 0,
            writers_max: 1,
        }
    }

    fn numbers(batch: &[Member]) -> Vec<u64> {
        batch.iter().map(|member| member.number).collect()
    }

    #[test]
    fn a_batch_touches_no_row_twice() {
        let mut queue = queue();
        let mut outcomes = Vec::new();
        for last in ['1', '2', '1', '3'] {
            let (told, outcome) = oneshot::channel();
            queue.join(pin(&account(last)), told);
            outcomes.push(outcome);
        }
        assert_eq!(numbers(&queue.batch()), [1, 2, 4]);
        assert_eq!(numbers(&queue.batch()), [3]);
        assert!(queue.batch().is_empty());
    }

    #[test]
    fn whoever_left_is_not_written() {
        let mut queue = queue();
        let (told, outcome) = oneshot::channel();
        queue.join(pin(&account('1')), told);
        drop(outcome);
        assert!(queue.batch().is_empty());
    }

    #[test]
    fn a_batch_is_bounded() {
        let mut queue = queue();
        let mut outcomes = Vec::new();
        for number in 0..=MEMBERS_MAX {
            let (told, outcome) = oneshot::channel();
            let change = Change::PinMerchantId {
                account: account('1'),
                merchant_id: number.to_string(),
            };
            queue.join(vec![((2, number.to_string()), change)], told);
            outcomes.push(outcome);
        }
        assert_eq!(queue.batch().len(), MEMBERS_MAX);
        assert_eq!(queue.batch().len(), 1);
    }

    /// Changes of as many rows, of which no other member has one.
    fn changes(of: &str, count: usize) -> Vec<(Row, Change)> {
        let change = |number: usize| {
            let (_, change) = pin(&account('1')).remove(0);
            ((2, format!("{of}{number}")), change)
        };
        (0..count).map(change).collect()
    }

    #[test]
    fn few_go_with_one_that_writes_much() {
        let mut queue = queue();
        let mut outcomes = Vec::new();
        for (of, count) in [
            ("a", 8),
            ("b", CHANGES_MAX),
            ("c", 8),
            ("d", CHANGES_MAX + 1),
        ] {
            let (told, outcome) = oneshot::channel();
            queue.join(changes(of, count), told);
            outcomes.push(outcome);
        }
        assert_eq!(numbers(&queue.batch()), [1, 3]);
        assert_eq!(numbers(&queue.batch()), [2]);
        assert_eq!(
            numbers(&queue.batch()),
            [4],
            "too much for any, and written"
        );
        assert!(queue.batch().is_empty());
    }

    #[test]
    fn a_writer_that_panics_is_counted_out() {
        let group = Arc::new(Group::new(1));
        group.queue().writers = 1;
        drop(Shift {
            group: Arc::clone(&group),
            over: false,
        });
        assert_eq!(group.queue().writers, 0);
    }
}
