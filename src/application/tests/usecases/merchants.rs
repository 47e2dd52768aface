//! What becomes of a merchant that is suspended, and of the currencies it takes.

use std::sync::Arc;
use std::time::Duration;

use application::{AccessError, PrepareError, TenancyError};
use domain::id::{MerchantId, RawId};
use domain::merchant::{KeyKind, KeyText, Status};
use domain::money::{Currency, Money};
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause, Status as Shown};
use tokio::time::sleep;

use crate::installation::{Installation, keyed, order, snapshot};
use crate::store::Fault;

/// How long a copy of the service may go on with what it has read.
const BELIEVED: Duration = Duration::from_secs(5);

/// A text, and its key in the store.
async fn with_key(here: &Installation) -> KeyText {
    let scope = here.caller.scope;
    let tenancy = here.app.tenancy();
    let new = tenancy.issue_key(scope, KeyKind::Secret, None).await;
    new.unwrap().text
}

#[tokio::test(start_paused = true)]
async fn a_suspended_merchant_is_refused_and_a_resumed_one_goes_on() {
    let here = Installation::new();
    let text = with_key(&here).await;
    let id = here.caller.scope.merchant;
    assert!(here.app.authenticate(&text).await.is_ok());
    let suspended = here.app.tenancy().set_status(id, Status::Suspended).await;
    assert_eq!(suspended.unwrap().status, Status::Suspended);
    sleep(BELIEVED).await;
    let refused = here.app.authenticate(&text).await;
    assert!(
        matches!(refused, Err(AccessError::Suspended)),
        "{refused:?}"
    );
    let resumed = here.app.tenancy().set_status(id, Status::Active).await;
    assert_eq!(resumed.unwrap().status, Status::Active);
    sleep(BELIEVED).await;
    let credential = here.app.authenticate(&text).await.unwrap();
    assert_eq!(credential.scope, here.caller.scope);
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
    here.app
        .tenancy()
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
    here.app.tenancy().set_currencies(id, &both).await.unwrap();
    sleep(BELIEVED).await;
    let key = keyed("k", 1);
    let taken = here.app.prepare(&here.caller, &first, Some(&key)).await;
    let taken = taken.unwrap();
    let won = "KRW".parse().unwrap();
    here.app.tenancy().set_currencies(id, &won).await.unwrap();
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
    let as_it_was = here.app.tenancy().set_status(id, Status::Active).await;
    assert_eq!(as_it_was.unwrap().version, 1);
    let won = "KRW".parse().unwrap();
    let as_it_was = here.app.tenancy().set_currencies(id, &won).await;
    assert_eq!(as_it_was.unwrap().version, 1);
    let nobody = MerchantId::new(RawId::from_parts(9, 9));
    let found = here
        .app
        .tenancy()
        .set_status(nobody, Status::Suspended)
        .await;
    assert!(matches!(found, Err(TenancyError::NotFound)), "{found:?}");
}
