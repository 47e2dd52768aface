//! Owns what a forger tells who has the address, read true notifications, and has no key.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::truth::{Told, signature};
use crate::bus::reading::now;
use crate::random::Dice;

/// Digits of a key that is not the gateway's.
const WRONG_KEY: &str = "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0";
/// How many sorts of lies there are.
const SORTS: usize = 9;

/// Who lies.
pub(super) struct Liar<'l> {
    known: &'l [Told],
    dice: Dice,
}

impl<'l> Liar<'l> {
    /// One who read these; they must not be none.
    pub(super) fn new(known: &'l [Told], dice: Dice) -> Self {
        Self { known, dice }
    }

    /// So many lies, of every sort in turn.
    pub(super) fn lies(&mut self, count: usize) -> Vec<Told> {
        (0..count).filter_map(|number| self.lie(number)).collect()
    }

    fn lie(&mut self, number: usize) -> Option<Told> {
        let known = u64::try_from(self.known.len()).unwrap_or_default();
        let place = usize::try_from(self.dice.below(known.max(1))).ok()?;
        let read = self.known.get(place)?;
        let mut altered: Value = serde_json::from_str(&read.body).ok()?;
        let order = altered.pointer("/data/orderId")?.as_str()?.to_owned();
        let forged = format!("forged-{number}");
        let body = match number.checked_rem(SORTS)? {
            // The same again, under another name.
            0 => read.body.clone(),
            1 => {
                altered["data"]["status"] = json!("CANCELED");
                altered["data"]["lastTransactionKey"] = json!(forged);
                altered["data"]["balanceAmount"] = json!(0);
                altered.to_string()
            }
            2 => {
                altered["data"]["status"] = json!("EXPIRED");
                altered["data"]["number"] = json!(number);
                altered.to_string()
            }
            3 => {
                altered["data"]["paymentKey"] = json!(forged);
                altered["data"]["totalAmount"] = json!(1);
                altered.to_string()
            }
            4 => {
                altered["data"]["orderId"] = json!(format!("gwo_{number:034}"));
                altered.to_string()
            }
            5 => json!({
                "createdAt": "2026-03-15T10:30:41.297718", "secret": forged, "status": "DONE",
                "transactionKey": forged, "orderId": order,
            })
            .to_string(),
            6 => return Some(self.payout(&forged)),
            7 => wrapped("BILLING_DELETED", &json!({ "billingKey": forged })),
            _ => format!("{{\"eventType\":\"METHOD_UPDATED\",\"data\":[\"{forged}\""),
        };
        Some(Told {
            body,
            transmission: format!("whtrans_a{forged}"),
            retried: 0,
            ..read.clone()
        })
    }

    /// Of a kind that is signed: by another key, or not at all.
    fn payout(&mut self, forged: &str) -> Told {
        let sent_at = now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let body = json!({
            "eventType": "payout.changed", "eventId": forged, "entityType": "payout",
            "entityBody": { "status": "COMPLETED" },
        });
        let body = body.to_string();
        let is_signed = self.dice.below(2) == 0;
        Told {
            signature: is_signed.then(|| signature(&body, &sent_at, WRONG_KEY)),
            body,
            transmission: format!("whtrans_a{forged}"),
            retried: 0,
            sent_at,
        }
    }
}

fn wrapped(kind: &str, data: &Value) -> String {
    json!({ "eventType": kind, "createdAt": "2026-03-15T10:30:41.297718", "data": data })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_lie_is_told() {
        let known = [Told {
            body: wrapped(
                "PAYMENT_STATUS_CHANGED",
                &json!({ "orderId": "o", "status": "DONE" }),
            ),
            transmission: String::new(),
            retried: 0,
            sent_at: String::new(),
            signature: None,
        }];
        let lies = Liar::new(&known, Dice::new(1, "lies")).lies(SORTS);
        assert_eq!(lies.len(), SORTS);
        assert_eq!(lies[0].body, known[0].body);
        for (number, lie) in lies.iter().enumerate().skip(1) {
            assert!(lie.body != known[0].body, "{number}");
        }
    }
}
