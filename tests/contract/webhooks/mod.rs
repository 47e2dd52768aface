//! Endpoints of webhooks: changed on top of their version, and who is told of events.

mod deliveries;
mod notices;
mod waiting;

use std::collections::BTreeSet;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::CommitError;
use domain::change;
use domain::id::EndpointId;
use domain::principal::{Actor, Mode, Scope};
use domain::vault::Sealed;
use domain::webhook::{Attempt, Change, Deed, Delivery, Endpoint, Outcome, Secrets, Status};

use crate::samples::{Tenant, at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    endpoints_read_back,
    an_endpoint_is_changed_on_top_of_its_version,
    since_when_it_fails_is_noted_once,
    only_enabled_endpoints_listen,
);

fn written(change: Change) -> change::Change {
    change::Change::Webhook(Box::new(change))
}

pub(crate) fn endpoint(scope: Scope) -> Endpoint {
    Endpoint {
        id: EndpointId::new(raw()),
        scope,
        url: "https://shop.example/hooks".parse().expect("an address"),
        events: "payment.approved,payment.canceled".parse().expect("kinds"),
        status: Status::Enabled,
        secrets: Secrets {
            current: Sealed(vec![1, 2, 3]),
            previous: Some((Sealed(vec![4, 5]), at(50))),
        },
        failing_since: None,
        version: 1,
        created_at: at(10),
    }
}

pub(crate) fn made(endpoint: &Endpoint) -> change::Change {
    written(Change::InsertEndpoint(Box::new(endpoint.clone())))
}

pub(crate) fn noted(endpoint: &Endpoint) -> change::Change {
    written(Change::Note(endpoint.note(
        Deed::Created,
        Actor::Merchant,
        at(10),
    )))
}

pub(crate) fn inserted(delivery: &Delivery) -> change::Change {
    written(Change::InsertDelivery(Box::new(*delivery)))
}

pub(crate) fn logged(delivery: &Delivery) -> change::Change {
    written(Change::LogAttempt(Box::new(attempt(delivery))))
}

fn attempt(delivery: &Delivery) -> Attempt {
    Attempt {
        key: delivery.key,
        number: delivery.tries.max(1),
        at: at(20),
        took: Duration::from_millis(15),
        outcome: Outcome::Refused,
        status: Some(503),
        detail: "busy".to_owned(),
    }
}

async fn endpoint_of(store: &dyn Store, tenant: &Tenant) -> Endpoint {
    let endpoint = endpoint(tenant.scope);
    let made = store.commit(&[made(&endpoint)]).await;
    made.expect("an endpoint");
    endpoint
}

async fn endpoints_read_back(tested: Tested) {
    let store = tested.store.as_ref();
    let (one, other) = (tenant(store).await, tenant(store).await);
    let first = endpoint_of(store, &one).await;
    let second = Endpoint {
        created_at: at(11),
        events: "".parse().expect("all"),
        secrets: Secrets {
            current: Sealed(vec![9]),
            previous: None,
        },
        failing_since: Some(at(12)),
        ..endpoint(one.scope)
    };
    store.commit(&[made(&second)]).await.expect("another");
    endpoint_of(store, &other).await;
    assert_eq!(
        store.endpoint(first.id).await.expect("read"),
        Some(first.clone())
    );
    let listed = store.endpoints(one.scope, 9).await.expect("read");
    assert_eq!(listed, [second.clone(), first.clone()], "newest first");
    let live = Scope {
        mode: Mode::Live,
        ..one.scope
    };
    assert_eq!(store.endpoints(live, 9).await.expect("read"), []);
    assert_eq!(store.endpoints(one.scope, 1).await.expect("read"), [second]);
    let again = store.commit(&[made(&first)]).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    let unknown = store.endpoint(EndpointId::new(raw())).await;
    assert_eq!(unknown.expect("read"), None);
}

async fn an_endpoint_is_changed_on_top_of_its_version(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let found = endpoint_of(store, &tenant).await;
    let next = Endpoint {
        url: "https://shop.example/v2".parse().expect("an address"),
        status: Status::Dead,
        secrets: Secrets {
            current: Sealed(vec![7]),
            previous: None,
        },
        // Not written by this change.
        failing_since: Some(at(1)),
        ..found.next()
    };
    let change = |expected| {
        let update = Change::UpdateEndpoint {
            endpoint: Box::new(next.clone()),
            expected,
        };
        [
            written(update),
            written(Change::Note(next.note(Deed::Dead, Actor::System, at(30)))),
        ]
    };
    let stale = store.commit(&change(2)).await;
    assert!(matches!(stale, Err(CommitError::Conflict)), "{stale:?}");
    assert_eq!(store.notes(found.id, 9).await.expect("read"), []);
    store.commit(&change(1)).await.expect("changed");
    let again = store.commit(&change(1)).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    let read = store
        .endpoint(found.id)
        .await
        .expect("read")
        .expect("there");
    let expected = Endpoint {
        failing_since: None,
        ..next.clone()
    };
    assert_eq!(read, expected);
    let note = next.note(Deed::Dead, Actor::System, at(30));
    assert_eq!(store.notes(found.id, 9).await.expect("read"), [note]);
}

async fn since_when_it_fails_is_noted_once(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let id = endpoint_of(store, &tenant).await.id;
    let begins = |seconds| {
        written(Change::BeginFailing {
            endpoint: id,
            since: at(seconds),
        })
    };
    let ends = written(Change::EndFailing(id));
    let failing = async || {
        store
            .endpoint(id)
            .await
            .expect("read")
            .expect("there")
            .failing_since
    };
    let early = store.commit(std::slice::from_ref(&ends)).await;
    assert!(matches!(early, Err(CommitError::Conflict)), "{early:?}");
    store.commit(&[begins(5)]).await.expect("noted");
    let later = store.commit(&[begins(6)]).await;
    assert!(matches!(later, Err(CommitError::Conflict)), "{later:?}");
    assert_eq!(failing().await, Some(at(5)));
    store.commit(&[ends]).await.expect("noted");
    assert_eq!(failing().await, None);
}

async fn only_enabled_endpoints_listen(tested: Tested) {
    let store = tested.store.as_ref();
    let (one, other) = (tenant(store).await, tenant(store).await);
    let told = endpoint_of(store, &one).await;
    let live = Endpoint {
        scope: Scope {
            mode: Mode::Live,
            ..one.scope
        },
        ..endpoint(one.scope)
    };
    let mut rows = vec![made(&live)];
    for status in [
        Status::Disabled,
        Status::Gone,
        Status::Dead,
        Status::Deleted,
    ] {
        let quiet = Endpoint {
            status,
            ..endpoint(one.scope)
        };
        rows.push(made(&quiet));
    }
    store.commit(&rows).await.expect("endpoints");
    endpoint_of(store, &other).await;
    let merchants = [one.scope.merchant];
    let listening = store.listening(&merchants).await.expect("read");
    let ids: BTreeSet<EndpointId> = listening
        .iter()
        .map(|listener| listener.endpoint.as_ref().expect("readable").id)
        .collect();
    assert_eq!(ids, BTreeSet::from([told.id, live.id]));
    let listed = store.endpoints(one.scope, 9).await.expect("read");
    assert_eq!(listed.len(), 4, "all but the deleted one");
}
