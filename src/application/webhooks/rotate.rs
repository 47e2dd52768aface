//! Owns giving an endpoint another secret, and for how long the old ones count.

use std::time::Duration;

use domain::Timestamp;
use domain::id::EndpointId;
use domain::principal::{Actor, Scope};
use domain::vault::Sealed;
use domain::webhook::{Deed, Endpoint, Secrets};

use super::endpoints::{EndpointError, Office, Shown, TRIES};
use super::secrets::{Old, Spot};
use crate::idempotency::later;

/// How many old secrets messages are signed with, too.
const OLD_SECRETS_MAX: usize = 5;

impl Office<'_> {
    /// Gives an endpoint another secret. For `grace` messages are signed with the old one, too, and
    /// as long as was promised with those before it; without grace all of them end at once.
    ///
    /// # Errors
    /// See [`EndpointError`]; nothing is stored then.
    pub async fn rotate(
        &self,
        (scope, actor): (Scope, Actor),
        id: EndpointId,
        grace: Duration,
    ) -> Result<Shown, EndpointError> {
        let secret = self.courier.secret(&self.ids.secret());
        let current = self.seal(Spot::current(scope, id), &secret).await?;
        for _ in 0..TRIES {
            let found = self.endpoint(scope, id).await?;
            if found.secrets.current == current {
                let endpoint = found;
                return Ok(Shown { endpoint, secret });
            }
            let previous = if grace.is_zero() {
                None
            } else {
                self.old_secrets(&found, grace).await?
            };
            let endpoint = Endpoint {
                secrets: Secrets {
                    current: current.clone(),
                    previous,
                },
                ..found.next()
            };
            let steps = vec![(endpoint.clone(), Deed::Rotated)];
            if self.take(&found, steps, actor).await? {
                return Ok(Shown { endpoint, secret });
            }
        }
        Err(EndpointError::Contended)
    }

    /// What an endpoint's messages are signed with beside a new secret: what they were until now,
    /// and what was promised before.
    async fn old_secrets(
        &self,
        found: &Endpoint,
        grace: Duration,
    ) -> Result<Option<(Sealed, Timestamp)>, EndpointError> {
        let (scope, id, now) = (found.scope, found.id, self.clock.now());
        let old = Old::of(self.vault, found, now).await?;
        if old.count() >= OLD_SECRETS_MAX {
            return Err(EndpointError::TooManySecrets);
        }
        let spot = Spot::current(scope, id);
        let current = self.vault.open(spot.place(), &found.secrets.current);
        let old = old.with(current.await?, later(now, grace));
        let Some((together, until)) = old.together() else {
            return Ok(None);
        };
        let sealed = self.seal(Spot::previous(scope, id), &together).await?;
        Ok(Some((sealed, until)))
    }
}
