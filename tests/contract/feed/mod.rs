//! The feed: every event gets one position, in order and without gaps, whoever commits late and
//! whoever else sequences.

mod backfill;
mod late;
mod leases;
mod members;
mod readers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::{Backlog, CommitError, Line, SequenceError};
use domain::change::Change;
use domain::event::PaymentEvent;
use domain::feed::{Cursor, Epoch, Happening, Subject};
use domain::id::WorkerId;
use domain::lease::{Job, Tenure};

use crate::races::all_at_once;
use crate::samples::{self, Tenant, at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    positions_are_without_gaps_and_in_the_order_of_insertion,
    everybody_reads_only_their_own,
    a_payments_events_keep_their_order,
    what_was_not_committed_gets_no_position,
    without_the_fence_nothing_is_moved,
    of_two_sequencers_one_moves,
    the_highest_epoch_is_in_force,
);

static SEQUENCER: Job = Job::named("sequencer");
const MINUTE: Duration = Duration::from_mins(1);

pub(crate) use members::told_of_a_card;

fn appending(event: PaymentEvent) -> Change {
    Change::AppendEvent(Box::new(event))
}

/// The first event of a new payment.
async fn append_first(store: &dyn Store, tenant: &Tenant) -> PaymentEvent {
    let (payment, _) = samples::stored(store, tenant).await;
    let event = samples::event(&payment, 1);
    let appended = store.commit(&[appending(event.clone())]).await;
    appended.expect("appended");
    event
}

async fn takes(store: &dyn Store, lease: Duration) -> Tenure {
    let taken = store.take_lease(&SEQUENCER, WorkerId::new(raw()), lease);
    taken.await.expect("asked").expect("nobody has it")
}

/// Gives everything that waits its position.
async fn sequence_all(store: &dyn Store, tenure: &Tenure) {
    while store.sequence(tenure, MINUTE, 7).await.expect("moved") > 0 {}
}

async fn all_lines(store: &dyn Store) -> Vec<Line> {
    store.lines(0, 10_000).await.expect("read")
}

/// What must hold of a feed whatever happened.
fn assert_in_order(lines: &[Line]) {
    let mut last: BTreeMap<Subject, i64> = BTreeMap::new();
    for (line, position) in lines.iter().zip(1..) {
        let place = &line.place;
        assert_eq!(place.position, position, "a gap, or one given twice");
        let before = last.insert(place.subject, place.sequence).unwrap_or(0);
        assert_eq!(place.sequence, before + 1, "{place:?} after {before}");
        let event = line.event.as_ref().expect("a readable event");
        let of_event = (event.scope(), event.subject(), event.sequence());
        assert_eq!((place.scope, place.subject, place.sequence), of_event);
    }
}

async fn positions_are_without_gaps_and_in_the_order_of_insertion(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    assert_eq!(store.backlog().await.expect("read"), Backlog::default());
    let mut appended = Vec::new();
    for _ in 0..7 {
        appended.push(append_first(store, &tenant).await);
    }
    let waiting = Backlog {
        count: 7,
        oldest: Some(at(31)),
    };
    assert_eq!(store.backlog().await.expect("read"), waiting);
    assert_eq!(all_lines(store).await, [], "no position, not in the feed");
    assert_eq!(store.head().await.expect("read").position, 0);
    let tenure = takes(store, MINUTE).await;
    for expected in [3, 3, 1, 0] {
        let moved = store.sequence(&tenure, MINUTE, 3).await;
        assert_eq!(moved.expect("moved"), expected);
    }
    assert_eq!(store.backlog().await.expect("read"), Backlog::default());
    let lines = all_lines(store).await;
    assert_in_order(&lines);
    let events: Vec<_> = lines
        .iter()
        .map(|line| line.event.clone().expect("read"))
        .collect();
    let appended: Vec<_> = appended.into_iter().map(Happening::Payment).collect();
    assert_eq!(events, appended);
    assert_eq!(store.head().await.expect("read").position, 7);
    assert_eq!(store.lines(5, 1).await.expect("read"), lines[5..6]);
    let places: Vec<_> = lines.iter().map(|line| line.place).collect();
    assert_eq!(store.places(2, 3).await.expect("read"), places[2..5]);
    let another = append_first(store, &tenant).await;
    assert_eq!(store.sequence(&tenure, MINUTE, 3).await.expect("moved"), 1);
    let last = store.lines(7, 9).await.expect("read");
    assert_eq!(last[0].event, Ok(Happening::Payment(another)));
    assert_eq!(last[0].place.position, 8, "counted on");
}

async fn everybody_reads_only_their_own(tested: Tested) {
    let store = tested.store.as_ref();
    let (one, other) = (tenant(store).await, tenant(store).await);
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(append_first(store, &one).await);
        append_first(store, &other).await;
    }
    sequence_all(store, &takes(store, MINUTE).await).await;
    let read = store.lines_of(one.scope, 0, 2).await.expect("read");
    let positions: Vec<i64> = read.iter().map(|line| line.place.position).collect();
    assert_eq!(positions, [1, 3]);
    let rest = store.lines_of(one.scope, 3, 9).await.expect("read");
    let events: Vec<_> = read
        .into_iter()
        .chain(rest)
        .map(|line| line.event)
        .collect();
    assert_eq!(
        events,
        own.into_iter()
            .map(Happening::Payment)
            .map(Ok)
            .collect::<Vec<_>>()
    );
    let live = domain::principal::Scope {
        mode: domain::principal::Mode::Live,
        ..one.scope
    };
    assert_eq!(store.lines_of(live, 0, 9).await.expect("read"), []);
}

/// Eight write, each the events of a payment of its own, while the sequencer works.
async fn a_payments_events_keep_their_order(tested: Tested) {
    let store = &tested.store;
    let tenant = Arc::new(tenant(store.as_ref()).await);
    let tenure = takes(store.as_ref(), MINUTE).await;
    let work = (0..9).map(|number| {
        let (store, tenant, tenure) = (Arc::clone(store), Arc::clone(&tenant), tenure.clone());
        async move {
            if number == 8 {
                for _ in 0..20 {
                    store.sequence(&tenure, MINUTE, 3).await.expect("moved");
                }
                return;
            }
            let (payment, _) = samples::stored(store.as_ref(), &tenant).await;
            for sequence in [1, 3, 5] {
                // Two in one commit, given in the wrong order.
                let pair = [sequence + 1, sequence];
                let pair = pair.map(|sequence| appending(samples::event(&payment, sequence)));
                store.commit(&pair).await.expect("appended");
            }
        }
    });
    all_at_once(work).await;
    sequence_all(store.as_ref(), &tenure).await;
    let lines = all_lines(store.as_ref()).await;
    assert_eq!(lines.len(), 48);
    assert_in_order(&lines);
}

async fn what_was_not_committed_gets_no_position(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let torn = [
        appending(samples::event(&payment, 1)),
        Change::InsertGatewayOrder(order),
    ];
    let refused = store.commit(&torn).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    assert_eq!(store.backlog().await.expect("read").count, 0);
    sequence_all(store, &takes(store, MINUTE).await).await;
    assert_eq!(all_lines(store).await, []);
}

async fn without_the_fence_nothing_is_moved(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let early = takes(store, Duration::ZERO).await;
    let late = takes(store, MINUTE).await;
    append_first(store, &tenant).await;
    for tenure in [
        early,
        Tenure {
            fence: 9,
            ..late.clone()
        },
    ] {
        let refused = store.sequence(&tenure, MINUTE, 9).await;
        assert!(matches!(refused, Err(SequenceError::Lost)), "{refused:?}");
    }
    assert_eq!(store.backlog().await.expect("read").count, 1);
    assert_eq!(all_lines(store).await, []);
    assert_eq!(store.sequence(&late, MINUTE, 9).await.expect("moved"), 1);
}

/// One that does not know yet that it lost its lease, beside the one that has it.
async fn of_two_sequencers_one_moves(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    for _ in 0..10 {
        for _ in 0..4 {
            append_first(store.as_ref(), &tenant).await;
        }
        let early = takes(store.as_ref(), Duration::ZERO).await;
        let late = takes(store.as_ref(), Duration::ZERO).await;
        let rivals = [&early, &late, &early, &late].map(|tenure| {
            let (store, tenure) = (Arc::clone(store), tenure.clone());
            async move {
                let moved = store.sequence(&tenure, Duration::ZERO, 3).await;
                (tenure.fence, moved.unwrap_or_default())
            }
        });
        let outcomes = all_at_once(rivals.into_iter()).await;
        let moved = |of: &Tenure| -> u64 {
            let outcomes = outcomes.iter().filter(|(fence, _)| *fence == of.fence);
            outcomes.map(|(_, moved)| moved).sum()
        };
        assert_eq!(moved(&early), 0, "moved without its fence");
        assert_eq!(moved(&late), 4, "{outcomes:?}");
    }
    let lines = all_lines(store.as_ref()).await;
    assert_eq!(lines.len(), 40);
    assert_in_order(&lines);
}

async fn the_highest_epoch_is_in_force(tested: Tested) {
    let store = tested.store.as_ref();
    let first = store.head().await.expect("read");
    assert!(first.epoch >= 1 && first.position == 0, "{first:?}");
    let raise = |number| {
        let epoch = Epoch {
            number,
            raised_at: at(5),
            why: "restored from a backup".to_owned(),
        };
        [Change::Feed(Box::new(domain::feed::Change::RaiseEpoch(
            epoch,
        )))]
    };
    let number = first.epoch + 10;
    store.commit(&raise(number)).await.expect("raised");
    let raised = Cursor {
        epoch: number,
        position: 0,
    };
    assert_eq!(store.head().await.expect("read"), raised);
    let again = store.commit(&raise(number)).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
}
