//! Owns identifiers: a prefix in the type, 48 bits of time, 122 random bits, Crockford base 32.
//!
//! Time first, so that rows of one hour lie together in an index; 122 random bits, so that nobody
//! guesses one. The text form is fixed-width and safe as a Toss order id (`toss-api.md §5`).

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 34;
const RANDOM_BITS: u32 = 122;

/// Whether the byte is in the alphabet; every row that is read has several identifiers.
const fn is_symbol(byte: u8) -> bool {
    let is_letter = byte.is_ascii_lowercase() && !matches!(byte, b'i' | b'l' | b'o' | b'u');
    is_letter || byte.is_ascii_digit()
}

/// Text that is not an identifier of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub struct Malformed;

/// The part of an identifier after its prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawId([u8; LENGTH]);

impl RawId {
    /// Builds an identifier from milliseconds since 1970 (low 48 bits) and randomness (low 122).
    #[must_use]
    pub fn from_parts(unix_milliseconds: u64, random: u128) -> Self {
        let mut high = unix_milliseconds;
        let mut low = random & (u128::MAX >> (128 - RANDOM_BITS));
        let mut text = [b'0'; LENGTH];
        for symbol in text.iter_mut().rev() {
            let five_bits = usize::try_from(low & 31).expect("five bits fit");
            *symbol = ALPHABET[five_bits];
            low = (low >> 5) | (u128::from(high & 31) << (RANDOM_BITS - 5));
            high >>= 5;
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the alphabet is ASCII")
    }
}

impl FromStr for RawId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| Malformed)?;
        if bytes.iter().all(|byte| is_symbol(*byte)) {
            Ok(Self(bytes))
        } else {
            Err(Malformed)
        }
    }
}

impl fmt::Display for RawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(RawId);

        impl $name {
            /// What every text form of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Gives a fresh identifier its kind.
            #[must_use]
            pub const fn new(raw: RawId) -> Self {
                Self(raw)
            }

            /// The part after the prefix.
            #[must_use]
            pub const fn raw(self) -> RawId {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // In one piece: text that grows is allocated more than once.
                const HEAD: usize = $name::PREFIX.len() + 1;
                let mut text = [b'_'; HEAD + LENGTH];
                text[..HEAD - 1].copy_from_slice(Self::PREFIX.as_bytes());
                text[HEAD..].copy_from_slice(&self.0.0);
                f.write_str(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                let rest = text.strip_prefix(Self::PREFIX).ok_or(Malformed)?;
                rest.strip_prefix('_').ok_or(Malformed)?.parse().map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id!(
    /// A tenant.
    MerchantId,
    "mer"
);
id!(
    /// A merchant's API key (the row, not the secret).
    ApiKeyId,
    "key"
);
id!(
    /// A merchant's credentials at a gateway.
    GatewayAccountId,
    "gwa"
);
id!(
    /// A key that seals a merchant's secrets.
    DataKeyId,
    "dek"
);
id!(
    /// What a member pays for again and again.
    SubscriptionId,
    "sub"
);
id!(
    /// The taking of money for one order.
    PaymentId,
    "pay"
);
id!(
    /// One opening of the payment window; the order id that the gateway sees.
    GatewayOrderId,
    "gwo"
);
id!(
    /// A stored payment method of a member.
    BillingKeyId,
    "bkey"
);
id!(
    /// A durable intent and its progress.
    SagaId,
    "sag"
);
id!(
    /// A question that a person answers with a proof.
    ChallengeId,
    "chl"
);
id!(
    /// Where a merchant wants its events.
    EndpointId,
    "whe"
);
id!(
    /// A notification of a gateway's, as it came in.
    InboundId,
    "inb"
);
id!(
    /// A process that drives sagas, new at each start.
    WorkerId,
    "wrk"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_bit() {
        let all = RawId::from_parts((1 << 48) - 1, u128::MAX);
        assert_eq!(all.as_str(), "z".repeat(34));
        assert_eq!(RawId::from_parts(0, 0).as_str(), "0".repeat(34));
        for bit in 0..122 {
            assert_ne!(
                RawId::from_parts(5, 1 << bit),
                RawId::from_parts(5, 0),
                "bit {bit}"
            );
        }
        for bit in 0..48 {
            assert_ne!(
                RawId::from_parts(1 << bit, 7),
                RawId::from_parts(0, 7),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn only_the_alphabet_is_read() {
        for byte in u8::MIN..=u8::MAX {
            assert_eq!(is_symbol(byte), ALPHABET.contains(&byte), "{byte}");
        }
    }

    #[test]
    fn sorts_by_time_first() {
        assert!(RawId::from_parts(1, u128::MAX) < RawId::from_parts(2, 0));
    }

    #[test]
    fn parses_only_its_own_kind() {
        let id = PaymentId::new(RawId::from_parts(1_700_000_000_000, 99));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse::<SagaId>(), Err(Malformed));
        for wrong in ["", "pay", "pay_", "pay_123", "pay-0", "PAY_0"] {
            assert_eq!(wrong.parse::<PaymentId>(), Err(Malformed), "{wrong}");
        }
        let upper = id.to_string().to_uppercase();
        assert_eq!(upper.parse::<PaymentId>(), Err(Malformed));
    }

    #[test]
    fn is_a_valid_order_id_at_the_gateway() {
        let text = GatewayOrderId::new(RawId::from_parts(1, 1)).to_string();
        assert!((6..=64).contains(&text.len()));
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    }
}
