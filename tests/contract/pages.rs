//! Pages of payments: newest first, stable while rows are added, by every filter.

use application::ports::Store;
use application::ports::store::{PageAfter, PaymentFilter};
use domain::id::PaymentId;
use domain::payment::{Customer, Kind, PayStatus, Payment, State};
use domain::principal::{Mode, Scope};

use crate::samples::{self, Tenant, at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    pages_are_stable,
    every_filter_filters,
    unpaid_payments_are_found,
    members_are_told_of_those_who_have_one,
    ids_order_by_byte
);

fn ids(payments: &[Payment]) -> Vec<PaymentId> {
    payments.iter().map(|payment| payment.facts.id).collect()
}

async fn insert(store: &dyn Store, payment: &Payment) {
    store
        .commit(&[samples::insert(payment)])
        .await
        .expect("inserted");
}

/// Twelve payments, three to an instant, so that pages end between equal instants.
async fn twelve(store: &dyn Store, tenant: &Tenant) -> Vec<PaymentId> {
    let mut made = Vec::new();
    for number in 0..12 {
        let mut payment = samples::ready(tenant);
        payment.facts.created_at = at(number / 3);
        insert(store, &payment).await;
        made.push(payment);
    }
    made.sort_by_key(|payment| std::cmp::Reverse((payment.facts.created_at, payment.facts.id)));
    ids(&made)
}

async fn pages_are_stable(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let expected = twelve(store, &tenant).await;
    let everything = PaymentFilter::default();
    for size in [1, 2, 5, 12, 100] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store
                .payments(tenant.scope, &everything, after, size)
                .await
                .expect("read");
            let Some(last) = page.last() else { break };
            after = Some(PageAfter {
                created_at: last.facts.created_at,
                id: last.facts.id,
            });
            seen.extend(ids(&page));
            // Newer rows do not shift what is still to come.
            let mut newer = samples::ready(&tenant);
            newer.facts.created_at = at(1_000);
            insert(store, &newer).await;
        }
        seen.retain(|id| expected.contains(id));
        assert_eq!(seen, expected, "pages of {size}");
    }
}

fn only(narrow: impl FnOnce(&mut PaymentFilter)) -> PaymentFilter {
    let mut filter = PaymentFilter::default();
    narrow(&mut filter);
    filter
}

/// Each filter, and whom it finds of the three; `c` has no customer and is expired.
fn filters(
    plain: &Payment,
    other: &Payment,
    c: PaymentId,
) -> [(PaymentFilter, Vec<PaymentId>); 12] {
    let (a, b) = (plain.facts.id, other.facts.id);
    let order = || Some(plain.facts.order_id.clone());
    let name = || other.facts.customer.name.clone();
    let member = || plain.facts.customer.member.clone();
    let several = only(|f| {
        (f.status, f.kind) = (Some(PayStatus::Ready), Some(Kind::OneOff));
        (f.member, f.from) = (member(), Some(at(0)));
    });
    [
        (only(|_| {}), vec![c, b, a]),
        (only(|f| f.status = Some(PayStatus::Ready)), vec![b, a]),
        (only(|f| f.status = Some(PayStatus::Expired)), vec![c]),
        (only(|f| f.status = Some(PayStatus::Done)), vec![]),
        (only(|f| f.kind = Some(Kind::Billing)), vec![b]),
        (only(|f| f.order_id = order()), vec![a]),
        (only(|f| f.customer_name = name()), vec![b]),
        (only(|f| f.member = member()), vec![a]),
        (only(|f| f.from = Some(at(20))), vec![c, b]),
        (only(|f| f.until = Some(at(20))), vec![a]),
        (
            only(|f| (f.from, f.until) = (Some(at(20)), Some(at(30)))),
            vec![b],
        ),
        (several, vec![a]),
    ]
}

async fn every_filter_filters(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let plain = samples::ready(&tenant);
    let mut other = samples::ready(&tenant);
    other.facts.kind = Kind::Billing;
    other.facts.customer = Customer {
        name: Some("이페이".parse().expect("a name")),
        member: Some("member-2".parse().expect("a member")),
    };
    other.facts.created_at = at(20);
    let mut nobody = samples::ready(&tenant);
    nobody.facts.customer = Customer::default();
    nobody.facts.created_at = at(30);
    for payment in [&plain, &other, &nobody] {
        insert(store, payment).await;
    }
    let expired = samples::next(&nobody, State::Expired);
    store
        .commit(&[samples::update(&expired)])
        .await
        .expect("expired");
    for (filter, expected) in filters(&plain, &other, nobody.facts.id) {
        let found = store
            .payments(tenant.scope, &filter, None, 10)
            .await
            .expect("read");
        assert_eq!(ids(&found), expected, "{filter:?}");
    }
    let everything = PaymentFilter::default();
    let live = Scope {
        mode: Mode::Live,
        ..tenant.scope
    };
    assert_eq!(
        store
            .payments(live, &everything, None, 10)
            .await
            .expect("read"),
        []
    );
    let another = samples::tenant(store).await;
    assert_eq!(
        store
            .payments(another.scope, &everything, None, 10)
            .await
            .expect("read"),
        []
    );
}

async fn unpaid_payments_are_found(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let mut made = Vec::new();
    for expires in [300, 200, 400, 100] {
        let mut payment = samples::ready(&tenant);
        payment.facts.expires_at = at(expires);
        insert(store, &payment).await;
        made.push(payment);
    }
    let expired = samples::next(&made[3], State::Expired);
    store
        .commit(&[samples::update(&expired)])
        .await
        .expect("expired");
    let found = store.payments_to_expire(at(300), 10).await.expect("read");
    assert_eq!(
        ids(&found),
        ids(&[made[1].clone(), made[0].clone()]),
        "oldest expiry first"
    );
    assert_eq!(
        store
            .payments_to_expire(at(300), 1)
            .await
            .expect("read")
            .len(),
        1
    );
    assert_eq!(
        store.payments_to_expire(at(199), 10).await.expect("read"),
        []
    );
}

/// Digits before letters, as bytes: a locale's collation would order pages differently.
async fn ids_order_by_byte(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let mut expected = Vec::new();
    for symbol in ['z', '0', 'a', '9', 'h'] {
        let raw = format!("{}{symbol}", &samples::raw().as_str()[..33]);
        let mut payment = samples::ready(&tenant);
        payment.facts.id = PaymentId::new(raw.parse().expect("a raw id"));
        payment.facts.created_at = at(5);
        insert(store, &payment).await;
        expected.push(payment.facts.id);
    }
    expected.sort_by_key(|id| std::cmp::Reverse(id.to_string()));
    let page = store
        .payments(tenant.scope, &PaymentFilter::default(), None, 9)
        .await;
    assert_eq!(ids(&page.expect("read")), expected);
}

async fn members_are_told_of_those_who_have_one(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let mut made = Vec::new();
    for member in [Some("member-1"), None, Some("member-2")] {
        let mut payment = samples::ready(&tenant);
        payment.facts.customer.member = member.map(|member| member.parse().expect("a member"));
        insert(store, &payment).await;
        made.push(payment);
    }
    let nobody = PaymentId::new(samples::raw());
    let asked = [made[0].facts.id, made[1].facts.id, nobody];
    let told = store.members_of(&asked).await.expect("read");
    let member = made[0].facts.customer.member.clone().expect("a member");
    assert_eq!(
        told,
        [(made[0].facts.id, Ok(member))],
        "of whom was asked, alone"
    );
    assert_eq!(store.members_of(&[]).await.expect("read"), []);
}
