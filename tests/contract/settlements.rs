//! What people found out about sagas reads back as it was kept: once for each saga, and with the
//! first thing that the gateway said against it.

use application::ports::store::CommitError;
use domain::change::Change;
use domain::saga::{Kind, Saga};
use domain::settlement::{
    Acknowledgement, Change as Write, Confirmation, Contradiction, Finding, Proposal, Settlement,
    Verdict,
};

use crate::samples::{self, at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    a_saga_is_settled_once,
    it_comes_with_the_end_of_its_saga_or_not_at_all,
    the_first_contradiction_stays,
    what_was_dealt_with_is_listed_on_demand,
    every_proposal_stays,
    who_confirmed_it_stays_with_it,
);

/// Not contradicted, with everything that can be known.
pub(crate) fn settlement(saga: &Saga) -> Settlement {
    Settlement {
        saga: saga.head.id,
        payment: saga.head.payment,
        finding: Finding {
            verdict: Verdict::Captured,
            evidence: "콘솔에서 확인".parse().expect("evidence"),
            by: "운영자".parse().expect("a name"),
            reference: Some("R000001".parse().expect("a reference")),
            occurred_at: Some(at(7)),
        },
        confirmation: None,
        settled_at: at(9),
        contradiction: None,
        acknowledgement: None,
    }
}

pub(crate) fn inserted(settlement: &Settlement) -> Change {
    Change::Settlement(Box::new(Write::Insert(settlement.clone())))
}

/// By somebody, then.
pub(crate) fn proposed(saga: &Saga, by: &str, seconds: i64) -> Proposal {
    let mut finding = settlement(saga).finding;
    finding.by = by.parse().expect("a name");
    Proposal {
        saga: saga.head.id,
        payment: saga.head.payment,
        finding,
        proposed_at: at(seconds),
    }
}

pub(crate) fn proposing(proposal: &Proposal) -> Change {
    Change::Settlement(Box::new(Write::Propose(proposal.clone())))
}

fn acknowledged(saga: &Saga) -> (Acknowledgement, Change) {
    let acknowledgement = Acknowledgement {
        by: "다른 운영자".parse().expect("a name"),
        why: "환불됨".parse().expect("a reason"),
        at: at(20),
    };
    let change = Write::Acknowledge {
        saga: saga.head.id,
        acknowledgement: acknowledgement.clone(),
    };
    (acknowledgement, Change::Settlement(Box::new(change)))
}

fn contradicted(saga: &Saga, said: &str, seconds: i64) -> Change {
    Change::Settlement(Box::new(Write::Contradict {
        saga: saga.head.id,
        contradiction: Contradiction {
            said: said.to_owned(),
            at: at(seconds),
        },
    }))
}

async fn opened(tested: &Tested) -> Saga {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let saga = samples::saga(&payment, &order, Kind::Approval);
    let opened = store.commit(&[samples::open(&saga, None)]).await;
    opened.expect("opened");
    saga
}

async fn a_saga_is_settled_once(tested: Tested) {
    let saga = opened(&tested).await;
    let store = tested.store.as_ref();
    assert_eq!(store.settlement(saga.head.id).await.expect("read"), None);
    let first = settlement(&saga);
    store.commit(&[inserted(&first)]).await.expect("kept");
    let mut other = first.clone();
    other.finding.verdict = Verdict::NotCaptured;
    other.finding.reference = None;
    other.finding.occurred_at = None;
    let twice = store.commit(&[inserted(&other)]).await;
    assert!(matches!(twice, Err(CommitError::Conflict)), "{twice:?}");
    let found = store.settlement(saga.head.id).await.expect("read");
    assert_eq!(found, Some(first));
    for verdict in Verdict::ALL {
        let saga = opened(&tested).await;
        let mut bare = settlement(&saga);
        bare.finding.verdict = *verdict;
        (bare.finding.reference, bare.finding.occurred_at) = (None, None);
        store.commit(&[inserted(&bare)]).await.expect("kept");
        let found = store.settlement(saga.head.id).await.expect("read");
        assert_eq!(found, Some(bare));
    }
}

async fn it_comes_with_the_end_of_its_saga_or_not_at_all(tested: Tested) {
    let saga = opened(&tested).await;
    let store = tested.store.as_ref();
    let moved = samples::moved(&saga, |_| {});
    let progressed = store.commit(&[samples::progress(&moved)]).await;
    progressed.expect("moved by somebody else");
    let late = [samples::progress(&moved), inserted(&settlement(&saga))];
    let refused = store.commit(&late).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    assert_eq!(store.settlement(saga.head.id).await.expect("read"), None);
}

async fn the_first_contradiction_stays(tested: Tested) {
    let (early, late) = (opened(&tested).await, opened(&tested).await);
    let store = tested.store.as_ref();
    let unsettled = store.commit(&[contradicted(&early, "captured", 11)]).await;
    assert!(matches!(unsettled, Err(CommitError::Conflict)));
    for saga in [&late, &early] {
        let kept = store.commit(&[inserted(&settlement(saga))]).await;
        kept.expect("kept");
    }
    assert_eq!(store.contradicted(false, 9).await.expect("read"), []);
    for (saga, seconds) in [(&late, 12), (&early, 11)] {
        let said = [contradicted(saga, "captured", seconds)];
        store.commit(&said).await.expect("noted");
        let again = store.commit(&[contradicted(saga, "declined", 13)]).await;
        assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    }
    let found = store.contradicted(false, 9).await.expect("read");
    let sagas: Vec<_> = found.iter().map(|one| one.saga).collect();
    assert_eq!(sagas, [late.head.id, early.head.id]);
    let said = found[0].contradiction.clone().expect("contradicted");
    assert_eq!((said.said.as_str(), said.at), ("captured", at(12)));
    assert_eq!(store.contradicted(false, 1).await.expect("read").len(), 1);
}

async fn what_was_dealt_with_is_listed_on_demand(tested: Tested) {
    let (first, second) = (opened(&tested).await, opened(&tested).await);
    let store = tested.store.as_ref();
    for saga in [&first, &second] {
        let kept = store.commit(&[inserted(&settlement(saga))]).await;
        kept.expect("kept");
    }
    let (kept, acknowledge) = acknowledged(&first);
    let early = store.commit(std::slice::from_ref(&acknowledge)).await;
    assert!(matches!(early, Err(CommitError::Conflict)), "{early:?}");
    for (saga, seconds) in [(&first, 11), (&second, 12)] {
        let said = [contradicted(saga, "captured", seconds)];
        store.commit(&said).await.expect("noted");
    }
    let noted = store.commit(std::slice::from_ref(&acknowledge)).await;
    noted.expect("dealt with");
    let again = store.commit(&[acknowledge]).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    let listed = async |dealt_with| {
        let found = store.contradicted(dealt_with, 9).await.expect("read");
        found.iter().map(|one| one.saga).collect::<Vec<_>>()
    };
    assert_eq!(listed(false).await, [second.head.id]);
    assert_eq!(listed(true).await, [second.head.id, first.head.id]);
    let found = store.settlement(first.head.id).await.expect("read");
    assert_eq!(found.expect("there").acknowledgement, Some(kept));
}

async fn every_proposal_stays(tested: Tested) {
    let (saga, other) = (opened(&tested).await, opened(&tested).await);
    let store = tested.store.as_ref();
    let all = [
        proposed(&saga, "김", 3),
        proposed(&saga, "이", 3),
        proposed(&saga, "김", 4),
    ];
    for proposal in all.iter().rev().chain([&proposed(&other, "김", 3)]) {
        let kept = store.commit(&[proposing(proposal)]).await;
        kept.expect("kept");
        let twice = store.commit(&[proposing(proposal)]).await;
        assert!(matches!(twice, Err(CommitError::Conflict)), "{twice:?}");
    }
    assert_eq!(store.proposals(saga.head.id).await.expect("read"), all);
}

async fn who_confirmed_it_stays_with_it(tested: Tested) {
    let saga = opened(&tested).await;
    let store = tested.store.as_ref();
    let mut confirmed = settlement(&saga);
    confirmed.confirmation = Some(Confirmation {
        by: "다른 운영자".parse().expect("a name"),
        evidence: "같은 화면".parse().expect("evidence"),
    });
    store.commit(&[inserted(&confirmed)]).await.expect("kept");
    let found = store.settlement(saga.head.id).await.expect("read");
    assert_eq!(found, Some(confirmed));
}
