//! Owns an open loop: approvals arrive at a given rate, whether earlier ones are answered or not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::seconds::{Second, Timeline};
use crate::http::Reply;
use crate::random::unique_name;
use crate::service::{Authenticated, Service};

/// How often those who are due are sent.
const TICK: Duration = Duration::from_millis(5);
const MICROSECONDS: u64 = 1_000_000;

/// So many seconds of so many arrivals each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    seconds: u64,
    per_second: u64,
}

/// Somebody who wants to pay, and goes on under the same key after a refusal.
struct Buyer {
    wanted: Authenticated,
    key: String,
}

/// Who is there to arrive.
#[derive(Clone)]
pub(super) struct Arrivals {
    service: Service,
    waiting: Arc<Mutex<VecDeque<Buyer>>>,
    timeline: Arc<Mutex<Timeline>>,
}

impl Span {
    pub(super) const fn new(seconds: u64, per_second: u64) -> Self {
        Self {
            seconds,
            per_second,
        }
    }

    /// How many come in it.
    pub(super) const fn arrivals(&self) -> u64 {
        self.seconds.saturating_mul(self.per_second)
    }
}

impl Arrivals {
    pub(super) fn new(service: &Service, stock: VecDeque<Authenticated>) -> Self {
        let buyer = |wanted| Buyer {
            wanted,
            key: unique_name(),
        };
        Self {
            service: service.clone(),
            waiting: Arc::new(Mutex::new(stock.into_iter().map(buyer).collect())),
            timeline: Arc::default(),
        }
    }

    /// Has them come, one span after the other, and waits until everybody is answered.
    pub(super) async fn play(self, spans: &[Span]) -> anyhow::Result<Timeline> {
        let begun = Instant::now();
        let mut under_way = JoinSet::new();
        for due in dues(spans) {
            while begun.elapsed() < due {
                sleep(TICK).await;
            }
            let buyer = self.lock_waiting().pop_front();
            let buyer = buyer.context("more came than were prepared")?;
            let second = usize::try_from(due.as_secs())?;
            under_way.spawn(self.clone().arrive(buyer, (begun, due), second));
            while under_way.try_join_next().is_some() {}
        }
        under_way.join_all().await;
        let mut timeline = self
            .timeline
            .lock()
            .expect("nothing panics while it is locked");
        Ok(std::mem::take(&mut *timeline))
    }

    async fn arrive(self, buyer: Buyer, (begun, due): (Instant, Duration), second: usize) {
        let amount = buyer.wanted.prepared.amount;
        let sent = Instant::now();
        let late = begun.elapsed().saturating_sub(due);
        let reply = self
            .service
            .approve(&buyer.wanted, amount, &buyer.key)
            .await;
        let what = match reply {
            Ok(reply) => judged(&reply),
            Err(error) => Second {
                wrong: vec![format!("no answer after {:?}: {error:#}", sent.elapsed())],
                ..Second::default()
            },
        };
        if what.refused.count() > 0 {
            self.lock_waiting().push_back(buyer);
        }
        let mut timeline = self
            .timeline
            .lock()
            .expect("nothing panics while it is locked");
        if what.good.count() > 0 {
            timeline.approved(begun.elapsed());
        }
        timeline.sent(late);
        timeline.add(second, what);
    }

    fn lock_waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Buyer>> {
        self.waiting
            .lock()
            .expect("nothing panics while it is locked")
    }
}

/// What an answer means: a refusal has to say when to come again.
fn judged(reply: &Reply) -> Second {
    let mut what = Second::default();
    let comes_again = reply.header("retry-after").is_some();
    match reply.status {
        200 => what.good.add(reply.took),
        429 | 503 if comes_again => what.refused.add(reply.took),
        202 => what.promised = 1,
        status => what.wrong.push(format!("{status}: {}", reply.body)),
    }
    what
}

/// When each arrival is due, since the beginning.
fn dues(spans: &[Span]) -> impl Iterator<Item = Duration> {
    let mut start = 0;
    spans.iter().flat_map(move |span| {
        let begin: u64 = start;
        start = begin.saturating_add(span.seconds);
        let per_second = span.per_second;
        (0..span.arrivals()).map(move |number| {
            let after = number.saturating_mul(MICROSECONDS).checked_div(per_second);
            let after = Duration::from_micros(after.unwrap_or(0));
            Duration::from_secs(begin).saturating_add(after)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_spread_over_their_seconds() {
        let spans = [Span::new(1, 2), Span::new(2, 4)];
        let dues: Vec<u128> = dues(&spans).map(|due| due.as_millis()).collect();
        let crowd = [1_000, 1_250, 1_500, 1_750, 2_000, 2_250, 2_500, 2_750];
        assert_eq!(dues, [[0, 500].as_slice(), &crowd].concat());
    }
}
