//! Owns the master keys: how they are written down, and the file of the embedded default.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::aead::{Key, random};
use super::pouch::Pouch;

/// The bytes of every key in here.
const KEY_BYTES: usize = 32;
/// The longest name of a master key.
const NAME_MAX: usize = 32;

/// The master keys of this process: the first wraps, every one unwraps.
pub struct MasterKeys(Vec<Master>);

/// One of them.
struct Master {
    name: String,
    key: Key,
    /// What further keys are derived from; it tells nothing of this one.
    root: Prk,
}

/// Why a text holds no master keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0)]
pub struct Malformed(pub &'static str);

/// Why there are no master keys.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The file cannot be read or made.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What went wrong with it.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path}: {why}")]
    Malformed {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: Malformed,
    },
}

impl MasterKeys {
    /// The keys in a text: `name:base64`, the first of them current, separated by commas or lines.
    ///
    /// # Errors
    /// There is none, or one of them is not 32 bytes in base64 under a name of its own.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let parts = text.split([',', '\n']).map(str::trim);
        let mut keys: Vec<Master> = Vec::new();
        for part in parts.filter(|part| !part.is_empty()) {
            let master = one(part)?;
            if keys.iter().any(|known| known.name == master.name) {
                return Err(Malformed("two master keys have the same name"));
            }
            keys.push(master);
        }
        if keys.is_empty() {
            return Err(Malformed("it names no master key"));
        }
        Ok(Self(keys))
    }

    /// The keys in a file.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self, Unusable> {
        let text = fs::read_to_string(path).map_err(|source| unusable(path, source))?;
        let text = Zeroizing::new(text);
        Self::parse(&text).map_err(|why| Unusable::Malformed {
            path: path.display().to_string(),
            why,
        })
    }

    /// The keys in a file, which is made with a fresh one where there is none.
    ///
    /// # Errors
    /// The file cannot be made or read, or holds something else.
    pub fn keep(path: &Path) -> Result<Self, Unusable> {
        if !path.exists() {
            make(path).map_err(|source| unusable(path, source))?;
        }
        Self::read(path)
    }

    /// The one that wraps.
    pub(super) fn current(&self) -> (&str, &Key) {
        let master = self.first();
        (&master.name, &master.key)
    }

    fn first(&self) -> &Master {
        self.0.first().expect("there is one in every list")
    }

    /// What copies with the same current key name and seal things by that they keep elsewhere.
    #[must_use]
    pub fn pouch(&self) -> Pouch {
        Pouch::of(&self.first().root)
    }

    /// The one of this name.
    pub(super) fn named(&self, name: &str) -> Option<&Key> {
        let mut keys = self.0.iter();
        keys.find(|known| known.name == name)
            .map(|known| &known.key)
    }
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKeys(…)")
    }
}

fn one(text: &str) -> Result<Master, Malformed> {
    let (name, encoded) = text
        .split_once(':')
        .ok_or(Malformed("a master key is written name:base64"))?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(fine) {
        return Err(Malformed(
            "the name of a master key is 1 to 32 of A-Z a-z 0-9 _ -",
        ));
    }
    let decoded = STANDARD.decode(encoded).map(Zeroizing::new);
    let bytes = decoded.map_err(|_| Malformed("a master key is not in base64"))?;
    if bytes.len() != KEY_BYTES {
        return Err(Malformed("a master key is not of 32 bytes"));
    }
    let key = Key::new(&bytes).map_err(|_| Malformed("a master key was not taken"))?;
    Ok(Master {
        name: name.to_owned(),
        key,
        root: Salt::new(HKDF_SHA256, b"payflow").extract(&bytes),
    })
}

/// Writes a fresh key. Of two processes that do so at once one wins, and both read the same.
fn make(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let name: Zeroizing<[u8; 4]> = random();
    let name = u32::from_be_bytes(*name);
    let key: Zeroizing<[u8; KEY_BYTES]> = random();
    let text = Zeroizing::new(format!("k{name:08x}:{}\n", STANDARD.encode(key.as_slice())));
    let draft = path.with_extension(format!("{name:08x}.new"));
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Unlike a rename, a link never replaces what another process has begun to use.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn unusable(path: &Path, source: std::io::Error) -> Unusable {
    Unusable::File {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn the_first_is_current_and_every_one_is_known() {
        let keys = MasterKeys::parse(&format!("new:{ONE},old-1:{ONE}\n 2024:{ONE}\n")).unwrap();
        assert_eq!(keys.current().0, "new");
        assert!(keys.named("old-1").is_some() && keys.named("2024").is_some());
        assert!(keys.named("older").is_none());
        assert_eq!(format!("{keys:?}"), "MasterKeys(…)");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let wrong = [
            ("", "names no"),
            (" ,\n", "names no"),
            (ONE, "name:base64"),
            (&format!(":{ONE}"), "1 to 32"),
            (&format!("a b:{ONE}"), "1 to 32"),
            (&format!("{}:{ONE}", "a".repeat(33)), "1 to 32"),
            ("a:****", "base64"),
            (&format!("a:{}", ONE.trim_end_matches('=')), "base64"),
            ("a:c2hvcnQ=", "32 bytes"),
            (&format!("a:{}", STANDARD.encode([1; 33])), "32 bytes"),
            (&format!("a:{ONE},b:{ONE},a:{ONE}"), "same name"),
        ];
        for (text, why) in wrong {
            let refused = MasterKeys::parse(text).unwrap_err();
            assert!(refused.to_string().contains(why), "{text}: {refused}");
            assert!(!refused.to_string().contains(ONE), "{refused}");
        }
    }

    #[test]
    fn a_file_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/master.key");
        assert!(matches!(
            MasterKeys::read(&path),
            Err(Unusable::File { .. })
        ));
        let first = MasterKeys::keep(&path).unwrap();
        let again = MasterKeys::keep(&path).unwrap();
        assert_eq!(first.current().0, again.current().0);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "no draft is left");
        fs::write(&path, "nonsense").unwrap();
        let refused = MasterKeys::keep(&path).unwrap_err().to_string();
        assert!(refused.contains("master.key") && refused.contains("name:base64"));
    }
}
