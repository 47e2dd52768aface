//! Owns waking: rung once for however much has happened, heard by who waits in this process, and
//! passed on to other processes by whoever can. Whoever misses it finds the same by looking now and
//! then.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{Notify, watch};

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Events were committed.
    Appended,
    /// Events were given positions.
    Given,
    /// Deliveries of webhooks were committed.
    Posted,
}

impl Ring {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Appended, Self::Given, Self::Posted];

    const fn bit(self) -> u8 {
        match self {
            Self::Appended => 1,
            Self::Given => 2,
            Self::Posted => 4,
        }
    }
}

/// Everything that has happened in some time, however often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rings(u8);

impl Rings {
    /// All of it, for who has heard nothing for a while.
    pub const ALL: Self = Self(Ring::Appended.bit() | Ring::Given.bit() | Ring::Posted.bit());

    /// Whether this is among it.
    #[must_use]
    pub const fn has(self, ring: Ring) -> bool {
        self.0 & ring.bit() != 0
    }

    /// As a number.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// What a number says; of one that says more, what is known.
    #[must_use]
    pub const fn of(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }
}

/// Rung after commits.
pub struct Bell {
    appended: Notify,
    given: watch::Sender<u64>,
    posted: Notify,
    /// What other processes were not told of yet, and that there is something.
    untold: AtomicU8,
    rung_here: Notify,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            appended: Notify::new(),
            given: watch::Sender::new(0),
            posted: Notify::new(),
            untold: AtomicU8::new(0),
            rung_here: Notify::new(),
        }
    }
}

impl Bell {
    /// Events were committed: the sequencer may have something to do.
    pub fn ring(&self) {
        self.pass_on(Ring::Appended);
        self.appended.notify_one();
    }

    /// When events were committed since the last time; one waits for it.
    pub(super) async fn rung(&self) {
        self.appended.notified().await;
    }

    /// Deliveries of webhooks were committed: there may be something to bring.
    pub fn post(&self) {
        self.pass_on(Ring::Posted);
        self.posted.notify_one();
    }

    /// When deliveries were committed since the last time; one waits for it.
    pub async fn posted(&self) {
        self.posted.notified().await;
    }

    /// Events were given positions: readers may have something to do.
    pub(super) fn ring_readers(&self) {
        self.pass_on(Ring::Given);
        self.wake_readers();
    }

    /// Hears when events are given positions.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.given.subscribe()
    }

    fn wake_readers(&self) {
        self.given
            .send_modify(|times| *times = times.wrapping_add(1));
    }

    fn pass_on(&self, ring: Ring) {
        self.untold.fetch_or(ring.bit(), Ordering::AcqRel);
        self.rung_here.notify_one();
    }

    /// What has happened in this process since the last time, as soon as something has; one waits
    /// for it.
    pub async fn rung_here(&self) -> Rings {
        loop {
            let untold = Rings(self.untold.swap(0, Ordering::AcqRel));
            if untold != Rings::default() {
                return untold;
            }
            self.rung_here.notified().await;
        }
    }

    /// It happened in another process: whoever waits here is woken as if it had happened here.
    pub fn heard(&self, rings: Rings) {
        for ring in Ring::ALL.into_iter().filter(|ring| rings.has(*ring)) {
            match ring {
                Ring::Appended => self.appended.notify_one(),
                Ring::Given => self.wake_readers(),
                Ring::Posted => self.posted.notify_one(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const NEVER: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn what_happens_here_is_passed_on_once() {
        let bell = Bell::default();
        bell.ring();
        bell.ring();
        bell.ring_readers();
        let told = bell.rung_here().await;
        assert!(told.has(Ring::Appended) && told.has(Ring::Given) && !told.has(Ring::Posted));
        assert!(timeout(NEVER, bell.rung_here()).await.is_err());
        bell.post();
        let told = bell.rung_here().await;
        assert_eq!(told, Rings::of(Ring::Posted.bit()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_elsewhere_wakes_and_is_not_passed_on() {
        let bell = Bell::default();
        let mut given = bell.listen();
        for bits in [Rings::ALL.bits(), 0xff] {
            bell.heard(Rings::of(bits));
            bell.rung().await;
            bell.posted().await;
            assert!(given.changed().await.is_ok());
        }
        assert!(timeout(NEVER, bell.rung_here()).await.is_err());
        bell.heard(Rings::default());
        assert!(timeout(NEVER, bell.rung()).await.is_err());
        assert!(timeout(NEVER, given.changed()).await.is_err());
    }
}
