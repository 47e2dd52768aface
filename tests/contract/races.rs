//! Many at once: one wins, the losers leave nothing, and who leaves half way blocks nobody.

use std::sync::Arc;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::CommitError;
use domain::change::{Change, GatewayOrder};
use domain::id::GatewayOrderId;
use domain::payment::State;
use domain::saga;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::samples::{self, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    one_of_eight_deciders_wins,
    one_of_sixteen_reserves_a_key,
    one_of_eight_opens_the_saga,
    a_dropped_commit_leaves_nothing_and_blocks_nobody,
);

/// Nothing that is not blocked takes longer.
const UNBLOCKED: Duration = Duration::from_secs(5);

/// Runs them on tasks of their own, started together.
pub(crate) async fn all_at_once<F, T>(work: impl Iterator<Item = F>) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let work: Vec<F> = work.collect();
    let start = Arc::new(Barrier::new(work.len()));
    let mut tasks = JoinSet::new();
    for one in work {
        let start = Arc::clone(&start);
        tasks.spawn(async move {
            start.wait().await;
            one.await
        });
    }
    tasks.join_all().await
}

async fn race(store: &Arc<dyn Store>, rivals: Vec<Vec<Change>>) -> Vec<bool> {
    let commits = rivals.into_iter().map(|changes| {
        let store = Arc::clone(store);
        async move {
            match store.commit(&changes).await {
                Ok(()) => true,
                Err(CommitError::Conflict) => false,
                Err(error) => panic!("{error}"),
            }
        }
    });
    all_at_once(commits).await
}

fn winners(won: &[bool]) -> usize {
    won.iter().filter(|won| **won).count()
}

async fn one_of_eight_deciders_wins(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    for _ in 0..10 {
        let (payment, order) = samples::stored(store.as_ref(), &tenant).await;
        let rival = |_| {
            let saga = samples::saga(&payment, &order, saga::Kind::Reversal);
            let state = State::InProgress { saga: saga.head.id };
            vec![
                samples::update(&samples::next(&payment, state)),
                samples::open(&saga, None),
                Change::AppendEvent(Box::new(samples::event(&payment, 2))),
                Change::InsertEntry(Box::new(samples::entry(&payment, None))),
            ]
        };
        assert_eq!(winners(&race(store, (0..8).map(rival).collect()).await), 1);
        let id = payment.facts.id;
        let sagas = store.sagas_of(id).await.expect("read");
        let winner = store
            .any_payment(id)
            .await
            .expect("read")
            .expect("a payment");
        assert_eq!(sagas.len(), 1, "the losers' sagas do not exist");
        assert_eq!(
            winner.state,
            State::InProgress {
                saga: sagas[0].head.id
            }
        );
        assert_eq!(store.entries(id).await.expect("read").len(), 1);
        assert_eq!(store.events(id, 0, 9).await.expect("read").len(), 1);
    }
}

async fn one_of_sixteen_reserves_a_key(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    for _ in 0..5 {
        let (payment, _) = samples::stored(store.as_ref(), &tenant).await;
        let key = samples::key_ref(tenant.scope);
        let rival = |_| {
            let mut reservation = samples::reservation(&payment, None);
            reservation.key = key.clone();
            vec![
                Change::ReserveKey(Box::new(reservation)),
                Change::InsertGatewayOrder(samples::order(&payment)),
            ]
        };
        assert_eq!(winners(&race(store, (0..16).map(rival).collect()).await), 1);
        let orders = store.gateway_orders(payment.facts.id).await.expect("read");
        assert_eq!(orders.len(), 2, "the first, and the winner's");
    }
}

async fn one_of_eight_opens_the_saga(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    let (payment, order) = samples::stored(store.as_ref(), &tenant).await;
    let rival = |_| {
        let saga = samples::saga(&payment, &order, saga::Kind::Approval);
        vec![samples::open(
            &saga,
            Some(samples::hold(Duration::from_secs(5))),
        )]
    };
    assert_eq!(winners(&race(store, (0..8).map(rival).collect()).await), 1);
    assert_eq!(
        store.sagas_of(payment.facts.id).await.expect("read").len(),
        1
    );
}

/// A client that leaves drops the commit at any await. Several idle connections are warmed
/// first: a half-way transaction on one of them would lie there, with its locks, unnoticed.
async fn a_dropped_commit_leaves_nothing_and_blocks_nobody(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    let warm = (0..6).map(|_| {
        let store = Arc::clone(store);
        async move { store.ping().await }
    });
    for answer in all_at_once(warm).await {
        answer.expect("an answer");
    }
    let (payment, order) = samples::stored(store.as_ref(), &tenant).await;
    let mut current = payment;
    for round in 0..60_u64 {
        let next = samples::next(&current, State::Ready { declined: None });
        let another = GatewayOrder {
            id: GatewayOrderId::new(raw()),
            ..order.clone()
        };
        let changes = [
            samples::update(&next),
            Change::InsertGatewayOrder(another),
            Change::InsertEntry(Box::new(samples::entry(&current, None))),
        ];
        // Longer each time, so that it ends everywhere between BEGIN and after COMMIT.
        let patience = Duration::from_micros(round * 60);
        let in_time = timeout(patience, store.commit(&changes)).await;
        let read = timeout(UNBLOCKED, store.any_payment(current.facts.id)).await;
        let read = read
            .expect("reads are not blocked")
            .expect("read")
            .expect("a payment");
        assert!(
            in_time.is_err() || read == next,
            "what was answered is there"
        );
        // Its COMMIT may have been on its way: everything of it, or nothing.
        match timeout(UNBLOCKED, store.commit(&changes))
            .await
            .expect("writes are not blocked")
        {
            Ok(()) => assert_eq!(read, current, "written now, so nothing of it was there"),
            Err(CommitError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
        let read = store.any_payment(current.facts.id).await.expect("read");
        assert_eq!(read.as_ref(), Some(&next));
        current = next;
    }
    let entries = store.entries(current.facts.id).await.expect("read");
    let orders = store.gateway_orders(current.facts.id).await.expect("read");
    assert_eq!((entries.len(), orders.len()), (60, 61), "every commit once");
}

/// A command beside the running service writes to the same file: neither is turned away, because
/// a transaction is a writer from its beginning.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_file_wait_for_each_other_on_sqlite() {
    let (url, _folder) = crate::stores::sqlite_url();
    let service: Arc<dyn Store> = Arc::new(crate::stores::opened(&url).await);
    let command: Arc<dyn Store> = Arc::new(crate::stores::opened(&url).await);
    let tenant = tenant(service.as_ref()).await;
    let (payment, order) = samples::stored(service.as_ref(), &tenant).await;
    let workers = (0..8).map(|number| {
        let store = Arc::clone(if number % 2 == 0 { &service } else { &command });
        let (payment, order) = (payment.clone(), order.clone());
        async move {
            let mut claimed = 0;
            for _ in 0..10 {
                let saga = samples::saga(&payment, &order, saga::Kind::Reversal);
                store
                    .commit(&[samples::open(&saga, None)])
                    .await
                    .expect("opened");
                let hold = samples::hold(Duration::from_mins(1));
                claimed += store
                    .claim_sagas(samples::at(1_000), hold, 1)
                    .await
                    .expect("asked")
                    .len();
            }
            claimed
        }
    });
    let claimed: usize = all_at_once(workers).await.into_iter().sum();
    assert_eq!(claimed, 80, "each is claimed once, by whoever came first");
}
