//! Sagas are claimed by one worker at a time, measured by the database's clock.

use std::collections::HashSet;
use std::time::Duration;

use application::ports::Store;
use domain::change::Hold;
use domain::id::SagaId;
use domain::saga::{self, Outcome, Phase, Saga};

use crate::samples::{self, at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    eight_workers_claim_disjointly,
    a_lease_that_is_over_is_claimed_again,
    only_due_open_sagas_oldest_first,
    renewing_keeps_and_releasing_gives,
    a_closed_saga_loses_its_holder,
    hastening_pulls_what_waits,
);

const LONG: Duration = Duration::from_mins(1);

async fn opened(store: &dyn Store, count: usize, hold: Option<Hold>) -> Vec<Saga> {
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let mut sagas = Vec::new();
    for number in 0..count {
        let mut saga = samples::saga(&payment, &order, saga::Kind::Reversal);
        saga.progress.due_at = at(i64::try_from(number).expect("few"));
        sagas.push(saga);
    }
    let changes: Vec<_> = sagas.iter().map(|saga| samples::open(saga, hold)).collect();
    store.commit(&changes).await.expect("opened");
    sagas
}

async fn claimed(store: &dyn Store, hold: Hold, limit: u32) -> Vec<SagaId> {
    let sagas = store
        .claim_sagas(at(1_000), hold, limit)
        .await
        .expect("claimed");
    sagas.iter().map(|saga| saga.head.id).collect()
}

async fn eight_workers_claim_disjointly(tested: Tested) {
    let sagas = opened(tested.store.as_ref(), 40, None).await;
    let workers = (0..8).map(|_| {
        let store = std::sync::Arc::clone(&tested.store);
        async move {
            let hold = samples::hold(LONG);
            let mut mine = Vec::new();
            loop {
                let some = store
                    .claim_sagas(at(1_000), hold, 3)
                    .await
                    .expect("claimed");
                if some.is_empty() {
                    return mine;
                }
                assert!(
                    some.iter().all(|saga| saga.version == 2),
                    "the fence is raised once"
                );
                mine.extend(some.iter().map(|saga| saga.head.id));
            }
        }
    });
    let claimed = crate::races::all_at_once(workers).await.concat();
    let distinct: HashSet<SagaId> = claimed.iter().copied().collect();
    assert_eq!(claimed.len(), distinct.len(), "none is claimed twice");
    // A worker that finds all due rows locked goes away empty-handed; nothing is lost by it.
    let rest = self::claimed(tested.store.as_ref(), samples::hold(LONG), 99).await;
    assert_eq!(distinct.len() + rest.len(), sagas.len());
    let stored = tested
        .store
        .saga(claimed[0])
        .await
        .expect("read")
        .expect("a saga");
    assert_eq!(stored.version, 2);
}

async fn a_lease_that_is_over_is_claimed_again(tested: Tested) {
    let store = tested.store.as_ref();
    let sagas = opened(store, 1, Some(samples::hold(LONG))).await;
    assert_eq!(
        claimed(store, samples::hold(LONG), 9).await,
        [],
        "held from the start"
    );
    let sagas_2 = opened(store, 1, Some(samples::hold(Duration::from_millis(50)))).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let short = samples::hold(Duration::from_millis(50));
    assert_eq!(claimed(store, short, 9).await, [sagas_2[0].head.id]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let again = store
        .claim_sagas(at(1_000), samples::hold(LONG), 9)
        .await
        .expect("claimed");
    let expected = Saga {
        version: 3,
        ..sagas_2[0].clone()
    };
    assert_eq!(again, [expected], "each claim raises the fence");
    let stale = samples::moved(&sagas_2[0], |progress| progress.asks = 9);
    assert!(
        store.commit(&[samples::progress(&stale)]).await.is_err(),
        "the first is fenced out"
    );
    assert_eq!(
        store.saga(sagas[0].head.id).await.expect("read"),
        Some(sagas[0].clone())
    );
}

async fn only_due_open_sagas_oldest_first(tested: Tested) {
    let store = tested.store.as_ref();
    let sagas = opened(store, 4, None).await;
    let closed = samples::moved(&sagas[1], |progress| {
        progress.phase = Phase::Closed;
        progress.outcome = Some(Outcome::Reversed);
    });
    store
        .commit(&[samples::progress(&closed)])
        .await
        .expect("closed");
    let hold = samples::hold(LONG);
    let due = store.claim_sagas(at(2), hold, 1).await.expect("claimed");
    assert_eq!(due[0].head.id, sagas[0].head.id);
    let due = store.claim_sagas(at(2), hold, 9).await.expect("claimed");
    let due: Vec<SagaId> = due.iter().map(|saga| saga.head.id).collect();
    assert_eq!(
        due,
        [sagas[2].head.id],
        "due at this very instant, but not later"
    );
}

async fn renewing_keeps_and_releasing_gives(tested: Tested) {
    let store = tested.store.as_ref();
    let short = samples::hold(Duration::from_millis(400));
    let saga = opened(store, 1, Some(short)).await.remove(0);
    let id = saga.head.id;
    let long = Hold {
        lease: LONG,
        ..short
    };
    let other = samples::hold(LONG);
    assert!(
        !store.renew_hold(id, 1, other).await.expect("asked"),
        "not its holder"
    );
    assert!(
        !store.renew_hold(id, 2, long).await.expect("asked"),
        "not its version"
    );
    assert!(store.renew_hold(id, 1, long).await.expect("asked"));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(
        claimed(store, other, 9).await,
        [],
        "renewed past the first lease"
    );

    store
        .release_hold(id, 1, other.holder)
        .await
        .expect("asked");
    store
        .release_hold(id, 2, short.holder)
        .await
        .expect("asked");
    assert_eq!(
        claimed(store, other, 9).await,
        [],
        "released by nobody else"
    );
    store
        .release_hold(id, 1, short.holder)
        .await
        .expect("released");
    assert_eq!(
        store.saga(id).await.expect("read"),
        Some(saga),
        "neither raises the fence"
    );
    assert!(
        !store.renew_hold(id, 1, long).await.expect("asked"),
        "given up"
    );
    assert_eq!(claimed(store, other, 9).await, [id]);
}

async fn a_closed_saga_loses_its_holder(tested: Tested) {
    let store = tested.store.as_ref();
    let hold = samples::hold(LONG);
    let open = opened(store, 1, Some(hold)).await.remove(0);
    let moved = samples::moved(&open, |progress| progress.asks = 1);
    store
        .commit(&[samples::progress(&moved)])
        .await
        .expect("moved");
    assert!(
        store
            .renew_hold(open.head.id, 2, hold)
            .await
            .expect("asked"),
        "progress keeps it"
    );
    let closed = samples::moved(&moved, |progress| {
        progress.phase = Phase::Closed;
        progress.outcome = Some(Outcome::Reversed);
    });
    store
        .commit(&[samples::progress(&closed)])
        .await
        .expect("closed");
    assert!(
        !store
            .renew_hold(open.head.id, 3, hold)
            .await
            .expect("asked"),
        "the end does not"
    );
    assert_eq!(store.open_sagas(at(0)).await.expect("read"), []);
}

async fn hastening_pulls_what_waits(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let id = payment.facts.id;
    let asking = |asked: Option<i64>, due: i64| {
        let mut saga = samples::saga(&payment, &order, saga::Kind::Reversal);
        saga.progress.phase = Phase::Ask;
        saga.progress.asked_at = asked.map(at);
        saga.progress.due_at = at(due);
        saga
    };
    let (now, gap) = (at(100), samples::minute());
    let never = asking(None, 500);
    let long_ago = asking(Some(40), 500);
    let lately = asking(Some(41), 500);
    let due = asking(None, 99);
    let held = asking(None, 500);
    let mut calling = asking(None, 500);
    calling.progress.phase = Phase::Call;
    let mut changes = vec![samples::open(&held, Some(samples::hold(LONG)))];
    let waiting = [&never, &long_ago, &lately, &due, &calling];
    changes.extend(waiting.map(|saga| samples::open(saga, None)));
    store.commit(&changes).await.expect("opened");

    assert_eq!(store.hasten(id, now, gap).await.expect("hastened"), 3);
    assert_eq!(
        store.hasten(id, now, gap).await.expect("hastened"),
        0,
        "not twice"
    );
    for (saga, expected) in [
        (never, now),
        (long_ago, now),
        (lately, at(500)),
        (due, at(99)),
        (held, at(500)),
        (calling, now),
    ] {
        let read = store
            .saga(saga.head.id)
            .await
            .expect("read")
            .expect("a saga");
        assert_eq!(read.progress.due_at, expected);
        assert_eq!(read.version, 1, "hastening does not raise the fence");
    }
    let nobody = domain::id::PaymentId::new(raw());
    assert_eq!(store.hasten(nobody, now, gap).await.expect("hastened"), 0);
}
