//! Answers that are not true any more, or never were: what is booked of them, when an account is
//! asked about once more, and what becomes of money that nobody waited for.

use domain::event::Kind as EventKind;
use domain::payment::PayStatus;
use domain::saga::{Outcome, Step};
use domain::snapshot::Status;

use crate::scene::{AMOUNT, Scene, krw};
use crate::{Move, play};

/// An answer that is as the books have it ends the doubt: two lies with the truth between are two
/// single ones.
#[test]
fn a_doubt_ends_with_the_truth() {
    let mut scene = play(&[Move::Answer, Move::Deposit, Move::Hint]);
    assert_eq!(scene.lied_to(), "noted");
    scene.passes(30);
    assert_eq!(scene.glimpsed(), "noted");
    scene.passes(60);
    assert_eq!(scene.lied_to(), "noted");
    assert_eq!(scene.payment.status(), PayStatus::Done);
    assert_eq!(
        scene.told.last(),
        Some(&EventKind::Deposited),
        "nobody hears of it"
    );
}

/// A stale answer shows a deposit that was taken back: it is booked by no name twice, whatever
/// became of the payment, and a person hears when it goes on.
#[test]
fn a_deposit_that_was_taken_back_is_not_booked_again() {
    let taken_back = [
        Move::Answer,
        Move::Deposit,
        Move::Hint,
        Move::Reversal,
        Move::Poll,
    ];
    let mut scene = play(&taken_back);
    assert_eq!(scene.lied_to(), "again");
    assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
    scene.bank.status = Status::Canceled;
    scene.polled();
    assert_eq!(scene.payment.status(), PayStatus::Canceled);
    assert_eq!(scene.lied_to(), "again");
    // Nor is one that has no name.
    let mut scene = play(&taken_back);
    scene.pay_in();
    let mut unnamed = scene.now_shown();
    unnamed.last_transaction_key = None;
    assert_eq!(scene.look(unnamed), "again");
    assert_eq!(scene.glimpsed(), "booked");
    assert_eq!(scene.taken(), ["tx_1", "tx_3"]);
}

#[test]
fn one_look_alone_closes_no_account() {
    let mut scene = play(&[Move::Answer]);
    scene.bank.status = Status::Canceled;
    assert_eq!([scene.glimpsed(), scene.glimpsed()], ["noted", "doubted"]);
    scene.bank.status = Status::WaitingForDeposit;
    assert_eq!(scene.glimpsed(), "noted");
    assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
    assert_eq!(scene.payment.account.as_ref().unwrap().doubt, None);
}

/// When an account is asked about though nobody says anything.
#[test]
fn accounts_are_asked_about_by_their_own_schedule() {
    let in_seconds = |scene: &Scene| {
        let look_at = scene.payment.account.as_ref().unwrap().look_at;
        look_at.map(|at| (at - scene.now).num_seconds())
    };
    let mut scene = play(&[Move::Answer]);
    assert_eq!(in_seconds(&scene), Some(3_600));
    for (passed, next) in [
        (3_600, Some(3_600)),
        (21 * 3_600 + 1_800, Some(1_800)),
        // Near the due date.
        (1_800, Some(300)),
        (3_000, Some(300)),
        (600, Some(60)),
        (60, Some(3_600)),
    ] {
        scene.passes(passed);
        scene.looked();
        assert_eq!(in_seconds(&scene), next, "after {passed} more");
    }
    let mut scene = play(&[Move::Answer, Move::Deposit, Move::Hint]);
    let mut looks = Vec::new();
    while let Some(pause) = in_seconds(&scene) {
        looks.push(pause);
        scene.passes(pause);
        scene.looked();
    }
    assert_eq!(looks, [120, 180, 600, 2_700, 18_000, 64_800, 172_800]);
}

/// An account that others closed, and that is paid into all the same.
fn paid_too_late() -> Scene {
    let mut scene = play(&[Move::Answer]);
    scene.bank.status = Status::Canceled;
    scene.polled();
    scene.bank.status = Status::WaitingForDeposit;
    scene.pay_in();
    scene.polled();
    scene
}

/// A word that says nothing of the deposit empties no suspense, however often it is shown.
#[test]
fn no_other_word_takes_a_deposit_out_of_suspense() {
    for word in [
        Status::Other("ON_HOLD".to_owned()),
        Status::Ready,
        Status::InProgress,
        Status::Aborted,
        Status::Expired,
    ] {
        let mut scene = paid_too_late();
        scene.bank.status = word.clone();
        for _ in 0..4 {
            scene.passes(600);
            scene.asked_by(1, scene.now_shown());
        }
        assert_eq!(scene.booked(), AMOUNT, "{word:?}");
        assert!(!scene.sagas[1].is_closed(), "{word:?}");
        // Nor does it stand between two answers that say so.
        scene.bank.status = Status::Canceled;
        scene.asked_by(1, scene.now_shown());
        assert_eq!(scene.booked(), AMOUNT, "{word:?}");
        scene.passes(600);
        scene.asked_by(1, scene.now_shown());
        assert_eq!(scene.booked(), 0, "{word:?}");
    }
}

/// Whoever pays in too late once more is in the books once more; what is shown again is not.
#[test]
fn each_deposit_that_nobody_waited_for_is_booked() {
    for by_bank in [true, false] {
        let mut scene = paid_too_late();
        let first = scene.now_shown();
        if by_bank {
            scene.take_back();
        }
        for _ in 0..2 {
            let mut shown = scene.now_shown();
            if !by_bank {
                shown.status = Status::Canceled;
                shown.balance = Some(krw(0));
                shown.cancels = vec![scene.given_back()];
            }
            scene.passes(600);
            if !scene.sagas[1].is_closed() {
                scene.asked_by(1, shown);
            }
        }
        assert_eq!(scene.sagas[1].progress.outcome, Some(Outcome::Reversed));
        assert_eq!(scene.booked(), 0);
        assert_eq!(scene.look(first), "again", "{by_bank}");
        scene.bank.status = Status::WaitingForDeposit;
        scene.pay_in();
        assert_eq!(scene.glimpsed(), "booked", "{by_bank}");
        assert_eq!((scene.booked(), scene.sagas.len()), (AMOUNT, 3));
        assert_eq!(scene.glimpsed(), "later", "{by_bank}");
    }
}

/// Paid into with another amount before anybody knew the account: what the bank takes back leaves
/// suspense, and nothing waits for it any more.
#[test]
fn a_deposit_into_an_unknown_account_can_be_taken_back() {
    let mut scene = Scene::asking();
    scene.lost();
    scene.bank.amount = AMOUNT + 1;
    scene.pay_in();
    scene.polled();
    assert_eq!(scene.payment.account, None);
    assert_eq!((scene.booked(), scene.sagas.len()), (AMOUNT + 1, 2));
    assert_eq!(scene.payment.status(), PayStatus::InProgress);
    scene.take_back();
    for _ in 0..2 {
        scene.passes(600);
        scene.asked_by(1, scene.now_shown());
    }
    assert_eq!(scene.sagas[1].progress.outcome, Some(Outcome::Reversed));
    assert_eq!(scene.booked(), 0);
    assert_eq!(scene.payment.status(), PayStatus::Aborted);
}

/// Only the buyer knows where it goes back to: nothing is called, and it is asked whether a person
/// has given it back.
#[test]
fn a_deposit_that_nobody_waited_for_is_asked_about_only() {
    let mut scene = paid_too_late();
    for _ in 0..10 {
        scene.passes(600);
        let step = scene.sagas[1].next(scene.now);
        assert!(matches!(step, Step::AskByKey(_)), "{step:?}");
        scene.asked_by(1, scene.now_shown());
    }
    assert_eq!(scene.glimpsed(), "later");
    let mut shown = scene.now_shown();
    shown.status = Status::Canceled;
    shown.balance = Some(krw(0));
    shown.cancels = vec![scene.given_back()];
    scene.asked_by(1, shown);
    assert_eq!(scene.sagas[1].progress.outcome, Some(Outcome::Reversed));
    assert_eq!(scene.booked(), 0);

    // The bank has taken it back by itself.
    let mut scene = paid_too_late();
    scene.take_back();
    scene.asked_by(1, scene.now_shown());
    scene.passes(2);
    scene.asked_by(1, scene.now_shown());
    assert_eq!(scene.booked(), AMOUNT, "one answer twice");
    scene.passes(600);
    scene.asked_by(1, scene.now_shown());
    assert_eq!(scene.sagas[1].progress.outcome, Some(Outcome::Reversed));
    assert_eq!(scene.booked(), 0);
}

/// What a repeated call is answered with was true when the first one was made.
#[test]
fn a_replay_does_not_outdo_a_question() {
    let mut scene = Scene::asking();
    scene.lost();
    scene.bank.status = Status::Canceled;
    scene.nothing_there();
    assert!(matches!(scene.next(), Step::IssueAccount(_)));
    scene.answered();
    assert_eq!(scene.payment.status(), PayStatus::InProgress);
    let mut asked = 0;
    while scene.next() != Step::Rest {
        scene.glimpsed();
        asked += 1;
        assert!(asked < 10, "{:?}", scene.saga());
    }
    assert_eq!(scene.payment.status(), PayStatus::Aborted);
    assert_eq!(scene.payment.account, None);
}
