//! Owns how long this program was not let run: whoever stops everything for a while, the service
//! too, has that time taken off what the service is given.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

const TICK: Duration = Duration::from_millis(200);
/// A machine that does other things may be late by less.
const LATE: Duration = Duration::from_secs(5);

static STOOD_MILLISECONDS: AtomicU64 = AtomicU64::new(0);

/// Looks from now on, in a thread that nothing else keeps busy.
pub(crate) fn watch() {
    thread::spawn(|| {
        loop {
            let begun = Instant::now();
            thread::sleep(TICK);
            add(begun.elapsed().saturating_sub(TICK));
        }
    });
}

fn add(late: Duration) {
    if late >= LATE {
        let milliseconds = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        STOOD_MILLISECONDS.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

/// A time that goes on only while this program is let run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    begun: Instant,
    stood: u64,
}

impl Stopwatch {
    /// From now on.
    pub(crate) fn start() -> Self {
        Self {
            begun: Instant::now(),
            stood: STOOD_MILLISECONDS.load(Ordering::Relaxed),
        }
    }

    /// How long everything stood still since.
    pub(crate) fn stood(&self) -> Duration {
        let now = STOOD_MILLISECONDS.load(Ordering::Relaxed);
        Duration::from_millis(now.saturating_sub(self.stood))
    }

    /// How long it ran since.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed().saturating_sub(self.stood())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_stood_still_does_not_count() {
        let watch = Stopwatch::start();
        add(Duration::from_secs(4));
        assert_eq!(watch.stood(), Duration::ZERO, "somebody else was busy");
        add(Duration::from_mins(2));
        assert_eq!(watch.stood(), Duration::from_mins(2));
        assert_eq!(watch.elapsed(), Duration::ZERO);
        assert_eq!(Stopwatch::start().stood(), Duration::ZERO);
    }
}
