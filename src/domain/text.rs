//! Owns the texts that come from outside: each has one fallible constructor and is valid after it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::card;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too short or too long.
    #[error("the length is outside the limits")]
    Length,
    /// A character that the field does not take.
    #[error("a character is not allowed here")]
    Character,
    /// Looks like a card number, which must never be stored or logged.
    #[error("card numbers are not accepted here")]
    CardNumber,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let rule: fn(&str) -> Result<(), Error> = $rule;
                rule(text).map(|()| Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

text!(
    /// The merchant's name of an order: 6-64 of `A-Z a-z 0-9 _ -` (`toss-api.md §5`).
    OrderId,
    |text| {
        length(text, 6, 64)?;
        every(text, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    }
);
text!(
    /// What is bought, as the buyer reads it: 1-100 characters of free text.
    OrderName,
    |text| free_text(text, 100)
);
text!(
    /// Why money is given back: 1-150 characters of free text. The gateway takes 200
    /// (`toss-api.md §6.3`); the rest is for the mark that tells our own cancellations.
    CancelReason,
    |text| free_text(text, 150)
);
text!(
    /// Why something is paused or goes on: 1-200 characters of free text.
    SwitchReason,
    |text| free_text(text, 200)
);
text!(
    /// How a person knows what became of money: 1-500 characters of free text.
    Evidence,
    |text| free_text(text, 500)
);
text!(
    /// Who of the operators did something: 1-100 characters of free text.
    OperatorName,
    |text| free_text(text, 100)
);
text!(
    /// The buyer's name: 1-100 characters of free text; erasable.
    CustomerName,
    |text| free_text(text, 100)
);
text!(
    /// A merchant's name, for people: 1-100 characters of free text.
    MerchantName,
    |text| free_text(text, 100)
);
text!(
    /// What a merchant calls one of its API keys: 1-100 characters of free text.
    KeyName,
    |text| free_text(text, 100)
);
text!(
    /// What a merchant calls a plan, one of its own in each mode: 1-64 of `A-Z a-z 0-9 _ . -`.
    PlanCode,
    |text| {
        length(text, 1, 64)?;
        every(text, |c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    }
);
text!(
    /// A plan's name, as members read it: 1-100 characters of free text.
    PlanName,
    |text| free_text(text, 100)
);
text!(
    /// What a plan gives, as members read it: 1-500 characters of free text.
    Benefits,
    |text| free_text(text, 500)
);
text!(
    /// Where a merchant wants its events: 1-2048 visible ASCII characters; whether messages may be
    /// sent there is another question.
    EndpointUrl,
    |text| {
        length(text, 1, 2048)?;
        every(text, |c| c.is_ascii_graphic())
    }
);
text!(
    /// The merchant's own id of a member: 1-64 visible ASCII characters.
    MemberId,
    |text| {
        length(text, 1, 64)?;
        every(text, |c| c.is_ascii_graphic())
    }
);
text!(
    /// The gateway's name of one authentication: opaque, 1-200 visible ASCII (`toss-api.md §5`).
    PaymentKey,
    |text| {
        length(text, 1, 200)?;
        every(text, |c| c.is_ascii_graphic())
    }
);
text!(
    /// The gateway's name of a customer: 2-50 of `A-Z a-z 0-9 - _ = . @` (`toss-api.md §5`).
    CustomerKey,
    |text| {
        length(text, 2, 50)?;
        every(text, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '.' | '@')
        })
    }
);
text!(
    /// The gateway's name of one movement of money: opaque, 1-64 visible ASCII.
    TransactionKey,
    |text| {
        length(text, 1, 64)?;
        every(text, |c| c.is_ascii_graphic())
    }
);
text!(
    /// A caller's promise that repeats mean the same request: 1-255 visible ASCII characters.
    IdempotencyKey,
    |text| {
        length(text, 1, 255)?;
        every(text, |c| c.is_ascii_graphic())
    }
);
text!(
    /// The key under which the gateway executes a call at most once: `{saga}-{n}`.
    GatewayKey,
    |text| {
        length(text, 1, 300)?;
        every(text, |c| c.is_ascii_graphic())
    }
);

fn length(text: &str, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(Error::Length)
    }
}

fn every(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), Error> {
    if text.chars().all(allowed) {
        Ok(())
    } else {
        Err(Error::Character)
    }
}

fn free_text(text: &str, max: usize) -> Result<(), Error> {
    length(text, 1, max)?;
    every(text, |c| !c.is_control())?;
    if text.trim().is_empty() {
        return Err(Error::Length);
    }
    if card::is_in(text) {
        return Err(Error::CardNumber);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_ids_keep_the_charset() {
        assert!("order-2026_01".parse::<OrderId>().is_ok());
        assert_eq!("short".parse::<OrderId>(), Err(Error::Length));
        assert_eq!("x".repeat(65).parse::<OrderId>(), Err(Error::Length));
        for wrong in ["order 1", "order=1", "주문번호-하나", "order\n1", "order.1"] {
            assert_eq!(wrong.parse::<OrderId>(), Err(Error::Character), "{wrong}");
        }
    }

    #[test]
    fn free_text_is_korean_but_never_a_card() {
        assert!("생수 외 1건".parse::<OrderName>().is_ok());
        assert_eq!("".parse::<OrderName>(), Err(Error::Length));
        assert_eq!("   ".parse::<OrderName>(), Err(Error::Length));
        assert_eq!("a\u{7}b".parse::<OrderName>(), Err(Error::Character));
        for card in [
            "4111111111111111",
            "카드 4111-1111-1111-1111 로",
            "5555 5555 5555 4444",
        ] {
            assert_eq!(card.parse::<OrderName>(), Err(Error::CardNumber), "{card}");
        }
    }

    #[test]
    fn payment_keys_are_exempt() {
        assert!("tgen_4111111111111111".parse::<PaymentKey>().is_ok());
        assert_eq!("two words".parse::<PaymentKey>(), Err(Error::Character));
    }
}
