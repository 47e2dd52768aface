//! Owns how the sandbox draws identifiers in the forms seen at the real gateway.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::clock::{Timestamp, korean};

const ALPHANUMERICS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SECRET_CHARACTERS: usize = 28;
const ULID_DIGITS: usize = 26;
const ULID_TIME_DIGITS: usize = 10;

/// First five characters of the merchant id, the Korean time to the second, five random ones.
pub(crate) fn payment_key(merchant_id: &str, at: Timestamp) -> String {
    let prefix: String = merchant_id.chars().take(5).collect();
    format!(
        "{prefix}{}{}",
        korean(at).format("%Y%m%d%H%M%S"),
        alphanumerics(5)
    )
}

/// `txrd_a` and a lower-case ULID.
pub(crate) fn transaction_key(at: Timestamp) -> String {
    ulid("txrd_a", at)
}

/// `whtrans_a` and a lower-case ULID.
pub(crate) fn transmission_id(at: Timestamp) -> String {
    ulid("whtrans_a", at)
}

/// `evt_` and 24 alphanumerics.
pub(crate) fn event_id() -> String {
    format!("evt_{}", alphanumerics(24))
}

fn ulid(prefix: &str, at: Timestamp) -> String {
    let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    let random: [u8; 16] = random();
    let value = (milliseconds << 80) | (u128::from_be_bytes(random) >> 48);
    let mut key = String::with_capacity(prefix.len().saturating_add(ULID_DIGITS));
    key.push_str(prefix);
    for shift in (0..26_u32).rev() {
        let digit = value
            .checked_shr(shift.saturating_mul(5))
            .unwrap_or_default()
            & 31;
        key.push(char::from(
            CROCKFORD[usize::try_from(digit).unwrap_or_default()],
        ));
    }
    key
}

/// When a key of [`transaction_key`] was drawn, to the millisecond; nothing for any other text.
pub(crate) fn transaction_instant(key: &str) -> Option<Timestamp> {
    let digits = key.strip_prefix("txrd_a")?.as_bytes();
    if digits.len() != ULID_DIGITS {
        return None;
    }
    let mut milliseconds: i64 = 0;
    for digit in digits.iter().take(ULID_TIME_DIGITS) {
        let value = CROCKFORD.iter().position(|known| known == digit)?;
        let value = i64::try_from(value).ok()?;
        milliseconds = milliseconds.checked_mul(32)?.checked_add(value)?;
    }
    Timestamp::from_timestamp_millis(milliseconds)
}

/// `ps_` and 28 alphanumerics.
pub(crate) fn payment_secret() -> String {
    format!("ps_{}", alphanumerics(SECRET_CHARACTERS))
}

/// 48 alphanumerics.
pub(crate) fn receipt_key() -> String {
    alphanumerics(24) + &alphanumerics(24)
}

/// Nine digits.
pub(crate) fn issue_number() -> String {
    format!("{:09}", below(1_000_000_000))
}

/// 44 characters of base64 for addresses, the last of them `=`.
pub(crate) fn billing_key() -> String {
    URL_SAFE.encode(random::<32>())
}

/// `bln_` and 43 characters; the real ones have up to 300 (`toss-api.md` §5).
pub(crate) fn auth_key() -> String {
    format!("bln_{}", alphanumerics(24) + &alphanumerics(19))
}

/// What the address of a billing window ends with.
pub(crate) fn window_id() -> String {
    alphanumerics(24)
}

/// `X` and thirteen digits, as in the test environment.
pub(crate) fn account_number() -> String {
    format!("X{:013}", below(10_000_000_000_000))
}

/// `A` and six digits.
pub(crate) fn authorization_code() -> String {
    format!("A{:06}", below(1_000_000))
}

fn below(limit: u64) -> u64 {
    let drawn = u64::from_be_bytes(random());
    drawn.checked_rem(limit).unwrap_or_default()
}

/// 32 hexadecimal characters.
pub(crate) fn trace_id() -> String {
    hex(&random::<16>())
}

/// Lower-case hexadecimal text of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn alphanumerics(count: usize) -> String {
    let bytes: [u8; 32] = random();
    bytes
        .iter()
        .take(count)
        .map(|byte| char::from(ALPHANUMERICS[usize::from(byte % 62)]))
        .collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, transaction_instant, transaction_key};

    #[test]
    fn a_transaction_key_tells_its_instant() {
        for milliseconds in [0, 1_773_541_841_123, 4_102_444_800_000] {
            let at = Timestamp::from_timestamp_millis(milliseconds).expect("an instant");
            assert_eq!(transaction_instant(&transaction_key(at)), Some(at));
        }
        for other in ["", "txrd_a", "txrd_a01", "18B0F8CE4403DAA47A363C6E3855E288"] {
            assert_eq!(transaction_instant(other), None, "{other}");
        }
    }
}
