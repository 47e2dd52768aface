//! Owns who is woken when something happens to one payment: an event wakes those who watch its
//! payment, and nobody else, however many watch others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::feed::Place;
use domain::id::PaymentId;
use domain::principal::Scope;
use tokio::sync::watch;

/// How many may watch one payment: a buyer's devices, and the merchant's servers. One payment's
/// cannot use up the places of all the others.
const OF_ONE_MAX: usize = 16;

type Watched = HashMap<(Scope, PaymentId), watch::Sender<()>>;

/// Everybody who watches.
#[derive(Default)]
pub(super) struct Watchers(Arc<Mutex<Watched>>);

/// Somebody who watches a payment, until it is dropped.
pub(super) struct Watcher {
    watched: Arc<Mutex<Watched>>,
    key: (Scope, PaymentId),
    woken: watch::Receiver<()>,
}

fn locked(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watchers {
    /// Watches a payment from now on; none where as many do as may.
    pub(super) fn watch(&self, scope: Scope, payment: PaymentId) -> Option<Watcher> {
        let key = (scope, payment);
        let mut watched = locked(&self.0);
        let sender = watched.entry(key).or_insert_with(|| watch::Sender::new(()));
        if sender.receiver_count() >= OF_ONE_MAX {
            return None;
        }
        Some(Watcher {
            watched: Arc::clone(&self.0),
            key,
            woken: sender.subscribe(),
        })
    }

    /// Something happened there.
    pub(super) fn wake(&self, place: &Place) {
        let Some(payment) = place.subject.payment() else {
            return;
        };
        if let Some(sender) = locked(&self.0).get(&(place.scope, payment)) {
            sender.send_replace(());
        }
    }

    /// Something may have happened anywhere.
    pub(super) fn wake_all(&self) {
        for sender in locked(&self.0).values() {
            sender.send_replace(());
        }
    }
}

impl Watcher {
    /// What happened until now counts as seen.
    pub(super) fn look(&mut self) {
        self.woken.mark_unchanged();
    }

    /// When something happened since the last look.
    pub(super) async fn woken(&mut self) {
        if self.woken.changed().await.is_err() {
            // Nobody wakes any more; whoever waits has other reasons to end.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watched = locked(&self.watched);
        // Our own receiver still counts.
        let is_last = watched
            .get(&self.key)
            .is_some_and(|sender| sender.receiver_count() <= 1);
        if is_last {
            watched.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::feed::Subject;
    use domain::id::{MerchantId, RawId};
    use domain::principal::Mode;

    fn place(number: u128) -> Place {
        let raw = RawId::from_parts(1, number);
        Place {
            position: 1,
            scope: Scope {
                merchant: MerchantId::new(raw),
                mode: Mode::Test,
            },
            subject: Subject::Payment(PaymentId::new(raw)),
            sequence: 1,
        }
    }

    fn watch(watchers: &Watchers, place: &Place) -> Watcher {
        watchers
            .watch(place.scope, place.subject.payment().unwrap())
            .unwrap()
    }

    #[test]
    fn an_event_wakes_who_watches_its_payment() {
        let watchers = Watchers::default();
        let [mut one, mut two] = [1, 2].map(|number| watch(&watchers, &place(number)));
        watchers.wake(&place(1));
        watchers.wake(&place(3));
        assert!(one.woken.has_changed().unwrap());
        assert!(!two.woken.has_changed().unwrap());
        one.look();
        assert!(!one.woken.has_changed().unwrap());
        watchers.wake_all();
        assert!(one.woken.has_changed().unwrap() && two.woken.has_changed().unwrap());
        two.look();
    }

    #[test]
    fn one_payment_has_so_many_watchers_and_none_is_left_behind() {
        let watchers = Watchers::default();
        let at = place(1);
        let mut all: Vec<_> = (0..OF_ONE_MAX).map(|_| watch(&watchers, &at)).collect();
        assert!(
            watchers
                .watch(at.scope, at.subject.payment().unwrap())
                .is_none()
        );
        watch(&watchers, &place(2));
        all.pop();
        all.push(watch(&watchers, &at));
        drop(all);
        assert!(locked(&watchers.0).is_empty());
    }
}
