//! What becomes of a merchant that is suspended, and of the currencies it takes.

use std::sync::Arc;
use std::time::Duration;

use application::ports::store::Commit;
use application::{AccessError, PrepareError, Tenancy, TenancyError, hash_of_key};
use domain::change::Change;
use domain::id::{ApiKeyId, MerchantId, RawId};
use domain::merchant::{ApiKey, KeyKind, Status};
use domain::money::{Currency, Money};
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause, Status as Shown};
use tokio::time::sleep;

use crate::installation::{Installation, START, keyed, order, snapshot};
use crate::store::Fault;

/// How long a copy of the service may go on with what it has read.
const BELIEVED: Duration = Duration::from_secs(5);

fn tenancy(here: &Installation) -> Tenancy<'_> {
    Tenancy {
        store: here.store.as_ref(),
        conflicts_max: 5,
    }
}

async fn with_key(here: &Installation, text: &str) {
    let key = ApiKey {
        id: ApiKeyId::new(RawId::from_parts(3, 3)),
        scope: here.caller.scope,
        kind: KeyKind::Secret,
        hash: hash_of_key(text),
        created_at: START,
    };
    let change = Change::InsertApiKey(key);
    here.store.commit(&[change]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_suspended_merchant_is_refused_and_a_resumed_one_goes_on() {
    let here = Installation::new();
    with_key(&here, "sk_test_one").await;
    let id = here.caller.scope.merchant;
    assert!(here.app.authenticate("sk_test_one").await.is_ok());
    let suspended = tenancy(&here).set_status(id, Status::Suspended).await;
    assert_eq!(suspended.unwrap().status, Status::Suspended);
    sleep(BELIEVED).await;
    let refused = here.app.authenticate("sk_test_one").await;
    assert!(
        matches!(refused, Err(AccessError::Suspended)),
        "{refused:?}"
    );
    let resumed = tenancy(&here).set_status(id, Status::Active).await;
    assert_eq!(resumed.unwrap().status, Status::Active);
    sleep(BELIEVED).await;
    let scope = here.app.authenticate("sk_test_one").await.unwrap();
    assert_eq!(scope, here.caller.scope);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_finished_for_a_suspended_merchant() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&command, "k").await.unwrap();
    let standing = here.payment(command.payment).await.status();
    assert_eq!(standing, PayStatus::InProgress);
    let id = here.caller.scope.merchant;
    tenancy(&here)
        .set_status(id, Status::Suspended)
        .await
        .unwrap();
    for _ in 0..4 {
        let shown = snapshot(&command, Shown::Done, 10_000);
        here.will_show(Answer::Found(Box::new(shown)));
    }
    here.tasks
        .spawn(Arc::clone(&here.app).recover_continuously());
    sleep(Duration::from_mins(1)).await;
    here.drain.cancel();
    let standing = here.payment(command.payment).await.status();
    assert_eq!(standing, PayStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_currency_is_taken_while_it_is_enabled_and_a_repeat_is_told_the_same() {
    let here = Installation::new();
    let id = here.caller.scope.merchant;
    let in_dollars = |name: &str| {
        let mut command = order(name);
        command.amount = Money::new(1_000, Currency::Usd).unwrap();
        command
    };
    let first = in_dollars("order-0001");
    let refused = here.app.prepare(&here.caller, &first, None).await;
    assert!(
        matches!(refused, Err(PrepareError::CurrencyDisabled)),
        "{refused:?}"
    );
    let both = "KRW,USD".parse().unwrap();
    tenancy(&here).set_currencies(id, &both).await.unwrap();
    sleep(BELIEVED).await;
    let key = keyed("k", 1);
    let taken = here.app.prepare(&here.caller, &first, Some(&key)).await;
    let taken = taken.unwrap();
    let won = "KRW".parse().unwrap();
    tenancy(&here).set_currencies(id, &won).await.unwrap();
    sleep(BELIEVED).await;
    let again = here.app.prepare(&here.caller, &first, Some(&key)).await;
    let again = again.unwrap();
    assert!(
        again.replayed && again.outcome == taken.outcome,
        "{again:?}"
    );
    let second = in_dollars("order-0002");
    let refused = here.app.prepare(&here.caller, &second, None).await;
    assert!(
        matches!(refused, Err(PrepareError::CurrencyDisabled)),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn changing_nothing_writes_nothing_and_nobody_is_not_found() {
    let here = Installation::new();
    let id = here.caller.scope.merchant;
    here.store.is(Fault::CommitsHang);
    let as_it_was = tenancy(&here).set_status(id, Status::Active).await;
    assert_eq!(as_it_was.unwrap().version, 1);
    let won = "KRW".parse().unwrap();
    let as_it_was = tenancy(&here).set_currencies(id, &won).await;
    assert_eq!(as_it_was.unwrap().version, 1);
    let nobody = MerchantId::new(RawId::from_parts(9, 9));
    let found = tenancy(&here).set_status(nobody, Status::Suspended).await;
    assert!(matches!(found, Err(TenancyError::NotFound)), "{found:?}");
}
