//! Owns what two people decide together, and what is dealt with afterwards.

use std::time::Duration;

use application::ports::store::ByHand as _;
use application::{AcknowledgeError, Settled};
use domain::payment::PayStatus;
use domain::settlement::{Finding, Verdict};
use tokio::time::sleep;

use crate::faults::Fault;
use crate::settled::{alone, finding, frozen, settle, settle_above, unheard_of};
use crate::world::{AMOUNT, in_virtual_time};

fn by(name: &str, verdict: Verdict, reference: &str) -> Finding {
    let by = name.parse().unwrap();
    Finding {
        by,
        ..finding(verdict, reference)
    }
}

/// Whether it waits for a second person, and did so before.
fn waits(settled: &Settled) -> Option<bool> {
    match settled {
        Settled::Settled { .. } => None,
        Settled::Proposed { again, .. } => Some(*again),
    }
}

#[test]
fn above_the_limit_a_second_person_finds_out_the_same() {
    in_virtual_time(async {
        let world = unheard_of(Fault::AnswerLost).await;
        let limit = Some(AMOUNT - 1);
        let (yes, no) = (Verdict::Captured, Verdict::NotCaptured);
        let found = async |name, verdict, reference| {
            // Nobody says two things at one instant.
            sleep(Duration::from_secs(1)).await;
            let settled = settle_above(&world, &by(name, verdict, reference), limit).await;
            settled.unwrap()
        };
        assert_eq!(waits(&found("kim", yes, "R-1").await), Some(false));
        assert_eq!(waits(&found("Kim", yes, "R-1").await), Some(true));
        // Each of them is another word.
        assert_eq!(waits(&found("lee", no, "R-1").await), Some(false));
        assert_eq!(waits(&found("lee", yes, "R-2").await), Some(false));
        assert!(world.memory.all_entries().is_empty(), "nobody agrees yet");
        let open = world.memory_payment().await;
        assert_eq!(open.status(), PayStatus::InProgress);

        let (settlement, again) = alone(found("lee", yes, "R-1").await);
        assert!(!again);
        assert_eq!(settlement.finding.by.as_str(), "kim");
        let second = settlement.confirmation.clone().unwrap();
        assert_eq!(second.by.as_str(), "lee");
        assert_eq!(world.memory_payment().await.status(), PayStatus::Done);
        let proposals = world.memory.proposals(settlement.saga).await.unwrap();
        assert_eq!(proposals.len(), 3, "every word stays");
        let (same, again) = alone(found("park", yes, "R-1").await);
        assert!(again && same == settlement);
    });
}

#[test]
fn up_to_the_limit_one_person_decides() {
    in_virtual_time(async {
        let world = unheard_of(Fault::AnswerLost).await;
        let one = by("kim", Verdict::Captured, "R-1");
        let settled = settle_above(&world, &one, Some(AMOUNT)).await.unwrap();
        let (settlement, _) = alone(settled);
        assert_eq!(settlement.confirmation, None);
        assert_eq!(world.memory_payment().await.status(), PayStatus::Done);
    });
}

/// What could not be settled is not kept for anybody either.
#[test]
fn nothing_unfit_is_proposed() {
    in_virtual_time(async {
        let world = unheard_of(Fault::AnswerLost).await;
        let unfit = by("kim", Verdict::GivenBack, "R-1");
        assert!(settle_above(&world, &unfit, Some(0)).await.is_err());
        let saga = world.memory.all_sagas()[0].head.id;
        assert!(world.memory.proposals(saga).await.unwrap().is_empty());
    });
}

#[test]
fn what_the_gateway_contradicts_is_dealt_with_once() {
    in_virtual_time(async {
        let world = frozen(&[Fault::Decline]).await;
        let saga = world.memory.all_sagas()[0].head.id;
        let (kim, why) = ("kim".parse().unwrap(), "paid back".parse().unwrap());
        let unsettled = world.other.acknowledge(saga, &kim, &why).await;
        assert!(matches!(unsettled, Err(AcknowledgeError::NotSettled)));
        settle(&world, Verdict::Captured).await.unwrap();
        let early = world.other.acknowledge(saga, &kim, &why).await;
        assert!(matches!(early, Err(AcknowledgeError::NotContradicted)));
        sleep(Duration::from_hours(1)).await;
        assert_eq!(world.memory.contradicted(false, 9).await.unwrap().len(), 1);
        let first = world.other.acknowledge(saga, &kim, &why).await.unwrap();
        assert!(!first.again);
        assert!(
            world
                .memory
                .contradicted(false, 9)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(world.memory.contradicted(true, 9).await.unwrap().len(), 1);
        let lee = "lee".parse().unwrap();
        let second = world.other.acknowledge(saga, &lee, &why).await.unwrap();
        assert!(second.again);
        assert_eq!(second.settlement, first.settlement, "the first word stays");
    });
}
