//! What the bank says of a deposit that was given back: believed when it is said long enough, told
//! once, and looked into where it has failed.

use chrono::TimeDelta;
use domain::Timestamp;
use domain::event::Kind as EventKind;
use domain::payment::PayStatus;
use domain::refund::RefundStatus;
use domain::snapshot::{Cancel, Snapshot, Status};

use crate::scene::{AMOUNT, Scene, krw};
use crate::{Move, play};

const DOUBT: i64 = 60;

/// A deposit that was given back at the console; the bank has said nothing.
fn given_back() -> Scene {
    let mut scene = play(&[Move::Answer, Move::Deposit, Move::Poll]);
    assert_eq!(scene.said(None), "booked");
    assert_eq!(scene.payment.status(), PayStatus::Canceled);
    assert_eq!(scene.booked(), 0);
    assert_eq!(scene.refund(), Some(RefundStatus::Pending));
    scene
}

impl Scene {
    /// What the gateway shows of it, and what it says of the bank.
    fn returned(&mut self, refund: Option<RefundStatus>) -> Snapshot {
        let mut shown = self.now_shown();
        shown.status = Status::Canceled;
        shown.cancels = vec![self.given_back()];
        shown.balance = shown.total.and_then(|total| total.minus(total).ok());
        if let Some(account) = &mut shown.account {
            account.refund = refund;
        }
        shown
    }

    /// One look.
    fn said(&mut self, refund: Option<RefundStatus>) -> &'static str {
        let shown = self.returned(refund);
        self.look(shown)
    }

    fn refund(&self) -> Option<RefundStatus> {
        let account = self.payment.account.as_ref()?;
        account.refund.map(|refund| refund.status)
    }

    fn look_at(&self) -> Option<Timestamp> {
        self.payment.account.as_ref()?.look_at
    }

    /// How often each end was told.
    fn ends(&self) -> (usize, usize) {
        let count = |kind| self.told.iter().filter(|told| **told == kind).count();
        (
            count(EventKind::RefundCompleted),
            count(EventKind::RefundFailed),
        )
    }
}

#[test]
fn the_bank_is_believed_when_it_says_so_twice() {
    let mut scene = given_back();
    for silent in [None, Some(RefundStatus::Pending)] {
        assert_eq!(scene.said(silent), "nothing");
    }
    let done = Some(RefundStatus::Completed);
    assert_eq!(scene.said(done), "noted");
    assert_eq!(scene.said(done), "doubted");
    let soon = scene.now + TimeDelta::seconds(DOUBT);
    assert_eq!(scene.look_at(), Some(soon));
    assert_eq!(scene.said(None), "noted", "the doubt is forgotten");
    scene.passes(DOUBT);
    assert_eq!(scene.said(done), "noted");
    scene.passes(DOUBT);
    assert_eq!(scene.refund(), Some(RefundStatus::Pending));
    assert_eq!(scene.said(done), "booked");
    assert_eq!((scene.refund(), scene.ends()), (done, (1, 0)));
    assert_eq!(scene.said(done), "nothing");
    assert_eq!(scene.look_at(), None, "nothing is left to ask");
    assert!(!scene.payment.awaits_refund());
    assert_eq!(scene.booked(), 0, "no money moved by that");
}

/// What was doubted is the word that was said, and no other one.
#[test]
fn one_word_is_no_second_one_for_another() {
    let ends = [
        RefundStatus::Completed,
        RefundStatus::Failed,
        RefundStatus::PartialFailed,
    ];
    for (truth, stale) in ends.iter().flat_map(|one| ends.map(|other| (*one, other))) {
        if truth == stale {
            continue;
        }
        let mut scene = given_back();
        assert_eq!(scene.said(Some(truth)), "noted");
        scene.passes(DOUBT);
        assert_eq!(scene.said(Some(stale)), "noted", "{stale} after {truth}");
        assert_eq!(scene.refund(), Some(RefundStatus::Pending));
        scene.passes(DOUBT);
        assert_eq!(scene.said(Some(truth)), "noted", "doubted anew");
        assert_eq!(scene.said(Some(truth)), "doubted");
        scene.passes(DOUBT);
        assert_eq!(scene.said(Some(truth)), "booked");
        assert_eq!(scene.refund(), Some(truth));
    }
}

/// Two words that take turns are asked about ever more seldom, and a person hears of them after a
/// week; what is said twice running is believed even then.
#[test]
fn words_that_take_turns_are_asked_about_ever_more_seldom() {
    let mut scene = given_back();
    let begun = scene.now;
    let words = [RefundStatus::Completed, RefundStatus::Failed];
    let (mut early, mut late) = (Vec::new(), Vec::new());
    for word in words.into_iter().cycle() {
        let age = scene.now - begun;
        if age > TimeDelta::days(30) {
            break;
        }
        let said = scene.said(Some(word));
        if age < TimeDelta::days(7) {
            early.push(said);
        } else {
            late.push(said);
        }
        assert_eq!(scene.refund(), Some(RefundStatus::Pending));
        scene.now = scene.look_at().unwrap();
    }
    assert!(early.iter().all(|said| *said == "noted"));
    assert!((100..300).contains(&early.len()), "{}", early.len());
    assert!(late.iter().all(|said| *said == "disputed"));
    assert!((10..120).contains(&late.len()), "{}", late.len());
    let next = scene.look_at().unwrap() - scene.now;
    assert!(next <= TimeDelta::hours(6), "{next}");
    let done = Some(RefundStatus::Completed);
    if scene.said(done) != "booked" {
        scene.now = scene.look_at().unwrap();
        assert_eq!(scene.said(done), "booked");
    }
    assert_eq!(scene.refund(), done);
}

#[test]
fn what_failed_is_a_matter_for_a_person_until_the_buyer_has_it() {
    let mut scene = given_back();
    for failed in [RefundStatus::Failed, RefundStatus::PartialFailed] {
        assert_eq!(scene.said(Some(failed)), "noted");
        scene.passes(DOUBT);
        assert_eq!(scene.said(Some(failed)), "booked");
        assert_eq!(scene.refund(), Some(failed));
        for shown in [Some(failed), None, Some(RefundStatus::Pending)] {
            assert_eq!(scene.said(shown), "strange", "{shown:?}");
        }
        assert!(scene.look_at().is_some() && scene.payment.awaits_refund());
    }
    let done = Some(RefundStatus::Completed);
    assert_eq!(scene.said(done), "noted");
    scene.passes(DOUBT);
    assert_eq!(scene.said(done), "booked");
    assert_eq!(scene.said(done), "nothing");
    assert_eq!(scene.ends(), (1, 2));
    assert_eq!(
        (scene.booked(), scene.payment.captured.minor()),
        (0, AMOUNT)
    );
}

/// It is asked soon, then every six hours, and a person is told of a week without a word.
#[test]
fn the_bank_is_asked_by_a_schedule() {
    let mut scene = given_back();
    let begun = scene.now;
    let mut looks = Vec::new();
    while scene.now < begun + TimeDelta::days(1) {
        scene.now = scene.look_at().unwrap();
        scene.looked();
        looks.push((scene.now - begun).num_minutes());
    }
    assert_eq!(looks, [2, 15, 60, 420, 780, 1_140, 1_500]);
    scene.now = begun + TimeDelta::days(7) - TimeDelta::seconds(1);
    assert_eq!(scene.said(None), "nothing");
    scene.passes(1);
    assert_eq!(scene.said(None), "strange");
    assert_eq!(scene.refund(), Some(RefundStatus::Pending));
}

/// What the gateway shows when so much was given back, one part after the other.
fn in_parts(scene: &mut Scene, parts: &[i64], refund: Option<RefundStatus>) -> &'static str {
    let mut shown = scene.returned(refund);
    let line = scene.given_back();
    let lines = parts.iter().enumerate();
    shown.cancels = lines
        .map(|(number, amount)| Cancel {
            transaction_key: format!("tx_part_{number}").parse().unwrap(),
            amount: krw(*amount),
            ..line.clone()
        })
        .collect();
    shown.status = Status::PartialCanceled;
    shown.balance = Some(krw(AMOUNT - parts.iter().sum::<i64>()));
    scene.look(shown)
}

#[test]
fn who_did_not_get_theirs_is_not_forgotten_for_the_next_one() {
    let mut scene = play(&[Move::Answer, Move::Deposit, Move::Poll]);
    assert_eq!(in_parts(&mut scene, &[10], None), "booked");
    let failed = Some(RefundStatus::Failed);
    assert_eq!(in_parts(&mut scene, &[10], failed), "noted");
    scene.passes(DOUBT);
    assert_eq!(in_parts(&mut scene, &[10], failed), "booked");
    assert_eq!(in_parts(&mut scene, &[10, 20], None), "booked");
    for shown in [None, Some(RefundStatus::Pending), failed] {
        let looked = in_parts(&mut scene, &[10, 20], shown);
        assert_eq!(looked, "strange", "{shown:?}");
    }
    assert_eq!(scene.refund(), failed);
}

/// The gateway has one word for all refunds, which is an earlier one's for a while.
#[test]
fn a_word_of_an_earlier_refund_is_not_taken_for_the_next_ones() {
    let mut scene = play(&[Move::Answer, Move::Deposit, Move::Poll]);
    let done = Some(RefundStatus::Completed);
    assert_eq!(in_parts(&mut scene, &[10], done), "booked");
    assert_eq!(in_parts(&mut scene, &[10], done), "noted");
    scene.passes(DOUBT);
    assert_eq!(in_parts(&mut scene, &[10], done), "booked");
    assert_eq!(in_parts(&mut scene, &[10, 20], done), "booked");
    for _ in 0..3 {
        assert_eq!(in_parts(&mut scene, &[10, 20], done), "nothing");
        scene.passes(DOUBT);
    }
    assert!(scene.payment.awaits_refund() && scene.look_at().is_some());
    scene.passes(24 * 3600);
    assert_eq!(in_parts(&mut scene, &[10, 20], done), "noted");
    scene.passes(DOUBT);
    assert_eq!(in_parts(&mut scene, &[10, 20], done), "booked");
    assert!(!scene.payment.awaits_refund());
}
