//! Owns how the body of a notification is kept: sealed, for it tells what people are called, where
//! they can be reached, and now and then a secret.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::id::{GatewayAccountId, InboundId, MerchantId};
use domain::inbox::Inbound;
use domain::vault::Sealed;

use crate::App;
use crate::ports::store::{self, Store};
use crate::ports::vault::{self, Place, Secret, Vault};

const TABLE: &str = "inbox";
const BODY: &str = "body";
/// What the vault keeps is text: before it stands how the bytes became it.
const AS_IT_IS: char = '=';
const BYTE_BY_BYTE: char = '#';

/// Why a body that is kept cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    /// The account that it came in for is not there.
    #[error("there is no gateway account {0}")]
    NoAccount(GatewayAccountId),
    /// What was sealed is no body.
    #[error("what was sealed is no body")]
    Unreadable,
    /// It does not open, or the store is away.
    #[error(transparent)]
    Vault(#[from] vault::Error),
}

impl From<store::Error> for Unopened {
    fn from(error: store::Error) -> Self {
        Self::Vault(error.into())
    }
}

fn text(body: &[u8]) -> Secret {
    let (sort, text) = std::str::from_utf8(body).map_or_else(
        |_| (BYTE_BY_BYTE, body.iter().copied().map(char::from).collect()),
        |text| (AS_IT_IS, Cow::from(text)),
    );
    Secret::new(format!("{sort}{text}"))
}

fn bytes(text: &Secret) -> Option<Vec<u8>> {
    let text = text.expose();
    if let Some(body) = text.strip_prefix(AS_IT_IS) {
        return Some(body.as_bytes().to_vec());
    }
    let text = text.strip_prefix(BYTE_BY_BYTE)?;
    text.chars().map(|byte| u8::try_from(byte).ok()).collect()
}

/// Whose accounts are, each looked up once.
#[derive(Default)]
pub(super) struct Merchants(HashMap<GatewayAccountId, MerchantId>);

impl Merchants {
    async fn of(
        &mut self,
        store: &dyn Store,
        account: GatewayAccountId,
    ) -> Result<MerchantId, Unopened> {
        if let Some(known) = self.0.get(&account) {
            return Ok(*known);
        }
        let found = store.gateway_account(account).await?;
        let merchant = found.ok_or(Unopened::NoAccount(account))?.scope.merchant;
        self.0.insert(account, merchant);
        Ok(merchant)
    }
}

const fn place(merchant: MerchantId, row: &str) -> Place<'_> {
    Place {
        merchant,
        table: TABLE,
        row,
        column: BODY,
    }
}

/// The bytes of a notification as they came in.
///
/// # Errors
/// They do not open, or the store is away.
pub async fn body_of(
    store: &dyn Store,
    vault: &dyn Vault,
    inbound: &Inbound,
) -> Result<Vec<u8>, Unopened> {
    opened(store, vault, inbound, &mut Merchants::default()).await
}

async fn opened(
    store: &dyn Store,
    vault: &dyn Vault,
    inbound: &Inbound,
    merchants: &mut Merchants,
) -> Result<Vec<u8>, Unopened> {
    let merchant = merchants.of(store, inbound.account).await?;
    let row = inbound.id.to_string();
    let opened = vault.open(place(merchant, &row), &inbound.body).await?;
    bytes(&opened).ok_or(Unopened::Unreadable)
}

impl App {
    /// The body as it is kept.
    pub(super) async fn sealed_body(
        &self,
        account: GatewayAccountId,
        id: InboundId,
        body: &[u8],
    ) -> Result<Sealed, Unopened> {
        let mut merchants = Merchants::default();
        let merchant = merchants.of(self.parts.store.as_ref(), account).await?;
        let row = id.to_string();
        let vault = &self.parts.post.vault;
        Ok(vault.seal(place(merchant, &row), &text(body)).await?)
    }

    /// As [`body_of`].
    pub(super) async fn opened_body(
        &self,
        inbound: &Inbound,
        merchants: &mut Merchants,
    ) -> Result<Vec<u8>, Unopened> {
        let (store, vault) = (self.parts.store.as_ref(), self.parts.post.vault.as_ref());
        opened(store, vault, inbound, merchants).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_comes_back_byte_by_byte() {
        for body in [&b""[..], b"{}", "=한글".as_bytes(), &[0, 159, 146, 150]] {
            assert_eq!(bytes(&text(body)).as_deref(), Some(body));
        }
        for foreign in ["", "x", "#한"] {
            assert_eq!(bytes(&foreign.into()), None);
        }
    }
}
