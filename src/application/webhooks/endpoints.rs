//! Owns the life of endpoints: made, listed, changed, deleted. Each deed is a new version, with a
//! line about who did it.

use domain::change;
use domain::id::EndpointId;
use domain::merchant::Merchant;
use domain::principal::{Actor, Scope};
use domain::text::EndpointUrl;
use domain::vault::Sealed;
use domain::webhook::{Change, Deed, Endpoint, Filter, Note, Secrets, Status};
use tracing::info;

use super::fan_out::{READER, written};
use super::secrets::Spot;
use crate::ports::store::{self, CommitError};
use crate::ports::vault::{self, Secret};
use crate::ports::{Clock, Courier, Ids, Store, Vault};

/// How often a decision is taken again after somebody else was first.
pub(super) const TRIES: usize = 5;
/// How many lines about an endpoint are shown.
const NOTES_MAX: u32 = 50;

/// Why nothing was done to an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No such merchant, or no such endpoint of it.
    #[error("there is no such endpoint")]
    NotFound,
    /// The endpoint was not sent this event.
    #[error("the endpoint was not sent this event")]
    NotSent,
    /// Messages may not be sent to this address, for this reason.
    #[error("the address is refused: {0}")]
    Address(String),
    /// There are as many endpoints as there may be.
    #[error("there are too many endpoints")]
    TooMany,
    /// As many old secrets are in use still as may be.
    #[error("too many old secrets are in use")]
    TooManySecrets,
    /// It is told of no events.
    #[error("the endpoint is not enabled")]
    NotEnabled,
    /// The cursor is of another epoch, or from behind the end.
    #[error("the cursor is no longer valid")]
    CursorExpired,
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The secret could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An endpoint and its new secret: the only time that it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// What its receiver verifies messages with.
    pub secret: Secret,
}

/// An endpoint, and what was done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The newest first.
    pub notes: Vec<Note>,
}

/// What is to be different about an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Where to, from now on.
    pub url: Option<EndpointUrl>,
    /// Which events, from now on.
    pub events: Option<Filter>,
    /// Whether it is told of events.
    pub enabled: Option<bool>,
}

/// What is done about the endpoints in a store.
#[derive(Clone, Copy)]
pub struct Office<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// What seals their secrets.
    pub vault: &'a dyn Vault,
    /// Who knows which addresses can be used.
    pub courier: &'a dyn Courier,
    /// What is dated with it.
    pub clock: &'a dyn Clock,
    /// Where ids and secrets come from.
    pub ids: &'a dyn Ids,
    /// How many endpoints a merchant may have in a mode.
    pub endpoints_max: u32,
}

impl Office<'_> {
    /// Makes an endpoint.
    ///
    /// # Errors
    /// See [`EndpointError`]; nothing is stored then.
    pub async fn add(
        &self,
        (scope, actor): (Scope, Actor),
        url: EndpointUrl,
        events: Filter,
    ) -> Result<Shown, EndpointError> {
        self.admit(&url)?;
        let (id, now) = (EndpointId::new(self.ids.draw()), self.clock.now());
        let secret = self.courier.secret(&self.ids.secret());
        // A merchant's first secret makes its data key; there must be a merchant before.
        self.merchant(scope).await?;
        let endpoint = Endpoint {
            id,
            scope,
            url,
            events,
            status: Status::Enabled,
            secrets: Secrets {
                current: self.seal(Spot::current(scope, id), &secret).await?,
                previous: None,
            },
            failing_since: None,
            version: 1,
            created_at: now,
        };
        for _ in 0..TRIES {
            let merchant = self.merchant(scope).await?;
            if self.store.endpoint(id).await?.is_some() {
                return Ok(Shown { endpoint, secret });
            }
            let limit = self.endpoints_max.saturating_add(1);
            let known = self.store.endpoints(scope, limit).await?;
            if u32::try_from(known.len()).is_ok_and(|count| count >= self.endpoints_max) {
                return Err(EndpointError::TooMany);
            }
            let mut changes = vec![
                // Of two that are made at once, one sees the other.
                change::Change::UpdateMerchant {
                    expected: merchant.version,
                    merchant: merchant.next(),
                },
                written(Change::InsertEndpoint(Box::new(endpoint.clone()))),
                written(Change::Note(endpoint.note(Deed::Created, actor, now))),
            ];
            changes.extend(self.first_place().await?);
            if self.commit(&changes).await? {
                tell(&endpoint, Deed::Created, actor);
                return Ok(Shown { endpoint, secret });
            }
        }
        Err(EndpointError::Contended)
    }

    /// A merchant's endpoints in a mode, newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(&self, scope: Scope) -> Result<Vec<Endpoint>, store::Error> {
        self.store.endpoints(scope, self.endpoints_max).await
    }

    /// An endpoint, and what was done to it.
    ///
    /// # Errors
    /// There is none, or the store does not answer.
    pub async fn read(&self, scope: Scope, id: EndpointId) -> Result<Seen, EndpointError> {
        let endpoint = self.endpoint(scope, id).await?;
        let notes = self.store.notes(id, NOTES_MAX).await?;
        Ok(Seen { endpoint, notes })
    }

    /// Makes an endpoint as it shall be.
    ///
    /// # Errors
    /// See [`EndpointError`]; nothing is stored then.
    pub async fn change(
        &self,
        (scope, actor): (Scope, Actor),
        id: EndpointId,
        edit: &Edit,
    ) -> Result<Endpoint, EndpointError> {
        if let Some(url) = &edit.url {
            self.admit(url)?;
        }
        for _ in 0..TRIES {
            let found = self.endpoint(scope, id).await?;
            let steps = steps(&found, edit);
            let Some((last, _)) = steps.last().cloned() else {
                return Ok(found);
            };
            if self.take(&found, steps, actor).await? {
                return Ok(last);
            }
        }
        Err(EndpointError::Contended)
    }

    /// Deletes an endpoint: it is sent nothing any more, also not what waits.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub async fn delete(
        &self,
        (scope, actor): (Scope, Actor),
        id: EndpointId,
    ) -> Result<Endpoint, EndpointError> {
        for _ in 0..TRIES {
            let found = self.endpoint(scope, id).await?;
            let Some(deleted) = found.with_status(Status::Deleted) else {
                return Err(EndpointError::NotFound);
            };
            let steps = vec![(deleted.clone(), Deed::Deleted)];
            if self.take(&found, steps, actor).await? {
                return Ok(deleted);
            }
        }
        Err(EndpointError::Contended)
    }

    /// An endpoint of this tenant's and mode that was not deleted.
    pub(super) async fn endpoint(
        &self,
        scope: Scope,
        id: EndpointId,
    ) -> Result<Endpoint, EndpointError> {
        let found = self.store.endpoint(id).await?;
        let found =
            found.filter(|endpoint| endpoint.scope == scope && endpoint.status != Status::Deleted);
        found.ok_or(EndpointError::NotFound)
    }

    async fn merchant(&self, scope: Scope) -> Result<Merchant, EndpointError> {
        let merchant = self.store.merchant(scope.merchant).await?;
        merchant.ok_or(EndpointError::NotFound)
    }

    /// Where the fan-out begins, unless it has begun: whoever has an endpoint is told of what
    /// happens from then on, however late the first courier is started.
    async fn first_place(&self) -> Result<Option<change::Change>, store::Error> {
        if self.store.cursor(&READER).await?.is_some() {
            return Ok(None);
        }
        let start = domain::feed::Change::StartCursor {
            reader: READER.clone(),
            at: self.store.head().await?,
        };
        Ok(Some(change::Change::Feed(Box::new(start))))
    }

    fn admit(&self, url: &EndpointUrl) -> Result<(), EndpointError> {
        let admitted = self.courier.admit(url.as_str());
        admitted.map_err(EndpointError::Address)
    }

    pub(super) async fn seal(&self, spot: Spot, secret: &Secret) -> Result<Sealed, vault::Error> {
        self.vault.seal(spot.place(), secret).await
    }

    /// Commits versions of an endpoint, one after the other. `false`: decide again.
    pub(super) async fn take(
        &self,
        found: &Endpoint,
        steps: Vec<(Endpoint, Deed)>,
        actor: Actor,
    ) -> Result<bool, EndpointError> {
        let now = self.clock.now();
        let mut changes = Vec::new();
        for (endpoint, deed) in &steps {
            changes.push(written(Change::UpdateEndpoint {
                expected: endpoint.version.saturating_sub(1),
                endpoint: Box::new(endpoint.clone()),
            }));
            changes.push(written(Change::Note(endpoint.note(*deed, actor, now))));
        }
        // What failed before somebody looked after it counts no more.
        let begins_anew =
            |(next, deed): &(Endpoint, Deed)| *deed == Deed::Enabled || next.url != found.url;
        if found.failing_since.is_some() && steps.iter().any(begins_anew) {
            changes.push(written(Change::EndFailing(found.id)));
        }
        let done = self.commit(&changes).await?;
        if done {
            for (endpoint, deed) in &steps {
                tell(endpoint, *deed, actor);
            }
        }
        Ok(done)
    }

    /// `false`: decide again; after a doubtful commit the next round finds what it did.
    pub(super) async fn commit(&self, changes: &[change::Change]) -> Result<bool, store::Error> {
        match self.store.commit(changes).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict | CommitError::InDoubt) => Ok(false),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}

/// The versions that make an endpoint what it shall be; none where it is.
fn steps(found: &Endpoint, edit: &Edit) -> Vec<(Endpoint, Deed)> {
    let mut steps = Vec::new();
    let mut last = found.clone();
    let url = edit.url.as_ref().unwrap_or(&found.url);
    let events = edit.events.as_ref().unwrap_or(&found.events);
    if (url, events) != (&found.url, &found.events) {
        last = Endpoint {
            url: url.clone(),
            events: events.clone(),
            ..last.next()
        };
        steps.push((last.clone(), Deed::Changed));
    }
    let wanted = edit
        .enabled
        .and_then(|enabled| match (enabled, found.status) {
            (true, _) => Some((Status::Enabled, Deed::Enabled)),
            (false, Status::Enabled) => Some((Status::Disabled, Deed::Disabled)),
            // It is told nothing anyway, and why stays to be seen.
            (false, Status::Disabled | Status::Gone | Status::Dead | Status::Deleted) => None,
        });
    if let Some((status, deed)) = wanted
        && let Some(next) = last.with_status(status)
    {
        steps.push((next, deed));
    }
    steps
}

pub(super) fn tell(endpoint: &Endpoint, deed: Deed, actor: Actor) {
    let (merchant, mode) = (endpoint.scope.merchant, endpoint.scope.mode);
    let (endpoint, actor) = (endpoint.id, actor.as_str());
    info!(%merchant, %mode, %endpoint, %deed, actor, "webhook endpoint");
}
