//! Whatever stands around payments and sagas reads back equal.

use application::ports::store::{CommitError, KnownKey};
use domain::change::Change;
use domain::id::SagaId;
use domain::idempotency::IssuedKey;
use domain::ledger::{Account, Movement};
use domain::merchant::KeyKind;
use domain::principal::{Mode, Scope};
use domain::saga;

use crate::samples::{self, at, raw, tenant, won};
use crate::stores::{Tested, on_every_store};

on_every_store!(tenants_and_keys, books, keys);

async fn tenants_and_keys(tested: Tested) {
    let store = tested.store.as_ref();
    let (first, mut second) = (samples::merchant(), samples::merchant());
    second.created_at = at(-5);
    let scope = Scope {
        merchant: first.id,
        mode: Mode::Live,
    };
    let account = samples::account(scope);
    let mut given = samples::account(scope);
    given.merchant_id = Some("tosspayments".to_owned());
    let secret = samples::api_key(scope, KeyKind::Secret);
    let public = samples::api_key(scope, KeyKind::Publishable);
    let changes = [
        Change::InsertApiKey(Box::new(secret.clone())),
        Change::InsertApiKey(Box::new(public.clone())),
        Change::InsertGatewayAccount(given.clone()),
        Change::InsertGatewayAccount(account.clone()),
        Change::InsertMerchant(first.clone()),
        Change::InsertMerchant(second.clone()),
    ];
    store
        .commit(&changes)
        .await
        .expect("committed in the order of their locks");
    let all = store.merchants().await.expect("read");
    assert_eq!(all, [second, first.clone()]);
    for key in [secret, public] {
        let known = store.api_key(&key.hash).await.expect("read");
        let merchant = first.clone();
        assert_eq!(known, Some(KnownKey { key, merchant }));
    }
    assert_eq!(store.api_key(&[0; 32]).await.expect("read"), None);
    assert_eq!(
        store.gateway_account(given.id).await.expect("read"),
        Some(given.clone())
    );
    let listed = store.gateway_accounts(scope).await.expect("read");
    assert_eq!(listed, [account.clone(), given]);
    let test = Scope {
        mode: Mode::Test,
        ..scope
    };
    assert_eq!(store.gateway_accounts(test).await.expect("read"), []);

    let pin = |merchant_id: &str| Change::PinMerchantId {
        account: account.id,
        merchant_id: merchant_id.to_owned(),
    };
    store.commit(&[pin("first")]).await.expect("pinned");
    let again = store.commit(&[pin("second")]).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    let pinned = store
        .gateway_account(account.id)
        .await
        .expect("read")
        .expect("an account");
    assert_eq!(pinned.merchant_id.as_deref(), Some("first"));
    store.ping().await.expect("an answer");
}

async fn books(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let id = payment.facts.id;
    let capture = samples::entry(&payment, Some(SagaId::new(raw())));
    let mut cancel = capture.clone();
    cancel.movement = Movement::Cancel("txn:2".parse().expect("a key"));
    (cancel.debit, cancel.credit) = (Account::Suspense, Account::GatewayReceivable);
    (cancel.saga, cancel.occurred_at, cancel.transaction_key) = (None, None, None);
    cancel.amount = won(1);
    let mut another = samples::entry(&payment, None);
    another.payment_key = "a-key-that-sorts-first".parse().expect("a key");
    for entry in [&capture, &cancel, &another] {
        let booked = store
            .commit(&[Change::InsertEntry(Box::new(entry.clone()))])
            .await;
        booked.expect("booked");
    }
    let read = store.entries(id).await.expect("read");
    assert_eq!(read, [capture, cancel, another], "in the order of booking");

    let events = [1, 2, 3].map(|sequence| samples::event(&payment, sequence));
    let mut backwards: Vec<Change> = events
        .iter()
        .cloned()
        .map(|event| Change::AppendEvent(Box::new(event)))
        .collect();
    backwards.reverse();
    store.commit(&backwards).await.expect("appended");
    assert_eq!(store.events(id, 0, 10).await.expect("read"), events);
    assert_eq!(store.events(id, 1, 1).await.expect("read"), events[1..2]);
    assert_eq!(store.events(id, 3, 10).await.expect("read"), []);
}

async fn keys(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let saga = samples::saga(&payment, &order, saga::Kind::Approval);
    let waiting = samples::reservation(&payment, Some(saga.head.id));
    let mut done = samples::reservation(&payment, None);
    "member-1".clone_into(&mut done.key.member);
    let reserve = |reservation: &domain::idempotency::Reservation| {
        Change::ReserveKey(Box::new(reservation.clone()))
    };
    store
        .commit(&[reserve(&waiting), reserve(&done)])
        .await
        .expect("reserved");
    assert_eq!(
        store.reservation(&done.key).await.expect("read"),
        Some(done.clone())
    );
    let mut other_member = done.key.clone();
    "member-2".clone_into(&mut other_member.member);
    assert_eq!(store.reservation(&other_member).await.expect("read"), None);

    let outcome = vec![0, 255, 7];
    let finish = Change::FinishKey {
        saga: saga.head.id,
        outcome: outcome.clone(),
    };
    store
        .commit(std::slice::from_ref(&finish))
        .await
        .expect("finished");
    let finished = store
        .reservation(&waiting.key)
        .await
        .expect("read")
        .expect("a key");
    assert_eq!(finished.outcome, Some(outcome));
    let twice = store.commit(&[finish]).await;
    assert!(matches!(twice, Err(CommitError::Conflict)), "{twice:?}");

    let issued = IssuedKey {
        key: samples::key_ref(tenant.scope),
        expires_at: at(99),
        created_at: at(98),
    };
    let issue = Change::IssueKey(Box::new(issued.clone()));
    store
        .commit(std::slice::from_ref(&issue))
        .await
        .expect("issued");
    assert_eq!(
        store.issued_key(&issued.key).await.expect("read"),
        Some(issued)
    );
    assert!(matches!(
        store.commit(&[issue]).await,
        Err(CommitError::Conflict)
    ));
}
