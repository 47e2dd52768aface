//! Owns how many calls one gateway account may have under way, questions apart from actions.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::Share;

/// The size of a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Captures and cancellations at once.
    pub actions_max: usize,
    /// Questions at once: their own share, so that a flood of payments cannot keep us from
    /// learning what became of the earlier ones.
    pub questions_max: usize,
    /// Glances at once, of their own: whoever may send us notifications takes nobody's place.
    pub glances_max: usize,
    /// How long a call waits for room before it is given up unsent.
    pub wait: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            actions_max: 256,
            questions_max: 32,
            glances_max: 4,
            wait: Duration::from_secs(1),
        }
    }
}

/// The places of one account.
#[derive(Debug)]
pub struct Bulkhead {
    actions: Semaphore,
    questions: Semaphore,
    glances: Semaphore,
    wait: Duration,
}

/// A place taken; given back when dropped.
#[derive(Debug)]
pub struct Place<'a>(#[expect(dead_code, reason = "held for its drop")] SemaphorePermit<'a>);

impl Bulkhead {
    /// All places free.
    #[must_use]
    pub fn new(room: Room) -> Self {
        Self {
            actions: Semaphore::new(room.actions_max),
            questions: Semaphore::new(room.questions_max),
            glances: Semaphore::new(room.glances_max),
            wait: room.wait,
        }
    }

    /// Whether a new saga would find room for its call.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.actions.available_permits() > 0
    }

    /// Takes a place, waiting a bounded time for one.
    pub async fn enter(&self, share: Share) -> Option<Place<'_>> {
        let places = match share {
            Share::Action => &self.actions,
            Share::Question => &self.questions,
        };
        let taken = timeout(self.wait, places.acquire()).await.ok()?;
        Some(Place(taken.expect("the places are never closed")))
    }

    /// Takes a place for a glance, if there is one right now.
    pub fn glance(&self) -> Option<Place<'_>> {
        self.glances.try_acquire().ok().map(Place)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn bulkhead() -> Bulkhead {
        let wait = Duration::from_secs(1);
        Bulkhead::new(Room {
            actions_max: 2,
            questions_max: 1,
            glances_max: 1,
            wait,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_a_bounded_time() {
        let bulkhead = bulkhead();
        let first = bulkhead.enter(Share::Action).await.unwrap();
        assert!(bulkhead.has_room());
        let second = bulkhead.enter(Share::Action).await.unwrap();
        assert!(!bulkhead.has_room());
        let begun = Instant::now();
        assert!(bulkhead.enter(Share::Action).await.is_none());
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
        drop(first);
        assert!(bulkhead.has_room());
        assert!(bulkhead.enter(Share::Action).await.is_some());
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_frees_up_goes_to_who_waits() {
        let bulkhead = bulkhead();
        let held = bulkhead.enter(Share::Question).await.unwrap();
        let (later, ()) = tokio::join!(bulkhead.enter(Share::Question), async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            drop(held);
        });
        assert!(later.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn questions_have_their_own_share() {
        let bulkhead = bulkhead();
        let _first = bulkhead.enter(Share::Action).await.unwrap();
        let _second = bulkhead.enter(Share::Action).await.unwrap();
        let _glance = bulkhead.glance().unwrap();
        assert!(bulkhead.glance().is_none());
        let _question = bulkhead.enter(Share::Question).await.unwrap();
        assert!(bulkhead.enter(Share::Question).await.is_none());
    }
}
