//! Owns what a call is about, as far as faults and records care.

use serde_json::Value;

use super::Arrival;
use crate::calls::Operation;
use crate::cards;
use crate::config::Settings;
use crate::faults::Subject;
use crate::state::State as Memory;
use crate::state::billing::BillingKey;
use crate::state::payment::Payment;

impl Arrival {
    /// What the call is about; what it does not say itself comes from memory.
    pub(super) fn subject(&self, memory: &Memory, settings: &Settings) -> Subject {
        let known = Subject::of(self.operation, self.payment(memory, settings));
        match self.operation {
            Operation::Confirm => Subject {
                payment_key: self.said("paymentKey"),
                order_id: self.said("orderId"),
                ..known
            },
            Operation::Get | Operation::Cancel => Subject {
                payment_key: self.target.clone(),
                ..known
            },
            Operation::GetByOrder => Subject {
                order_id: self.target.clone(),
                ..known
            },
            Operation::Create | Operation::IssueAccount => Subject {
                order_id: self.said("orderId"),
                order_name: self.said("orderName"),
                amount: self.said_amount(),
                ..known
            },
            Operation::Charge => Subject {
                order_id: self.said("orderId"),
                order_name: self.said("orderName"),
                amount: self.said_amount(),
                card: self.billing_key(memory).and_then(BillingKey::test_card),
                billing: true,
                ..known
            },
            // They are about no order: the customer key takes its place.
            Operation::IssueBillingKey => Subject {
                order_id: self.said("customerKey"),
                ..known
            },
            Operation::DeleteBillingKey => Subject {
                order_id: self.billing_key(memory).map(|key| key.customer_key.clone()),
                ..known
            },
            Operation::Authorize => Subject {
                order_id: self.said("tid"),
                order_name: self.said("merchantName"),
                amount: self.said_amount(),
                card: self
                    .said("cardNumber")
                    .and_then(|number| cards::find(&number)),
                ..known
            },
            Operation::Transactions | Operation::Settlements => known,
        }
    }

    /// The payment that the call names, if it exists.
    fn payment<'m>(&self, memory: &'m Memory, settings: &Settings) -> Option<&'m Payment> {
        match self.operation {
            Operation::Confirm => self.said("paymentKey").and_then(|key| memory.payment(&key)),
            Operation::Get | Operation::Cancel => memory.payment(self.target.as_ref()?),
            Operation::GetByOrder => memory.payment_of_order(self.target.as_ref()?, settings),
            Operation::Create
            | Operation::Transactions
            | Operation::Settlements
            | Operation::IssueAccount
            | Operation::IssueBillingKey
            | Operation::Charge
            | Operation::DeleteBillingKey
            | Operation::Authorize => None,
        }
    }

    fn billing_key<'m>(&self, memory: &'m Memory) -> Option<&'m BillingKey> {
        memory.billing.key(self.target.as_ref()?)
    }

    fn said(&self, name: &str) -> Option<String> {
        match self.body.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(_) | None => None,
        }
    }

    fn said_amount(&self) -> Option<i64> {
        self.said("amount").and_then(|amount| amount.parse().ok())
    }
}
