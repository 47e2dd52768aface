//! What gateways tell: each notification once, notifications and hints in one hand at a time.

use std::sync::Arc;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::{CommitError, Tray};
use domain::change::{Change, GatewayOrder};
use domain::id::{GatewayAccountId, InboundId};
use domain::inbox::{self, Claim, Headers, Hint, Inbound, Kind, Raised, Token, Verdict};
use domain::payment::Payment;
use domain::vault::Sealed;

use crate::hook_keys::{keyed, security_key};
use crate::races::all_at_once;
use crate::samples::{self, at, hold, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    a_notification_is_kept_once_and_reads_back,
    one_of_eight_alike_is_kept,
    what_waits_is_due_in_its_order_until_it_is_judged,
    a_notification_is_in_one_hand,
    a_hint_is_one_row_and_follows_its_version,
    a_hint_is_in_one_hand,
    a_hint_of_an_account_left_alone_is_not_taken,
    what_is_past_its_time_is_forgotten_and_what_waits_is_not,
);

const LONG: Duration = Duration::from_hours(1);

pub(crate) fn written(change: inbox::Change) -> Change {
    Change::Inbox(Box::new(change))
}

fn inserted(inbound: &Inbound) -> Change {
    written(inbox::Change::Insert(Box::new(inbound.clone())))
}

fn updated(inbound: &Inbound, next: &Inbound) -> Change {
    written(inbox::Change::Update {
        inbound: Box::new(next.clone()),
        expected: inbound.version,
    })
}

fn hinted(hint: &Hint) -> Change {
    written(inbox::Change::InsertHint(Box::new(hint.clone())))
}

fn rehinted(hint: &Hint, next: &Hint) -> Change {
    written(inbox::Change::UpdateHint {
        hint: Box::new(next.clone()),
        expected: hint.version,
    })
}

fn inbound(account: GatewayAccountId, digest: u8) -> Inbound {
    Inbound {
        id: InboundId::new(raw()),
        account,
        digest: [digest; 32],
        kind: Kind::told("PAYMENT_STATUS_CHANGED"),
        headers: Headers {
            transmission_id: Some("whtrans_a01".to_owned()),
            sent_at: Some("2026-03-15T10:30:41+09:00".to_owned()),
            retried: Some("0".to_owned()),
            signature: None,
        },
        body: Sealed(vec![0, 159, 146, 150, b'{']),
        received_at: at(i64::from(digest)),
        verdict: Verdict::Waiting,
        payment: None,
        due_at: at(i64::from(digest)),
        version: 1,
    }
}

/// A row for each of the tables.
pub(crate) fn one_of_each(payment: &Payment, order: &GatewayOrder) -> [Change; 4] {
    let account = payment.facts.account;
    let token = Token {
        hash: [9; 32],
        account,
        created_at: at(1),
        expires_at: None,
    };
    let raised = Raised {
        payment: payment.facts.id,
        account,
        order: order.id,
        claim: Claim::Unclear,
    };
    [
        written(inbox::Change::InsertToken(token)),
        inserted(&inbound(account, 9)),
        hinted(&Hint::first(raised, at(1))),
        keyed(&security_key(account, 1)),
    ]
}

pub(crate) async fn commit(store: &dyn Store, change: Change) {
    store.commit(&[change]).await.expect("written");
}

pub(crate) async fn conflicts(store: &dyn Store, change: Change) {
    let told = store.commit(&[change]).await;
    assert!(matches!(told, Err(CommitError::Conflict)), "{told:?}");
}

/// A hint at a payment of a tenant of its own.
async fn hint(store: &dyn Store, due: i64) -> Hint {
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let raised = Raised {
        payment: payment.facts.id,
        account: tenant.account,
        order: order.id,
        claim: Claim::Unclear,
    };
    Hint::first(raised, at(due))
}

async fn a_notification_is_kept_once_and_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let other = samples::tenant(store).await.account;
    let kept = inbound(tenant.account, 1);
    commit(store, inserted(&kept)).await;
    let again = Inbound {
        id: InboundId::new(raw()),
        received_at: at(9),
        ..kept.clone()
    };
    conflicts(store, inserted(&again)).await;
    let elsewhere = Inbound {
        account: other,
        id: InboundId::new(raw()),
        ..kept.clone()
    };
    commit(store, inserted(&elsewhere)).await;
    let same_id = Inbound {
        digest: [7; 32],
        ..kept.clone()
    };
    conflicts(store, inserted(&same_id)).await;
    let inbox = store.inbox();
    let found = inbox.inbound_of(kept.account, &kept.digest).await;
    assert_eq!(found.expect("read").as_ref(), Some(&kept));
    assert_eq!(
        inbox.inbound(kept.id).await.expect("read").as_ref(),
        Some(&kept)
    );
    let judged = kept.clone().judged(Verdict::Hinted, Some(payment.facts.id));
    commit(store, updated(&kept, &judged)).await;
    conflicts(store, updated(&kept, &judged)).await;
    assert_eq!(inbox.inbound(kept.id).await.expect("read"), Some(judged));
    for verdict in Verdict::ALL {
        let mut one = inbound(tenant.account, 100);
        one.digest[0] = u8::try_from(verdict.as_str().len()).expect("short");
        one.digest[1] = verdict.as_str().as_bytes()[2];
        one.verdict = *verdict;
        commit(store, inserted(&one)).await;
        let found = inbox.inbounds(Some(*verdict), 1).await.expect("read");
        assert_eq!(found, [one]);
    }
}

async fn one_of_eight_alike_is_kept(tested: Tested) {
    let store = tested.store.as_ref();
    let account = tenant(store).await.account;
    let tries = (0..8).map(|_| {
        let (store, one) = (Arc::clone(&tested.store), inbound(account, 1));
        async move { store.commit(&[inserted(&one)]).await }
    });
    let mut kept = 0;
    for told in all_at_once(tries).await {
        match told {
            Ok(()) => kept += 1,
            Err(CommitError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(kept, 1);
    assert_eq!(
        store.inbox().inbounds(None, 10).await.expect("read").len(),
        1
    );
}

async fn what_waits_is_due_in_its_order_until_it_is_judged(tested: Tested) {
    let store = tested.store.as_ref();
    let account = tenant(store).await.account;
    let rows: Vec<Inbound> = [3, 1, 2].map(|digest| inbound(account, digest)).into();
    for row in &rows {
        commit(store, inserted(row)).await;
    }
    // Held for no time at all.
    let due = async |now, limit| {
        let hold = hold(Duration::ZERO);
        let due = store.inbox().claim_inbounds(at(now), hold, limit).await;
        let due = due.expect("claimed").into_iter();
        tokio::time::sleep(Duration::from_millis(5)).await;
        due.map(|row| row.digest[0]).collect::<Vec<_>>()
    };
    assert!(due(0, 10).await.is_empty());
    assert_eq!(due(2, 10).await, [1, 2]);
    assert_eq!(due(9, 2).await, [1, 2]);
    let tray = store.inbox().tray().await.expect("read");
    assert_eq!(tray.oldest, Some(at(1)));
    let row = store.inbox().inbound(rows[1].id).await.expect("read");
    let row = row.expect("kept");
    let judged = row.clone().judged(Verdict::NoOrder, None);
    commit(store, updated(&row, &judged)).await;
    assert_eq!(due(9, 10).await, [2, 3]);
    let again = judged.clone().waiting(at(8));
    commit(store, updated(&judged, &again)).await;
    assert_eq!(due(9, 10).await, [2, 3, 1], "replayed");
    let newest = store.inbox().inbounds(None, 2).await.expect("read");
    let newest: Vec<u8> = newest.iter().map(|row| row.digest[0]).collect();
    assert_eq!(newest, [3, 2]);
}

async fn a_notification_is_in_one_hand(tested: Tested) {
    let store = tested.store.as_ref();
    let account = tenant(store).await.account;
    let rows: Vec<Inbound> = (1..=3).map(|digest| inbound(account, digest)).collect();
    for row in &rows {
        commit(store, inserted(row)).await;
    }
    let claims = (0..8).map(|_| {
        let store = Arc::clone(&tested.store);
        async move {
            let claimed = store.inbox().claim_inbounds(at(9), hold(LONG), 2).await;
            claimed.expect("claimed")
        }
    });
    let mut won: Vec<Inbound> = all_at_once(claims).await.into_iter().flatten().collect();
    won.sort_by_key(|row| row.digest);
    let digests: Vec<u8> = won.iter().map(|row| row.digest[0]).collect();
    assert_eq!(digests, [1, 2, 3], "each once");
    let claim = |lease| store.inbox().claim_inbounds(at(9), hold(lease), 9);
    assert_eq!(claim(LONG).await.expect("claimed"), []);
    for (row, held) in rows.iter().zip(&won) {
        assert_eq!(held.version, row.version + 1);
        let read = store.inbox().inbound(row.id).await.expect("read");
        assert_eq!(read.as_ref(), Some(held));
        // Who holds none cannot write.
        let judged = row.clone().judged(Verdict::NoOrder, None);
        conflicts(store, updated(row, &judged)).await;
    }
    // A write ends the hold; so does the end of the lease.
    let again = won[0].clone().waiting(at(5));
    commit(store, updated(&won[0], &again)).await;
    let taken = claim(Duration::ZERO).await.expect("claimed");
    assert_eq!(taken.len(), 1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let taken = claim(LONG).await.expect("claimed");
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].version, again.version + 2);
}

async fn a_hint_is_one_row_and_follows_its_version(tested: Tested) {
    let store = tested.store.as_ref();
    let first = hint(store, 5).await;
    commit(store, hinted(&first)).await;
    conflicts(store, hinted(&first)).await;
    let read = async || store.inbox().hint(first.payment).await.expect("read");
    assert_eq!(read().await.as_ref(), Some(&first));
    let raised = Raised {
        payment: first.payment,
        account: first.account,
        order: first.order,
        claim: Claim::Moved("txrd_1".parse().expect("a key")),
    };
    let settled = first.clone().settled();
    commit(store, rehinted(&first, &settled)).await;
    assert_eq!(read().await.as_ref(), Some(&settled));
    let again = settled.clone().again(raised, at(9), Duration::ZERO);
    conflicts(store, rehinted(&first, &again)).await;
    commit(store, rehinted(&settled, &again)).await;
    assert_eq!(read().await.as_ref(), Some(&again));
    let tray = store.inbox().tray().await.expect("read");
    let one = Tray {
        oldest: None,
        hints: 1,
        oldest_hint: Some(at(9)),
    };
    assert_eq!(tray, one);
}

async fn a_hint_is_in_one_hand(tested: Tested) {
    let store = tested.store.as_ref();
    let (late, early) = (hint(store, 9).await, hint(store, 5).await);
    for hint in [&late, &early] {
        commit(store, hinted(hint)).await;
    }
    let claim = |now, lease| store.inbox().claim_hint(at(now), hold(lease), &[]);
    assert_eq!(claim(4, LONG).await.expect("claimed"), None, "not due");
    let taken = claim(10, LONG).await.expect("claimed").expect("due");
    assert_eq!(taken.payment, early.payment);
    assert_eq!((taken.turn, taken.looked_at), (0, Some(at(10))));
    assert_eq!(taken.version, early.version + 1);
    let read = store.inbox().hint(early.payment).await.expect("read");
    assert_eq!(read.as_ref(), Some(&taken));
    conflicts(store, rehinted(&early, &early.clone().settled())).await;
    let claims = (0..8).map(|_| {
        let store = Arc::clone(&tested.store);
        async move {
            let claimed = store.inbox().claim_hint(at(10), hold(LONG), &[]).await;
            claimed.expect("claimed")
        }
    });
    let won: Vec<Hint> = all_at_once(claims).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(won[0].payment, late.payment);
    // A write ends the hold; so does the end of the lease.
    let back = taken.clone().put_back(at(5));
    commit(store, rehinted(&taken, &back)).await;
    let taken = claim(10, Duration::ZERO).await.expect("claimed");
    assert!(taken.is_some_and(|hint| hint.payment == early.payment));
    tokio::time::sleep(Duration::from_millis(5)).await;
    let taken = claim(10, LONG).await.expect("claimed").expect("over");
    assert_eq!(taken.payment, early.payment);
    commit(store, rehinted(&taken, &taken.clone().settled())).await;
    assert_eq!(claim(99, LONG).await.expect("claimed"), None, "settled");
}

async fn a_hint_of_an_account_left_alone_is_not_taken(tested: Tested) {
    let store = tested.store.as_ref();
    let (first, second) = (hint(store, 1).await, hint(store, 2).await);
    for hint in [&first, &second] {
        commit(store, hinted(hint)).await;
    }
    let except = [first.account];
    let claim = |except: &[GatewayAccountId]| {
        let except = except.to_vec();
        async move {
            let claimed = store.inbox().claim_hint(at(9), hold(LONG), &except).await;
            claimed.expect("claimed").map(|hint| hint.payment)
        }
    };
    let both = [first.account, second.account];
    assert_eq!(claim(&both).await, None);
    assert_eq!(claim(&except).await, Some(second.payment));
    assert_eq!(claim(&except).await, None);
    assert_eq!(claim(&[]).await, Some(first.payment));
}

async fn what_is_past_its_time_is_forgotten_and_what_waits_is_not(tested: Tested) {
    let store = tested.store.as_ref();
    let account = tenant(store).await.account;
    for digest in 1..=5 {
        let mut row = inbound(account, digest);
        if digest != 2 {
            row.verdict = Verdict::NoOrder;
        }
        commit(store, inserted(&row)).await;
    }
    let settled = hint(store, 1).await;
    commit(store, hinted(&settled)).await;
    let taken = store.inbox().claim_hint(at(2), hold(LONG), &[]).await;
    let taken = taken.expect("claimed").expect("due");
    let sweep = |before, limit| store.inbox().sweep_inbox(at(before), limit);
    assert_eq!(sweep(5, 2).await.expect("swept"), 2);
    assert_eq!(sweep(5, 10).await.expect("swept"), 1);
    let left = store.inbox().inbounds(None, 10).await.expect("read");
    let left: Vec<u8> = left.iter().map(|row| row.digest[0]).collect();
    assert_eq!(left, [5, 2]);
    let found = store.inbox().hint(settled.payment).await.expect("read");
    assert!(found.is_some(), "it is looked at");
    commit(store, rehinted(&taken, &taken.clone().settled())).await;
    assert_eq!(sweep(2, 10).await.expect("swept"), 0);
    assert_eq!(sweep(3, 10).await.expect("swept"), 1);
    assert_eq!(
        store.inbox().hint(settled.payment).await.expect("read"),
        None
    );
}
