//! Owns how many tries are made at once, and to whom: nobody's receiver takes the place of
//! another's.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{EndpointId, MerchantId};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::AtOnce;

/// A receiver that takes longer is slow.
const PROMPT_MAX: Duration = Duration::from_secs(1);
/// A slow receiver is tried at this part of the places of a prompt one.
const SLOW_PART: usize = 8;

/// The places in which tries are made. A receiver that answered fast and well last time is prompt;
/// one that did not, or of which nothing is known, is slow: it has few places, and all slow ones
/// together no more than half; what is beyond, up to three quarters, is for those that have no
/// place at all. So prompt ones always find places, whatever the others do.
pub(super) struct Lanes {
    bounds: AtOnce,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    all: usize,
    slow: usize,
    endpoints: HashMap<EndpointId, usize>,
    merchants: HashMap<MerchantId, usize>,
    prompt: HashSet<EndpointId>,
    /// Who wants to be left alone until when.
    quiet: HashMap<EndpointId, Instant>,
}

/// Where an endpoint may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// In so many places more; none while it has its share, or wants to be left alone.
    Places(usize),
    /// It has places left, but others have taken all that there are.
    Crowded,
}

/// A place, held by a try.
pub(super) struct Seat {
    lanes: Arc<Lanes>,
    endpoint: EndpointId,
    merchant: MerchantId,
    is_slow: bool,
}

impl Lanes {
    pub(super) fn new(bounds: AtOnce) -> Self {
        Self {
            bounds,
            taken: Mutex::default(),
            freed: Notify::new(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a place is free that was not.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// How many more tries may be made to an endpoint now.
    pub(super) fn room(&self, endpoint: EndpointId, merchant: MerchantId) -> Room {
        let mut taken = self.taken();
        let now = Instant::now();
        taken.quiet.retain(|_, until| *until > now);
        if taken.quiet.contains_key(&endpoint) {
            return Room::Places(0);
        }
        let bounds = &self.bounds;
        let own = taken.endpoints.get(&endpoint).copied().unwrap_or_default();
        let of_merchant = taken.merchants.get(&merchant).copied().unwrap_or_default();
        let of_merchant = bounds.of_merchant.saturating_sub(of_merchant);
        let of_all = bounds.of_all.saturating_sub(taken.all);
        let (few, common) = if taken.prompt.contains(&endpoint) {
            (bounds.of_endpoint, of_all)
        } else {
            let half = (bounds.of_all / 2).saturating_sub(taken.slow);
            let most = bounds.of_all.saturating_sub(bounds.of_all / 4);
            let most = most.saturating_sub(taken.slow);
            // Without a place it could never show that it is prompt.
            let first = most.min(usize::from(own == 0));
            let few = bounds.of_endpoint.div_ceil(SLOW_PART);
            (few, half.max(first).min(of_all))
        };
        match few.saturating_sub(own).min(of_merchant) {
            1.. if common == 0 => Room::Crowded,
            own => Room::Places(own.min(common)),
        }
    }

    /// Takes a place; there must be room.
    pub(super) fn take(self: &Arc<Self>, endpoint: EndpointId, merchant: MerchantId) -> Seat {
        let mut taken = self.taken();
        let is_slow = !taken.prompt.contains(&endpoint);
        let seat = Seat {
            lanes: Arc::clone(self),
            endpoint,
            merchant,
            is_slow,
        };
        taken.all = taken.all.saturating_add(1);
        taken.slow = taken.slow.saturating_add(usize::from(is_slow));
        more(&mut taken.endpoints, endpoint);
        more(&mut taken.merchants, merchant);
        seat
    }

    /// An endpoint is left alone for so long.
    pub(super) fn hush(&self, endpoint: EndpointId, peace: Duration) {
        let now = Instant::now();
        let until = now.checked_add(peace).unwrap_or(now);
        self.taken().quiet.insert(endpoint, until);
    }
}

impl Seat {
    /// What is known of the receiver after this try.
    pub(super) fn learn(&self, is_taken: bool, took: Duration) {
        let mut taken = self.lanes.taken();
        if is_taken && took <= PROMPT_MAX {
            taken.prompt.insert(self.endpoint);
        } else {
            taken.prompt.remove(&self.endpoint);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.lanes.taken();
        taken.all = taken.all.saturating_sub(1);
        taken.slow = taken.slow.saturating_sub(usize::from(self.is_slow));
        less(&mut taken.endpoints, &self.endpoint);
        less(&mut taken.merchants, &self.merchant);
        self.lanes.freed.notify_one();
    }
}

fn more<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

fn less<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    let left = counts.get(key).map_or(0, |count| count.saturating_sub(1));
    if left == 0 {
        counts.remove(key);
    } else if let Some(count) = counts.get_mut(key) {
        *count = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::RawId;

    const BOUNDS: AtOnce = AtOnce {
        of_endpoint: 16,
        of_merchant: 24,
        of_all: 40,
    };

    fn endpoint(number: u128) -> EndpointId {
        EndpointId::new(RawId::from_parts(1, number))
    }

    fn merchant(number: u128) -> MerchantId {
        MerchantId::new(RawId::from_parts(1, number))
    }

    fn lanes() -> Arc<Lanes> {
        Arc::new(Lanes::new(BOUNDS))
    }

    /// Takes all that an endpoint of a merchant gets.
    fn fill(lanes: &Arc<Lanes>, number: u128, of: u128) -> Vec<Seat> {
        let Room::Places(room) = lanes.room(endpoint(number), merchant(of)) else {
            return Vec::new();
        };
        let take = |_| lanes.take(endpoint(number), merchant(of));
        (0..room).map(take).collect()
    }

    fn places(lanes: &Arc<Lanes>, number: u128, of: u128) -> usize {
        match lanes.room(endpoint(number), merchant(of)) {
            Room::Places(places) => places,
            Room::Crowded => panic!("crowded"),
        }
    }

    fn prompt(lanes: &Arc<Lanes>, number: u128) {
        let seat = lanes.take(endpoint(number), merchant(number));
        seat.learn(true, PROMPT_MAX);
    }

    #[tokio::test]
    async fn who_answers_fast_gets_more() {
        let lanes = lanes();
        assert_eq!(fill(&lanes, 1, 1).len(), 2, "nothing is known of it");
        prompt(&lanes, 1);
        assert_eq!(fill(&lanes, 1, 1).len(), 16);
        for (is_taken, took) in [(false, 0), (true, 2)] {
            let seat = lanes.take(endpoint(1), merchant(1));
            seat.learn(is_taken, Duration::from_secs(took));
            drop(seat);
            assert_eq!(places(&lanes, 1, 1), 2);
            prompt(&lanes, 1);
        }
        assert!(lanes.taken().endpoints.is_empty() && lanes.taken().all == 0);
    }

    #[tokio::test]
    async fn slow_ones_leave_half_of_the_places_to_prompt_ones() {
        let lanes = lanes();
        prompt(&lanes, 99);
        let slow: Vec<Seat> = (1..=10).flat_map(|n| fill(&lanes, n, n)).collect();
        assert_eq!(slow.len(), 20);
        assert_eq!(places(&lanes, 11, 11), 1, "a first try");
        assert_eq!(places(&lanes, 1, 1), 0);
        assert_eq!(places(&lanes, 99, 99), 16);
    }

    #[tokio::test]
    async fn the_first_places_of_slow_ones_leave_a_quarter() {
        let lanes = lanes();
        prompt(&lanes, 99);
        let slow: Vec<Seat> = (100..=200).flat_map(|n| fill(&lanes, n, n)).collect();
        assert_eq!(slow.len(), 30, "of 40");
        assert_eq!(lanes.room(endpoint(201), merchant(201)), Room::Crowded);
        assert_eq!(places(&lanes, 99, 99), 10);
        drop(slow);
        assert_eq!(places(&lanes, 201, 201), 2);
    }

    #[tokio::test]
    async fn a_single_place_is_for_anybody() {
        let lanes = Arc::new(Lanes::new(AtOnce {
            of_endpoint: 1,
            of_merchant: 1,
            of_all: 1,
        }));
        let only = fill(&lanes, 1, 1);
        assert_eq!(only.len(), 1);
        assert_eq!(lanes.room(endpoint(2), merchant(2)), Room::Crowded);
    }

    #[tokio::test]
    async fn a_merchant_with_many_endpoints_leaves_places_to_others() {
        let lanes = lanes();
        for number in 1..=4 {
            prompt(&lanes, number);
        }
        let own: Vec<Seat> = (1..=3).flat_map(|n| fill(&lanes, n, 7)).collect();
        assert_eq!(own.len(), BOUNDS.of_merchant);
        assert_eq!(places(&lanes, 4, 8), 16);
        drop(own);
        assert_eq!(places(&lanes, 1, 7), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn who_wants_peace_is_left_alone() {
        let lanes = lanes();
        lanes.hush(endpoint(1), Duration::from_secs(5));
        assert_eq!(places(&lanes, 1, 1), 0);
        assert_eq!(places(&lanes, 2, 1), 2, "another of its endpoints");
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(places(&lanes, 1, 1), 2);
    }
}
