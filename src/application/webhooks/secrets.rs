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

    /// Those before.
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

/// Secrets that were rotated away, and until when messages are signed with each, too: the newest
/// first. They lie sealed together, a line each: the time in microseconds, and the secret.
pub(super) struct Old(Vec<(Timestamp, Secret)>);

impl Old {
    /// None.
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Those of an endpoint that are in use still.
    pub(super) async fn of(
        vault: &dyn Vault,
        endpoint: &Endpoint,
        now: Timestamp,
    ) -> Result<Self, vault::Error> {
        let Some((sealed, until)) = &endpoint.secrets.previous else {
            return Ok(Self::none());
        };
        if *until <= now {
            return Ok(Self::none());
        }
        let spot = Spot::previous(endpoint.scope, endpoint.id);
        let opened = vault.open(spot.place(), sealed).await?;
        let lines = opened.expose().lines().map(|line| read(line, *until));
        Ok(Self(lines.filter(|(until, _)| *until > now).collect()))
    }

    /// The same, and one more.
    pub(super) fn with(mut self, secret: Secret, until: Timestamp) -> Self {
        self.0.insert(0, (until, secret));
        self
    }

    /// How many.
    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// What is sealed, and until when the last of them is in use; nothing where there is none.
    pub(super) fn together(&self) -> Option<(Secret, Timestamp)> {
        let last = self.0.iter().map(|(until, _)| *until).max()?;
        let line = |(until, secret): &(Timestamp, Secret)| {
            [&until.timestamp_micros().to_string(), " ", secret.expose()].concat()
        };
        let lines: Vec<String> = self.0.iter().map(line).collect();
        Some((Secret::new(lines.join("\n")), last))
    }
}

/// A line of it. A secret without a time was sealed alone, and ends with the row's.
fn read(line: &str, until: Timestamp) -> (Timestamp, Secret) {
    let timed = line.split_once(' ').and_then(|(micros, secret)| {
        let until = Timestamp::from_timestamp_micros(micros.parse().ok()?)?;
        Some((until, Secret::from(secret)))
    });
    timed.unwrap_or_else(|| (until, Secret::from(line)))
}

/// What messages to an endpoint are signed with now: one secret, more in a time of grace.
pub(super) async fn in_use(
    vault: &dyn Vault,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Result<Vec<Secret>, vault::Error> {
    let current = Spot::current(endpoint.scope, endpoint.id);
    let opened = vault
        .open(current.place(), &endpoint.secrets.current)
        .await?;
    let Old(old) = Old::of(vault, endpoint, now).await?;
    let old = old.into_iter().map(|(_, secret)| secret);
    Ok(std::iter::once(opened).chain(old).collect())
}
