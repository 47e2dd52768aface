//! Readers: a cursor moves from where it is and under the fence, and what is parked stays until it
//! is delivered.

use std::time::Duration;

use application::ports::Store;
use application::ports::store::{CommitError, ReaderStanding};
use domain::change;
use domain::feed::{Change, Cursor, Parked, ParkedKey, Place, Reader, Subject};
use domain::id::WorkerId;
use domain::lease::Tenure;

use super::{MINUTE, all_lines, append_first, appending, sequence_all, takes};
use crate::samples::{self, at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    a_cursor_moves_only_from_where_it_is,
    a_reader_without_its_fence_moves_nothing,
    what_is_parked_stays_until_it_is_delivered,
    a_reader_stands_where_it_stands,
);

static READER: Reader = Reader::named("kafka");

fn feed(change: Change) -> change::Change {
    change::Change::Feed(Box::new(change))
}

const fn at_position(position: i64) -> Cursor {
    Cursor { epoch: 1, position }
}

fn moving(from: i64, to: i64) -> change::Change {
    feed(Change::MoveCursor {
        reader: READER.clone(),
        from: at_position(from),
        to: at_position(to),
    })
}

async fn starts(store: &dyn Store, reader: Reader) {
    let at = at_position(0);
    let start = [feed(Change::StartCursor { reader, at })];
    store.commit(&start).await.expect("started");
}

async fn conflicts(store: &dyn Store, changes: &[change::Change]) {
    let refused = store.commit(changes).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
}

async fn a_cursor_moves_only_from_where_it_is(tested: Tested) {
    let store = tested.store.as_ref();
    assert_eq!(store.cursor(&READER).await.expect("read"), None);
    conflicts(store, &[moving(0, 1)]).await;
    starts(store, READER.clone()).await;
    let again = feed(Change::StartCursor {
        reader: READER.clone(),
        at: at_position(9),
    });
    conflicts(store, &[again]).await;
    store.commit(&[moving(0, 5)]).await.expect("moved");
    conflicts(store, &[moving(0, 6)]).await;
    conflicts(store, &[moving(6, 7)]).await;
    let other_epoch = feed(Change::MoveCursor {
        reader: READER.clone(),
        from: Cursor {
            epoch: 2,
            position: 5,
        },
        to: at_position(6),
    });
    conflicts(store, &[other_epoch]).await;
    let cursor = store.cursor(&READER).await.expect("read");
    assert_eq!(cursor, Some(at_position(5)));
}

async fn a_reader_without_its_fence_moves_nothing(tested: Tested) {
    let store = tested.store.as_ref();
    starts(store, READER.clone()).await;
    let take = |lease| store.take_lease(READER.job(), WorkerId::new(raw()), lease);
    let early = take(Duration::ZERO).await.expect("asked").expect("free");
    let late = take(Duration::ZERO).await.expect("asked").expect("over");
    let kept = |tenure: &Tenure| {
        feed(Change::KeepLease {
            tenure: tenure.clone(),
            lease: MINUTE,
        })
    };
    conflicts(store, &[moving(0, 1), kept(&early)]).await;
    assert_eq!(
        store.cursor(&READER).await.expect("read"),
        Some(at_position(0))
    );
    let moved = store.commit(&[moving(0, 1), kept(&late)]).await;
    moved.expect("moved");
    assert_eq!(
        take(MINUTE).await.expect("asked"),
        None,
        "moving prolongs the lease"
    );
}

fn parked(place: Place, reason: &str) -> Parked {
    Parked {
        reader: READER.clone(),
        subject: place.subject,
        sequence: place.sequence,
        position: place.position,
        reason: reason.to_owned(),
        parked_at: at(70),
        asked: false,
    }
}

async fn what_is_parked_stays_until_it_is_delivered(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    append_first(store, &tenant).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let id = Subject::Payment(payment.facts.id);
    for sequence in [1, 2] {
        let event = appending(samples::event(&payment, sequence));
        store.commit(&[event]).await.expect("appended");
    }
    sequence_all(store, &takes(store, MINUTE).await).await;
    let lines = all_lines(store).await;
    let rows = [
        parked(lines[1].place, "too large\0"),
        parked(lines[2].place, "follows it"),
    ];
    let changes = rows.clone().map(|row| feed(Change::Park(row)));
    store.commit(&changes).await.expect("parked");
    conflicts(store, &changes[..1]).await;
    let mut stored = store.parked(&READER, 0, 9).await.expect("read");
    stored[0].reason = stored[0].reason.replace('\u{fffd}', "\0");
    assert_eq!(stored, rows, "by position");
    assert_eq!(store.parked(&READER, 2, 9).await.expect("read").len(), 1);
    let others = Reader::named("hooks");
    assert_eq!(store.parked(&others, 0, 9).await.expect("read"), []);
    let all: Vec<_> = lines.iter().map(|line| line.place.subject).collect();
    assert_eq!(store.parked_among(&READER, &all).await.expect("read"), [id]);
    assert_eq!(store.parked_among(&others, &all).await.expect("read"), []);
    let again = store.parked_lines(&READER, id, 9).await.expect("read");
    assert_eq!(again, lines[1..]);

    assert_eq!(store.asked(&READER, 9).await.expect("read"), []);
    let [first, second] = rows.map(|row| row.key());
    let ask = [feed(Change::AskReplay(first.clone()))];
    store.commit(&ask).await.expect("asked");
    assert_eq!(store.asked(&READER, 9).await.expect("read"), [id]);
    assert_eq!(store.asked(&others, 9).await.expect("read"), []);
    let kept = Change::KeepParked {
        key: first.clone(),
        reason: "still too large".to_owned(),
    };
    store.commit(&[feed(kept)]).await.expect("kept");
    assert_eq!(store.asked(&READER, 9).await.expect("read"), []);
    let reason = &store.parked(&READER, 0, 1).await.expect("read")[0].reason;
    assert_eq!(reason, "still too large");
    for key in [first, second] {
        let delivered = [feed(Change::Unpark(key))];
        store.commit(&delivered).await.expect("unparked");
        conflicts(store, &delivered).await;
    }
    assert_eq!(store.parked(&READER, 0, 9).await.expect("read"), []);
    let nobody = ParkedKey {
        reader: READER.clone(),
        subject: id,
        sequence: 1,
    };
    conflicts(store, &[feed(Change::AskReplay(nobody))]).await;
}

async fn a_reader_stands_where_it_stands(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    for reader in ["kafka", "hooks"] {
        starts(store, Reader::named(reader)).await;
    }
    append_first(store, &tenant).await;
    sequence_all(store, &takes(store, MINUTE).await).await;
    let place = store.places(0, 1).await.expect("read")[0];
    let changes = [moving(0, 1), feed(Change::Park(parked(place, "no")))];
    store.commit(&changes).await.expect("moved");
    let standing = |reader, position, waiting_since, parked| ReaderStanding {
        reader: Reader::named(reader),
        cursor: at_position(position),
        waiting_since,
        parked,
    };
    let standings = [
        standing("hooks", 0, Some(at(31)), 0),
        standing("kafka", 1, None, 1),
    ];
    assert_eq!(store.readers().await.expect("read"), standings);
}
