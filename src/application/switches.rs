//! Owns the safety switches: turning them, and obeying them without a query per request.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::principal::{Actor, Scope};
use domain::switch::{Operation, Reach, Turn};
use tokio::time::sleep;
use tracing::warn;

use crate::ports::store::{self, CommitError};
use crate::ports::{Clock, Store};
use crate::{App, Caller};

/// How often a turn is tried again that somebody else was faster with.
const TRIES: usize = 5;

/// What is paused, as of the last look.
#[derive(Default)]
pub(crate) struct Paused(RwLock<HashSet<(Operation, Reach)>>);

/// The operation is paused; nothing was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} are paused")]
pub struct IsPaused(pub Operation);

/// Why a switch was not turned.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Who turns a switch, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In which role.
    pub actor: Actor,
    /// Who, as far as it is known.
    pub who: String,
    /// Why.
    pub why: String,
}

/// How a switch of a tenant's stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it pauses.
    pub operation: Operation,
    /// How the tenant last turned it; none where it never did.
    pub own: Option<Turn>,
    /// Whether the operator paused it, for this tenant or for everybody.
    pub by_operator: bool,
}

/// Turns the switch of `operation` over `reach`; as it is then. One that is so already is not
/// turned again.
///
/// # Errors
/// See [`SwitchError`].
pub async fn turn(
    (store, clock): (&dyn Store, &dyn Clock),
    (operation, reach): (Operation, Reach),
    paused: bool,
    reason: &Reason,
) -> Result<Turn, SwitchError> {
    for _ in 0..TRIES {
        let turns = store.switches().await?;
        let last = turns
            .into_iter()
            .find(|turn| turn.operation == operation && turn.reach == reach);
        if let Some(last) = last.as_ref().filter(|last| last.paused == paused) {
            return Ok(last.clone());
        }
        let next = Turn {
            operation,
            reach,
            number: last.map_or(1, |last| last.number.saturating_add(1)),
            paused,
            actor: reason.actor,
            who: reason.who.clone(),
            why: reason.why.clone(),
            at: clock.now(),
        };
        match store
            .commit(&[Change::TurnSwitch(Box::new(next.clone()))])
            .await
        {
            Ok(()) => return Ok(next),
            // The next look tells whether a doubtful one is in.
            Err(CommitError::Conflict | CommitError::InDoubt) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
    Err(SwitchError::Contended)
}

impl App {
    /// Whether this may be begun now, as of the last look.
    pub(crate) fn ensure_not_paused(
        &self,
        operation: Operation,
        scope: Scope,
        account: GatewayAccountId,
    ) -> Result<(), IsPaused> {
        let paused = self.paused.0.read().unwrap_or_else(PoisonError::into_inner);
        let reaches = Reach::over(scope, account);
        if reaches
            .iter()
            .any(|reach| paused.contains(&(operation, *reach)))
        {
            return Err(IsPaused(operation));
        }
        Ok(())
    }

    /// Looks at the switches once.
    ///
    /// # Errors
    /// The store is away; what was paused stays paused.
    pub async fn look_at_switches(&self) -> Result<(), store::Error> {
        let turns = self.parts.store.switches().await?;
        let now: HashSet<_> = turns
            .into_iter()
            .filter(|turn| turn.paused)
            .map(|turn| (turn.operation, turn.reach))
            .collect();
        let mut paused = self
            .paused
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if *paused != now {
            for (operation, reach) in now.difference(&paused) {
                warn!(%operation, %reach, "paused");
            }
            for (operation, reach) in paused.difference(&now) {
                warn!(%operation, %reach, "no longer paused");
            }
            *paused = now;
        }
        Ok(())
    }

    /// Looks at the switches until the process is to end.
    pub async fn look_at_switches_continuously(self: Arc<Self>) {
        while !self.runner.drain.is_cancelled() {
            tokio::select! {
                () = sleep(self.parts.timings.switches_every) => {}
                () = self.runner.drain.cancelled() => return,
            }
            if let Err(error) = self.look_at_switches().await {
                warn!(%error, "switches not read; what was paused stays paused");
            }
        }
    }

    /// Turns a switch of the caller's own, in the caller's mode.
    ///
    /// # Errors
    /// See [`SwitchError`].
    pub async fn turn_switch(
        &self,
        caller: &Caller,
        operation: Operation,
        (paused, why): (bool, String),
    ) -> Result<Standing, SwitchError> {
        let reason = Reason {
            actor: caller.actor,
            who: caller.key.map(|key| key.to_string()).unwrap_or_default(),
            why,
        };
        let over = (self.parts.store.as_ref(), self.parts.clock.as_ref());
        let reach = Reach::Scope(caller.scope);
        turn(over, (operation, reach), paused, &reason).await?;
        // Here at once; elsewhere with the next look.
        self.look_at_switches().await?;
        self.standing(caller, operation).await
    }

    /// How the caller's switches stand.
    ///
    /// # Errors
    /// The store is away.
    pub async fn switches(&self, caller: &Caller) -> Result<Vec<Standing>, SwitchError> {
        let turns = self.parts.store.switches().await?;
        let standing = |operation| standing(&turns, caller.scope, operation);
        Ok(Operation::ALL.into_iter().map(standing).collect())
    }

    async fn standing(
        &self,
        caller: &Caller,
        operation: Operation,
    ) -> Result<Standing, SwitchError> {
        let turns = self.parts.store.switches().await?;
        Ok(standing(&turns, caller.scope, operation))
    }
}

fn standing(turns: &[Turn], scope: Scope, operation: Operation) -> Standing {
    let of = |reach| {
        let mut turns = turns.iter();
        turns.find(|turn| turn.operation == operation && turn.reach == reach)
    };
    let operators = [Reach::Everywhere, Reach::Merchant(scope.merchant)];
    Standing {
        operation,
        own: of(Reach::Scope(scope)).cloned(),
        by_operator: operators
            .into_iter()
            .any(|reach| of(reach).is_some_and(|turn| turn.paused)),
    }
}
