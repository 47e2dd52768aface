//! What a person has settled: what the gateway shows against it, and what is over already.

use domain::saga::Policy;
use domain::settlement::{Finding, Settlement, Verdict};
use domain::snapshot::{Answer, Snapshot, Status};

use crate::scene::{AMOUNT, Scene, given_back, krw, shown};
use crate::shows;

fn found(verdict: Verdict) -> Finding {
    Finding {
        verdict,
        evidence: "read at the console".parse().unwrap(),
        by: "kim".parse().unwrap(),
        reference: None,
        occurred_at: None,
    }
}

/// What the scene's last saga was settled as.
fn settled(scene: &Scene, verdict: Verdict) -> Settlement {
    let saga = scene.sagas.last().unwrap();
    Settlement {
        saga: saga.head.id,
        payment: scene.payment.facts.id,
        finding: found(verdict),
        confirmation: None,
        settled_at: saga.head.created_at,
        contradiction: None,
        acknowledgement: None,
    }
}

#[test]
fn a_verdict_is_contradicted_by_what_cannot_be_beside_it() {
    let (approving, canceling) = (Scene::named("approving"), Scene::named("canceling"));
    let whole = |status| shows(&approving, status, Vec::new());
    let unpaid = Snapshot {
        approved_at: None,
        ..whole(Status::Canceled)
    };
    let part = |cancels| shows(&canceling, Status::PartialCanceled, cancels);
    let (ours, anothers) = (canceling.cancels_of_ours(), vec![given_back(1, 4_000)]);
    let stranger = shown(
        "tgen_stranger",
        approving.order.id,
        Status::Done,
        Vec::new(),
    );
    let captured = format!("captured {}", krw(AMOUNT));
    for (scene, verdict, snapshot, said) in [
        (
            &approving,
            Verdict::Captured,
            whole(Status::Aborted),
            "aborted",
        ),
        (
            &approving,
            Verdict::Captured,
            whole(Status::Expired),
            "expired",
        ),
        (&approving, Verdict::Captured, unpaid, "canceled unpaid"),
        (&approving, Verdict::Captured, whole(Status::Done), ""),
        (&approving, Verdict::Captured, whole(Status::InProgress), ""),
        (
            &approving,
            Verdict::NotCaptured,
            whole(Status::Done),
            &captured,
        ),
        (&approving, Verdict::NotCaptured, whole(Status::Aborted), ""),
        (&approving, Verdict::NotCaptured, stranger, ""),
        (
            &canceling,
            Verdict::NotGivenBack,
            part(ours.clone()),
            "given back",
        ),
        (&canceling, Verdict::NotGivenBack, part(anothers), ""),
        (
            &canceling,
            Verdict::GivenBack,
            whole(Status::Done),
            "not given back",
        ),
        (&canceling, Verdict::GivenBack, part(ours), ""),
    ] {
        let saga = scene.sagas.last().unwrap();
        let settled = settled(scene, verdict);
        let answer = Answer::Found(Box::new(snapshot.clone()));
        let heard = settled.contradicted_by(saga, &answer).unwrap_or_default();
        assert_eq!(heard, said, "{verdict} beside {snapshot:?}");
        assert_eq!(settled.contradicted_by(saga, &Answer::NotFound), None);
    }
}

#[test]
fn what_is_over_is_not_settled_again() {
    let policy = Policy::default();
    for (name, end) in [
        ("done", "APPROVED"),
        ("declined", "DECLINED"),
        ("partly", "CANCELED"),
    ] {
        let mut scene = Scene::named(name);
        let ctx = scene.ctx(&policy);
        let saga = scene.sagas.last().unwrap().clone();
        let refused = saga.settled(&scene.payment, &found(Verdict::Captured), false, &ctx);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(end), "{refused}");
    }
}
