//! Who sorts and looks: each notification in one hand at a time, and nobody's gateway holds up
//! another's.

use std::time::Duration;

use application::Approve;
use application::ports::Brought;
use application::ports::store::{Access as _, HasInbox as _};
use domain::change::{Change, Hold};
use domain::id::{GatewayAccountId, MerchantId, WorkerId};
use domain::inbox::{Headers, Verdict};
use domain::merchant::{GatewayAccount, Merchant};
use domain::principal::Scope;
use domain::snapshot::Answer;
use tokio::time::sleep;

use super::intake::IDLE;
use super::{SECOND, canceled, shown};
use crate::installation::{Installation, START, done, keyed, order};
use crate::store::Fault;

#[tokio::test(start_paused = true)]
async fn what_one_worker_sorts_no_other_one_does() {
    let shop = Installation::new();
    let command = shop.bought("lease").await;
    let body = format!("hint {} unclear", command.gateway_order);
    shop.told(&body).await.unwrap();
    sleep(SECOND).await;
    let another = Hold {
        holder: WorkerId::new("0".repeat(34).parse().unwrap()),
        lease: Duration::from_mins(1),
    };
    let now = shop.app.clock().now();
    let taken = shop.memory.inbox().claim_inbounds(now, another, 10).await;
    assert_eq!(taken.unwrap().len(), 1);
    assert_eq!(shop.app.sort_inbox().await.unwrap(), 0, "it is another's");
    sleep(Duration::from_mins(1)).await;
    assert_eq!(shop.app.sort_inbox().await.unwrap(), 1, "who is dead");
    assert_eq!(shop.verdicts(), [Verdict::Hinted]);
    assert_eq!(shop.app.sort_inbox().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_slower_than_another_tries_again_at_once() {
    let shop = Installation::new();
    let command = shop.bought("rival").await;
    for number in 0..3 {
        let body = format!("hint {} unclear {number}", command.gateway_order);
        shop.told(&body).await.unwrap();
    }
    sleep(SECOND).await;
    shop.store.is(Fault::RivalOnce);
    assert_eq!(shop.app.sort_inbox().await.unwrap(), 3);
    assert_eq!(shop.verdicts(), [Verdict::Hinted; 3]);
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_is_judged_at_once_and_kept_in_bounds() {
    let shop = Installation::new();
    let mut kept = 0;
    for number in 0..3 * IDLE {
        let body = match number % 3 {
            0 => format!("none {number}"),
            1 => format!("signed {number}"),
            _ => format!("hint somebodys-{number} unclear"),
        };
        match shop.told(&body).await.unwrap() {
            Brought::Kept => kept += 1,
            Brought::Dropped => assert_eq!(kept, IDLE),
            other @ (Brought::Again | Brought::Refused) => panic!("{other:?}"),
        }
    }
    assert_eq!(kept, IDLE);
    let [none, signed, strange] = [Verdict::NoOrder, Verdict::Unverified, Verdict::Waiting];
    assert_eq!(shop.verdicts()[..3], [none, signed, strange]);
    let due = shop.inbox().len() / 3;
    sleep(SECOND).await;
    let sorted = shop.app.sort_inbox().await.unwrap();
    assert_eq!(usize::try_from(sorted).unwrap(), due, "nothing twice");
    // What is ours is kept all the same, and an hour later there is room again.
    let command = shop.bought("room").await;
    let body = format!("hint {} unclear", command.gateway_order);
    assert_eq!(shop.told(&body).await.unwrap(), Brought::Kept);
    assert_eq!(shop.told("none more").await.unwrap(), Brought::Dropped);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(shop.told("none later").await.unwrap(), Brought::Kept);
}

#[tokio::test(start_paused = true)]
async fn what_may_be_ours_is_kept_in_bounds_unless_it_is() {
    let shop = Installation::new();
    shop.card("member-1", "bk-1").await;
    let command = shop.bought("bounds").await;
    for number in 0..IDLE {
        let body = if number % 2 == 0 {
            format!("hint gwo_{number:034} unclear")
        } else {
            format!("gone forged-{number}")
        };
        assert_eq!(shop.told(&body).await.unwrap(), Brought::Kept);
    }
    let order = command.gateway_order;
    for (body, told) in [
        (format!("hint gwo_{:034} unclear", 99), Brought::Dropped),
        ("gone forged-99".to_owned(), Brought::Dropped),
        (format!("hint {order} unclear"), Brought::Kept),
        ("gone bk-1".to_owned(), Brought::Kept),
    ] {
        assert_eq!(shop.told(&body).await.unwrap(), told, "{body}");
    }
}

impl Installation {
    /// Another merchant with an account, at which a payment was approved.
    async fn bought_elsewhere(&self, number: u32) -> (GatewayAccountId, Approve) {
        let id = |kind: &str| format!("{kind}_{number:034}");
        let merchant: MerchantId = id("mer").parse().unwrap();
        let scope = Scope {
            merchant,
            ..self.caller.scope
        };
        let (name, currencies) = ("other".parse().unwrap(), "KRW".parse().unwrap());
        let account = GatewayAccount {
            merchant_id: Some("tgen_test".to_owned()),
            ..GatewayAccount::new(id("gwa").parse().unwrap(), scope, START)
        };
        let at = account.id;
        let made = [
            Change::InsertMerchant(Merchant::new(merchant, name, currencies, START)),
            Change::InsertGatewayAccount(account),
        ];
        self.memory.commit_now(&made).unwrap();
        assert_eq!(self.memory.gateway_accounts(scope).await.unwrap().len(), 1);
        let mut caller = self.caller.clone();
        caller.scope = scope;
        let prepared = self.app.prepare(&caller, &order("order-there"), None).await;
        let application::Outcome::Ended(application::Ended::Prepared { payment }) =
            prepared.unwrap().outcome
        else {
            panic!("prepared at once")
        };
        let command = Approve {
            payment: payment.payment_id.parse().unwrap(),
            payment_key: format!("tgen_there_{number}").parse().unwrap(),
            gateway_order: payment.gateway_order_id.unwrap().parse().unwrap(),
            amount_minor: 10_000,
            asynchronous: false,
        };
        self.will_answer(Duration::ZERO, done(&command));
        let approved = self.app.approve(caller, command.clone(), keyed("k", 1));
        approved.await.unwrap();
        (at, command)
    }

    async fn told_at(&self, account: GatewayAccountId, body: &str) {
        let body = body.as_bytes().to_vec();
        let told = self.app.receive_hook(account, Headers::default(), body);
        assert_eq!(told.await.unwrap(), Brought::Kept);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_hangs_holds_up_nobody_elses_looks() {
    let shop = Installation::new();
    // More accounts than there are places, each with a gateway that does not answer.
    for number in 1..=20 {
        let (account, command) = shop.bought_elsewhere(number).await;
        let hangs = command.payment_key.to_string();
        shop.gateway.hangs.lock().unwrap().insert(hangs);
        let body = format!("hint {} moved c1", command.gateway_order);
        shop.told_at(account, &body).await;
    }
    let command = shop.bought("mine").await;
    sleep(SECOND).await;
    shop.app.sort_inbox().await.unwrap();
    shop.app.look_at_hints().await.unwrap();
    let body = format!("hint {} moved c1", command.gateway_order);
    shop.told(&body).await.unwrap();
    // Whatever the others were shown, this is what is shown here.
    let truth: Answer = shown(canceled(&command, &[("c1", 3_000)]));
    *shop.gateway.truth.lock().unwrap() = Some(truth);
    for _ in 0..10 {
        sleep(SECOND).await;
        shop.app.sort_inbox().await.unwrap();
        shop.app.look_at_hints().await.unwrap();
    }
    assert_eq!(shop.given_back(&command).await, 3_000);
}
