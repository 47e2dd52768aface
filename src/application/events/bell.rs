//! Owns waking within a process: rung once for however much has happened, heard by who waits.
//! Whoever misses it finds the same by looking now and then.

use tokio::sync::{Notify, watch};

/// Rung after commits.
pub struct Bell {
    appended: Notify,
    given: watch::Sender<u64>,
    posted: Notify,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            appended: Notify::new(),
            given: watch::Sender::new(0),
            posted: Notify::new(),
        }
    }
}

impl Bell {
    /// Events were committed: the sequencer may have something to do.
    pub fn ring(&self) {
        self.appended.notify_one();
    }

    /// When events were committed since the last time; one waits for it.
    pub(super) async fn rung(&self) {
        self.appended.notified().await;
    }

    /// Deliveries of webhooks were committed: there may be something to bring.
    pub fn post(&self) {
        self.posted.notify_one();
    }

    /// When deliveries were committed since the last time; one waits for it.
    pub(crate) async fn posted(&self) {
        self.posted.notified().await;
    }

    /// Events were given positions: readers may have something to do.
    pub(super) fn ring_readers(&self) {
        self.given
            .send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Hears when events are given positions.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.given.subscribe()
    }
}
