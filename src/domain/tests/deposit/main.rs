//! Deposits: whatever is seen of a virtual account, in whatever order and however often, the books
//! end as the bank has it.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise, and its numbers are small"
)]

mod closing;
mod lies;
mod refunds;
mod scene;

use domain::event::Kind as EventKind;
use domain::ledger::Movement;
use domain::payment::{ApproveRefusal, Kind, PayStatus};
use domain::saga::{Outcome, Step};
use domain::snapshot::Status;
use scene::{AMOUNT, Scene, krw};

/// What happens, or is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Our call is answered, as the gateway had it then.
    Answer,
    /// Somebody says that something moved: one look.
    Hint,
    /// The watch looks, and again a minute later.
    Poll,
    /// Somebody looks, and is answered what was true before the last movement.
    Lie,
    /// The buyer pays in.
    Deposit,
    /// The bank takes it back.
    Reversal,
}

const MOVES: [Move; 6] = [
    Move::Answer,
    Move::Hint,
    Move::Poll,
    Move::Lie,
    Move::Deposit,
    Move::Reversal,
];

pub(crate) fn play(script: &[Move]) -> Scene {
    let mut scene = Scene::asking();
    for step in script {
        match step {
            Move::Answer => scene.answered(),
            Move::Hint => _ = scene.glimpsed(),
            Move::Poll => scene.polled(),
            Move::Lie => _ = scene.lied_to(),
            Move::Deposit => scene.pay_in(),
            Move::Reversal => scene.take_back(),
        }
    }
    scene
}

/// The gateway is asked until nothing is new.
fn settled(mut scene: Scene, script: &[Move]) -> Scene {
    scene.polled();
    scene.polled();
    let before = (scene.payment.clone(), scene.entries.len());
    scene.polled();
    scene.glimpsed();
    assert_eq!(
        before,
        (scene.payment.clone(), scene.entries.len()),
        "{script:?}"
    );
    scene
}

#[test]
fn every_order_of_what_is_seen_ends_as_the_bank_has_it() {
    let mut scripts: Vec<Vec<Move>> = vec![Vec::new()];
    let mut played = 0;
    for _ in 0..=6 {
        for script in &scripts {
            let scene = settled(play(script), script);
            let there = scene.balance_at_bank();
            assert_eq!(scene.booked(), there, "{script:?}");
            assert_eq!(scene.payment.balance().unwrap(), krw(there), "{script:?}");
            let expected = match there {
                0 => PayStatus::WaitingForDeposit,
                _ => PayStatus::Done,
            };
            assert_eq!(scene.payment.status(), expected, "{script:?}");
            assert_eq!(scene.saga().progress.outcome, Some(Outcome::Issued));
            assert_eq!(scene.saga().progress.sealed, None);
            // What the bank never had is not booked for a while, either.
            let mut taken = scene.taken();
            let paid_in = &scene.bank.paid_in;
            assert!(
                taken.iter().all(|name| paid_in.contains(name)),
                "{script:?}"
            );
            taken.dedup();
            let takings = scene.entries.len().div_ceil(2);
            assert_eq!(taken.len(), takings, "a deposit twice: {script:?}");
            played += 1;
        }
        scripts = scripts
            .iter()
            .flat_map(|script| {
                MOVES.map(|next| script.iter().copied().chain([next]).collect::<Vec<_>>())
            })
            .collect();
    }
    assert_eq!(played, (6_u32.pow(7) - 1) / 5);
}

#[test]
fn a_deposit_that_is_taken_back_can_come_again() {
    let script = [
        Move::Answer,
        Move::Deposit,
        Move::Hint,
        Move::Reversal,
        Move::Poll,
        Move::Deposit,
        Move::Poll,
        Move::Reversal,
        Move::Poll,
        Move::Deposit,
    ];
    let scene = settled(play(&script), &script);
    let movements: Vec<&Movement> = scene.entries.iter().map(|entry| &entry.movement).collect();
    let expected = [
        Movement::Capture,
        Movement::Reversal(1),
        Movement::Deposit(2),
        Movement::Reversal(2),
        Movement::Deposit(3),
    ];
    assert_eq!(movements, expected.iter().collect::<Vec<_>>());
    for movement in expected {
        assert_eq!(movement.to_string().parse(), Ok(movement));
    }
    assert_eq!(
        scene.told[..5],
        [
            EventKind::Prepared,
            EventKind::AccountRequested,
            EventKind::AccountIssued,
            EventKind::Deposited,
            EventKind::DepositReversed,
        ]
    );
    assert_eq!(scene.payment.captured, krw(AMOUNT));
}

#[test]
fn one_look_alone_takes_no_deposit_back() {
    let mut scene = play(&[Move::Answer, Move::Deposit, Move::Poll, Move::Reversal]);
    let looks = [scene.glimpsed(), scene.glimpsed(), scene.glimpsed()];
    assert_eq!(looks, ["noted", "doubted", "doubted"]);
    assert_eq!(scene.payment.status(), PayStatus::Done);
    assert_eq!(scene.booked(), AMOUNT);
    scene.passes(60);
    assert_eq!(scene.glimpsed(), "booked");
    assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
    assert!(scene.payment.paid.is_none());
}

#[test]
fn an_account_is_asked_for_once() {
    let mut scene = Scene::asking();
    let Step::IssueAccount(call) = scene.saga().next(scene.now) else {
        panic!("{:?}", scene.saga())
    };
    assert_eq!(
        (call.amount, call.tax_free),
        (krw(AMOUNT), Some(krw(1_000)))
    );
    assert!(call.wish.is_some());
    let again = scene.begin();
    assert!(
        matches!(again, Err(ApproveRefusal::InFlight { .. })),
        "{again:?}"
    );
    scene.answered();
    let again = scene.begin();
    let closed = ApproveRefusal::Closed(PayStatus::WaitingForDeposit);
    assert_eq!(again, Err(closed));
    let mut other = Scene::new(Kind::OneOff);
    assert_eq!(other.begin(), Err(ApproveRefusal::WrongKind));
}

/// The call's fate is unknown: the order is asked about, and the same call made again.
#[test]
fn a_lost_answer_is_asked_about_by_order() {
    let mut scene = Scene::asking();
    scene.lost();
    let order = scene.saga().order();
    assert_eq!(scene.next(), Step::AskByOrder(order));
    scene.nothing_there();
    let Step::IssueAccount(call) = scene.next() else {
        panic!("{:?}", scene.saga())
    };
    assert_eq!(call.key.to_string(), format!("{}-1", scene.saga().head.id));
    scene.answered();
    assert_eq!(scene.next(), Step::AskByOrder(order), "it may be a replay");
    scene.glimpsed();
    assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
    let account = scene.payment.account.as_ref().unwrap();
    assert_eq!((account.bank.as_str(), account.reversals), ("20", 0));
}

#[test]
fn an_account_that_is_not_told_in_full_is_shown_to_nobody() {
    let mut scene = Scene::asking();
    scene.bank.unsealed = true;
    scene.answered();
    assert_eq!(scene.payment.status(), PayStatus::InProgress);
    scene.bank.unsealed = false;
    scene.bank.amount = AMOUNT + 1;
    scene.polled();
    assert_eq!(scene.payment.status(), PayStatus::InProgress);
    scene.bank.amount = AMOUNT;
    scene.polled();
    assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
}

#[test]
fn an_account_that_others_closed_takes_no_more_money() {
    let mut scene = play(&[Move::Answer]);
    scene.bank.status = Status::Canceled;
    scene.polled();
    assert_eq!(scene.payment.status(), PayStatus::Canceled);
    assert_eq!(scene.entries.len(), 0);
    // Older answers say so of a deposit that is taken back, too.
    let mut scene = play(&[Move::Answer, Move::Deposit, Move::Poll]);
    scene.bank.status = Status::Canceled;
    scene.polled();
    assert_eq!(scene.payment.status(), PayStatus::Canceled);
    assert_eq!((scene.booked(), scene.entries.len()), (0, 2));
}

/// Money that comes when nobody waits for it is booked where it is nobody's.
#[test]
fn money_on_a_closed_account_is_booked() {
    let mut scene = play(&[Move::Answer]);
    scene.bank.status = Status::Canceled;
    scene.polled();
    scene.bank.status = Status::WaitingForDeposit;
    scene.pay_in();
    scene.polled();
    assert_eq!(scene.payment.status(), PayStatus::Canceled);
    assert_eq!(scene.told.last(), Some(&EventKind::WrongCaptureFound));
    assert_eq!(scene.booked(), AMOUNT);
    assert_eq!(scene.sagas.len(), 2, "somebody has to give it back");
}
