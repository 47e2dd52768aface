//! Accounts that are closed before anybody paid in, because the due date is over or somebody
//! cancels: whatever is lost or stale on the way, payment and bank end alike.

use chrono::TimeDelta;
use domain::decline::Decline;
use domain::event::Kind as EventKind;
use domain::payment::{CancelBegun, CancelRefusal, CancelRequest, PayStatus};
use domain::principal::Actor;
use domain::saga::{Outcome, Step};
use domain::snapshot::{Answer, Cause, Snapshot, Status};

use crate::scene::{AMOUNT, START, Scene, krw};
use crate::{Move, play};

/// What becomes of the next step of the saga that closes, or happens meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Answered,
    AnswerLost,
    RequestLost,
    Refused,
    Temporary,
    Stale,
    Deposit,
}

const TURNS: [Turn; 7] = [
    Turn::Answered,
    Turn::AnswerLost,
    Turn::RequestLost,
    Turn::Refused,
    Turn::Temporary,
    Turn::Stale,
    Turn::Deposit,
];

/// A deposit, booked and taken back.
const TAKEN_BACK: [Move; 5] = [
    Move::Answer,
    Move::Deposit,
    Move::Hint,
    Move::Reversal,
    Move::Poll,
];

impl Scene {
    fn answered_to(&mut self, at: usize, answer: &Answer) {
        let (saga, payment) = (self.sagas[at].clone(), self.payment.clone());
        let absorbed = self.with(|ctx| saga.absorb(&payment, answer, ctx));
        self.apply(absorbed.changes);
    }

    fn next_of(&mut self, at: usize) -> Step {
        if !self.sagas[at].is_closed() {
            self.now = self.now.max(self.sagas[at].progress.due_at);
        }
        self.sagas[at].next(self.now)
    }

    fn shown_before(&self) -> Snapshot {
        self.shown(self.bank.before.clone())
    }

    fn refusal() -> Answer {
        Answer::Declined(Decline::conflict("REFUND_REJECTED"))
    }

    /// The gateway closes the account, where nobody has paid in.
    fn bank_closes(&mut self) -> Answer {
        if self.bank.status == Status::WaitingForDeposit {
            self.moves(Status::Canceled);
            return Answer::Found(Box::new(self.now_shown()));
        }
        if self.bank.status == Status::Done {
            return Self::refusal();
        }
        Answer::Unknown(Cause::Conflict("ALREADY_CANCELED_PAYMENT".to_owned()))
    }

    fn closes_past_due_at(&mut self, seconds: i64) -> bool {
        self.now = self.now.max(START + TimeDelta::seconds(seconds));
        let (payment, order) = (self.payment.clone(), self.order.id);
        let moved = self.with(|ctx| payment.close_past_due(order, 1, ctx));
        let begun = moved.is_some();
        self.apply(moved.map(|moved| moved.changes).unwrap_or_default());
        begun
    }

    /// Its due date is over.
    fn closes_past_due(&mut self) -> bool {
        self.closes_past_due_at(24 * 3_600 + 60)
    }

    /// Somebody cancels the payment.
    fn cancels(&mut self, amount: Option<i64>) -> Result<(), CancelRefusal> {
        let request = CancelRequest {
            amount: amount.map(krw),
            tax_free: None,
            reason: "changed my mind".parse().unwrap(),
            actor: Actor::Merchant,
            order: Some(self.order.id),
            credential_version: 1,
            keyed: false,
            hold: None,
            to: None,
        };
        let payment = self.payment.clone();
        match self.with(|ctx| payment.begin_cancel(&request, ctx))? {
            CancelBegun::Withdrawn(moved) | CancelBegun::Reserved(moved, _) => {
                self.apply(moved.changes);
            }
        }
        Ok(())
    }
}

fn take(scene: &mut Scene, turn: Turn) {
    if turn == Turn::Deposit {
        return scene.pay_in();
    }
    let lost = Answer::Unknown(Cause::Lost);
    match (scene.next_of(1), turn) {
        (Step::Cancel(_), Turn::Answered | Turn::Stale) => {
            let answer = scene.bank_closes();
            scene.answered_to(1, &answer);
        }
        (Step::Cancel(_), Turn::AnswerLost) => {
            scene.bank_closes();
            scene.answered_to(1, &lost);
        }
        (Step::Cancel(_), Turn::Refused) => scene.answered_to(1, &Scene::refusal()),
        (Step::Cancel(_), Turn::Temporary) => {
            let answer = Answer::Unknown(Cause::Temporary("PROVIDER_ERROR".to_owned()));
            scene.answered_to(1, &answer);
        }
        (Step::AskByKey(_), Turn::Stale) => {
            let shown = scene.shown_before();
            scene.answered_to(1, &Answer::Found(Box::new(shown)));
        }
        (Step::AskByKey(_), Turn::Answered) => {
            let shown = scene.now_shown();
            scene.answered_to(1, &Answer::Found(Box::new(shown)));
        }
        (Step::Rest, _) => {}
        (_, _) => scene.answered_to(1, &lost),
    }
}

/// Everything is answered from now on, until nothing is new.
fn ended(scene: &mut Scene, script: &[Turn]) {
    for _ in 0..40 {
        take(scene, Turn::Answered);
    }
    assert!(
        scene.sagas[1].is_closed(),
        "{script:?}: {:?}",
        scene.sagas[1]
    );
    scene.polled();
    scene.polled();
}

fn is_as_the_bank_has_it(scene: &Scene, script: &[Turn]) {
    let refused = script.contains(&Turn::Refused);
    // Of a deposit that was taken back, twice: it is left to who knows the names.
    let lies = script.iter().filter(|turn| **turn == Turn::Stale).count();
    let lied_to = lies > 1 && scene.payment.was_paid_into();
    let status = scene.payment.status();
    let fits = if scene.bank.status == Status::Done {
        status == PayStatus::Done
    } else if scene.bank.status == Status::Canceled {
        [PayStatus::Expired, PayStatus::Canceled].contains(&status)
    } else {
        (refused || lied_to) && status == PayStatus::WaitingForDeposit
    };
    assert!(fits, "{script:?}: {status} and {:?}", scene.bank.status);
    assert_eq!(scene.booked(), scene.balance_at_bank(), "{script:?}");
    let account = scene.payment.account.as_ref().unwrap();
    assert_eq!(account.closing, None, "{script:?}");
}

#[test]
fn every_way_to_close_an_account_ends_as_the_bank_has_it() {
    let mut played = 0;
    let mut scripts: Vec<Vec<Turn>> = vec![Vec::new()];
    let unpaid: &[Move] = &[Move::Answer];
    let starts = [
        (true, unpaid),
        (false, unpaid),
        (true, &TAKEN_BACK),
        (false, &TAKEN_BACK),
    ];
    for _ in 0..=4 {
        for script in &scripts {
            for (past_due, before) in starts {
                let mut scene = play(before);
                if past_due {
                    assert!(scene.closes_past_due());
                } else {
                    scene.cancels(None).unwrap();
                }
                for turn in script {
                    take(&mut scene, *turn);
                }
                ended(&mut scene, script);
                is_as_the_bank_has_it(&scene, script);
                played += 1;
            }
        }
        scripts = scripts
            .iter()
            .flat_map(|script| {
                TURNS.map(|next| script.iter().copied().chain([next]).collect::<Vec<_>>())
            })
            .collect();
    }
    assert_eq!(played, 4 * (7_u32.pow(5) - 1) / 6);
}

#[test]
fn an_account_past_its_due_date_is_asked_about_and_closed() {
    let mut scene = play(&[Move::Answer]);
    assert!(!scene.closes_past_due_at(24 * 3_600 + 59), "too early");
    assert!(scene.closes_past_due());
    assert!(!scene.closes_past_due(), "it is being closed");
    assert!(matches!(scene.next_of(1), Step::AskByKey(_)));
    take(&mut scene, Turn::Answered);
    let Step::Cancel(call) = scene.next_of(1) else {
        panic!("{:?}", scene.sagas[1])
    };
    assert_eq!((call.amount, call.refundable), (krw(AMOUNT), krw(AMOUNT)));
    assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
    take(&mut scene, Turn::Answered);
    assert_eq!(scene.payment.status(), PayStatus::Expired);
    assert_eq!(scene.told.last(), Some(&EventKind::Expired));
    assert_eq!(scene.sagas[1].progress.outcome, Some(Outcome::Closed));
    // What comes in all the same is booked where it is nobody's.
    scene.bank.status = Status::WaitingForDeposit;
    scene.pay_in();
    scene.polled();
    assert_eq!(scene.payment.status(), PayStatus::Expired);
    assert_eq!(scene.told.last(), Some(&EventKind::WrongCaptureFound));
    assert_eq!((scene.booked(), scene.sagas.len()), (AMOUNT, 3));
}

#[test]
fn who_pays_in_at_the_last_moment_has_paid() {
    let mut scene = play(&[Move::Answer]);
    scene.closes_past_due();
    scene.pay_in();
    take(&mut scene, Turn::Answered);
    assert_eq!(scene.payment.status(), PayStatus::Done);
    assert!(matches!(
        scene.sagas[1].progress.outcome,
        Some(Outcome::Declined(_))
    ));
}

#[test]
fn a_waiting_payment_is_cancelled_as_a_whole_and_once() {
    let mut scene = play(&[Move::Answer]);
    assert_eq!(scene.cancels(Some(1)), Err(CancelRefusal::PartOfUnpaid));
    scene.cancels(Some(AMOUNT)).unwrap();
    let twice = scene.cancels(None);
    assert!(
        matches!(twice, Err(CancelRefusal::InFlight { .. })),
        "{twice:?}"
    );
    assert!(matches!(scene.next_of(1), Step::Cancel(_)));
    assert_eq!(scene.glimpsed(), "later");
    take(&mut scene, Turn::Answered);
    assert_eq!(scene.payment.status(), PayStatus::Canceled);
    let told = &scene.told[scene.told.len() - 2..];
    assert_eq!(told, [EventKind::CancelRequested, EventKind::Withdrawn]);
    let changes = scene.cancels(None).unwrap_err();
    assert_eq!(changes, CancelRefusal::NothingLeft(PayStatus::Canceled));
}

/// One answer to a question may lie, as all others may.
#[test]
fn one_question_alone_closes_nothing() {
    let mut scene = play(&[Move::Answer]);
    scene.closes_past_due();
    let mut shown = scene.now_shown();
    shown.status = Status::Canceled;
    scene.answered_to(1, &Answer::Found(Box::new(shown)));
    assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
    assert!(!scene.sagas[1].is_closed());
}

/// A deposit that was taken back is shown for good: the saga ends, and somebody looks who knows
/// the names.
#[test]
fn a_deposit_that_was_taken_back_keeps_no_closing_open() {
    for past_due in [true, false] {
        let mut scene = play(&TAKEN_BACK);
        if past_due {
            assert!(scene.closes_past_due());
        } else {
            scene.cancels(None).unwrap();
            scene.answered_to(1, &Answer::Unknown(Cause::Lost));
        }
        for asked in 1..=2 {
            assert!(!scene.sagas[1].is_closed(), "one answer may lie");
            let step = scene.next_of(1);
            assert!(matches!(step, Step::AskByKey(_)), "{asked}: {step:?}");
            let shown = scene.shown_before();
            scene.answered_to(1, &Answer::Found(Box::new(shown)));
        }
        let expected = Outcome::Declined(Decline::deposited());
        assert_eq!(scene.sagas[1].progress.outcome, Some(expected));
        assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
        assert_eq!(scene.booked(), 0);
        let account = scene.payment.account.clone().unwrap();
        assert_eq!(account.closing, None);
        let soon = past_due || account.look_at == Some(scene.now);
        assert!(soon, "{:?}", account.look_at);
        assert_eq!(scene.lied_to(), "again");
    }
}

/// Whose word the gateway ends it with is all one.
#[test]
fn an_account_that_expired_there_is_closed() {
    let mut scene = play(&[Move::Answer]);
    scene.closes_past_due();
    scene.bank.status = Status::Expired;
    for _ in 0..2 {
        assert_eq!(scene.payment.status(), PayStatus::WaitingForDeposit);
        take(&mut scene, Turn::Answered);
    }
    assert_eq!(scene.payment.status(), PayStatus::Expired);
    assert_eq!(scene.sagas[1].progress.outcome, Some(Outcome::Closed));
}

#[test]
fn what_the_gateway_does_not_close_is_tried_ever_more_rarely() {
    let mut scene = play(&[Move::Answer]);
    scene.passes(24 * 3_600);
    scene.passes(60);
    let mut pauses = Vec::new();
    for at in 1..=8 {
        assert!(scene.closes_past_due());
        take_refusal(&mut scene, at);
        let look_at = scene.payment.account.as_ref().unwrap().look_at.unwrap();
        pauses.push((look_at - scene.now).num_minutes());
        scene.now = look_at;
    }
    assert_eq!((pauses[0], pauses[1]), (60, 60));
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses.last(), Some(&(24 * 60)));
}

/// Asked, called, refused, and asked again.
fn take_refusal(scene: &mut Scene, at: usize) {
    let waits = Answer::Found(Box::new(scene.now_shown()));
    for answer in [&waits, &Scene::refusal(), &waits] {
        scene.next_of(at);
        scene.answered_to(at, answer);
    }
    assert!(scene.sagas[at].is_closed(), "{:?}", scene.sagas[at]);
}
