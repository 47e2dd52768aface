//! Owns the methods of payment: what the buyer pays with, and which of them an account takes.

use std::fmt;
use std::str::FromStr;

use crate::principal::UnknownWord;

/// What the buyer pays with, as far as it decides where the payment is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A card.
    Card,
    /// A wallet that holds cards or money.
    EasyPay,
    /// A transfer from the buyer's bank account.
    Transfer,
    /// The bill of a mobile phone.
    MobilePhone,
    /// A gift certificate.
    GiftCertificate,
    /// A wallet of another country.
    ForeignEasyPay,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 6] = [
        Self::Card,
        Self::EasyPay,
        Self::Transfer,
        Self::MobilePhone,
        Self::GiftCertificate,
        Self::ForeignEasyPay,
    ];

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "CARD",
            Self::EasyPay => "EASY_PAY",
            Self::Transfer => "TRANSFER",
            Self::MobilePhone => "MOBILE_PHONE",
            Self::GiftCertificate => "GIFT_CERTIFICATE",
            Self::ForeignEasyPay => "FOREIGN_EASY_PAY",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Card => 1,
            Self::EasyPay => 1 << 1,
            Self::Transfer => 1 << 2,
            Self::MobilePhone => 1 << 3,
            Self::GiftCertificate => 1 << 4,
            Self::ForeignEasyPay => 1 << 5,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// A set of methods; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Methods(u8);

impl Methods {
    /// All of them.
    pub const ALL: Self = Self(
        Method::Card.bit()
            | Method::EasyPay.bit()
            | Method::Transfer.bit()
            | Method::MobilePhone.bit()
            | Method::GiftCertificate.bit()
            | Method::ForeignEasyPay.bit(),
    );

    /// This one alone.
    #[must_use]
    pub const fn only(method: Method) -> Self {
        Self(method.bit())
    }

    /// These; none where there is not one.
    #[must_use]
    pub fn of(methods: impl IntoIterator<Item = Method>) -> Option<Self> {
        let bits = methods
            .into_iter()
            .fold(0, |bits, method| bits | method.bit());
        (bits != 0).then_some(Self(bits))
    }

    /// Whether the method is one of them.
    #[must_use]
    pub const fn has(self, method: Method) -> bool {
        self.0 & method.bit() != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL
            .into_iter()
            .filter(move |method| self.has(*method))
    }

    /// Those that are in both; none where there is not one.
    #[must_use]
    pub fn both(self, other: Self) -> Option<Self> {
        Self::of(self.iter().filter(|method| other.has(*method)))
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Method::as_str).collect();
        f.write_str(&words.join(","))
    }
}

impl FromStr for Methods {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let methods: Result<Vec<Method>, _> = text.split(',').map(str::parse).collect();
        Self::of(methods?).ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_read_back() {
        for bits in 1..=Methods::ALL.0 {
            let methods = Methods(bits);
            assert_eq!(methods.to_string().parse(), Ok(methods));
            assert_eq!(Methods::of(methods.iter()), Some(methods));
            assert_eq!(methods.both(Methods::ALL), Some(methods));
        }
        assert_eq!(Methods::of([]), None);
        let card = Methods::only(Method::Card);
        assert_eq!(card.both(Methods::only(Method::Transfer)), None);
        for odd in ["", "CARD,", "card", "CARD CASH"] {
            assert!(odd.parse::<Methods>().is_err(), "{odd:?}");
        }
    }
}
