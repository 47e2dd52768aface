//! What happens to subscriptions and stored cards stands in the one feed, among what happens to
//! payments: each subject in its own order, nothing left out on any page.

use application::ports::Store;
use application::ports::store::Line;
use domain::change::Change;
use domain::feed::{self, Cursor, Happening, Parked, Reader, Subject};
use domain::id::{BillingKeyId, SubscriptionId};
use domain::member_event::{self, CardDeed, Facts, Kind, MemberEvent};
use domain::principal::{Actor, Scope};
use domain::subscription::Deed;

use super::{MINUTE, all_lines, append_first, assert_in_order, sequence_all, takes};
use crate::samples::{at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    what_members_have_stands_among_payments,
    no_page_leaves_anything_out,
    what_members_have_is_parked_and_found_again,
);

static READER: Reader = Reader::named("kafka");

fn of(scope: Scope, subject: member_event::Subject, sequence: i64) -> MemberEvent<Facts> {
    let kind = match subject {
        member_event::Subject::Subscription(_) => Kind::Subscription(Deed::Paid),
        member_event::Subject::BillingKey(_) => Kind::Card(CardDeed::Issued),
    };
    MemberEvent {
        scope,
        subject,
        sequence,
        kind,
        from: (sequence > 1).then_some("ACTIVE"),
        to: "ACTIVE",
        actor: Actor::Gateway,
        member: "member-7".parse().expect("a member"),
        trace: "00-0123456789abcdef0123456789abcdef-89abcdef01234567-00"
            .parse()
            .expect("one"),
        at: at(40 + sequence),
        payload: Facts {
            plan_code: Some("water".to_owned()),
            cycle: Some(3),
            ..Facts::default()
        },
    }
}

/// What is told first of a stored card.
pub(crate) fn told_of_a_card(scope: Scope) -> Change {
    let card = member_event::Subject::BillingKey(BillingKeyId::new(raw()));
    Change::AppendMemberEvent(Box::new(of(scope, card, 1)))
}

/// Three payments, and between them a subscription with three events and a card with one; what was
/// written, in that order.
async fn mixed(
    store: &dyn Store,
    scope: Scope,
    tenant: &crate::samples::Tenant,
) -> Vec<(Subject, i64)> {
    let mut written = Vec::new();
    let subscription = member_event::Subject::Subscription(SubscriptionId::new(raw()));
    let card = member_event::Subject::BillingKey(BillingKeyId::new(raw()));
    let told = [
        (card, 1),
        (subscription, 1),
        (subscription, 2),
        (subscription, 3),
    ];
    for (place, (subject, sequence)) in told.into_iter().enumerate() {
        let event = Change::AppendMemberEvent(Box::new(of(scope, subject, sequence)));
        store.commit(&[event]).await.expect("appended");
        written.push((Subject::Member(subject), sequence));
        if place < 3 {
            let event = append_first(store, tenant).await;
            written.push((Subject::Payment(event.payment), event.sequence));
        }
    }
    written
}

fn payload(line: &Line) -> String {
    match line.event.as_ref().expect("readable") {
        Happening::Payment(event) => event.payment.to_string(),
        Happening::Member(event) => String::from_utf8(event.payload.clone()).expect("text"),
    }
}

async fn what_members_have_stands_among_payments(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let subject = member_event::Subject::Subscription(SubscriptionId::new(raw()));
    let event = of(tenant.scope, subject, 1);
    let append = Change::AppendMemberEvent(Box::new(event.clone()));
    store
        .commit(std::slice::from_ref(&append))
        .await
        .expect("appended");
    let again = store.commit(&[append]).await;
    assert!(again.is_err(), "a sequence is free once");
    let waiting = store.backlog().await.expect("read");
    assert_eq!((waiting.count, waiting.oldest), (1, Some(event.at)));
    sequence_all(store, &takes(store, MINUTE).await).await;
    let lines = all_lines(store).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].place.subject, Subject::Member(subject));
    assert_eq!(payload(&lines[0]), r#"{"planCode":"water","cycle":3}"#);
    let Ok(Happening::Member(read)) = &lines[0].event else {
        panic!("a member's");
    };
    assert_eq!(*read, event.with(read.payload.clone()));
    let start = feed::Change::StartCursor {
        reader: READER.clone(),
        at: Cursor {
            epoch: 1,
            position: 0,
        },
    };
    let start = Change::Feed(Box::new(start));
    store.commit(&[start]).await.expect("started");
    let readers = store.readers().await.expect("read");
    assert_eq!(readers[0].waiting_since, Some(read.at), "it lags behind it");
}

async fn no_page_leaves_anything_out(tested: Tested) {
    let store = tested.store.as_ref();
    let (one, other) = (tenant(store).await, tenant(store).await);
    let mut written = mixed(store, one.scope, &one).await;
    written.extend(mixed(store, other.scope, &other).await);
    sequence_all(store, &takes(store, MINUTE).await).await;
    let all = all_lines(store).await;
    assert_eq!(all.len(), 14);
    assert_in_order(&all);
    let places = all.iter().map(|line| &line.place);
    let given: Vec<_> = places
        .map(|place| (place.subject, place.sequence))
        .collect();
    assert_eq!(
        given, written,
        "whatever they are of, in the order of insertion"
    );
    for limit in 1..16 {
        let (mut read, mut after) = (Vec::new(), 0);
        loop {
            let page = store.lines(after, limit).await.expect("read");
            let Some(last) = page.last() else { break };
            after = last.place.position;
            read.extend(page);
        }
        assert_eq!(read, all, "by {limit}");
        let (mut own, mut after) = (Vec::new(), 0);
        loop {
            let page = store.lines_of(one.scope, after, limit).await.expect("read");
            let Some(last) = page.last() else { break };
            after = last.place.position;
            own.extend(page);
        }
        let expected: Vec<Line> = all
            .iter()
            .filter(|line| line.place.scope == one.scope)
            .cloned()
            .collect();
        assert_eq!(own, expected, "by {limit}");
    }
}

async fn what_members_have_is_parked_and_found_again(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    mixed(store, tenant.scope, &tenant).await;
    sequence_all(store, &takes(store, MINUTE).await).await;
    let lines = all_lines(store).await;
    let of_three = |line: &&Line| {
        let Subject::Member(subject) = line.place.subject else {
            return false;
        };
        matches!(subject, member_event::Subject::Subscription(_))
    };
    let own: Vec<Line> = lines.iter().filter(of_three).cloned().collect();
    let parks: Vec<Change> = own[1..]
        .iter()
        .map(|line| {
            let parked = Parked {
                reader: READER.clone(),
                subject: line.place.subject,
                sequence: line.place.sequence,
                position: line.place.position,
                reason: "too large".to_owned(),
                parked_at: at(70),
                asked: false,
            };
            Change::Feed(Box::new(feed::Change::Park(parked)))
        })
        .collect();
    store.commit(&parks).await.expect("parked");
    let subject = own[0].place.subject;
    let all: Vec<Subject> = lines.iter().map(|line| line.place.subject).collect();
    let among = store.parked_among(&READER, &all).await.expect("read");
    assert_eq!(among, [subject]);
    let read = store.parked_lines(&READER, subject, 9).await;
    assert_eq!(read.expect("read"), own[1..]);
    let ask = feed::Change::AskReplay(feed::ParkedKey {
        reader: READER.clone(),
        subject,
        sequence: 2,
    });
    let ask = Change::Feed(Box::new(ask));
    store.commit(&[ask]).await.expect("asked");
    assert_eq!(store.asked(&READER, 9).await.expect("read"), [subject]);
}
