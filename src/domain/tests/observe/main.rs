//! What a look at the gateway comes to: every status x everything it can show, and the books after.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod scene;
mod verdicts;

use domain::change::Change;
use domain::event::Kind as EventKind;
use domain::ledger::{Account, Entry, Movement};
use domain::payment::{Observed, PayStatus, Payment, Strange};
use domain::principal::Actor;
use domain::saga::{self, Saga};
use domain::snapshot::{Snapshot, Status};

use scene::{AMOUNT, KEY, Scene, given_back, krw, shown};

/// Where the payment stands; what the gateway shows; what that comes to, and the status after.
const TABLE: &str = "
prepared   nothing   nothing
prepared   capture   stranger
prepared   stranger  stranger
prepared   canceled  stranger
declined   nothing   nothing
declined   capture   booked  READY
declined   stranger  stranger
declined   part      booked  READY
declined   all       booked  READY
declined   canceled  booked  READY
approving  nothing   later
approving  capture   later
approving  stranger  later
approving  part      later
approving  all       later
done       nothing   status
done       capture   nothing
done       stranger  stranger
done       part      booked  PARTIAL_CANCELED
done       all       booked  CANCELED
done       canceled  booked  CANCELED
canceling  capture   later
canceling  part      later
canceling  all       later
canceling  stranger  later
partly     capture   balance
partly     part      balance
partly     ours      nothing
partly     more      booked  PARTIAL_CANCELED
partly     rest      booked  CANCELED
partly     stranger  stranger
wholly     capture   balance
wholly     oursall   nothing
wholly     stranger  stranger
withdrawn  nothing   nothing
withdrawn  capture   stranger
aborted    nothing   nothing
aborted    capture   booked  ABORTED
aborted    part      booked  ABORTED
aborted    stranger  stranger
expired    nothing   nothing
expired    capture   stranger
lapsed     capture   booked  EXPIRED
lapsed     nothing   nothing
";

fn look(scene: &Scene, what: &str) -> Observed {
    let mut cancels = scene.cancels_of_ours();
    let own = cancels.len();
    let (key, status) = match what {
        "nothing" => (KEY, Status::InProgress),
        "stranger" => ("tgen_stranger", Status::Done),
        "capture" => (KEY, Status::Done),
        "canceled" | "all" | "rest" | "oursall" => (KEY, Status::Canceled),
        _ => (KEY, Status::PartialCanceled),
    };
    match what {
        "part" => cancels = vec![given_back(1, 3_000)],
        "canceled" | "all" => cancels = vec![given_back(1, AMOUNT)],
        "more" => cancels.push(given_back(1, 1_000)),
        "rest" => cancels.push(given_back(1, AMOUNT - 4_000)),
        "ours" | "oursall" => assert_eq!(own, 1),
        _ => cancels.clear(),
    }
    scene.observe(&shown(key, scene.order.id, status, cancels))
}

fn word(observed: &Observed) -> String {
    match observed {
        Observed::Nothing => "nothing".to_owned(),
        Observed::Later => "later".to_owned(),
        Observed::Noted(_) => "noted".to_owned(),
        Observed::Disputed(_, strange) => format!("disputed {strange}"),
        Observed::Booked(moved) => format!("booked {}", moved.payment.status()),
        Observed::Strange(strange) => match strange {
            Strange::Order => "order",
            Strange::Merchant => "merchant",
            Strange::Stranger => "stranger",
            Strange::Status(_) => "status",
            Strange::Amount(_) => "amount",
            Strange::Again => "again",
            Strange::Refund(_) => "refund",
            Strange::Words => "words",
            Strange::Balance => "balance",
        }
        .to_owned(),
    }
}

#[test]
fn every_status_and_everything_that_can_be_shown() {
    let mut rows = 0;
    for row in TABLE.lines().filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let scene = Scene::named(words[0]);
        let observed = look(&scene, words[1]);
        assert_eq!(word(&observed), words[2..].join(" "), "{row}");
        if let Observed::Booked(moved) = observed {
            // The same look at what was made of it changes nothing.
            let again = look(&scene.after(&moved.changes), words[1]);
            let expected = if opened(&moved.changes).is_some() {
                "later"
            } else {
                "nothing"
            };
            assert_eq!(word(&again), expected, "{row}");
        }
        rows += 1;
    }
    assert_eq!(rows, 44);
}

fn entries(changes: &[Change]) -> Vec<&Entry> {
    let mut found = Vec::new();
    for change in changes {
        if let Change::InsertEntry(entry) = change {
            found.push(entry.as_ref());
        }
    }
    found
}

fn opened(changes: &[Change]) -> Option<&Saga> {
    let mut found = None;
    for change in changes {
        if let Change::InsertSaga { saga, hold: None } = change {
            assert!(found.is_none(), "one at most");
            found = Some(saga.as_ref());
        }
    }
    found
}

fn booked(observed: Observed) -> (Payment, Vec<Change>) {
    let Observed::Booked(moved) = observed else {
        panic!("{observed:?}")
    };
    (moved.payment, moved.changes)
}

fn shows(scene: &Scene, status: Status, cancels: Vec<domain::snapshot::Cancel>) -> Snapshot {
    shown(KEY, scene.order.id, status, cancels)
}

#[test]
fn what_others_gave_back_is_nobodys_saga() {
    let scene = Scene::named("done");
    let cancels = vec![given_back(1, 3_000), given_back(2, 2_000)];
    let snapshot = shows(&scene, Status::PartialCanceled, cancels);
    let (payment, changes) = booked(scene.observe(&snapshot));
    assert_eq!(payment.balance(), Ok(krw(AMOUNT - 5_000)));
    let lines = entries(&changes);
    assert_eq!(lines.len(), 2);
    for (line, amount) in lines.iter().zip([3_000, 2_000]) {
        assert_eq!(line.saga, None);
        assert_eq!(line.amount, krw(amount));
        assert_eq!(line.debit, Account::MerchantPayable);
        assert_eq!(line.credit, Account::GatewayReceivable);
    }
    for cancel in &payment.cancels {
        assert_eq!(
            (cancel.saga, &cancel.reason, cancel.reason_code),
            (None, &None, None)
        );
    }
    let mut told = Vec::new();
    for change in &changes {
        if let Change::AppendEvent(event) = change {
            told.push((event.kind, event.actor, event.to));
        }
    }
    let part = (
        EventKind::PartiallyCanceled,
        Actor::Gateway,
        PayStatus::PartialCanceled,
    );
    assert_eq!(told, [part, part]);
    assert_eq!(changes.len(), 6, "two updates, two events, two lines");
}

/// Our cancellation was refused, and its call took effect all the same.
#[test]
fn a_late_one_of_ours_is_its_sagas() {
    let scene = Scene::named("refused");
    let given_up = scene.sagas.last().unwrap();
    let mut ours = given_back(1, 4_000);
    ours.reason = format!("wanted back {}", given_up.tag());
    let mut copied = given_back(2, 1_000);
    copied.reason.clone_from(&ours.reason);
    let snapshot = shows(&scene, Status::PartialCanceled, vec![ours, copied]);
    let (payment, changes) = booked(scene.observe(&snapshot));
    let named: Vec<_> = payment.cancels.iter().map(|cancel| cancel.saga).collect();
    assert_eq!(named, [Some(given_up.head.id), None], "a mark counts once");
    assert_eq!(payment.cancels[0].reason.as_deref(), Some("wanted back"));
    let lines = entries(&changes);
    let named: Vec<_> = lines.iter().map(|line| line.saga).collect();
    assert_eq!(named, [Some(given_up.head.id), None]);
}

/// A person read its name off wrongly, and it was booked under that.
#[test]
fn one_of_ours_is_not_booked_again_under_its_true_name() {
    let scene = Scene::named("partly");
    let mut true_name = scene.cancels_of_ours();
    true_name[0].transaction_key = given_back(7, 1).transaction_key;
    let shown = shows(&scene, Status::PartialCanceled, true_name.clone());
    assert_eq!(word(&scene.observe(&shown)), "nothing");
    // Where the gateway shows both, one of them is somebody else's, who copied the mark.
    let both = [scene.cancels_of_ours(), true_name.clone()].concat();
    let (payment, _) = booked(scene.observe(&shows(&scene, Status::PartialCanceled, both)));
    assert_eq!(payment.cancels.len(), 2);
    "console".clone_into(&mut true_name[0].reason);
    let others = shows(&scene, Status::PartialCanceled, true_name);
    assert_ne!(word(&scene.observe(&others)), "nothing");
}

#[test]
fn a_late_capture_goes_to_suspense_and_is_given_back() {
    for name in ["declined", "aborted", "lapsed"] {
        let scene = Scene::named(name);
        let snapshot = shows(&scene, Status::Done, Vec::new());
        let (payment, changes) = booked(scene.observe(&snapshot));
        assert_eq!(payment.state, scene.payment.state, "{name}");
        assert_eq!(payment.captured, krw(0));
        let [line] = entries(&changes)[..] else {
            panic!("{changes:?}")
        };
        assert_eq!(
            (line.movement.clone(), line.credit),
            (Movement::Capture, Account::Suspense)
        );
        let reversal = opened(&changes).unwrap();
        assert_eq!(reversal.head.kind(), saga::Kind::Reversal);
        assert_eq!(reversal.head.amount, krw(AMOUNT));

        // While it is given back nobody looks; afterwards there is nothing to see.
        let scene = scene.after(&changes);
        let back = vec![given_back(1, AMOUNT)];
        let snapshot = shows(&scene, Status::Canceled, back);
        assert_eq!(word(&scene.observe(&snapshot)), "later");
        let scene = scene.answered(&snapshot);
        assert!(scene.sagas.iter().all(Saga::is_closed));
        assert_eq!(word(&scene.observe(&snapshot)), "nothing");
        let still_there = shows(&scene, Status::Done, Vec::new());
        assert_eq!(word(&scene.observe(&still_there)), "balance");
    }
}

#[test]
fn a_late_capture_of_another_amount_is_believed_the_second_time() {
    let scene = Scene::named("declined");
    let mut snapshot = shows(&scene, Status::Done, Vec::new());
    snapshot.total = Some(krw(AMOUNT + 1));
    snapshot.balance = snapshot.total;
    assert_eq!(word(&scene.observe(&snapshot)), "amount");
    let surprised = |before| scene.observe_after(&snapshot, before);
    assert_eq!(word(&surprised(Some(krw(AMOUNT + 2)))), "amount");
    let (_, changes) = booked(surprised(snapshot.total));
    assert_eq!(entries(&changes)[0].amount, krw(AMOUNT + 1));
    // Unreadable, it is never believed.
    snapshot.total = None;
    assert_eq!(word(&scene.observe(&snapshot)), "amount");
}

#[test]
fn a_reversal_of_another_key_hinders_no_look() {
    let scene = Scene::named("done").with_wrong_capture("tgen_other_tab");
    assert!(scene.sagas.iter().any(|saga| !saga.is_closed()));
    let cancels = vec![given_back(1, 3_000)];
    let snapshot = shows(&scene, Status::PartialCanceled, cancels);
    assert_eq!(word(&scene.observe(&snapshot)), "booked PARTIAL_CANCELED");
    let other = shown(
        "tgen_other_tab",
        scene.order.id,
        Status::Canceled,
        vec![given_back(1, AMOUNT)],
    );
    assert_eq!(word(&scene.observe(&other)), "later");
}

#[test]
fn what_does_not_fit_is_not_booked() {
    let scene = Scene::named("done");
    let part = || vec![given_back(1, 3_000)];
    let snapshot = || shows(&scene, Status::PartialCanceled, part());
    let altered = |change: fn(&mut Snapshot)| {
        let mut snapshot = snapshot();
        change(&mut snapshot);
        word(&scene.observe(&snapshot))
    };
    assert_eq!(altered(|_| {}), "booked PARTIAL_CANCELED");
    assert_eq!(altered(|it| it.order_id.push('0')), "order");
    assert_eq!(altered(|it| it.merchant_id.push('0')), "merchant");
    assert_eq!(altered(|it| it.total = Some(krw(AMOUNT + 1))), "amount");
    assert_eq!(altered(|it| it.total = None), "amount");
    assert_eq!(
        altered(|it| it.balance = Some(krw(AMOUNT - 2_999))),
        "balance"
    );
    assert_eq!(altered(|it| it.balance = None), "balance");
    assert_eq!(
        altered(|it| it.cancels[0].amount = krw(AMOUNT + 1)),
        "balance"
    );
    assert_eq!(
        altered(|it| it.status = Status::Other("NEW".to_owned())),
        "status"
    );
    assert_eq!(altered(|it| it.cancels[0].done = false), "later");

    // The same payment key, approved for another opening of the window.
    let mut elsewhere = scene.clone();
    elsewhere.order.id = scene::order(2);
    let snapshot = shown(KEY, elsewhere.order.id, Status::Done, Vec::new());
    assert_eq!(word(&elsewhere.observe(&snapshot)), "order");
    // An order of another payment.
    let mut elsewhere = scene.clone();
    elsewhere.order.payment = scene::other_payment();
    assert_eq!(word(&elsewhere.observe(&snapshot_of(&scene))), "order");
}

fn snapshot_of(scene: &Scene) -> Snapshot {
    shows(scene, Status::Done, Vec::new())
}
