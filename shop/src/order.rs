//! Owns an order and what becomes of it when Payflow tells about its payment.

use crate::clock::Timestamp;
use crate::payflow::{Payment, PaymentStatus};

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It waits for its payment.
    Pending,
    /// It is paid.
    Confirmed,
    /// It was withdrawn, its payment failed for good, or all of it was given back.
    Cancelled,
    /// Nobody paid in time.
    Expired,
}

impl Status {
    const ALL: [Self; 4] = [
        Self::Pending,
        Self::Confirmed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The stored and shown word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }

    /// The status of a stored word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// How far it is: an order never goes back, unless a bank takes its deposit back.
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Confirmed => 1,
            Self::Cancelled | Self::Expired => 2,
        }
    }
}

/// How an order is paid; chosen when it is placed, since its payment is prepared for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In the gateway's window.
    Window,
    /// By a transfer to an account that a bank issues for this order alone.
    Account,
}

impl Way {
    /// The stored word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Window => "WINDOW",
            Self::Account => "ACCOUNT",
        }
    }

    /// The way of a stored word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::Window, Self::Account]
            .into_iter()
            .find(|way| way.as_str() == word)
    }
}

/// What somebody wants to buy. Its amount was computed here, from the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its number, for people and for Payflow.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) owner: String,
    /// Which product.
    pub(crate) product: String,
    /// What it was called when it was ordered.
    pub(crate) name: String,
    /// How many.
    pub(crate) quantity: i64,
    /// What is to be paid, in won.
    pub(crate) amount: i64,
    /// How it is paid.
    pub(crate) way: Way,
    /// Where it is.
    pub(crate) status: Status,
    /// How often a bank took back what had been paid in.
    pub(crate) reversals: i64,
    /// How often what is known of it has changed.
    pub(crate) revision: i64,
    /// What Payflow last told about its payment; none before it is prepared.
    pub(crate) payment: Option<Payment>,
    /// Since when.
    pub(crate) created_at: Timestamp,
}

/// A payment that is not this order's, or not of its amount.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("payment {payment} of order {order} over {amount} is not this order's")]
pub(crate) struct Foreign {
    payment: String,
    order: String,
    amount: i64,
}

impl Order {
    /// Given back so far, in won.
    pub(crate) fn refunded(&self) -> i64 {
        self.payment
            .as_ref()
            .map_or(0, |payment| payment.canceled_amount)
    }

    /// Paid and not given back, in won.
    pub(crate) fn refundable(&self) -> i64 {
        match self.status {
            Status::Confirmed => self.amount.saturating_sub(self.refunded()),
            Status::Pending | Status::Cancelled | Status::Expired => 0,
        }
    }

    /// Whether the service is still finding out what happened at the gateway.
    pub(crate) fn is_moving(&self) -> bool {
        self.payment.as_ref().is_some_and(|payment| {
            matches!(
                payment.status,
                PaymentStatus::InProgress | PaymentStatus::CancelRequested
            )
        })
    }

    /// The order after Payflow told this about its payment. Answers overtake each other: what is
    /// older than what is known changes nothing.
    ///
    /// # Errors
    /// The payment is somebody else's; money must not be taken for what it is not.
    pub(crate) fn told(mut self, payment: Payment) -> Result<Self, Foreign> {
        let known = self.payment.as_ref();
        let same = known.is_none_or(|known| known.id == payment.id);
        if !same || payment.order_id != self.id || payment.amount != self.amount {
            return Err(Foreign {
                payment: payment.id,
                order: payment.order_id,
                amount: payment.amount,
            });
        }
        let status = match payment.status {
            PaymentStatus::Ready
            | PaymentStatus::InProgress
            | PaymentStatus::WaitingForDeposit
            | PaymentStatus::Unknown => Status::Pending,
            PaymentStatus::Done
            | PaymentStatus::CancelRequested
            | PaymentStatus::PartialCanceled => Status::Confirmed,
            PaymentStatus::Canceled | PaymentStatus::Aborted => Status::Cancelled,
            PaymentStatus::Expired => Status::Expired,
        };
        let is_taken_back = self.way == Way::Account
            && self.status == Status::Confirmed
            && payment.status == PaymentStatus::WaitingForDeposit;
        let is_older =
            status.rank() < self.status.rank() || payment.canceled_amount < self.refunded();
        if is_taken_back {
            self.reversals = self.reversals.saturating_add(1);
        }
        if is_taken_back || !is_older {
            self.status = status;
            self.payment = Some(payment);
        }
        Ok(self)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn order() -> Order {
        Order {
            id: "H261121-7K3QZ0M9XT".to_owned(),
            owner: "owner".to_owned(),
            product: "mug".to_owned(),
            name: "흙빛 머그".to_owned(),
            quantity: 1,
            amount: 18_000,
            way: Way::Window,
            status: Status::Pending,
            reversals: 0,
            revision: 0,
            payment: None,
            created_at: "2026-11-21T00:00:00Z".parse().unwrap(),
        }
    }

    pub(crate) fn payment(status: PaymentStatus, canceled_amount: i64) -> Payment {
        Payment {
            id: "pay_1".to_owned(),
            order_id: order().id,
            sequence: 1,
            status,
            amount: 18_000,
            canceled_amount,
            cancels: Vec::new(),
            gateway_order_id: None,
            method: None,
            receipt_url: None,
            decline: None,
            virtual_account: None,
            approved_at: None,
        }
    }

    const ALL: [PaymentStatus; 10] = [
        PaymentStatus::Ready,
        PaymentStatus::InProgress,
        PaymentStatus::Done,
        PaymentStatus::CancelRequested,
        PaymentStatus::PartialCanceled,
        PaymentStatus::Canceled,
        PaymentStatus::Aborted,
        PaymentStatus::Expired,
        PaymentStatus::Unknown,
        PaymentStatus::WaitingForDeposit,
    ];

    #[test]
    fn a_payment_says_what_becomes_of_its_order() {
        let expected = [
            Status::Pending,
            Status::Pending,
            Status::Confirmed,
            Status::Confirmed,
            Status::Confirmed,
            Status::Cancelled,
            Status::Cancelled,
            Status::Expired,
            Status::Pending,
            Status::Pending,
        ];
        for (told, expected) in ALL.into_iter().zip(expected) {
            let order = order().told(payment(told, 0)).unwrap();
            assert_eq!(order.status, expected, "{told:?}");
        }
    }

    #[test]
    fn an_order_never_goes_back() {
        for first in ALL {
            let before = order().told(payment(first, 0)).unwrap();
            for second in ALL {
                let after = before.clone().told(payment(second, 0)).unwrap();
                assert!(
                    after.status.rank() >= before.status.rank(),
                    "{first:?} then {second:?}"
                );
            }
        }
    }

    #[test]
    fn only_a_deposit_can_be_taken_back_by_a_bank() {
        let by = |way| Order { way, ..order() };
        let paid = |way| by(way).told(payment(PaymentStatus::Done, 0)).unwrap();
        let waiting = || payment(PaymentStatus::WaitingForDeposit, 0);

        let back = paid(Way::Account).told(waiting()).unwrap();
        assert_eq!((back.status, back.reversals), (Status::Pending, 1));
        let again = back.told(payment(PaymentStatus::Done, 0)).unwrap();
        assert_eq!((again.status, again.reversals), (Status::Confirmed, 1));
        let refunded = again.told(payment(PaymentStatus::Canceled, 18_000));
        let refunded = refunded.unwrap().told(waiting()).unwrap();
        assert_eq!(
            (refunded.status, refunded.reversals),
            (Status::Cancelled, 1)
        );

        let by_card = paid(Way::Window).told(waiting()).unwrap();
        assert_eq!((by_card.status, by_card.reversals), (Status::Confirmed, 0));
    }

    #[test]
    fn a_refund_is_not_forgotten() {
        let refunded = order().told(payment(PaymentStatus::PartialCanceled, 5_000));
        let refunded = refunded.unwrap();
        assert_eq!(
            (refunded.refunded(), refunded.refundable()),
            (5_000, 13_000)
        );

        let overtaken = refunded.clone().told(payment(PaymentStatus::Done, 0));
        assert_eq!(overtaken.unwrap(), refunded);
    }

    #[test]
    fn somebody_elses_payment_confirms_nothing() {
        let paid = || payment(PaymentStatus::Done, 0);
        let cheaper = Payment {
            amount: 100,
            ..paid()
        };
        let of_another_order = Payment {
            order_id: "H261121-0000000000".to_owned(),
            ..paid()
        };
        assert!(order().told(cheaper).is_err());
        assert!(order().told(of_another_order).is_err());

        let another = Payment {
            id: "pay_2".to_owned(),
            ..paid()
        };
        let prepared = order().told(payment(PaymentStatus::Ready, 0)).unwrap();
        assert!(prepared.told(another).is_err());
    }

    #[test]
    fn a_status_is_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::of_word(status.as_str()), Some(status));
        }
        assert_eq!(Status::of_word("SHIPPED"), None);
        for way in [Way::Window, Way::Account] {
            assert_eq!(Way::of_word(way.as_str()), Some(way));
        }
    }
}
