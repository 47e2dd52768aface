//! Owns what copies of the service keep where others may read and write: names that tell nothing,
//! and texts that nobody else can read or make.

use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::aead::{Key, VERSION, associated};

/// What names are made with.
const NAMING: &str = "payflow pouch names";
/// What texts are sealed with.
const SEALING: &str = "payflow pouch texts";
/// So much of a name's hash is enough for no two to meet.
const NAME_BYTES: usize = 16;

/// Names and seals by keys that every copy with the same master key has.
pub struct Pouch {
    names: hmac::Key,
    texts: Key,
}

impl Pouch {
    pub(super) fn of(root: &Prk) -> Self {
        let texts = derived(root, SEALING);
        Self {
            names: hmac::Key::new(HMAC_SHA256, derived(root, NAMING).as_slice()),
            texts: Key::new(texts.as_slice()).expect("32 bytes are a key"),
        }
    }

    /// The name of something of a kind that these parts tell from all others.
    #[must_use]
    pub fn name(&self, kind: &str, parts: &[&str]) -> String {
        let tag = hmac::sign(&self.names, &associated(kind.as_bytes(), parts));
        let bytes = tag.as_ref().iter().copied().take(NAME_BYTES);
        URL_SAFE_NO_PAD.encode(bytes.collect::<Vec<u8>>())
    }

    /// The text as it is kept under this name, and under no other.
    #[must_use]
    pub fn seal(&self, name: &str, text: &[u8]) -> Option<Vec<u8>> {
        self.texts.seal(&[VERSION], &[name], text).ok()
    }

    /// The text that one of us sealed under this name.
    #[must_use]
    pub fn open(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match sealed.split_first() {
            Some((&VERSION, rest)) => self.texts.open(&[VERSION], &[name], rest).ok(),
            Some(_) | None => None,
        }
    }
}

fn derived(root: &Prk, label: &str) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    let info = [label.as_bytes()];
    let filled = root.expand(&info, HKDF_SHA256);
    let filled = filled.and_then(|key| key.fill(bytes.as_mut_slice()));
    filled.expect("a hash's length is never too long");
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::MasterKeys;
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

    fn pouch(masters: &str) -> Pouch {
        MasterKeys::parse(masters).unwrap().pouch()
    }

    #[test]
    fn copies_with_the_same_current_key_have_the_same() {
        let (mine, yours) = (
            pouch(&format!("a:{ONE}")),
            pouch(&format!("b:{ONE},c:{OTHER}")),
        );
        let name = mine.name("answer", &["k", "f"]);
        assert_eq!(name, yours.name("answer", &["k", "f"]));
        assert_eq!(name.len(), 22, "16 bytes");
        let sealed = mine.seal(&name, b"text").unwrap();
        assert_eq!(yours.open(&name, &sealed).unwrap().as_slice(), b"text");
    }

    #[test]
    fn nobody_else_reads_or_makes_them() {
        let (mine, others) = (pouch(&format!("a:{ONE}")), pouch(&format!("a:{OTHER}")));
        let name = mine.name("answer", &["k"]);
        assert_ne!(name, others.name("answer", &["k"]));
        let sealed = mine.seal(&name, b"text").unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"text"));
        assert!(others.open(&name, &sealed).is_none());
        assert!(mine.open(&mine.name("answer", &["l"]), &sealed).is_none());
        for place in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[place] ^= 1;
            assert!(mine.open(&name, &bent).is_none(), "byte {place}");
        }
        assert!(mine.open(&name, b"").is_none() && mine.open(&name, b"text").is_none());
    }

    #[test]
    fn kinds_and_parts_are_told_apart() {
        let pouch = pouch(&format!("a:{ONE}"));
        let names = [
            pouch.name("answer", &["ab", "c"]),
            pouch.name("answer", &["a", "bc"]),
            pouch.name("limit", &["ab", "c"]),
            pouch.name("answer", &["abc"]),
        ];
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name));
        }
    }
}
