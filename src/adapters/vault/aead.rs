//! Owns the cipher: AES-256-GCM under random nonces, and what is authenticated beside the text.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

/// The version of what a key wrote: its cipher, and how its associated data are put together.
pub(super) const VERSION: u8 = 1;

/// A key that seals and opens.
pub(super) struct Key {
    cipher: RandomizedNonceKey,
    /// What texts are found again by; it tells nothing of the key.
    finding: hmac::Key,
}

/// What the key that texts are found by is derived for.
const FINDING: &[u8] = b"payflow blind index";

impl Key {
    /// A key of these 32 bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, Unspecified> {
        let derived = hmac::sign(&hmac::Key::new(HMAC_SHA256, bytes), FINDING);
        Ok(Self {
            cipher: RandomizedNonceKey::new(&AES_256_GCM, bytes)?,
            finding: hmac::Key::new(HMAC_SHA256, derived.as_ref()),
        })
    }

    /// A keyed hash of a text in this context.
    pub(super) fn index(&self, context: &[&str], text: &[u8]) -> Result<[u8; 32], Unspecified> {
        let mut bytes = associated(FINDING, context);
        bytes.extend_from_slice(text);
        let tag = hmac::sign(&self.finding, &bytes);
        tag.as_ref().try_into().map_err(|_| Unspecified)
    }

    /// Nonce, text and tag, appended to `header`.
    pub(super) fn seal(
        &self,
        header: &[u8],
        context: &[&str],
        text: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let mut sealed = text.to_vec();
        let aad = Aad::from(associated(header, context));
        let nonce = self.cipher.seal_in_place_append_tag(aad, &mut sealed)?;
        let mut whole = header.to_vec();
        whole.extend_from_slice(nonce.as_ref());
        whole.append(&mut sealed);
        Ok(whole)
    }

    /// The text that was sealed after this header, in this context.
    pub(super) fn open(
        &self,
        header: &[u8],
        context: &[&str],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(Unspecified)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(associated(header, context));
        let length = self.cipher.open_in_place(nonce, aad, &mut text)?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// What is authenticated with a text: every part with its length, so that no two lists of parts
/// come to the same bytes.
pub(super) fn associated(header: &[u8], context: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in std::iter::once(header).chain(context.iter().map(|part| part.as_bytes())) {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Fresh random bytes.
pub(super) fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice()).expect("the operating system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_moved_into_each_other() {
        let together = associated(b"h", &["ab", "c"]);
        for other in [&["a", "bc"][..], &["abc"], &["ab", "c", ""], &["c", "ab"]] {
            assert_ne!(together, associated(b"h", other));
        }
        assert_ne!(together, associated(b"", &["hab", "c"]));
    }

    #[test]
    fn two_seals_of_one_text_differ() {
        let key = Key::new(random::<32>().as_slice()).unwrap();
        let (first, second) = (key.seal(b"", &[], b"a"), key.seal(b"", &[], b"a"));
        assert_ne!(first.unwrap(), second.unwrap());
    }
}
