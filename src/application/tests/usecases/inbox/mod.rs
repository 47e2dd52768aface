//! What gateways tell: kept once, sorted by our own books, and asked about within bounds; whatever
//! is told, the books follow the gateway's answers alone.

mod budget;
mod gone;
mod intake;
mod keys;
mod orders;
mod orders_of_accounts;
mod proofs;
mod sorters;
mod unopened;

use std::time::Duration;

use application::Approve;
use application::inbox::HookError;
use application::ports::Brought;
use application::ports::store::{HasInbox as _, Payments as _};
use domain::change::Hold;
use domain::id::{GatewayAccountId, WorkerId};
use domain::inbox::{Headers, Inbound, Verdict};
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cancel, Snapshot, Status};
use tokio::time::sleep;

use crate::installation::{Installation, done, krw, snapshot};
use crate::store::Fault;

pub(crate) use intake::{Deposits, intake};

const SECOND: Duration = Duration::from_secs(1);

impl Installation {
    async fn account(&self) -> GatewayAccountId {
        use application::ports::store::Access as _;
        let accounts = self.memory.gateway_accounts(self.caller.scope).await;
        accounts.unwrap()[0].id
    }

    /// A notification comes in.
    async fn told(&self, body: &str) -> Result<Brought, HookError> {
        let account = self.account().await;
        let body = body.as_bytes().to_vec();
        self.app
            .receive_hook(account, Headers::default(), body)
            .await
    }

    /// What is due is sorted and looked at.
    async fn worked(&self) {
        sleep(SECOND).await;
        self.app.sort_inbox().await.unwrap();
        for look in self.app.look_at_hints().await.unwrap() {
            look.await.unwrap();
        }
    }

    /// The same for so many seconds.
    async fn worked_for(&self, seconds: u32) {
        for _ in 0..seconds {
            self.worked().await;
        }
    }

    fn inbox(&self) -> Vec<Inbound> {
        self.memory.all_inbounds()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        self.inbox().iter().map(|inbound| inbound.verdict).collect()
    }

    fn asked(&self) -> usize {
        self.gateway.asked.lock().unwrap().len()
    }

    /// An approved payment with a payment key of its own.
    async fn bought(&self, name: &str) -> Approve {
        let mut command = self.prepared(&format!("order-{name}")).await;
        command.payment_key = format!("tgen_{name}").parse().unwrap();
        self.will_answer(Duration::ZERO, done(&command));
        self.approve(&command, name).await.unwrap();
        command
    }

    /// What the books say was given back.
    async fn given_back(&self, command: &Approve) -> i64 {
        self.payment(command.payment).await.canceled.minor()
    }
}

/// As it is after others gave back these parts.
fn canceled(command: &Approve, parts: &[(&str, i64)]) -> Snapshot {
    let mut shown = snapshot(command, Status::PartialCanceled, 10_000);
    let back: i64 = parts.iter().map(|(_, part)| part).sum();
    shown.balance = Some(krw(10_000 - back));
    let cancels = parts.iter().map(|(key, part)| Cancel {
        transaction_key: key.parse().unwrap(),
        amount: krw(*part),
        tax_free: Some(krw(0)),
        reason: "console".to_owned(),
        done: true,
        canceled_at: None,
    });
    shown.cancels = cancels.collect();
    shown
}

fn shown(snapshot: Snapshot) -> Answer {
    Answer::Found(Box::new(snapshot))
}

#[tokio::test(start_paused = true)]
async fn what_comes_seven_times_has_one_effect() {
    let shop = Installation::new();
    let command = shop.bought("dup").await;
    let before = shop.asked();
    let body = format!("hint {} moved c1", command.gateway_order);
    shop.will_show(shown(canceled(&command, &[("c1", 3_000)])));
    assert_eq!(shop.told(&body).await.unwrap(), Brought::Kept);
    for _ in 0..6 {
        assert_eq!(shop.told(&body).await.unwrap(), Brought::Again);
        shop.worked().await;
    }
    assert_eq!(shop.given_back(&command).await, 3_000);
    assert_eq!(shop.memory.all_entries().len(), 2);
    assert_eq!(shop.verdicts(), [Verdict::Hinted]);
    assert_eq!(shop.asked(), before + 1);
    assert_eq!(shop.memory.all_hints()[0].due_at, None);
}

#[tokio::test(start_paused = true)]
async fn what_the_books_have_is_not_asked_about() {
    let shop = Installation::new();
    let command = shop.bought("known").await;
    let unpaid = shop.prepared("order-unpaid").await;
    let before = shop.asked();
    for body in [
        format!("hint {} moved txrd_1", command.gateway_order),
        format!("hint {} nothing", unpaid.gateway_order),
    ] {
        shop.told(&body).await.unwrap();
    }
    shop.worked_for(3).await;
    assert_eq!(shop.verdicts(), [Verdict::Known, Verdict::Known]);
    assert_eq!(shop.asked(), before);
    assert!(shop.memory.all_hints().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_claim_changes_nothing_whatever_it_says() {
    let shop = Installation::new();
    let (paid, unpaid) = (shop.bought("true").await, shop.prepared("order-001").await);
    let books = shop.memory.all_entries();
    // The gateway says the same as ever.
    for _ in 0..20 {
        shop.will_show(done(&paid));
    }
    for (number, body) in [
        format!("hint {} moved forged", paid.gateway_order),
        format!("hint {} nothing", paid.gateway_order),
        format!("hint {} moved tgen_evil", paid.gateway_order),
        "hint gwo_00000000000000000000000000000000zz moved t".to_owned(),
        "hint ../../v1/payments unclear".to_owned(),
        "none".to_owned(),
        "signed".to_owned(),
        "nonsense".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        shop.told(&format!("{body} {number}")).await.unwrap();
        shop.worked_for(3).await;
    }
    assert_eq!(shop.memory.all_entries(), books);
    assert_eq!(shop.payment(paid.payment).await.status(), PayStatus::Done);
    let ready = shop.payment(unpaid.payment).await;
    assert_eq!(ready.status(), PayStatus::Ready);
    let words: Vec<&str> = shop.verdicts().iter().map(|one| one.as_str()).collect();
    assert_eq!(
        words.join(" "),
        "HINTED HINTED HINTED UNKNOWN_ORDER UNKNOWN_ORDER NO_ORDER UNVERIFIED UNREADABLE"
    );
}

#[tokio::test(start_paused = true)]
async fn an_order_nobody_tried_to_pay_is_asked_about_by_its_name() {
    let shop = Installation::new();
    let command = shop.prepared("order-window").await;
    shop.will_show(Answer::NotFound);
    let body = format!("hint {} unclear", command.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(2).await;
    assert_eq!(shop.asked(), 1);
    assert_eq!(shop.memory.all_hints()[0].due_at, None);
    assert!(shop.memory.all_sightings().is_empty());
    // Money that is there all the same is the watch's to judge.
    shop.will_show(done(&command));
    shop.told(&format!("{body} again")).await.unwrap();
    shop.worked_for(2).await;
    let sightings = shop.memory.all_sightings();
    assert_eq!(sightings.len(), 1);
    assert_eq!(sightings[0].key, command.payment_key);
    assert!(shop.memory.all_entries().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_booked_is_left_to_the_watch() {
    let shop = Installation::new();
    let command = shop.bought("odd").await;
    let mut odd = canceled(&command, &[("c1", 3_000)]);
    odd.balance = Some(krw(1));
    shop.will_show(shown(odd));
    let body = format!("hint {} moved c1", command.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(2).await;
    assert_eq!(shop.given_back(&command).await, 0);
    assert_eq!(shop.memory.all_sightings().len(), 1);
    shop.will_show(shown(canceled(&command, &[("c1", 3_000)])));
    sleep(Duration::from_mins(1)).await;
    shop.app.watch().await.unwrap();
    assert_eq!(shop.given_back(&command).await, 3_000);
    assert!(shop.memory.all_sightings().is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_out_of_order_end_as_two_in_order() {
    for order in [["c1", "c2"], ["c2", "c1"]] {
        let shop = Installation::new();
        let command = shop.bought("order").await;
        for key in order {
            shop.will_show(shown(canceled(&command, &[("c1", 1_000), ("c2", 2_000)])));
            let body = format!("hint {} moved {key}", command.gateway_order);
            shop.told(&body).await.unwrap();
            shop.worked_for(3).await;
        }
        assert_eq!(shop.given_back(&command).await, 3_000);
        assert_eq!(shop.memory.all_entries().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_races_our_own_approval_changes_nothing() {
    let shop = Installation::new();
    let command = shop.prepared("order-race").await;
    shop.will_answer(Duration::from_secs(5), done(&command));
    let body = format!("hint {} moved txrd_1", command.gateway_order);
    let tells = async {
        sleep(SECOND).await;
        shop.told(&body).await.unwrap();
        shop.worked_for(3).await;
        assert_eq!(shop.asked(), 0, "its saga is open, and will see for itself");
    };
    let (approved, ()) = tokio::join!(shop.approve(&command, "race"), tells);
    approved.unwrap();
    shop.worked_for(20).await;
    let payment = shop.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::Done);
    assert_eq!(shop.memory.all_entries().len(), 1);
    assert_eq!(shop.asked(), 0);
    assert_eq!(shop.memory.all_hints()[0].due_at, None);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_kept_is_not_answered_as_if_it_were() {
    let shop = Installation::new();
    shop.store.is(Fault::AnswerLost);
    assert_eq!(shop.told("none 1").await.unwrap(), Brought::Kept);
    shop.store.is(Fault::RivalOnce);
    assert_eq!(shop.told("none 2").await.unwrap(), Brought::Kept);
    assert_eq!(shop.inbox().len(), 2, "a conflict is no duplicate");
    assert_eq!(shop.told("none 2").await.unwrap(), Brought::Again);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_had_taken_is_taken_over() {
    let shop = Installation::new();
    let command = shop.bought("dead").await;
    let body = format!("hint {} moved c1", command.gateway_order);
    shop.told(&body).await.unwrap();
    sleep(SECOND).await;
    shop.app.sort_inbox().await.unwrap();
    let hold = Hold {
        holder: WorkerId::new("0".repeat(34).parse().unwrap()),
        lease: Duration::from_mins(3),
    };
    let now = shop.app.clock().now();
    let taken = shop.memory.inbox().claim_hint(now, hold, &[]).await;
    assert!(taken.unwrap().is_some());
    shop.will_show(shown(canceled(&command, &[("c1", 3_000)])));
    shop.worked_for(100).await;
    assert_eq!(shop.given_back(&command).await, 0, "somebody else has it");
    shop.worked_for(90).await;
    assert_eq!(shop.given_back(&command).await, 3_000);
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_forgotten_in_time_and_not_before() {
    let shop = Installation::new();
    let command = shop.bought("old").await;
    shop.will_show(done(&command));
    let body = format!("hint {} unclear", command.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(3).await;
    sleep(Duration::from_hours(30 * 24 - 1)).await;
    assert_eq!(shop.app.sweep_inbox().await.unwrap(), 0);
    assert_eq!(shop.told(&body).await.unwrap(), Brought::Again);
    sleep(Duration::from_hours(2)).await;
    assert_eq!(shop.app.sweep_inbox().await.unwrap(), 1);
    assert!(shop.inbox().is_empty() && shop.memory.all_hints().is_empty());
    let payment = shop.memory.any_payment(command.payment).await.unwrap();
    assert!(payment.is_some());
}
