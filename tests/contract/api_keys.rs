//! API keys read back, end under the condition they were decided on, are listed by scope, and never
//! leave their merchant without one.

use application::ports::store::CommitError;
use application::ports::{Clock, Ids, Store};
use application::{ApiKeyError, LastKey, Tenancy};
use domain::Timestamp;
use domain::change::Change;
use domain::id::ApiKeyId;
use domain::merchant::{ApiKey, KeyKind};
use domain::principal::{Mode, Scope};
use payflow::adapters::clock::Wall;
use payflow::adapters::ids::Drawn;

use crate::races::all_at_once;
use crate::samples::{self, at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    whatever_is_known_of_a_key_reads_back,
    a_key_ends_from_where_it_was_decided,
    keys_are_listed_by_scope_newest_first,
    a_use_is_noted_unless_a_later_one_is,
    of_the_last_two_keys_one_stays,
    of_eight_rotations_one_wins,
);

async fn stored(store: &dyn Store, key: ApiKey) -> ApiKey {
    let insert = Change::InsertApiKey(Box::new(key.clone()));
    store.commit(&[insert]).await.expect("inserted");
    key
}

async fn read(store: &dyn Store, id: ApiKeyId) -> Option<ApiKey> {
    store.any_api_key(id).await.expect("read")
}

fn end(key: &ApiKey, expires_at: Timestamp, expected: Option<Timestamp>) -> Change {
    Change::EndApiKey {
        key: key.id,
        expires_at,
        expected,
    }
}

async fn whatever_is_known_of_a_key_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let scope = tenant(store).await.scope;
    for mode in [Mode::Test, Mode::Live] {
        for kind in [KeyKind::Secret, KeyKind::Publishable] {
            let bare = samples::api_key(Scope { mode, ..scope }, kind);
            let bare = stored(store, bare).await;
            assert_eq!(read(store, bare.id).await, Some(bare));
            let mut full = samples::api_key(Scope { mode, ..scope }, kind);
            full.name = Some("주문 서버".parse().expect("a name"));
            full.last_used_at = Some(at(7));
            full.expires_at = Some(at(9));
            let full = stored(store, full).await;
            assert_eq!(read(store, full.id).await, Some(full.clone()));
            let known = store.api_key(&full.hash).await.expect("read");
            assert_eq!(known.map(|known| known.key), Some(full));
        }
    }
    assert_eq!(read(store, ApiKeyId::new(raw())).await, None);
}

async fn a_key_ends_from_where_it_was_decided(tested: Tested) {
    let store = tested.store.as_ref();
    let scope = tenant(store).await.scope;
    let bystander = stored(store, samples::api_key(scope, KeyKind::Secret)).await;
    let mut key = stored(store, samples::api_key(scope, KeyKind::Secret)).await;
    let conflicts = async |change: Change| {
        let told = store.commit(&[change]).await;
        assert!(matches!(told, Err(CommitError::Conflict)), "{told:?}");
    };
    conflicts(end(&key, at(50), Some(at(60)))).await;
    let ended = store.commit(&[end(&key, at(60), None)]).await;
    ended.expect("it had no end");
    conflicts(end(&key, at(50), None)).await;
    conflicts(end(&key, at(50), Some(at(59)))).await;
    let ended = store.commit(&[end(&key, at(50), Some(at(60)))]).await;
    ended.expect("it had that end");
    key.expires_at = Some(at(50));
    assert_eq!(read(store, key.id).await, Some(key));
    assert_eq!(read(store, bystander.id).await, Some(bystander));
    let nobody = samples::api_key(scope, KeyKind::Secret);
    conflicts(end(&nobody, at(50), None)).await;
}

async fn keys_are_listed_by_scope_newest_first(tested: Tested) {
    let store = tested.store.as_ref();
    let (ours, others) = (tenant(store).await.scope, tenant(store).await.scope);
    let live = Scope {
        mode: Mode::Live,
        ..ours
    };
    let mut listed = Vec::new();
    for (age, expires_at) in [(1, None), (2, Some(at(100))), (3, Some(at(101))), (3, None)] {
        let mut key = samples::api_key(ours, KeyKind::Secret);
        (key.created_at, key.expires_at) = (at(age), expires_at);
        listed.insert(0, stored(store, key).await);
    }
    for scope in [others, live] {
        stored(store, samples::api_key(scope, KeyKind::Secret)).await;
    }
    let list = async |since, limit| {
        let keys = store.api_keys(ours, since, limit).await;
        keys.expect("read")
    };
    assert_eq!(list(at(99), 10).await, listed);
    assert_eq!(list(at(99), 2).await, listed[..2]);
    listed.remove(2);
    assert_eq!(
        list(at(100), 10).await,
        listed,
        "an end at that instant is over"
    );
}

async fn a_use_is_noted_unless_a_later_one_is(tested: Tested) {
    let store = tested.store.as_ref();
    let scope = tenant(store).await.scope;
    let bystander = stored(store, samples::api_key(scope, KeyKind::Secret)).await;
    let mut key = stored(store, samples::api_key(scope, KeyKind::Secret)).await;
    for (noted, shown) in [(5, 5), (9, 9), (7, 9), (9, 9)] {
        store.note_use(key.id, at(noted)).await.expect("noted");
        key.last_used_at = Some(at(shown));
        assert_eq!(read(store, key.id).await.as_ref(), Some(&key));
    }
    let gone = ApiKeyId::new(raw());
    store.note_use(gone, at(5)).await.expect("does no harm");
    assert_eq!(read(store, bystander.id).await, Some(bystander));
}

/// The use cases over a store, as every copy of the service has them.
fn tenancy<'a>(store: &'a dyn Store, clock: &'a dyn Clock, ids: &'a dyn Ids) -> Tenancy<'a> {
    Tenancy {
        store,
        clock,
        ids,
        conflicts_max: 20,
    }
}

async fn of_the_last_two_keys_one_stays(tested: Tested) {
    for _ in 0..10 {
        let scope = tenant(tested.store.as_ref()).await.scope;
        let mut keys = Vec::new();
        for _ in 0..2 {
            let key = samples::api_key(scope, KeyKind::Secret);
            keys.push(stored(tested.store.as_ref(), key).await.id);
        }
        let revocations = keys.into_iter().map(|key| {
            let store = tested.store.clone();
            async move {
                let (clock, ids) = (Wall::default(), Drawn::default());
                let tenancy = tenancy(store.as_ref(), &clock, &ids);
                tenancy.revoke_key(scope, key, LastKey::Stays).await
            }
        });
        let told = all_at_once(revocations).await;
        let revoked = told.iter().filter(|told| told.is_ok()).count();
        let refused = |told: &&Result<ApiKey, _>| matches!(told, Err(ApiKeyError::Last));
        let refused = told.iter().filter(refused).count();
        assert_eq!((revoked, refused), (1, 1), "{told:?}");
    }
}

async fn of_eight_rotations_one_wins(tested: Tested) {
    let store = tested.store.as_ref();
    let scope = tenant(store).await.scope;
    let key = samples::api_key(scope, KeyKind::Secret);
    let key = stored(store, key).await.id;
    let rotations = (0..8).map(|_| {
        let store = tested.store.clone();
        async move {
            let (clock, ids) = (Wall::default(), Drawn::default());
            let tenancy = tenancy(store.as_ref(), &clock, &ids);
            let grace = std::time::Duration::from_mins(1);
            tenancy.rotate_key(scope, key, grace).await
        }
    });
    let told = all_at_once(rotations).await;
    let ending = |told: &&Result<_, _>| matches!(told, Err(ApiKeyError::Ending));
    assert_eq!(told.iter().filter(ending).count(), 7, "{told:?}");
    let keys = store
        .api_keys(scope, Timestamp::UNIX_EPOCH, 10)
        .await
        .expect("read");
    assert_eq!(keys.len(), 2, "the old one and the one that was told");
}
