//! Owns the notification service: every member is told once of what became of a payment, of a
//! subscription and of a stored card.

use following::{Event, Happened, OfPayment, OfSubscription, Payload, Service};
use rusqlite::{Connection, Transaction, params};
use serde_json::{Value, json};

/// What members are told of.
struct Notifications;

impl Service for Notifications {
    const NAME: &'static str = "notifications";

    /// A row is a message that goes out once: its event is its name.
    const SCHEMA: &'static str = "
CREATE TABLE IF NOT EXISTS notifications (
    event TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
";

    const TYPES: &'static [&'static str] = &[
        "payment.account_issued",
        "payment.deposited",
        "payment.deposit_reversed",
        "payment.approved",
        "payment.declined",
        "payment.aborted",
        "payment.cancel_requested",
        "payment.withdrawn",
        "payment.partially_canceled",
        "payment.canceled",
        "subscription.created",
        "subscription.paid",
        "subscription.payment_declined",
        "subscription.payment_failed",
        "subscription.card_changed",
        "subscription.cancel_scheduled",
        "subscription.canceled",
        "subscription.refunded",
        "subscription.expired",
        "billing_key.issued",
        "billing_key.deleted",
    ];

    fn apply(commit: &Transaction<'_>, happened: &Happened<'_>) -> rusqlite::Result<()> {
        let event = happened.event;
        let Some(code) = code(event, &happened.payload) else {
            return Ok(());
        };
        commit.execute(
            "INSERT INTO notifications (event, member, code, text) VALUES (?1, ?2, ?3, ?4)",
            params![
                event.id(),
                happened.member,
                code,
                text(code, &happened.payload)
            ],
        )?;
        tracing::info!(event = event.id(), code, "told");
        Ok(())
    }

    fn show(connection: &Connection) -> rusqlite::Result<Vec<Value>> {
        let mut rows = connection
            .prepare("SELECT event, member, code, text FROM notifications ORDER BY rowid")?;
        let shown = rows.query_map([], |row| {
            Ok(json!({
                "event": row.get::<_, String>(0)?,
                "member": row.get::<_, String>(1)?,
                "code": row.get::<_, String>(2)?,
                "text": row.get::<_, String>(3)?,
            }))
        })?;
        shown.collect()
    }
}

/// The word for it, the same that `payment.notification.requested` has on Kafka.
fn code(event: &Event, payload: &Payload) -> Option<&'static str> {
    let code = word(&event.kind)?;
    let is_told_elsewhere = match payload {
        // What became of a cycle its subscription tells, once.
        Payload::Payment(payment) => {
            matches!(code, "APPROVED" | "FAILED") && payment.is_of_a_cycle()
        }
        // Money that went back is its payment's news, and an end by that the subscription's.
        Payload::Subscription(_) => {
            event.kind == "subscription.refunded" && !event.leads_to("CANCELED")
        }
        Payload::Card => false,
    };
    (!is_told_elsewhere).then_some(code)
}

fn word(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "payment.approved" => "APPROVED",
        "payment.declined" | "payment.aborted" => "FAILED",
        // Whoever paid in has to pay in again.
        "payment.account_issued" | "payment.deposit_reversed" => "DEPOSIT_REQUESTED",
        "payment.deposited" => "DEPOSITED",
        "payment.cancel_requested" => "CANCEL_REQUESTED",
        "payment.partially_canceled" | "payment.canceled" | "payment.withdrawn" => "CANCELLED",
        "subscription.created" => "SUBSCRIPTION_CREATED",
        "subscription.paid" => "AUTO_BILLING_APPROVED",
        "subscription.payment_declined" => "AUTO_BILLING_DECLINED",
        "subscription.payment_failed" => "AUTO_BILLING_FAILED",
        "subscription.card_changed" => "SUBSCRIPTION_CARD_CHANGED",
        "subscription.cancel_scheduled" => "SUBSCRIPTION_CANCEL_SCHEDULED",
        "subscription.canceled" | "subscription.refunded" => "SUBSCRIPTION_CANCELED",
        "subscription.expired" => "SUBSCRIPTION_EXPIRED",
        "billing_key.issued" => "BILLING_KEY_ISSUED",
        "billing_key.deleted" => "BILLING_KEY_DELETED",
        _ => return None,
    })
}

fn text(code: &str, payload: &Payload) -> String {
    match payload {
        Payload::Payment(payment) => of_payment(code, payment),
        Payload::Subscription(subscription) => of_subscription(code, subscription),
        Payload::Card if code == "BILLING_KEY_ISSUED" => "a card can be charged".to_owned(),
        Payload::Card => "a card is gone".to_owned(),
    }
}

fn of_payment(code: &str, payment: &OfPayment) -> String {
    let OfPayment {
        order_id: order,
        amount,
        currency,
        balance,
    } = payment;
    match code {
        "APPROVED" | "DEPOSITED" => format!("{order}: {amount} {currency} were paid"),
        "FAILED" => format!("{order}: nothing was paid"),
        "DEPOSIT_REQUESTED" => format!("{order}: {amount} {currency} are to be paid in"),
        "CANCEL_REQUESTED" => format!("{order}: money is on its way back"),
        _ => format!("{order}: given back; {balance} {currency} are left of {amount}"),
    }
}

fn of_subscription(code: &str, subscription: &OfSubscription) -> String {
    let plan = &subscription.plan_code;
    let cost = match (subscription.amount, &subscription.currency) {
        (Some(amount), Some(currency)) => format!("{amount} {currency}"),
        _ => "a cycle".to_owned(),
    };
    let paid = subscription.paid_until.as_deref();
    let until = paid.map_or_else(String::new, |until| format!(" until {until}"));
    match code {
        "SUBSCRIPTION_CREATED" => format!("{plan}: subscribed"),
        "AUTO_BILLING_APPROVED" => format!("{plan}: {cost} was paid, it is yours{until}"),
        "AUTO_BILLING_DECLINED" => match &subscription.next_try_at {
            Some(at) => format!("{plan}: {cost} was declined, and is charged again at {at}"),
            None => format!("{plan}: {cost} was declined, and another card is needed"),
        },
        "AUTO_BILLING_FAILED" => format!("{plan}: {cost} was not paid, and it has ended"),
        "SUBSCRIPTION_CARD_CHANGED" => format!("{plan}: charged with another card from now on"),
        "SUBSCRIPTION_CANCEL_SCHEDULED" => format!("{plan}: yours{until}, and no longer"),
        _ => format!("{plan}: it has ended"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    following::main::<Notifications>().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_it_hears_of_has_a_code() {
        for kind in Notifications::TYPES {
            assert!(word(kind).is_some(), "{kind}");
        }
        assert_eq!(word("payment.prepared"), None);
    }
}
