//! Owns which of the order page's states an order is in: what to say, and what can be done.

use crate::intent::{Act, Intent, State};
use crate::order::{Order, Status, Way};
use crate::payflow::PaymentStatus;

/// What the page of an order shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    /// It can be paid.
    ToPay,
    /// An account to pay in to is being issued.
    Issuing,
    /// It waits for what is paid in.
    AwaitingDeposit,
    /// The bank took back what had been paid in: it waits again.
    DepositTakenBack,
    /// It was paid for, perhaps: the outcome is being found out.
    Confirming,
    /// It is being withdrawn.
    Withdrawing,
    /// It is paid.
    Paid,
    /// Money is on its way back.
    Refunding,
    /// A part was given back.
    PartlyRefunded,
    /// All of it was given back.
    Refunded,
    /// It was withdrawn before anybody paid.
    Withdrawn,
    /// Its payment failed for good.
    Failed,
    /// Nobody paid in time.
    Expired,
}

impl Scene {
    /// The scene of an order with these intents.
    pub(crate) fn of(order: &Order, intents: &[Intent]) -> Self {
        let payment = order.payment.as_ref().map(|payment| payment.status);
        let open = intents.iter().find(|intent| intent.state == State::Open);
        match (order.status, open.map(|intent| &intent.act)) {
            (Status::Pending, Some(Act::Withdraw)) => Self::Withdrawing,
            (Status::Pending, Some(Act::IssueAccount { .. })) => Self::Issuing,
            (Status::Pending, None) if payment == Some(PaymentStatus::WaitingForDeposit) => {
                if order.reversals > 0 {
                    Self::DepositTakenBack
                } else {
                    Self::AwaitingDeposit
                }
            }
            (Status::Pending, None)
                if order.way == Way::Account && payment == Some(PaymentStatus::InProgress) =>
            {
                Self::Issuing
            }
            (Status::Pending, Some(Act::Approve { .. } | Act::Refund { .. })) => Self::Confirming,
            (Status::Pending, None) if payment == Some(PaymentStatus::InProgress) => {
                Self::Confirming
            }
            (Status::Pending, None) => Self::ToPay,
            (Status::Confirmed, Some(Act::Refund { .. } | Act::Withdraw)) => Self::Refunding,
            (Status::Confirmed, _) if payment == Some(PaymentStatus::CancelRequested) => {
                Self::Refunding
            }
            (Status::Confirmed, _) if order.refunded() > 0 => Self::PartlyRefunded,
            (Status::Confirmed, _) => Self::Paid,
            (Status::Cancelled, _) if order.refunded() > 0 => Self::Refunded,
            (Status::Cancelled, _) if payment == Some(PaymentStatus::Aborted) => Self::Failed,
            (Status::Cancelled, _) => Self::Withdrawn,
            (Status::Expired, _) => Self::Expired,
        }
    }

    /// The word in the page's markup.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ToPay => "to-pay",
            Self::Issuing => "issuing",
            Self::AwaitingDeposit => "awaiting-deposit",
            Self::DepositTakenBack => "deposit-taken-back",
            Self::Confirming => "confirming",
            Self::Withdrawing => "withdrawing",
            Self::Paid => "paid",
            Self::Refunding => "refunding",
            Self::PartlyRefunded => "partly-refunded",
            Self::Refunded => "refunded",
            Self::Withdrawn => "withdrawn",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// Whether it changes by itself, so that the page should be loaded again soon.
    pub(crate) const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Issuing | Self::Confirming | Self::Withdrawing | Self::Refunding
        )
    }
}

/// What the visitor is told besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The window was closed.
    Abandoned,
    /// The window came back without an authentication.
    Refused,
    /// The payment was declined.
    Declined,
    /// What the window brought back is not of this order.
    Wrong,
    /// It is paid already, or about to be: the second authentication is not used.
    Second,
    /// It is closed: the authentication came too late and is not used.
    Closed,
    /// No account was issued.
    NoAccount,
    /// The refund was refused.
    RefundRefused,
    /// The amount is not one that can be given back.
    Amount,
    /// Something else happened first.
    Stale,
    /// Payflow does not serve this shop now.
    TurnedAway,
}

impl Notice {
    /// Those that an address can carry.
    const CARRIED: [Self; 5] = [
        Self::Wrong,
        Self::Second,
        Self::Closed,
        Self::Amount,
        Self::Stale,
    ];

    /// The word in addresses and markup.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Refused => "refused",
            Self::Declined => "declined",
            Self::Wrong => "wrong",
            Self::Second => "second",
            Self::Closed => "closed",
            Self::NoAccount => "no-account",
            Self::RefundRefused => "refund-refused",
            Self::Amount => "amount",
            Self::Stale => "stale",
            Self::TurnedAway => "turned-away",
        }
    }

    /// The notice that an address carries.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::CARRIED
            .into_iter()
            .find(|notice| notice.as_str() == word)
    }

    /// Whether it can be true in this scene: an address says what it likes.
    pub(crate) const fn fits(self, scene: Scene) -> bool {
        match self {
            Self::Abandoned | Self::Refused | Self::Declined | Self::Wrong | Self::NoAccount => {
                matches!(scene, Scene::ToPay)
            }
            Self::Second => matches!(
                scene,
                Scene::Confirming | Scene::Paid | Scene::PartlyRefunded | Scene::Refunding
            ),
            Self::Closed => matches!(
                scene,
                Scene::Refunded | Scene::Withdrawn | Scene::Failed | Scene::Expired
            ),
            Self::RefundRefused | Self::Amount => {
                matches!(scene, Scene::Paid | Scene::PartlyRefunded)
            }
            Self::Stale | Self::TurnedAway => true,
        }
    }

    /// What the last thing that was asked came to, where that is worth telling in this scene.
    pub(crate) fn of(scene: Scene, intents: &[Intent]) -> Option<Self> {
        let refused = intents
            .last()
            .filter(|intent| intent.state == State::Refused)?;
        match (&refused.act, scene) {
            (Act::Approve { .. }, Scene::ToPay) => Some(Self::Declined),
            (Act::IssueAccount { .. }, Scene::ToPay) => Some(Self::NoAccount),
            (Act::Refund { .. }, Scene::Paid | Scene::PartlyRefunded) => Some(Self::RefundRefused),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::{order, payment};

    fn asked(act: Act, state: State) -> Vec<Intent> {
        vec![Intent {
            order: order().id,
            number: 1,
            act,
            state,
            code: None,
        }]
    }

    fn approve() -> Act {
        Act::Approve {
            payment_key: "k".to_owned(),
            gateway_order: "g".to_owned(),
        }
    }

    #[test]
    fn each_state_has_its_scene() {
        let with = |status, refunded| order().told(payment(status, refunded)).unwrap();
        let refund = || asked(Act::Refund { amount: 1 }, State::Open);
        let none = Vec::new;
        for (order, intents, expected) in [
            (order(), none(), Scene::ToPay),
            (
                order(),
                asked(Act::Withdraw, State::Open),
                Scene::Withdrawing,
            ),
            (with(PaymentStatus::Ready, 0), none(), Scene::ToPay),
            (
                with(PaymentStatus::Ready, 0),
                asked(approve(), State::Open),
                Scene::Confirming,
            ),
            (
                with(PaymentStatus::InProgress, 0),
                none(),
                Scene::Confirming,
            ),
            (with(PaymentStatus::Done, 0), none(), Scene::Paid),
            (
                with(PaymentStatus::Done, 0),
                asked(approve(), State::Open),
                Scene::Paid,
            ),
            (with(PaymentStatus::Done, 0), refund(), Scene::Refunding),
            (
                with(PaymentStatus::CancelRequested, 0),
                none(),
                Scene::Refunding,
            ),
            (
                with(PaymentStatus::PartialCanceled, 5),
                none(),
                Scene::PartlyRefunded,
            ),
            (
                with(PaymentStatus::Canceled, 18_000),
                none(),
                Scene::Refunded,
            ),
            (with(PaymentStatus::Canceled, 0), none(), Scene::Withdrawn),
            (with(PaymentStatus::Aborted, 0), none(), Scene::Failed),
            (with(PaymentStatus::Expired, 0), none(), Scene::Expired),
        ] {
            assert_eq!(Scene::of(&order, &intents), expected);
        }
    }

    #[test]
    fn an_account_is_issued_paid_in_to_and_emptied_by_its_bank() {
        let by_account = || Order {
            way: Way::Account,
            ..order()
        };
        let issue = |state| {
            let (bank, holder) = ("20".to_owned(), "홍길동".to_owned());
            asked(Act::IssueAccount { bank, holder }, state)
        };
        let told = |order: Order, status| order.told(payment(status, 0)).unwrap();
        let scene = |order: &Order| Scene::of(order, &issue(State::Done));
        let open = issue(State::Open);
        assert_eq!(Scene::of(&by_account(), &open), Scene::Issuing);
        let issuing = told(by_account(), PaymentStatus::InProgress);
        assert_eq!(scene(&issuing), Scene::Issuing);
        let waiting = told(issuing, PaymentStatus::WaitingForDeposit);
        assert_eq!(scene(&waiting), Scene::AwaitingDeposit);
        let paid = told(waiting, PaymentStatus::Done);
        assert_eq!(scene(&paid), Scene::Paid);
        let back = told(paid, PaymentStatus::WaitingForDeposit);
        assert_eq!(scene(&back), Scene::DepositTakenBack);
        assert_eq!(scene(&told(back, PaymentStatus::Done)), Scene::Paid);

        let refused = issue(State::Refused);
        assert_eq!(Scene::of(&by_account(), &refused), Scene::ToPay);
        assert_eq!(Notice::of(Scene::ToPay, &refused), Some(Notice::NoAccount));
    }

    #[test]
    fn a_refusal_is_told_where_it_can_be_mended() {
        let declined = asked(approve(), State::Refused);
        assert_eq!(Notice::of(Scene::ToPay, &declined), Some(Notice::Declined));
        assert_eq!(Notice::of(Scene::Failed, &declined), None);
        assert_eq!(
            Notice::of(Scene::ToPay, &asked(approve(), State::Open)),
            None
        );
        let refused = asked(Act::Refund { amount: 1 }, State::Refused);
        assert_eq!(
            Notice::of(Scene::Paid, &refused),
            Some(Notice::RefundRefused)
        );
    }

    #[test]
    fn an_address_carries_only_some_notices() {
        assert_eq!(Notice::of_word("second"), Some(Notice::Second));
        assert_eq!(Notice::of_word("declined"), None);
        assert_eq!(Notice::of_word("<b>"), None);
    }
}
