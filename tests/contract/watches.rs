//! How far accounts are watched, and which movements are booked.

use std::time::Duration;

use application::ports::Store;
use application::ports::store::{Booked, Sighting, Standing};
use domain::account::Status;
use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::ledger::Movement;

use crate::races::all_at_once;
use crate::samples::{self, at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    an_account_is_due_until_it_is_claimed,
    one_of_many_claims_an_account,
    the_place_is_moved_from_where_it_was,
    a_sighting_is_kept_until_it_is_settled,
    one_of_many_claims_a_sighting,
    what_moved_again_is_due_at_once,
    what_moved_comes_before_what_is_only_due,
    a_disabled_account_is_not_behind,
    what_is_booked_is_told_by_account_and_key,
);

const LONG: Duration = Duration::from_hours(1);

async fn due(store: &dyn Store) -> Vec<GatewayAccountId> {
    let accounts = store.accounts_to_watch().await.expect("read");
    accounts.iter().map(|account| account.id).collect()
}

async fn an_account_is_due_until_it_is_claimed(tested: Tested) {
    let store = tested.store.as_ref();
    assert_eq!(due(store).await, []);
    let (first, second) = (tenant(store).await.account, tenant(store).await.account);
    assert_eq!(due(store).await, [first, second]);
    let claim = |account, begin, every| store.claim_watch(account, at(begin), every);
    assert_eq!(claim(first, 5, LONG).await.expect("claimed"), Some(at(5)));
    assert_eq!(due(store).await, [second]);
    assert_eq!(
        claim(first, 6, LONG).await.expect("claimed"),
        None,
        "not due"
    );
    // Due again at once: it goes on where it was, not where a first watch would begin.
    let again = Duration::ZERO;
    assert_eq!(claim(second, 7, again).await.expect("claimed"), Some(at(7)));
    assert_eq!(due(store).await, [second]);
    assert_eq!(claim(second, 8, LONG).await.expect("claimed"), Some(at(7)));
    assert_eq!(due(store).await, []);
    let read = store.gateway_account(first).await.expect("read");
    assert!(read.is_some(), "watched or not");
}

async fn one_of_many_claims_an_account(tested: Tested) {
    let account = tenant(tested.store.as_ref()).await.account;
    for (every, begin) in [(Duration::from_millis(1), 1), (LONG, 2)] {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let claims = (0..8).map(|_| {
            let store = std::sync::Arc::clone(&tested.store);
            // Whoever comes second in the first round may come after it is due again.
            async move {
                store
                    .claim_watch(account, at(begin), every)
                    .await
                    .expect("claimed")
            }
        });
        let won: Vec<_> = all_at_once(claims).await.into_iter().flatten().collect();
        assert!(won.iter().all(|until| *until == at(1)), "{won:?}");
        assert!(!won.is_empty());
        assert!(every < LONG || won.len() == 1, "{won:?}");
    }
    // Nobody has watched it before: the row is made once.
    let account = tenant(tested.store.as_ref()).await.account;
    let claims = (0..8).map(|_| {
        let store = std::sync::Arc::clone(&tested.store);
        async move {
            store
                .claim_watch(account, at(3), LONG)
                .await
                .expect("claimed")
        }
    });
    let won: Vec<_> = all_at_once(claims).await.into_iter().flatten().collect();
    assert_eq!(won, [at(3)]);
}

async fn the_place_is_moved_from_where_it_was(tested: Tested) {
    let store = tested.store.as_ref();
    let account = tenant(store).await.account;
    let moves = |from, until| store.move_watch(account, at(from), at(until));
    assert!(!moves(1, 2).await.expect("moved"), "never watched");
    let claimed = store.claim_watch(account, at(1), Duration::ZERO).await;
    assert_eq!(claimed.expect("claimed"), Some(at(1)));
    assert!(moves(1, 9).await.expect("moved"));
    assert!(
        !moves(1, 5).await.expect("moved"),
        "somebody else was first"
    );
    assert!(moves(9, 4).await.expect("moved"), "back to what is open");
    let claimed = store.claim_watch(account, at(1), LONG).await;
    assert_eq!(claimed.expect("claimed"), Some(at(4)));
    assert!(moves(4, 5).await.expect("moved"), "due or not");
    let standing = store.standing().await.expect("read");
    assert_eq!(standing.until, Some(at(5)));
    store
        .release_watch(account, Duration::ZERO)
        .await
        .expect("released");
    assert_eq!(due(store).await, [account]);
}

async fn seen(store: &dyn Store) -> Sighting {
    let tenant = tenant(store).await;
    let (_, order) = samples::stored(store, &tenant).await;
    let sighting = Sighting {
        account: tenant.account,
        key: "tgen_seen".parse().expect("a key"),
        order: order.id,
        first_seen_at: at(3),
        moved_at: Some(at(2)),
        looks: 0,
        verdict: None,
        reported: false,
    };
    let other = domain::id::GatewayOrderId::new(domain::id::RawId::from_parts(9, 9));
    let own = store.own_orders(tenant.account, &[order.id, other]).await;
    assert_eq!(own.expect("read"), [order.id]);
    let again = [sighting.clone(), sighting.clone()];
    store.sight(&again).await.expect("kept once");
    sighting
}

async fn a_sighting_is_kept_until_it_is_settled(tested: Tested) {
    let store = tested.store.as_ref();
    let sighting = seen(store).await;
    let claim = |lease| store.claim_sighting(sighting.account, lease);
    let first = claim(Duration::ZERO).await.expect("claimed").expect("due");
    let taken = |looks| Sighting {
        looks,
        ..sighting.clone()
    };
    assert_eq!(first, taken(1));
    let mut second = claim(LONG).await.expect("claimed").expect("due");
    assert_eq!(second, taken(2));
    assert_eq!(claim(LONG).await.expect("claimed"), None, "not due");
    second.verdict = Some("strange".to_owned());
    second.reported = true;
    let kept = store.keep_sighting(&first, Duration::ZERO).await;
    assert!(!kept.expect("tried"), "somebody else took it since");
    store.settle_sighting(&first).await.expect("tried");
    let kept = store.keep_sighting(&second, Duration::ZERO).await;
    assert!(kept.expect("kept"));
    store
        .sight(std::slice::from_ref(&sighting))
        .await
        .expect("kept");
    let standing = |open, strange| Standing {
        open,
        strange,
        until: None,
    };
    assert_eq!(store.standing().await.expect("read"), standing(1, 1));
    let third = claim(LONG).await.expect("claimed").expect("due");
    assert_eq!(third, Sighting { looks: 3, ..second });
    store.settle_sighting(&third).await.expect("settled");
    assert_eq!(store.standing().await.expect("read"), standing(0, 0));
}

async fn one_of_many_claims_a_sighting(tested: Tested) {
    let account = seen(tested.store.as_ref()).await.account;
    let claims = (0..8).map(|_| {
        let store = std::sync::Arc::clone(&tested.store);
        async move { store.claim_sighting(account, LONG).await.expect("claimed") }
    });
    let won: Vec<_> = all_at_once(claims).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
}

async fn what_moved_comes_before_what_is_only_due(tested: Tested) {
    let store = tested.store.as_ref();
    let moved = seen(store).await;
    store.settle_sighting(&moved).await.expect("settled");
    let routine = Sighting {
        key: "tgen_routine".parse().expect("a key"),
        moved_at: None,
        ..moved.clone()
    };
    let due = std::slice::from_ref(&routine);
    store.sight(due).await.expect("kept");
    tokio::time::sleep(Duration::from_millis(5)).await;
    store
        .sight(std::slice::from_ref(&moved))
        .await
        .expect("kept");
    for expected in [moved, routine] {
        let claimed = store.claim_sighting(expected.account, LONG).await;
        let claimed = claimed.expect("claimed").expect("due");
        assert_eq!(claimed.key, expected.key);
    }
}

async fn what_moved_again_is_due_at_once(tested: Tested) {
    let store = tested.store.as_ref();
    let first = seen(store).await;
    let claim = || store.claim_sighting(first.account, LONG);
    let moved = |moved_at| Sighting {
        moved_at,
        ..first.clone()
    };
    let held = claim().await.expect("claimed").expect("due");
    assert!(store.keep_sighting(&held, LONG).await.expect("kept"));
    for known in [None, Some(at(1)), Some(at(2))] {
        store.sight(&[moved(known)]).await.expect("kept");
        assert_eq!(claim().await.expect("claimed"), None, "{known:?} is known");
    }
    let later = moved(Some(at(3)));
    let bystander = seen(store).await;
    let again = std::slice::from_ref(&later);
    store.sight(again).await.expect("kept");
    // Whoever held it asked before that.
    assert!(!store.keep_sighting(&held, LONG).await.expect("tried"));
    store.settle_sighting(&held).await.expect("tried");
    let taken = claim().await.expect("claimed").expect("due again");
    assert_eq!(taken, Sighting { looks: 3, ..later });
    store.settle_sighting(&taken).await.expect("settled");
    let other = store.claim_sighting(bystander.account, LONG).await;
    let untouched = Sighting {
        looks: 1,
        ..bystander
    };
    assert_eq!(other.expect("claimed"), Some(untouched));
    // One without a date is dated by the next that has one.
    store.sight(&[moved(None)]).await.expect("kept");
    assert!(claim().await.expect("claimed").is_some());
    store.sight(&[moved(Some(at(1)))]).await.expect("kept");
    let dated = claim().await.expect("claimed").expect("due");
    assert_eq!(dated.moved_at, Some(at(1)));
}

async fn a_disabled_account_is_not_behind(tested: Tested) {
    let store = tested.store.as_ref();
    let (first, second) = (tenant(store).await.account, tenant(store).await.account);
    for (account, begin) in [(first, 1), (second, 2)] {
        let claimed = store.claim_watch(account, at(begin), LONG).await;
        assert_eq!(claimed.expect("claimed"), Some(at(begin)));
    }
    for (account, status, until) in [
        (first, Status::Disabled, Some(at(2))),
        (second, Status::Disabled, None),
        (first, Status::Active, Some(at(1))),
    ] {
        let turn = Change::SetAccountStatus { account, status };
        store.commit(&[turn]).await.expect("turned");
        let standing = store.standing().await.expect("read");
        assert_eq!(standing.until, until, "{account} {status:?}");
    }
}

async fn what_is_booked_is_told_by_account_and_key(tested: Tested) {
    let store = tested.store.as_ref();
    let (here, there) = (tenant(store).await, tenant(store).await);
    let (payment, _) = samples::stored(store, &here).await;
    let (other, _) = samples::stored(store, &there).await;
    let capture = samples::entry(&payment, None);
    let mut cancel = samples::entry(&payment, None);
    cancel.payment_key = capture.payment_key.clone();
    cancel.movement = Movement::Cancel("tx:1".parse().expect("a key"));
    std::mem::swap(&mut cancel.debit, &mut cancel.credit);
    let unasked = samples::entry(&payment, None);
    // The same key at another account is another movement.
    let mut elsewhere = samples::entry(&other, None);
    elsewhere.payment_key = capture.payment_key.clone();
    let entries = [&capture, &cancel, &unasked, &elsewhere];
    let changes = entries.map(|entry| Change::InsertEntry(Box::new(entry.clone())));
    store.commit(&changes).await.expect("booked");

    let unknown = "tgen_unknown".parse().expect("a key");
    let keys = [capture.payment_key.clone(), unknown];
    let mut booked = store.booked(here.account, &keys).await.expect("read");
    booked.sort();
    let expected = [&capture, &cancel].map(|entry| Booked {
        payment_key: entry.payment_key.clone(),
        movement: entry.movement.clone(),
        transaction_key: entry.transaction_key.clone(),
    });
    assert_eq!(booked, expected);
    let many: Vec<_> = (0..1_000)
        .map(|number| format!("tgen_{number}").parse().expect("a key"))
        .chain([unasked.payment_key.clone()])
        .collect();
    assert_eq!(
        store.booked(here.account, &many).await.expect("read").len(),
        1
    );
    assert_eq!(store.booked(here.account, &[]).await.expect("read"), []);
}
