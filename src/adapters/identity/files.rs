//! Owns the keys in an issuer's files: read at the start, and taken anew whenever a file changes.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt as _;

use super::Rejected;
use super::keys::{Key, Unfit};
use crate::config::identity::{Issuer, Key as Named};

/// No key is longer.
const BYTES_MAX: u64 = 64 * 1024;

/// An issuer's keys by their names; the key of tokens without a `kid` has none.
pub(super) struct Files {
    issuer: String,
    files: HashMap<Option<String>, File>,
}

/// A file, and the last usable key that was in it.
struct File {
    named: Named,
    kept: RwLock<Kept>,
}

struct Kept {
    key: Key,
    /// Of what was read last. The content itself may be a secret.
    digest: [u8; 32],
    /// Why the file's content is not in use; logged once.
    refused: Option<String>,
}

impl Files {
    /// The keys in the files of an issuer of this name.
    ///
    /// # Errors
    /// A file cannot be read, or its key proves nothing.
    pub(super) fn read(issuer: &str, rules: &Issuer) -> Result<Self, Rejected> {
        let issuer = issuer.to_owned();
        let file = |named: &Named| {
            let content = read(&named.file).map_err(|why| unreadable(&issuer, named, why))?;
            let key = Key::read(named.algorithm, &content);
            let kept = Kept {
                key: key.map_err(|why| unfit(&issuer, named, why))?,
                digest: digest(&content),
                refused: None,
            };
            let named = named.clone();
            let kept = RwLock::new(kept);
            Ok((named.kid.clone(), File { named, kept }))
        };
        let files = rules
            .keys
            .iter()
            .map(file)
            .collect::<Result<_, Rejected>>()?;
        Ok(Self { issuer, files })
    }

    /// The key of this very name.
    pub(super) fn key(&self, kid: Option<&String>) -> Option<Key> {
        let file = self.files.get(&kid.cloned())?;
        let kept = file.kept.read().unwrap_or_else(PoisonError::into_inner);
        Some(kept.key.clone())
    }

    /// Looks at every file, and takes the keys of those that have changed. Of how many the content
    /// is of no use: their last key is kept.
    pub(super) async fn look(&self) -> usize {
        let mut stale: usize = 0;
        for file in self.files.values() {
            let content = read_later(&file.named.file).await;
            let is_used = file.take(&self.issuer, content);
            stale = stale.saturating_add(usize::from(!is_used));
        }
        stale
    }
}

impl File {
    /// Takes what was read now, if it is a key; whether it is.
    fn take(&self, issuer: &str, content: std::io::Result<Vec<u8>>) -> bool {
        let named = &self.named;
        let read = content.map_err(|why| unreadable(issuer, named, why));
        let read = read.and_then(|content| {
            let key = Key::read(named.algorithm, &content);
            let key = key.map_err(|why| unfit(issuer, named, why))?;
            Ok((key, digest(&content)))
        });
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok((key, digest)) => {
                if kept.digest != digest || kept.refused.is_some() {
                    let file = named.file.display();
                    tracing::info!(issuer, %file, "the key of a file is taken anew");
                }
                *kept = Kept {
                    key,
                    digest,
                    refused: None,
                };
                true
            }
            Err(why) => {
                let why = why.to_string();
                if kept.refused.as_ref() != Some(&why) {
                    tracing::error!(why, "the key of a file is of no use; its last one is kept");
                    kept.refused = Some(why);
                }
                false
            }
        }
    }
}

fn unreadable(issuer: &str, named: &Named, why: std::io::Error) -> Rejected {
    Rejected::File {
        issuer: issuer.to_owned(),
        file: named.file.display().to_string(),
        why,
    }
}

fn unfit(issuer: &str, named: &Named, why: Unfit) -> Rejected {
    Rejected::Key {
        issuer: issuer.to_owned(),
        file: named.file.display().to_string(),
        why,
    }
}

fn digest(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = fs::File::open(file)?;
    file.take(BYTES_MAX).read_to_end(&mut content)?;
    Ok(content)
}

async fn read_later(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = tokio::fs::File::open(file).await?;
    file.take(BYTES_MAX).read_to_end(&mut content).await?;
    Ok(content)
}
