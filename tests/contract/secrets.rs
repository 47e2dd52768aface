//! Credentials and data keys read back equal, and change only from what they are expected to be.

use application::ports::store::CommitError;
use domain::account::{Credentials, GatewayAccount, Status};
use domain::change::Change;
use domain::id::DataKeyId;
use domain::principal::{Mode, Scope};
use domain::vault::{DataKey, Sealed, Wrapped};

use crate::samples::{self, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(credentials, statuses, every_account, data_keys, rewrapping);

fn sealed(byte: u8, seeded: bool) -> Credentials {
    Credentials {
        secret_key: Sealed(vec![byte, 0, 255]),
        client_key: Sealed(vec![byte]),
        seeded,
    }
}

async fn credentials(tested: Tested) {
    let store = tested.store.as_ref();
    let id = tenant(store).await.account;
    let account = async || {
        let found = store.gateway_account(id).await.expect("read");
        found.expect("an account")
    };
    let set = async |credentials: &Credentials, replaced: Option<i32>| {
        let change = Change::SetCredentials {
            account: id,
            credentials: Box::new(credentials.clone()),
            replaced,
        };
        store.commit(&[change]).await
    };
    let (first, second) = (sealed(1, true), sealed(2, false));
    let version = account().await.credential_version;
    let early = set(&first, Some(version)).await;
    assert!(matches!(early, Err(CommitError::Conflict)), "{early:?}");
    set(&first, None).await.expect("it had none");
    let now = account().await;
    assert_eq!(now.credentials, Some(first.clone()));
    assert_eq!(now.credential_version, version, "nothing was replaced");

    for refused in [None, Some(version - 1), Some(version + 1)] {
        let refused = set(&second, refused).await;
        assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    }
    assert_eq!(account().await.credentials, Some(first));
    set(&second, Some(version)).await.expect("replaced");
    let now = account().await;
    assert_eq!(now.credentials, Some(second));
    assert_eq!(now.credential_version, version + 1);
}

async fn statuses(tested: Tested) {
    let store = tested.store.as_ref();
    let id = tenant(store).await.account;
    for status in [Status::Disabled, Status::Active] {
        let set = [Change::SetAccountStatus {
            account: id,
            status,
        }];
        store.commit(&set).await.expect("set");
        let read = store.gateway_account(id).await.expect("read");
        assert_eq!(read.map(|account| account.status), Some(status));
        let twice = store.commit(&set).await;
        assert!(matches!(twice, Err(CommitError::Conflict)), "{twice:?}");
    }
}

async fn every_account(tested: Tested) {
    let store = tested.store.as_ref();
    let (first, second) = (tenant(store).await, tenant(store).await);
    let live = Scope {
        mode: Mode::Live,
        ..first.scope
    };
    let added = GatewayAccount {
        name: "카드사 직연동".to_owned(),
        status: Status::Disabled,
        merchant_id: Some("tosspayments".to_owned()),
        credentials: Some(sealed(7, true)),
        ..samples::account(live)
    };
    let change = Change::InsertGatewayAccount(added.clone());
    store.commit(&[change]).await.expect("added");
    let every = store.every_gateway_account().await.expect("read");
    let ids: Vec<_> = every.iter().map(|account| account.id).collect();
    assert_eq!(ids, [first.account, second.account, added.id]);
    assert_eq!(every.last(), Some(&added));
}

async fn data_keys(tested: Tested) {
    let store = tested.store.as_ref();
    let (first, second) = (tenant(store).await, tenant(store).await);
    let insert = |key: &DataKey| [Change::InsertDataKey(Box::new(key.clone()))];
    let key = samples::data_key(first.scope.merchant);
    store.commit(&insert(&key)).await.expect("inserted");
    let rival = samples::data_key(first.scope.merchant);
    let refused = store.commit(&insert(&rival)).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    let other = samples::data_key(second.scope.merchant);
    store.commit(&insert(&other)).await.expect("inserted");

    let read = store.data_key(key.id).await.expect("read");
    assert_eq!(read.as_ref(), Some(&key));
    let of = async |merchant| store.data_key_of(merchant).await.expect("read");
    assert_eq!(of(first.scope.merchant).await.as_ref(), Some(&key));
    assert_eq!(of(second.scope.merchant).await.as_ref(), Some(&other));
    let nobody = DataKeyId::new(raw());
    assert_eq!(store.data_key(nobody).await.expect("read"), None);

    let page = async |after, limit| store.data_keys(after, limit).await.expect("read");
    assert_eq!(page(None, 1).await, std::slice::from_ref(&key));
    assert_eq!(page(Some(key.id), 9).await, std::slice::from_ref(&other));
    assert_eq!(page(Some(other.id), 9).await, []);
    assert_eq!(page(None, 9).await, [key, other]);
}

async fn rewrapping(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let key = samples::data_key(tenant.scope.merchant);
    let insert = Change::InsertDataKey(Box::new(key.clone()));
    store.commit(&[insert]).await.expect("inserted");
    let wrapped = Wrapped {
        master_key: "k-2".to_owned(),
        bytes: (1..62).collect(),
    };
    let rewrap = |expected: &str| {
        [Change::RewrapDataKey {
            id: key.id,
            wrapped: wrapped.clone(),
            expected: expected.to_owned(),
        }]
    };
    let early = store.commit(&rewrap("k-2")).await;
    assert!(matches!(early, Err(CommitError::Conflict)), "{early:?}");
    store.commit(&rewrap("k-1")).await.expect("rewrapped");
    let read = store.data_key(key.id).await.expect("read");
    let read = read.expect("a data key");
    assert_eq!(read.wrapped, wrapped);
    assert_eq!(
        (read.merchant, read.created_at),
        (key.merchant, key.created_at)
    );
    let again = store.commit(&rewrap("k-1")).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
}
