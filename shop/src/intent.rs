//! Owns an intent: something the shop asks of Payflow that moves money, kept until it has an end.
//!
//! It is stored before it is sent and repeated with the same idempotency key until Payflow gives
//! a final answer, so a crash, a reload or a lost answer leads to the same one effect.

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Take the money that the buyer has authenticated.
    Approve {
        /// The gateway's name of the authentication.
        payment_key: String,
        /// The opening of the window it belongs to.
        gateway_order: String,
    },
    /// Have an account issued that the buyer pays in to.
    IssueAccount {
        /// The code of the bank.
        bank: String,
        /// In whose name.
        holder: String,
    },
    /// Give this much back.
    Refund {
        /// In won.
        amount: i64,
    },
    /// Close an order that nobody has paid.
    Withdraw,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// To be sent, or sent and not answered for good.
    Open,
    /// Done.
    Done,
    /// Refused for good.
    Refused,
}

impl State {
    /// The stored word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Done => "DONE",
            Self::Refused => "REFUSED",
        }
    }

    /// The state of a stored word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Done, Self::Refused]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// One intent of an order; they are numbered from 1, and at most one is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Of which order.
    pub(crate) order: String,
    /// Which one.
    pub(crate) number: i64,
    /// What is asked.
    pub(crate) act: Act,
    /// How far it is.
    pub(crate) state: State,
    /// Payflow's code, once refused.
    pub(crate) code: Option<String>,
}

impl Intent {
    /// Under which Payflow does it at most once.
    pub(crate) fn key(&self) -> String {
        format!("{}-{}", self.order, self.number)
    }
}

/// What an answer means for the intent that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is done.
    Done,
    /// It is refused, and will be.
    Refused,
    /// Not known yet: the same again, later.
    Later,
}

/// Codes of a 409 that pass: something else is under way.
const PASSING: [&str; 2] = ["PAYMENT_IN_PROGRESS", "IDEMPOTENCY_KEY_IN_PROGRESS"];

impl Meaning {
    /// What this status and code say. Whatever is not known to be final is not.
    pub(crate) fn of(status: u16, code: &str) -> Self {
        match status {
            200 => Self::Done,
            409 if PASSING.contains(&code) => Self::Later,
            400 | 402 | 404 | 409 | 422 => Self::Refused,
            _ => Self::Later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_final_answer_ends_an_intent() {
        for (status, code, expected) in [
            (200, "OK", Meaning::Done),
            (202, "PAYMENT_PENDING", Meaning::Later),
            (400, "AMOUNT_MISMATCH", Meaning::Refused),
            (401, "API_KEY_UNKNOWN", Meaning::Later),
            (402, "PAYMENT_DECLINED", Meaning::Refused),
            (404, "PAYMENT_NOT_FOUND", Meaning::Refused),
            (409, "PAYMENT_IN_PROGRESS", Meaning::Later),
            (409, "IDEMPOTENCY_KEY_IN_PROGRESS", Meaning::Later),
            (409, "PAYMENT_ALREADY_APPROVED", Meaning::Refused),
            (422, "CANCEL_OVER_BALANCE", Meaning::Refused),
            (429, "", Meaning::Later),
            (500, "INTERNAL_ERROR", Meaning::Later),
            (503, "TOO_MANY_CONFLICTS", Meaning::Later),
        ] {
            assert_eq!(Meaning::of(status, code), expected, "{status} {code}");
        }
    }
}
