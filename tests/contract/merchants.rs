//! Tenants change on top of the version they were decided from, and every key tells whose it is
//! and how that one stands.

use application::ports::Store;
use application::ports::store::{CommitError, KnownKey};
use domain::change::Change;
use domain::id::MerchantId;
use domain::merchant::{KeyKind, Merchant, Status, Zone};
use domain::principal::{Mode, Scope};

use crate::races::all_at_once;
use crate::samples::{self, raw};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    every_standing_reads_back,
    a_change_needs_the_version_it_was_decided_from,
    one_of_eight_changes_wins,
    every_zone_reads_back,
);

async fn stored(store: &dyn Store) -> Merchant {
    let merchant = samples::merchant();
    let change = Change::InsertMerchant(merchant.clone());
    store.commit(&[change]).await.expect("inserted");
    merchant
}

fn update(merchant: &Merchant) -> Change {
    Change::UpdateMerchant {
        merchant: merchant.clone(),
        expected: merchant.version - 1,
    }
}

async fn every_standing_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let bystander = stored(store).await;
    let mut merchant = stored(store).await;
    let scope = Scope {
        merchant: merchant.id,
        mode: Mode::Test,
    };
    let key = samples::api_key(scope, KeyKind::Secret);
    let insert = Change::InsertApiKey(Box::new(key.clone()));
    store.commit(&[insert]).await.expect("inserted");
    let sets = [
        "KRW",
        "USD",
        "JPY",
        "KRW,USD",
        "KRW,JPY",
        "USD,JPY",
        "KRW,USD,JPY",
    ];
    for currencies in sets {
        for status in [Status::Suspended, Status::Active] {
            merchant.status = status;
            merchant.currencies = currencies.parse().expect("currencies");
            merchant.version += 1;
            store.commit(&[update(&merchant)]).await.expect("updated");
            let read = store.merchant(merchant.id).await.expect("read");
            assert_eq!(read.as_ref(), Some(&merchant));
            let known = KnownKey {
                key: key.clone(),
                merchant: merchant.clone(),
            };
            let read = store.api_key(&key.hash).await.expect("read");
            assert_eq!(read, Some(known));
        }
    }
    let read = store.merchant(bystander.id).await.expect("read");
    assert_eq!(read, Some(bystander), "others are as they were");
    let nobody = MerchantId::new(raw());
    assert_eq!(store.merchant(nobody).await.expect("read"), None);
}

async fn a_change_needs_the_version_it_was_decided_from(tested: Tested) {
    let store = tested.store.as_ref();
    let first = stored(store).await;
    let suspended = first.with_status(Status::Suspended).expect("a change");
    store.commit(&[update(&suspended)]).await.expect("updated");
    // Decided from what is no more.
    let currencies = "JPY".parse().expect("currencies");
    let late = first.with_currencies(&currencies).expect("a change");
    let nobody = Merchant {
        id: MerchantId::new(raw()),
        ..suspended.clone()
    };
    for wrong in [update(&late), update(&nobody)] {
        let told = store.commit(&[wrong]).await;
        assert!(matches!(told, Err(CommitError::Conflict)), "{told:?}");
    }
    let read = store.merchant(first.id).await.expect("read");
    assert_eq!(read, Some(suspended));
}

async fn one_of_eight_changes_wins(tested: Tested) {
    let merchant = stored(tested.store.as_ref()).await;
    let suspended = merchant.with_status(Status::Suspended).expect("a change");
    let rivals = (0..8).map(|_| {
        let (store, change) = (tested.store.clone(), update(&suspended));
        async move { store.commit(&[change]).await.is_ok() }
    });
    let won = all_at_once(rivals).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let read = tested.store.merchant(merchant.id).await.expect("read");
    assert_eq!(read, Some(suspended));
}

/// What may be one character of a name is in one of these.
async fn every_zone_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let mut merchant = stored(store).await;
    assert_eq!(merchant.zone, Zone::SEOUL);
    for name in [
        "America/Argentina/ComodRivadavia",
        "America/Port-au-Prince",
        "Etc/GMT+9",
        "America/New_York",
        "UTC",
    ] {
        let zone = name.parse().expect("a zone");
        merchant = merchant.with_zone(zone).expect("a change");
        store.commit(&[update(&merchant)]).await.expect("updated");
        let read = store.merchant(merchant.id).await.expect("read");
        assert_eq!(read.as_ref(), Some(&merchant));
        assert_eq!(merchant.with_zone(zone), None, "it is there already");
    }
    let second = Merchant {
        zone: Zone::SEOUL,
        ..samples::merchant()
    };
    let abroad = Merchant {
        zone: "Europe/Berlin".parse().expect("a zone"),
        ..samples::merchant()
    };
    for merchant in [second, abroad] {
        let insert = Change::InsertMerchant(merchant.clone());
        store.commit(&[insert]).await.expect("inserted");
        let read = store.merchant(merchant.id).await.expect("read");
        assert_eq!(read, Some(merchant), "as it was made");
    }
}
