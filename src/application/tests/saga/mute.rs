//! Owns approvals at a gateway that answers no questions: only repeats tell what became of a call,
//! and what no repeat tells is left to a person.

use std::time::Duration;

use application::ports::gateway::{Abilities, Terms};
use application::ports::store::Payments;
use application::{ActError, Cancel};
use domain::decline::{Class, Decline};
use domain::payment::{Method, Methods, PayStatus};
use domain::saga::{ConfirmCall, Phase};
use domain::snapshot::{Answer, Cause};
use tokio::time::sleep;

use crate::books::{Books, refused};
use crate::bugs::Bug;
use crate::faults::Fault;
use crate::judge::breaches;
use crate::left::{done, leave};
use crate::scripts::{all_well, some_well};
use crate::world::{World, in_virtual_time, keyed};

/// What can go wrong where nothing can be asked. That the gateway takes another amount than it was
/// asked for no answer of such a gateway shows.
const OF_MUTE: [Fault; 17] = [
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::RequestLate,
    Fault::Decline,
    Fault::Temporary,
    Fault::UnknownCode,
    Fault::UnknownCodeAfterEffect,
    Fault::WrongOrder,
    Fault::Asleep,
    Fault::CommitLost,
    Fault::CommitInDoubt,
    Fault::CommitInDoubtUnwritten,
    Fault::Rival,
    Fault::Busy,
    Fault::NotSent,
    Fault::TemporaryLate,
    Fault::Malformed,
];

pub(crate) fn terms() -> Terms {
    Terms {
        abilities: Abilities::NONE,
        methods: Methods::only(Method::Card),
        ..Terms::default()
    }
}

impl Books {
    /// An order has one verdict: the first is repeated, whatever the key of the call. Anything
    /// else that is answered is no verdict, and not remembered.
    pub(crate) fn authorize(&mut self, call: &ConfirmCall, fault: Option<Fault>) -> Answer {
        if fault == Some(Fault::Malformed) {
            return Answer::Declined(Decline {
                class: Class::Merchant,
                ..refused()
            });
        }
        let order = call.order.to_string();
        if let Some(verdict) = self.stored.get(&order) {
            return verdict.clone();
        }
        let effects = self.confirms_with_effect;
        let answer = self.confirm_first(call, fault);
        let verdict = match &answer {
            Answer::Declined(_) => Some(answer.clone()),
            Answer::Found(_) | Answer::NotFound | Answer::Unknown(_) => {
                let taken = self.confirms_with_effect > effects;
                let account = self.accounts.iter().find(|one| one.key == call.payment_key);
                account.filter(|_| taken).map(Self::found)
            }
        };
        if let Some(verdict) = verdict {
            self.stored.insert(order, verdict);
        }
        answer
    }
}

/// What is wrong in the end, as everywhere, and whether the money was taken once at most.
async fn wrongs(world: &World, settled: bool) -> Vec<String> {
    let mut found = breaches(world, settled).await;
    let taken = world.gateway.books.lock().unwrap().confirms_with_effect;
    if taken > 1 {
        found.push(format!("the money was taken {taken} times"));
    }
    found
}

/// Runs one script to its end; what is wrong afterwards.
fn run(faults: &[Fault], bug: Option<Bug>) -> Vec<String> {
    in_virtual_time(async {
        let (world, key) = World::mute(faults, bug).await;
        world.approve_until_final(&key).await;
        let settled = world.settle().await;
        world.approve_until_final(&key).await;
        wrongs(&world, settled).await
    })
}

/// As [`run`], where nobody waits for the answer.
fn run_left(faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let (world, key) = World::mute(faults, None).await;
        leave(&world, &key).await;
        let is_done = done(&world).await;
        world.approve_until_final(&key).await;
        let settled = world.settle().await;
        wrongs(&world, is_done && settled).await
    })
}

#[test]
fn scripts_of_length_0_to_3() {
    (0..=3).for_each(|length| all_well(&OF_MUTE, length, |faults| run(faults, None)));
}

#[test]
fn scripts_of_length_0_to_2_that_nobody_waits_for() {
    (0..=2).for_each(|length| all_well(&OF_MUTE, length, run_left));
}

/// All 83,521 of them; the quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_4() {
    all_well(&OF_MUTE, 4, |faults| run(faults, None));
}

/// Of 1,419,857 one in nine; `scripts/prove` runs them all.
#[test]
fn exhaustive_scripts_of_length_5() {
    some_well(&OF_MUTE, 5, |faults| run(faults, None));
}

/// The scripts can fail.
#[test]
fn bugs_are_found() {
    for (bug, script) in [
        (Bug::LostIsDeclined, vec![Fault::AnswerLost]),
        (
            Bug::UnknownCodeIsDeclined,
            vec![Fault::UnknownCodeAfterEffect],
        ),
        (Bug::EntryForgotten, vec![]),
        (Bug::OutcomeForgotten, vec![]),
    ] {
        assert!(!run(&script, Some(bug)).is_empty(), "{bug:?} is not found");
        assert!(run(&script, None).is_empty(), "{script:?}");
    }
}

/// A refusal that answers a repeat is the answer to the first call, too.
#[test]
fn a_refusal_of_a_repeat_is_believed() {
    in_virtual_time(async {
        let script = [Fault::RequestLate, Fault::Decline];
        let (world, key) = World::mute(&script, None).await;
        world.approve_until_final(&key).await;
        let payment = world.memory_payment().await;
        assert_eq!(payment.status(), PayStatus::Ready);
        let declined = payment.state.declined().map(|declined| declined.class);
        assert_eq!(declined, Some(Class::Buyer));
        sleep(Duration::from_mins(5)).await;
        let late = tokio::time::Instant::now();
        world.gateway.books.lock().unwrap().catch_up(late);
        assert_eq!(world.gateway.books.lock().unwrap().confirms_with_effect, 0);
    });
}

/// Who finds a repeat malformed did not look what became of the first call.
#[test]
fn a_malformed_repeat_refuses_nothing() {
    in_virtual_time(async {
        let script = [Fault::AnswerLost, Fault::Malformed];
        let (world, key) = World::mute(&script, None).await;
        world.approve_until_final(&key).await;
        assert!(world.settle().await);
        assert_eq!(world.memory_payment().await.status(), PayStatus::Done);
    });
    in_virtual_time(async {
        let (world, key) = World::mute(&[Fault::Malformed], None).await;
        world.approve_until_final(&key).await;
        let payment = world.memory_payment().await;
        let declined = payment.state.declined().map(|declined| declined.class);
        assert_eq!(declined, Some(Class::Merchant), "the only call says it all");
    });
}

/// What no repeat tells is neither taken nor refused: it stays open, and nothing is called once the
/// buyer can no longer expect to pay.
#[test]
fn what_no_repeat_tells_is_left_to_a_person() {
    in_virtual_time(async {
        let garbled = vec![Fault::UnknownCode; 10_000];
        let (world, key) = World::mute(&garbled, None).await;
        leave(&world, &key).await;
        sleep(Duration::from_hours(24) + Duration::from_mins(10)).await;
        let left = world.left_in_script();
        // By the schedule of questions: every two minutes, in the end.
        let calls = garbled.len() - left;
        assert!((700..800).contains(&calls), "{calls} calls");
        sleep(Duration::from_hours(48)).await;
        assert_eq!(world.left_in_script(), left, "called after the time to pay");
        assert_eq!(world.memory_payment().await.status(), PayStatus::InProgress);
        let sagas = world.memory.all_sagas();
        assert_eq!(sagas.len(), 1);
        assert_eq!(sagas[0].progress.phase, Phase::Ask);
        assert_eq!(sagas[0].progress.n, 1, "never under another key");
        assert!(world.memory.all_entries().is_empty());
    });
}

#[test]
fn a_payment_key_of_its_own_is_refused() {
    in_virtual_time(async {
        let (world, _) = World::mute(&[], None).await;
        let other = "tgen_somebody".parse().unwrap();
        world.approve_until_final(&other).await;
        assert_eq!(world.memory_payment().await.status(), PayStatus::Ready);
        assert!(world.memory.all_sagas().is_empty());
    });
}

#[test]
fn a_gateway_that_gives_nothing_back_is_not_asked_to() {
    in_virtual_time(async {
        let (world, key) = World::mute(&[], None).await;
        world.approve_until_final(&key).await;
        let paid = world.memory_payment().await;
        assert_eq!(paid.status(), PayStatus::Done);
        let command = Cancel {
            payment: world.payment,
            amount_minor: None,
            tax_free_minor: None,
            reason: "wanted back".parse().unwrap(),
            to: None,
        };
        let refused = world
            .app
            .cancel(world.caller.clone(), command, keyed("c-1"));
        assert!(matches!(refused.await, Err(ActError::CannotGiveBack)));
        let now = world.memory.any_payment(world.payment).await.unwrap();
        assert_eq!(now.unwrap().version, paid.version, "nothing was written");
        assert_eq!(world.memory.all_reservations().len(), 1);
    });
}

/// Nothing is asked of it behind a payment's back either.
#[test]
fn the_watch_passes_it_by() {
    in_virtual_time(async {
        let (world, key) = World::mute(&[Fault::QuestionLost], None).await;
        world.watch();
        world.approve_until_final(&key).await;
        sleep(Duration::from_mins(30)).await;
        assert_eq!(world.left_in_script(), 1, "it was asked");
        assert_eq!(world.memory_payment().await.status(), PayStatus::Done);
    });
}

#[test]
fn a_question_says_why_it_is_none() {
    in_virtual_time(async {
        use application::ports::PaymentGateway as _;
        let (world, key) = World::mute(&[], None).await;
        let answer = world.gateway.payment_by_key(&key).await;
        assert_eq!(answer, Answer::Unknown(Cause::Mute));
    });
}
