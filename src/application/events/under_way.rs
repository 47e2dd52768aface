//! Owns work that is under way side by side within one task: whoever waits is given what is done
//! first.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Nothing of it goes on while nobody waits, and all of it ends when this is dropped.
pub(super) struct UnderWay<'w, T> {
    works: Vec<Pin<Box<dyn Future<Output = T> + Send + 'w>>>,
}

impl<T> Default for UnderWay<'_, T> {
    fn default() -> Self {
        Self { works: Vec::new() }
    }
}

impl<'w, T> UnderWay<'w, T> {
    /// One more.
    pub(super) fn begin(&mut self, work: impl Future<Output = T> + Send + 'w) {
        self.works.push(Box::pin(work));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.works.is_empty()
    }

    /// What is done next; waits for ever where nothing is under way. Dropping the future half way
    /// loses nothing.
    pub(super) async fn next(&mut self) -> T {
        poll_fn(|context| {
            for (place, work) in self.works.iter_mut().enumerate() {
                if let Poll::Ready(done) = work.as_mut().poll(context) {
                    drop(self.works.remove(place));
                    return Poll::Ready(done);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn what_is_done_first_comes_first() {
        let mut works = UnderWay::default();
        for seconds in [3, 1, 2] {
            works.begin(async move {
                sleep(Duration::from_secs(seconds)).await;
                seconds
            });
        }
        assert_eq!(works.next().await, 1);
        // Waiting that is given up loses nothing.
        let early = timeout(Duration::from_millis(500), works.next()).await;
        assert!(early.is_err());
        assert_eq!((works.next().await, works.next().await), (2, 3));
        assert!(works.is_empty());
        let never = timeout(Duration::from_secs(1), works.next()).await;
        assert!(never.is_err(), "nothing is under way");
    }
}
