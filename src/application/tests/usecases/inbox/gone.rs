//! Billing keys that the gateway says it deleted: those that this account has are charged no more,
//! once no charge needs them; whatever else is named changes nothing.

use std::time::Duration;

use application::Charge;
use application::ports::store::Access as _;
use application::ports::vault::Secret;
use domain::billing::Status;
use domain::inbox::Verdict;
use domain::merchant::GatewayAccount;
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause};

use crate::installation::{Installation, done, keyed};

#[tokio::test(start_paused = true)]
async fn what_the_gateway_deleted_is_deleted_here_and_another_card_stands_in() {
    let here = Installation::new();
    let first = here.card("member-1", "bk-1").await;
    let second = here.card("member-1", "bk-2").await;
    let others = here.card("member-2", "bk-3").await;
    assert!(first.is_default());
    let before = here.asked();
    for body in ["gone bk-7", "gone bk-1", "gone bk-1 again"] {
        here.told(body).await.unwrap();
        here.worked().await;
    }
    let verdicts = [Verdict::NoOrder, Verdict::KeyGone, Verdict::NoOrder];
    assert_eq!(here.verdicts(), verdicts);
    let gone = here.read(&first).await;
    assert_eq!(gone.status(), Status::Deleted);
    assert!(gone.stored().is_none(), "nothing is kept to charge");
    assert!(here.read(&second).await.is_default());
    assert_eq!(here.read(&others).await, others);
    assert_eq!(here.asked(), before, "there is no question for it");
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_has_are_nothing() {
    let here = Installation::new();
    let card = here.card("member-1", "bk-1").await;
    let before = here.asked();
    for number in 0..500 {
        here.told(&format!("gone forged-{number}")).await.unwrap();
        if number % 50 == 0 {
            here.worked().await;
        }
    }
    here.worked_for(30).await;
    assert!(here.verdicts().iter().all(|one| *one == Verdict::NoOrder));
    assert_eq!(here.read(&card).await, card);
    assert_eq!(here.asked(), before);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_gone_at_its_own_account_alone() {
    let here = Installation::new();
    let card = here.card("member-1", "bk-1").await;
    let own = here
        .memory
        .gateway_accounts(here.caller.scope)
        .await
        .unwrap();
    let own = own.into_iter().next().unwrap();
    let another = GatewayAccount {
        id: format!("gwa_{:034}", 7).parse().unwrap(),
        ..own.clone()
    };
    let key = Secret::from("bk-1");
    assert!(!here.app.card_is_gone(&another, &key).await.unwrap());
    assert_eq!(here.read(&card).await.status(), Status::Active);
    assert!(here.app.card_is_gone(&own, &key).await.unwrap());
    assert_eq!(here.read(&card).await.status(), Status::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_being_charged_is_kept_until_the_charge_is_over() {
    let here = Installation::new();
    let card = here.card("member-1", "bk-1").await;
    let approve = here.cycle("member-1", "cycle-0001").await;
    let command = Charge {
        payment: approve.payment,
        billing_key: None,
    };
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    let charge = here.app.charge(here.caller.clone(), command, keyed("k", 1));
    charge.await.unwrap();
    here.told("gone bk-1").await.unwrap();
    here.worked_for(3).await;
    assert_eq!(here.verdicts(), [Verdict::Waiting]);
    assert_eq!(here.read(&card).await.status(), Status::Active);
    *here.gateway.truth.lock().unwrap() = Some(done(&approve));
    for _ in 0..400 {
        here.app.recover().await.unwrap();
        here.worked().await;
    }
    let payment = here.payment(approve.payment).await;
    assert_eq!(payment.status(), PayStatus::Done);
    assert_eq!(here.verdicts(), [Verdict::KeyGone]);
    assert_eq!(here.read(&card).await.status(), Status::Deleted);
}
