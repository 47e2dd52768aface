//! Owns sagas that a person settles: at any moment, beside whatever goes on, and against what the
//! gateway says afterwards.

use std::time::Duration;

use application::ports::store::{ByHand, Payments};
use application::{Desk, SettleError, Settled, Subject};
use domain::ledger::Account;
use domain::payment::PayStatus;
use domain::saga::{Kind, Unsettled};
use domain::settlement::{Finding, Settlement, Verdict};
use tokio::time::{Instant, sleep};

use crate::faults::Fault;
use crate::judge::breaches;
use crate::left::leave;
use crate::scripts::all_well;
use crate::world::{World, in_virtual_time};

/// Longer than anybody has to wait.
const SETTLED_WITHIN: Duration = Duration::from_hours(30);
/// What goes wrong with every further call.
const EVER: usize = 2_000;

/// What can go wrong before nothing goes right any more.
const BEFORE: [Fault; 12] = [
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::RequestLate,
    Fault::Decline,
    Fault::UnknownCode,
    Fault::UnknownCodeAfterEffect,
    Fault::Asleep,
    Fault::CommitLost,
    Fault::CommitInDoubt,
    Fault::CommitInDoubtUnwritten,
    Fault::Rival,
    Fault::TemporaryLate,
];

pub(crate) fn finding(verdict: Verdict, reference: &str) -> Finding {
    Finding {
        verdict,
        evidence: "seen in the company's console".parse().unwrap(),
        by: "kim".parse().unwrap(),
        reference: Some(reference.parse().unwrap()),
        occurred_at: None,
    }
}

/// What is kept, and whether it was so already.
pub(crate) fn alone(settled: Settled) -> (Settlement, bool) {
    match settled {
        Settled::Settled { settlement, again } => (*settlement, again),
        Settled::Proposed { proposal, .. } => panic!("nobody else is wanted: {proposal:?}"),
    }
}

pub(crate) async fn settle(
    world: &World,
    verdict: Verdict,
) -> Result<(Settlement, bool), SettleError> {
    let finding = finding(verdict, "R-1");
    let settled = settle_above(world, &finding, None).await;
    settled.map(alone)
}

/// Up to so much one person decides alone.
pub(crate) async fn settle_above(
    world: &World,
    finding: &Finding,
    alone_minor_max: Option<i64>,
) -> Result<Settled, SettleError> {
    let desk = Desk {
        mute: &[world.account],
        alone_minor_max,
    };
    let subject = Subject::Payment(world.payment);
    // Beside the service: what strikes its store does not strike this.
    world.other.settle_by_hand(subject, finding, desk).await
}

fn truth(world: &World) -> Verdict {
    if world.gateway.books.lock().unwrap().confirms_with_effect > 0 {
        Verdict::Captured
    } else {
        Verdict::NotCaptured
    }
}

/// A payment at a gateway that answers no questions, of which nobody ever hears again.
pub(crate) async fn unheard_of(tail: Fault) -> World {
    let (world, key) = World::mute(&vec![tail; EVER], None).await;
    leave(&world, &key).await;
    sleep(Duration::from_hours(24) + Duration::from_mins(10)).await;
    world
}

/// A person looks, and tries to settle what is seen, every few minutes from the start.
fn run(faults: &[Fault], tail: Fault) -> Vec<String> {
    let script = [faults, &[tail; EVER]].concat();
    in_virtual_time(async {
        let (world, key) = World::mute(&script, None).await;
        leave(&world, &key).await;
        let mut wrong = Vec::new();
        let begun = Instant::now();
        while world.memory_payment().await.state.saga().is_some() {
            match settle(&world, truth(&world)).await {
                Ok((_, false))
                | Err(SettleError::Unsettled(
                    Unsettled::TooEarly { .. } | Unsettled::InFlight { .. },
                )) => {}
                other => wrong.push(format!("{other:?}")),
            }
            if begun.elapsed() > SETTLED_WITHIN {
                wrong.push("nobody may settle it".to_owned());
                break;
            }
            sleep(Duration::from_mins(7)).await;
        }
        world.approve_until_final(&key).await;
        let is_over = world.settle().await;
        wrong.extend(breaches(&world, is_over).await);
        if !world
            .memory
            .contradicted(false, 1)
            .await
            .unwrap()
            .is_empty()
        {
            wrong.push("the gateway contradicts".to_owned());
        }
        wrong
    })
}

#[test]
fn scripts_of_length_0_and_1_that_a_person_ends() {
    for tail in [Fault::UnknownCode, Fault::AnswerLost] {
        (0..=1).for_each(|length| all_well(&BEFORE, length, |faults| run(faults, tail)));
    }
}

/// The quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_2_that_a_person_ends() {
    for tail in [Fault::UnknownCode, Fault::AnswerLost] {
        all_well(&BEFORE, 2, |faults| run(faults, tail));
    }
}

#[test]
fn as_long_as_the_service_repeats_nobody_decides() {
    in_virtual_time(async {
        let (world, key) = World::mute(&[Fault::AnswerLost; EVER], None).await;
        leave(&world, &key).await;
        for _ in 0..100 {
            let before = world.memory.all_entries().len();
            let refused = settle(&world, Verdict::Captured).await;
            let early = matches!(
                refused,
                Err(SettleError::Unsettled(Unsettled::TooEarly { .. }))
            );
            assert!(early, "{refused:?}");
            assert_eq!(world.memory.all_entries().len(), before);
            sleep(Duration::from_mins(14)).await;
        }
        assert_eq!(world.memory_payment().await.status(), PayStatus::InProgress);
    });
}

#[test]
fn the_same_verdict_again_changes_nothing_and_another_is_refused() {
    for (tail, verdict, other, status) in [
        (
            Fault::AnswerLost,
            Verdict::Captured,
            Verdict::NotCaptured,
            PayStatus::Done,
        ),
        (
            Fault::UnknownCode,
            Verdict::NotCaptured,
            Verdict::Captured,
            PayStatus::Ready,
        ),
    ] {
        in_virtual_time(async {
            let world = unheard_of(tail).await;
            let wrong = settle(&world, Verdict::GivenBack).await;
            let about_another = matches!(
                wrong,
                Err(SettleError::Unsettled(Unsettled::Verdict { .. }))
            );
            assert!(about_another, "{wrong:?}");
            let first = settle(&world, verdict).await.unwrap();
            assert!(!first.1);
            let payment = world.memory_payment().await;
            assert_eq!(payment.status(), status);
            let (events, entries) = (payment.version, world.memory.all_entries().len());
            let second = settle(&world, verdict).await.unwrap();
            assert_eq!(second, (first.0, true));
            let refused = settle(&world, other).await;
            assert!(
                matches!(refused, Err(SettleError::Otherwise(_))),
                "{refused:?}"
            );
            let now = world.memory_payment().await;
            assert_eq!(
                (now.version, world.memory.all_entries().len()),
                (events, entries)
            );
        });
    }
}

/// Two people at once: one of them is first.
#[test]
fn of_two_verdicts_at_once_one_is_taken() {
    in_virtual_time(async {
        let world = unheard_of(Fault::AnswerLost).await;
        let (one, other) = tokio::join!(
            settle(&world, Verdict::Captured),
            settle(&world, Verdict::NotCaptured)
        );
        assert_eq!(
            [one.is_ok(), other.is_ok()]
                .iter()
                .filter(|ok| **ok)
                .count(),
            1
        );
        assert_eq!(world.memory.all_entries().len(), usize::from(one.is_ok()));
    });
}

/// A worker whose call is out for longer than anybody expects holds its saga all the while.
pub(crate) async fn frozen(faults: &[Fault]) -> World {
    let (world, key) = World::mute(faults, None).await;
    world.gateway.books.lock().unwrap().slow = Some(Duration::from_hours(25));
    leave(&world, &key).await;
    sleep(Duration::from_hours(24) + Duration::from_mins(30)).await;
    world
}

#[test]
fn money_that_was_taken_after_all_is_booked_and_owed() {
    in_virtual_time(async {
        let world = frozen(&[]).await;
        settle(&world, Verdict::NotCaptured).await.unwrap();
        assert!(world.memory.all_entries().is_empty());
        sleep(Duration::from_hours(1)).await;
        let contradicted = world.memory.contradicted(false, 9).await.unwrap();
        assert_eq!(contradicted.len(), 1);
        assert_eq!(
            contradicted[0].finding.verdict,
            Verdict::NotCaptured,
            "it stays"
        );
        let said = contradicted[0].contradiction.as_ref().unwrap();
        assert!(said.said.starts_with("captured "), "{said:?}");
        let entries = world.memory.all_entries();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].credit, Account::Suspense);
        let open = |world: &World| {
            let sagas = world.memory.all_sagas().into_iter();
            sagas.filter(|saga| !saga.is_closed()).collect::<Vec<_>>()
        };
        assert_eq!(open(&world).len(), 1);
        assert_eq!(open(&world)[0].head.kind(), Kind::Reversal);

        // It gives nothing back by its API: a person does, and says so.
        sleep(Duration::from_mins(10)).await;
        let owed = settle(&world, Verdict::NotGivenBack).await;
        assert!(
            matches!(owed, Err(SettleError::Unsettled(Unsettled::Owed))),
            "{owed:?}"
        );
        settle(&world, Verdict::GivenBack).await.unwrap();
        assert!(open(&world).is_empty());
        let entries = world.memory.all_entries();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].debit, Account::Suspense);
        assert_eq!(entries[0].amount, entries[1].amount);
    });
}

#[test]
fn a_refusal_that_comes_late_is_noted_and_moves_nothing() {
    in_virtual_time(async {
        let world = frozen(&[Fault::Decline]).await;
        settle(&world, Verdict::Captured).await.unwrap();
        let booked = world.memory_payment().await;
        assert_eq!(booked.status(), PayStatus::Done);
        sleep(Duration::from_hours(1)).await;
        let contradicted = world.memory.contradicted(false, 9).await.unwrap();
        assert_eq!(contradicted.len(), 1);
        let said = &contradicted[0].contradiction.as_ref().unwrap().said;
        assert!(said.starts_with("declined: "), "{said}");
        assert_eq!(
            world.memory_payment().await,
            booked,
            "nothing is overwritten"
        );
    });
}

/// The call is out for a day while a person says that it took its effect, which the answer denies.
#[test]
fn a_refusal_to_give_back_that_comes_late_is_noted() {
    in_virtual_time(async {
        let script = [&[Fault::Decline], [Fault::QuestionLost; EVER].as_slice()].concat();
        let world = World::paid(&script, None).await;
        world.gateway.books.lock().unwrap().slow = Some(Duration::from_hours(25));
        let canceling = world.cancel_until_final("c-1", 4_000);
        let settling = async {
            sleep(Duration::from_hours(24) + Duration::from_mins(30)).await;
            settle(&world, Verdict::GivenBack).await.unwrap();
            sleep(Duration::from_hours(1)).await;
        };
        tokio::join!(canceling, settling);
        let contradicted = world.memory.contradicted(false, 9).await.unwrap();
        assert_eq!(contradicted.len(), 1);
        let said = &contradicted[0].contradiction.as_ref().unwrap().said;
        assert!(said.starts_with("declined: "), "{said}");
        assert_eq!(world.memory_payment().await.canceled.minor(), 4_000);
    });
}

#[test]
fn an_answer_that_agrees_is_no_discrepancy() {
    in_virtual_time(async {
        let world = frozen(&[]).await;
        settle(&world, Verdict::Captured).await.unwrap();
        sleep(Duration::from_hours(1)).await;
        assert!(
            world
                .memory
                .contradicted(false, 9)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(world.memory.all_entries().len(), 1);
        assert_eq!(world.memory_payment().await.status(), PayStatus::Done);
    });
}

/// A gateway that could answer, and does not for a day: a cancellation of which nobody hears.
#[test]
fn a_cancellation_is_settled_after_a_day() {
    for (call, verdict) in [
        (Fault::AnswerLost, Verdict::GivenBack),
        (Fault::RequestLost, Verdict::NotGivenBack),
    ] {
        in_virtual_time(async {
            let script = [&[call], [Fault::QuestionLost; EVER].as_slice()].concat();
            let world = World::paid(&script, None).await;
            world.cancel_until_final("c-1", 4_000).await;
            let subject = Subject::Payment(world.payment);
            let made = {
                let books = world.gateway.books.lock().unwrap();
                let made = books.accounts[0].cancels.first();
                made.map(|cancel| cancel.transaction_key.to_string())
            };
            let reference = made.as_deref().unwrap_or("none");
            let finding = finding(verdict, reference);
            let desk = Desk {
                mute: &[],
                alone_minor_max: None,
            };
            let early = world.other.settle_by_hand(subject, &finding, desk).await;
            let too_early = matches!(
                early,
                Err(SettleError::Unsettled(Unsettled::TooEarly { .. }))
            );
            assert!(too_early, "{early:?}");
            sleep(Duration::from_hours(24)).await;
            let settled = world.other.settle_by_hand(subject, &finding, desk).await;
            alone(settled.unwrap());
            let payment = world.memory_payment().await;
            let (status, canceled) = match verdict {
                Verdict::GivenBack => (PayStatus::PartialCanceled, 4_000),
                Verdict::NotGivenBack | Verdict::Captured | Verdict::NotCaptured => {
                    (PayStatus::Done, 0)
                }
            };
            assert_eq!(
                (payment.status(), payment.canceled.minor()),
                (status, canceled)
            );
            world.cancel_until_final("c-1", 4_000).await;
            let is_over = world.settle().await;
            assert_eq!(breaches(&world, is_over).await, Vec::<String>::new());
            let entries = world.memory.entries(world.payment).await.unwrap();
            assert_eq!(entries.len(), if canceled > 0 { 2 } else { 1 });
        });
    }
}
