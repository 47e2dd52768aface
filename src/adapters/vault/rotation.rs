//! Owns the rotation of master keys: every data key is wrapped anew, one at a time, while others
//! go on using it.

use application::ports::store::CommitError;
use application::ports::vault::Error;
use domain::change::Change;
use domain::id::DataKeyId;
use domain::vault::DataKey;

use super::Vault;

/// How many data keys are read at once.
const PAGE_ROWS: u32 = 500;
/// How often one is looked at again that others changed.
const TRIES: usize = 5;

/// What a rotation came to.
#[derive(Debug, Default)]
pub struct Rotated {
    /// Data keys that are wrapped with the current master key since now.
    pub rewrapped: u64,
    /// Those that were before.
    pub current: u64,
    /// Those that could not be unwrapped, and stay as they are.
    pub left: Vec<Error>,
}

/// What became of one.
enum One {
    Rewrapped,
    Current,
    Left(Error),
}

impl Vault {
    /// Wraps every data key with the current master key. What it did stays done when it is cut
    /// off, and it can be run again, also at the same time.
    ///
    /// # Errors
    /// The store is away.
    pub async fn rotate(&self) -> Result<Rotated, Error> {
        let mut rotated = Rotated::default();
        let mut after: Option<DataKeyId> = None;
        loop {
            let page = self.store.data_keys(after, PAGE_ROWS).await?;
            let Some(last) = page.last() else {
                return Ok(rotated);
            };
            after = Some(last.id);
            for key in page {
                match self.rewrap(key).await? {
                    One::Rewrapped => rotated.rewrapped = rotated.rewrapped.saturating_add(1),
                    One::Current => rotated.current = rotated.current.saturating_add(1),
                    One::Left(why) => rotated.left.push(why),
                }
            }
        }
    }

    async fn rewrap(&self, mut key: DataKey) -> Result<One, Error> {
        let id = key.id;
        let mut refused = CommitError::Conflict;
        for _ in 0..TRIES {
            let bytes = match self.unwrapped(&key) {
                Ok(bytes) => bytes,
                Err(why) => return Ok(One::Left(why)),
            };
            // Unwrapped all the same: a current key that does not open must not be overlooked.
            let expected = key.wrapped.master_key;
            if expected == self.masters.current().0 {
                return Ok(One::Current);
            }
            let wrapped = self.wrapped(id, key.merchant, &bytes)?;
            let change = Change::RewrapDataKey {
                id,
                wrapped,
                expected,
            };
            match self.store.commit(&[change]).await {
                Ok(()) => return Ok(One::Rewrapped),
                Err(error @ (CommitError::Conflict | CommitError::InDoubt)) => refused = error,
                Err(error @ CommitError::Store(_)) => return Err(error.into()),
            }
            key = self.store.data_key(id).await?.ok_or(Error::NoDataKey(id))?;
        }
        Err(refused.into())
    }
}
