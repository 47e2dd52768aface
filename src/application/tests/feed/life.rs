//! Owns the life of one process: at one of its points it dies, or freezes for longer than a lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Longer than a lease, and than it takes another process to notice that it is over.
const FROZEN: Duration = Duration::from_secs(15);

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Dies,
    Freezes,
}

/// A process: what it passed so far, and what comes to it.
pub(crate) struct Life {
    passed: AtomicU32,
    /// At which point, and what.
    fate: Option<(u32, End)>,
    /// Set when it died.
    pub(crate) dead: CancellationToken,
    without_fence: AtomicU32,
}

impl Life {
    pub(crate) fn with(fate: Option<(u32, End)>) -> Arc<Self> {
        Arc::new(Self {
            passed: AtomicU32::new(0),
            fate,
            dead: CancellationToken::new(),
            without_fence: AtomicU32::new(0),
        })
    }

    /// A point: before or after something that is seen from outside.
    pub(crate) async fn point(&self) {
        let number = self.passed.fetch_add(1, Ordering::SeqCst);
        match self.fate {
            Some((at, End::Dies)) if at == number => {
                self.dead.cancel();
                std::future::pending::<()>().await;
            }
            // The whole process stands still, not only who came here.
            Some((at, End::Freezes)) if at <= number && !self.dead.is_cancelled() => {
                sleep(FROZEN).await;
                self.dead.cancel();
            }
            // Every point is one where others may come first.
            Some(_) | None => tokio::task::yield_now().await,
        }
        // All of a process dies at once, also what stood here when something else of it died.
        if self.dead.is_cancelled() && self.is_mortal() {
            std::future::pending::<()>().await;
        }
    }

    fn is_mortal(&self) -> bool {
        matches!(self.fate, Some((_, End::Dies)))
    }

    /// Whether its fate came to it.
    pub(crate) fn is_over(&self) -> bool {
        self.dead.is_cancelled()
    }

    pub(crate) fn moved_without_fence(&self) {
        self.without_fence.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn moves_without_fence(&self) -> u32 {
        self.without_fence.load(Ordering::SeqCst)
    }
}
