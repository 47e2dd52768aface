//! Owns the token buckets of this process: bounded in number, one instant of memory each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use application::ports::limiter::{Bucket, Limited, Rate, RateLimiter};
use async_trait::async_trait;
use tokio::time::Instant;

/// How many buckets are remembered; one that is not counts as full.
const BUCKETS_MAX: usize = 65_536;

/// Buckets in memory, each as the instant at which it will be full again.
pub struct Buckets {
    full_at: Mutex<HashMap<Bucket, Instant>>,
    buckets_max: usize,
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            full_at: Mutex::default(),
            buckets_max: BUCKETS_MAX,
        }
    }
}

impl Buckets {
    /// Whether there was a token; one less from now on.
    fn ask(&self, bucket: Bucket, rate: Rate) -> Result<(), Limited> {
        let now = Instant::now();
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = all.get(&bucket).map_or(Duration::ZERO, |full_at| {
            full_at.saturating_duration_since(now)
        });
        let each = rate.per.checked_div(rate.tokens.get()).unwrap_or(rate.per);
        let missing = missing.saturating_add(each);
        if let Some(retry_after) = missing.checked_sub(rate.per).filter(|wait| !wait.is_zero()) {
            return Err(Limited { retry_after });
        }
        if let Some(full_at) = now.checked_add(missing) {
            if all.len() >= self.buckets_max && !all.contains_key(&bucket) {
                forget(&mut all, now, self.buckets_max);
            }
            all.insert(bucket, full_at);
        }
        Ok(())
    }
}

/// Forgets full buckets, which is no loss; and where that does not make room, the fuller half: a
/// flood of new addresses must not free those who have used theirs up.
fn forget(all: &mut HashMap<Bucket, Instant>, now: Instant, buckets_max: usize) {
    all.retain(|_, full_at| *full_at > now);
    let half = buckets_max / 2;
    if all.len() > half {
        let mut instants: Vec<Instant> = all.values().copied().collect();
        let (_, middle, _) = instants.select_nth_unstable(half);
        let middle = *middle;
        all.retain(|_, full_at| *full_at > middle);
    }
}

#[async_trait]
impl RateLimiter for Buckets {
    async fn take(&self, bucket: Bucket, rate: Rate) -> Result<(), Limited> {
        self.ask(bucket, rate)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::num::NonZeroU32;

    use super::*;

    fn rate(tokens: u32, seconds: u64) -> Rate {
        Rate {
            tokens: NonZeroU32::new(tokens).unwrap(),
            per: Duration::from_secs(seconds),
        }
    }

    fn address(number: u32) -> Bucket {
        Bucket::Address(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_and_fills_steadily() {
        let buckets = Buckets::default();
        let (bucket, rate) = (address(1), rate(4, 2));
        for _ in 0..4 {
            assert_eq!(buckets.take(bucket.clone(), rate).await, Ok(()));
        }
        let retry_after = Duration::from_millis(500);
        for _ in 0..3 {
            let empty = Err(Limited { retry_after });
            assert_eq!(
                buckets.take(bucket.clone(), rate).await,
                empty,
                "refusals cost nothing"
            );
        }
        assert_eq!(buckets.take(address(2), rate).await, Ok(()), "another's");
        tokio::time::advance(retry_after).await;
        assert_eq!(buckets.take(bucket.clone(), rate).await, Ok(()));
        assert!(buckets.take(bucket.clone(), rate).await.is_err());
        tokio::time::advance(Duration::from_hours(1)).await;
        for _ in 0..4 {
            assert_eq!(buckets.take(bucket.clone(), rate).await, Ok(()));
        }
        assert!(
            buckets.take(bucket, rate).await.is_err(),
            "it holds no more"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_addresses_frees_nobody_and_stays_bounded() {
        let buckets = Buckets {
            buckets_max: 100,
            ..Buckets::default()
        };
        let rate = rate(10, 10);
        for _ in 0..10 {
            assert_eq!(buckets.take(address(0), rate).await, Ok(()));
        }
        for number in 1..10_000 {
            assert_eq!(buckets.take(address(number), rate).await, Ok(()));
            assert!(buckets.full_at.lock().unwrap().len() <= 100);
        }
        assert!(buckets.take(address(0), rate).await.is_err());
    }
}
