//! Owns what the shop draws by chance: sessions that nobody can guess, and order numbers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::{Timestamp, korean};

/// Letters and digits that people do not take for one another.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ORDER_CHARACTERS: usize = 10;

/// 256 random bits as text.
pub(crate) fn secret() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// The day and fifty random bits: `H261121-7K3QZ0M9XT`.
pub(crate) fn order_number(at: Timestamp) -> String {
    let drawn: [u8; ORDER_CHARACTERS] = bytes();
    let tail: String = drawn
        .iter()
        .map(|byte| char::from(CROCKFORD[usize::from(byte % 32)]))
        .collect();
    format!("H{}-{tail}", korean(at).format("%y%m%d"))
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
