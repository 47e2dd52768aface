//! Owns where endpoints' secrets lie sealed, and which of them messages are signed with.

use domain::Timestamp;
use domain::id::EndpointId;
use domain::principal::Scope;
use domain::webhook::Endpoint;

use crate::ports::Vault;
use crate::ports::vault::{self, Place, Secret};

const TABLE: &str = "webhook_endpoints";

/// Where a secret lies.
pub(super) struct Spot {
    scope: Scope,
    row: String,
    column: &'static str,
}

impl Spot {
    /// The secret from the last rotation on.
    pub(super) fn current(scope: Scope, id: EndpointId) -> Self {
        Self {
            scope,
            row: id.to_string(),
            column: "secret",
        }
    }

    /// The one before.
    pub(super) fn previous(scope: Scope, id: EndpointId) -> Self {
        Self {
            column: "previous_secret",
            ..Self::current(scope, id)
        }
    }

    /// What the vault calls it.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            merchant: self.scope.merchant,
            table: TABLE,
            row: &self.row,
            column: self.column,
        }
    }
}

/// What messages to an endpoint are signed with now: one secret, two in a time of grace.
pub(super) async fn in_use(
    vault: &dyn Vault,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Result<Vec<Secret>, vault::Error> {
    let (scope, id) = (endpoint.scope, endpoint.id);
    let current = Spot::current(scope, id);
    let opened = vault
        .open(current.place(), &endpoint.secrets.current)
        .await?;
    let mut secrets = vec![opened];
    if let Some((sealed, until)) = &endpoint.secrets.previous
        && now < *until
    {
        let previous = Spot::previous(scope, id);
        secrets.push(vault.open(previous.place(), sealed).await?);
    }
    Ok(secrets)
}
