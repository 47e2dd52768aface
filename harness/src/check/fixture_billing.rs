//! Owns the subscription of the books that are right: one cycle paid, the next one waiting.

use rusqlite::{Connection, params};

use super::fixture::{AMOUNT, CHARGED};
use crate::books::{Books, Cycle, MemberEvent, Plan, Subscription, SubscriptionEvent};

const ID: &str = "sub_1";
/// The order of its first cycle.
pub(super) const ORDER: &str = "sub_1-1";
/// Midnight of 31 January 2026 in Seoul, and of 28 February, in microseconds since 1970.
const DUE: [i64; 2] = [1_769_785_200_000_000, 1_772_204_400_000_000];

pub(super) fn subscribed(books: &mut Books) {
    books.plans.push(Plan {
        merchant: "mer_1".to_owned(),
        mode: "test".to_owned(),
        code: "monthly".to_owned(),
        kind: "SUBSCRIPTION".to_owned(),
        period: "MONTHLY".to_owned(),
        price: AMOUNT,
        currency: "KRW".to_owned(),
        missed: "CHARGE_EACH".to_owned(),
    });
    let subscription = Subscription {
        id: ID.to_owned(),
        merchant: "mer_1".to_owned(),
        mode: "test".to_owned(),
        plan: "monthly".to_owned(),
        billing_key: "x".to_owned(),
        anchor: "2026-01-31T00:00:00".to_owned(),
        zone: "Asia/Seoul".to_owned(),
        status: "ACTIVE".to_owned(),
        version: 2,
    };
    books.subscriptions.insert(ID.to_owned(), subscription);
    for (number, (status, due_at)) in (1..).zip([("PAID", DUE[0]), ("WAITING", DUE[1])]) {
        books.cycles.push(Cycle {
            subscription: ID.to_owned(),
            number,
            due_at,
            currency: "KRW".to_owned(),
            amount: AMOUNT,
            status: status.to_owned(),
            payment: (number == 1).then(|| CHARGED.to_owned()),
        });
    }
    let story = [
        ("subscription.created", None, "PENDING", 0),
        ("subscription.paid", Some("PENDING"), "ACTIVE", 1),
    ];
    for (sequence, (kind, from, to, cycle)) in (1..).zip(story) {
        books.subscription_events.push(SubscriptionEvent {
            subscription: ID.to_owned(),
            sequence,
            kind: kind.to_owned(),
            from: from.map(str::to_owned),
            to: to.to_owned(),
            cycle,
        });
        books.member_events.push(MemberEvent {
            subject: ID.to_owned(),
            sequence,
            merchant: "mer_1".to_owned(),
            mode: "test".to_owned(),
            kind: kind.to_owned(),
            from: from.map(str::to_owned),
            to: to.to_owned(),
        });
        books.unsequenced.push((ID.to_owned(), sequence));
    }
}

/// Writes them into the service's own tables.
pub(super) fn write(database: &Connection, books: &Books) {
    for row in &books.plans {
        let sql = "
            INSERT INTO plans (merchant_id, mode, code, kind, period, price, currency, missed,
                tax_free, name, offered, dunning_first_seconds, dunning_cap_seconds,
                dunning_tries_max, card_grace_seconds, version, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 'x', TRUE, 1, 1, 1, 0, 1, 0)";
        let values = params![
            row.merchant,
            row.mode,
            row.code,
            row.kind,
            row.period,
            row.price,
            row.currency,
            row.missed
        ];
        database.execute(sql, values).unwrap();
    }
    for row in books.subscriptions.values() {
        let sql = "
            INSERT INTO subscriptions (id, merchant_id, mode, plan_code, anchor, zone, status,
                version, member, billing_key_id, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'x', 'x', 0)";
        let values = params![
            row.id,
            row.merchant,
            row.mode,
            row.plan,
            row.anchor,
            row.zone,
            row.status,
            row.version
        ];
        database.execute(sql, values).unwrap();
    }
    books.cycles.iter().for_each(|row| cycle(database, row));
    for row in &books.subscription_events {
        let sql = "
            INSERT INTO subscription_events (subscription_id, sequence, kind, from_status,
                to_status, cycle, merchant_id, mode, actor, occurred_at)
            VALUES (?1, ?2, ?3, ?4, ?5, NULLIF(?6, 0), 'mer', 'test', 'SYSTEM', 0)";
        let values = params![
            row.subscription,
            row.sequence,
            row.kind,
            row.from,
            row.to,
            row.cycle
        ];
        database.execute(sql, values).unwrap();
    }
    // The log's own trigger lets them wait.
    for row in &books.member_events {
        let sql = "
            INSERT INTO member_events (subject, sequence, kind, from_status, to_status,
                merchant_id, mode, actor, member, occurred_at, payload)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'SYSTEM', 'x', 0, CAST('{}' AS BLOB))";
        let values = params![
            row.subject,
            row.sequence,
            row.kind,
            row.from,
            row.to,
            row.merchant,
            row.mode
        ];
        database.execute(sql, values).unwrap();
    }
}

fn cycle(database: &Connection, row: &Cycle) {
    let sql = "
        INSERT INTO cycles (subscription_id, number, due_at, currency, amount, status, payment_id,
            merchant_id, mode, declined, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'mer', 'test', 0, 1)";
    let values = params![
        row.subscription,
        row.number,
        row.due_at,
        row.currency,
        row.amount,
        row.status,
        row.payment
    ];
    database.execute(sql, values).unwrap();
}
