//! Owns why money was not taken: the gateway's word, our reason, and what the buyer can do next.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::principal::UnknownWord;

/// Who can mend it, and so where the payment goes (`toss-api.md §16.2`, classes U and M).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The buyer or the payment method; another try with a new authentication may work.
    Buyer,
    /// The merchant's request, contract or set-up; final for this payment.
    Merchant,
}

impl Class {
    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "BUYER",
            Self::Merchant => "MERCHANT",
        }
    }
}

impl FromStr for Class {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Buyer, Self::Merchant]
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $word:literal),+ $(,)?) => {
        /// Our own, gateway-independent reason; stable, for programs to branch on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name),+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stored and shown word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word),+
                }
            }
        }
    };
}

reasons! {
    /// The issuer said no without telling why.
    CardRefused => "CARD_REFUSED",
    /// Limit or balance does not cover the amount.
    InsufficientFunds => "INSUFFICIENT_FUNDS",
    /// A daily, monthly or per-payment limit.
    LimitExceeded => "LIMIT_EXCEEDED",
    /// The card is expired, stopped, lost or stolen.
    CardUnusable => "CARD_UNUSABLE",
    /// Number, expiry date, password or identity did not match.
    WrongDetails => "WRONG_DETAILS",
    /// Too many wrong tries.
    TooManyTries => "TOO_MANY_TRIES",
    /// The method cannot be used for this payment.
    MethodUnsupported => "METHOD_UNSUPPORTED",
    /// The bank or account does not allow it.
    AccountRefused => "ACCOUNT_REFUSED",
    /// Suspected fraud.
    FraudSuspected => "FRAUD_SUSPECTED",
    /// The authentication lapsed or was never there.
    SessionExpired => "SESSION_EXPIRED",
    /// The request, contract or set-up of the merchant is at fault.
    MerchantSetup => "MERCHANT_SETUP",
    /// The gateway captured something else than asked; it is given back.
    WrongCapture => "WRONG_CAPTURE",
    /// Somebody else gave back a part meanwhile.
    BalanceChanged => "BALANCE_CHANGED",
    /// A definitive decline without a finer reason.
    Other => "OTHER",
}

impl FromStr for Reason {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A definitive refusal of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decline {
    /// Our reason.
    pub reason: Reason,
    /// Who can mend it.
    pub class: Class,
    /// The gateway's code, as received.
    pub code: String,
    /// The gateway's message, cut to [`Decline::MESSAGE_CHARS_MAX`]; not stable, for people only.
    pub message: String,
}

impl Decline {
    /// Toss documents messages of at most this many characters (`toss-api.md §2.4`).
    pub const MESSAGE_CHARS_MAX: usize = 510;

    /// The authentication's window closed and a question showed no effect.
    #[must_use]
    pub fn session_expired() -> Self {
        Self {
            reason: Reason::SessionExpired,
            class: Class::Buyer,
            code: "PAYFLOW_SESSION_EXPIRED".to_owned(),
            message: "the payment session expired without an approval".to_owned(),
        }
    }

    /// The gateway refused because of the state it has the payment in.
    #[must_use]
    pub fn conflict(code: &str) -> Self {
        Self {
            reason: Reason::Other,
            class: Class::Merchant,
            code: code.to_owned(),
            message: "the gateway does not do this in the payment's state".to_owned(),
        }
    }

    /// The stored card is gone at the gateway.
    #[must_use]
    pub fn billing_key_gone(code: &str) -> Self {
        Self {
            reason: Reason::CardUnusable,
            class: Class::Buyer,
            code: code.to_owned(),
            message: "the billing key was deleted at the gateway".to_owned(),
        }
    }

    /// The gateway answered every try with an error.
    #[must_use]
    pub fn never_issued() -> Self {
        Self {
            reason: Reason::Other,
            class: Class::Buyer,
            code: "PAYFLOW_NEVER_ISSUED".to_owned(),
            message: "the gateway never issued the billing key".to_owned(),
        }
    }

    /// A person found out that the call took no effect, and will not.
    #[must_use]
    pub fn settled() -> Self {
        Self {
            reason: Reason::Other,
            class: Class::Buyer,
            code: "PAYFLOW_SETTLED".to_owned(),
            message: "a person found out that the call took no effect".to_owned(),
        }
    }

    /// No call of a charge can take effect any more, and none did.
    #[must_use]
    pub fn charge_lapsed() -> Self {
        Self {
            reason: Reason::Other,
            class: Class::Buyer,
            code: "PAYFLOW_CHARGE_LAPSED".to_owned(),
            message: "the gateway never took the charge".to_owned(),
        }
    }

    /// Others closed the virtual account before it could be shown to anybody.
    #[must_use]
    pub fn account_closed() -> Self {
        Self {
            reason: Reason::Other,
            class: Class::Merchant,
            code: "PAYFLOW_ACCOUNT_CLOSED".to_owned(),
            message: "the virtual account was closed at the gateway".to_owned(),
        }
    }

    /// The buyer paid in before the virtual account could be closed.
    #[must_use]
    pub fn deposited() -> Self {
        Self {
            reason: Reason::BalanceChanged,
            class: Class::Merchant,
            code: "PAYFLOW_DEPOSITED".to_owned(),
            message: "the deposit came before the virtual account was closed".to_owned(),
        }
    }

    /// The bank took the deposit back before it could be given back.
    #[must_use]
    pub fn deposit_gone() -> Self {
        Self {
            reason: Reason::BalanceChanged,
            class: Class::Merchant,
            code: "PAYFLOW_DEPOSIT_GONE".to_owned(),
            message: "the bank took the deposit back before it was given back".to_owned(),
        }
    }

    /// A cancellation found another balance at the gateway than it was decided by.
    #[must_use]
    pub fn balance_changed() -> Self {
        Self {
            reason: Reason::BalanceChanged,
            class: Class::Merchant,
            code: "PAYFLOW_BALANCE_CHANGED".to_owned(),
            message: "another cancellation was made at the gateway meanwhile".to_owned(),
        }
    }

    /// The gateway captured something else than was asked for.
    #[must_use]
    pub fn wrong_capture() -> Self {
        Self {
            reason: Reason::WrongCapture,
            class: Class::Merchant,
            code: "PAYFLOW_WRONG_CAPTURE".to_owned(),
            message: "the gateway captured something else than asked; it is given back".to_owned(),
        }
    }
}
