//! Owns what the gateway is asked about because of a hint: by our own books alone, whatever was
//! told.

use domain::change::GatewayOrder;
use domain::id::GatewayOrderId;
use domain::payment::Payment;
use domain::saga::{Intent, Saga};
use domain::text::PaymentKey;

/// One question that would show what became of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// About a payment key, and the order that it is of.
    Key(PaymentKey, GatewayOrderId),
    /// About an order for which no key is known.
    Order(GatewayOrderId),
}

impl Subject {
    fn order(&self) -> GatewayOrderId {
        match self {
            Self::Key(_, order) | Self::Order(order) => *order,
        }
    }

    /// Whether a saga of ours will see for itself.
    pub(super) fn is_worked_on(&self, payment: &Payment, sagas: &[Saga]) -> bool {
        match self {
            Self::Key(key, _) => payment.is_worked_on(key, sagas),
            Self::Order(order) => {
                let works = |saga: &Saga| !saga.is_closed() && saga.head.gateway_order == *order;
                payment.state.saga().is_some() || sagas.iter().any(works)
            }
        }
    }
}

/// Everything that can be asked about: the key that was paid with, the keys that were tried and
/// that of an account, oldest first, and each order that none of them is of.
pub(super) fn subjects_of(
    payment: &Payment,
    sagas: &[Saga],
    orders: &[GatewayOrder],
) -> Vec<Subject> {
    let tried = sagas.iter().filter_map(|saga| match &saga.head.intent {
        Intent::Approve(key) => Some((key, saga.head.gateway_order)),
        Intent::IssueAccount => {
            let account = payment.account.as_ref();
            account.map(|account| (&account.payment_key, saga.head.gateway_order))
        }
        Intent::Reverse(_) | Intent::Cancel(_) | Intent::CloseAccount(_) | Intent::Charge(_) => {
            None
        }
    });
    let mut keys: Vec<(&PaymentKey, GatewayOrderId)> = Vec::new();
    if let Some(paid) = &payment.paid {
        let key = &paid.payment_key;
        let mut tried = tried.clone();
        let approved = tried.find(|(tried, _)| *tried == key);
        let order = approved.map(|(_, order)| order).or_else(|| charged(sagas));
        keys.extend(order.map(|order| (key, order)));
    }
    for (key, order) in tried {
        if !keys.iter().any(|(known, _)| *known == key) {
            keys.push((key, order));
        }
    }
    let own = keys.into_iter().map(|(key, order)| (key.clone(), order));
    let mut subjects: Vec<Subject> = own.map(|(key, order)| Subject::Key(key, order)).collect();
    for order in orders {
        if !subjects.iter().any(|known| known.order() == order.id) {
            subjects.push(Subject::Order(order.id));
        }
    }
    subjects
}

/// The order that was charged last. One that was charged as another may be either: then each is
/// asked about by its name.
fn charged(sagas: &[Saga]) -> Option<GatewayOrderId> {
    let is_charge = |saga: &&Saga| matches!(saga.head.intent, Intent::Charge(_));
    let last = sagas.iter().rev().find(is_charge)?;
    (last.order() == last.head.gateway_order).then_some(last.head.gateway_order)
}
