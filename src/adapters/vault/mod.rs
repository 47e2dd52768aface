//! Owns the vault: secrets are sealed with a merchant's data key, which lies in the store wrapped
//! with a master key that the store never sees.

mod aead;
mod masters;
mod pouch;
mod rotation;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use application::ports::store::CommitError;
use application::ports::vault::{Error, Place, Secret};
use application::ports::{self, Clock as _, Ids as _, Store};
use async_trait::async_trait;
use domain::change::Change;
use domain::id::{DataKeyId, MerchantId};
use domain::vault::{DataKey, Sealed, Wrapped};

use self::aead::{Key, VERSION, random};
use super::clock::Wall;
use super::ids::Drawn;

pub use masters::{Malformed, MasterKeys, Unusable};
pub use pouch::Pouch;
pub use rotation::Rotated;

/// What a data key is wrapped for, so that it is taken for no sealed value.
const WRAPPING: &str = "payflow data key";
/// What a value is sealed for.
const SEALING: &str = "payflow sealed value";
/// `dek_` and what follows.
const ID_BYTES: usize = 38;
/// How often a data key is looked for that another process may be making.
const TRIES: usize = 3;

/// Seals and opens with the data keys in a store.
pub struct Vault {
    masters: MasterKeys,
    store: Arc<dyn Store>,
    known: RwLock<Known>,
}

/// Data keys that were unwrapped once. One never changes: a rotation only wraps it anew.
#[derive(Default)]
struct Known {
    keys: HashMap<DataKeyId, Arc<Key>>,
    of: HashMap<MerchantId, DataKeyId>,
}

impl Vault {
    /// The vault over `store`, whose data keys these master keys unwrap.
    #[must_use]
    pub fn new(masters: MasterKeys, store: Arc<dyn Store>) -> Self {
        Self {
            masters,
            store,
            known: RwLock::default(),
        }
    }

    /// The key that seals for a merchant; made where there is none.
    async fn sealing_key(&self, merchant: MerchantId) -> Result<(DataKeyId, Arc<Key>), Error> {
        if let Some(known) = self.known_of(merchant) {
            return Ok(known);
        }
        let mut refused = CommitError::Conflict;
        for _ in 0..TRIES {
            if let Some(found) = self.store.data_key_of(merchant).await? {
                return Ok((found.id, self.unwrap(&found)?));
            }
            let fresh = self.fresh(merchant)?;
            let change = Change::InsertDataKey(Box::new(fresh));
            // Whichever way it went, the next look tells.
            if let Err(error) = self.store.commit(&[change]).await {
                refused = error;
            }
        }
        Err(refused.into())
    }

    fn known_of(&self, merchant: MerchantId) -> Option<(DataKeyId, Arc<Key>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let id = known.of.get(&merchant)?;
        let key = known.keys.get(id)?;
        Some((*id, Arc::clone(key)))
    }

    async fn opening_key(&self, id: DataKeyId) -> Result<Arc<Key>, Error> {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = known.keys.get(&id) {
                return Ok(Arc::clone(key));
            }
        }
        let found = self.store.data_key(id).await?;
        self.unwrap(&found.ok_or(Error::NoDataKey(id))?)
    }

    /// Whether the master keys open this data key.
    ///
    /// # Errors
    /// They do not; the error says which one would.
    pub fn opens(&self, found: &DataKey) -> Result<(), Error> {
        self.unwrap(found).map(drop)
    }

    /// Unwraps a data key, and remembers it.
    fn unwrap(&self, found: &DataKey) -> Result<Arc<Key>, Error> {
        let bytes = self.unwrapped(found)?;
        let key = Arc::new(Key::new(&bytes).map_err(|_| Error::Refused)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.of.insert(found.merchant, found.id);
        known.keys.insert(found.id, Arc::clone(&key));
        Ok(key)
    }

    fn fresh(&self, merchant: MerchantId) -> Result<DataKey, Error> {
        let id = DataKeyId::new(Drawn::default().draw());
        Ok(DataKey {
            id,
            merchant,
            wrapped: self.wrapped(id, merchant, random::<32>().as_slice())?,
            created_at: Wall::default().now(),
        })
    }

    /// The data key as the current master key wraps it.
    fn wrapped(&self, id: DataKeyId, merchant: MerchantId, bytes: &[u8]) -> Result<Wrapped, Error> {
        let (name, master) = self.masters.current();
        let context = [WRAPPING, &merchant.to_string(), &id.to_string()];
        let bytes = master.seal(&[VERSION], &context, bytes);
        Ok(Wrapped {
            master_key: name.to_owned(),
            bytes: bytes.map_err(|_| Error::Refused)?,
        })
    }

    fn unwrapped(&self, found: &DataKey) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        let (data_key, merchant) = (found.id, found.merchant);
        let master_key = found.wrapped.master_key.clone();
        let Some(master) = self.masters.named(&master_key) else {
            return Err(Error::MasterKeyMissing {
                data_key,
                merchant,
                master_key,
            });
        };
        let context = [WRAPPING, &merchant.to_string(), &data_key.to_string()];
        let opened = match found.wrapped.bytes.split_first() {
            Some((&VERSION, rest)) => master.open(&[VERSION], &context, rest).ok(),
            Some(_) | None => None,
        };
        opened.ok_or(Error::Wrapping {
            data_key,
            merchant,
            master_key,
        })
    }
}

#[async_trait]
impl ports::Vault for Vault {
    async fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<Sealed, Error> {
        let (id, key) = self.sealing_key(place.merchant).await?;
        let mut header = vec![VERSION];
        header.extend_from_slice(id.to_string().as_bytes());
        let merchant = place.merchant.to_string();
        let sealed = key.seal(
            &header,
            &context(&merchant, place),
            secret.expose().as_bytes(),
        );
        sealed.map(Sealed).map_err(|_| Error::Refused)
    }

    async fn index(&self, place: Place<'_>, secret: &Secret) -> Result<[u8; 32], Error> {
        let (_, key) = self.sealing_key(place.merchant).await?;
        let merchant = place.merchant.to_string();
        let context = [merchant.as_str(), place.table, place.column];
        let index = key.index(&context, secret.expose().as_bytes());
        index.map_err(|_| Error::Refused)
    }

    async fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Secret, Error> {
        let tampered = || Error::Tampered {
            table: place.table.to_owned(),
            column: place.column.to_owned(),
        };
        let (id, header, rest) = parted(&sealed.0).ok_or_else(tampered)?;
        let key = self.opening_key(id).await?;
        let merchant = place.merchant.to_string();
        let opened = key.open(header, &context(&merchant, place), rest);
        let text = String::from_utf8(opened.map_err(|_| tampered())?.to_vec());
        text.map(Secret::new).map_err(|_| tampered())
    }
}

fn context<'a>(merchant: &'a str, place: Place<'a>) -> [&'a str; 5] {
    [SEALING, merchant, place.table, place.row, place.column]
}

/// The data key that a sealed value names, its header and the rest.
fn parted(sealed: &[u8]) -> Option<(DataKeyId, &[u8], &[u8])> {
    let (header, rest) = sealed.split_at_checked(ID_BYTES.checked_add(1)?)?;
    let (version, id) = header.split_first()?;
    if *version != VERSION {
        return None;
    }
    let id = std::str::from_utf8(id).ok()?.parse().ok()?;
    Some((id, header, rest))
}

#[cfg(test)]
mod tests;
