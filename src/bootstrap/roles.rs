//! Owns what a copy of the service does: everything, or the roles that it is given.

use std::collections::BTreeSet;
use std::sync::Arc;

use application::App;
use application::consumers::Joined;
use application::ports::Bus;
use clap::ValueEnum;
use tokio_util::task::TaskTracker;

/// Part of what the service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Role {
    /// Answer requests, and stream payments.
    Api,
    /// Finish what other copies began: take over their sagas, ask about unknown outcomes. Take what
    /// others order and command on the bus, and look into what gateways tell.
    Worker,
    /// Do what time brings: charge cycles that are due, expire payments, watch the gateway's list,
    /// forget what is old.
    Scheduler,
    /// Give events their positions.
    Sequencer,
    /// Tell the broker of events.
    Relay,
    /// Bring webhooks to merchants' receivers.
    Courier,
}

impl Role {
    /// Its word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
            Self::Sequencer => "sequencer",
            Self::Relay => "relay",
            Self::Courier => "courier",
        }
    }
}

/// What one copy does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Default for Roles {
    /// Everything.
    fn default() -> Self {
        Self::of(Role::value_variants())
    }
}

impl Roles {
    /// These.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().copied().collect())
    }

    /// Those of the command line, which names none for everything.
    pub(super) fn named(roles: &[Role]) -> Self {
        if roles.is_empty() {
            Self::default()
        } else {
            Self::of(roles)
        }
    }

    /// Whether nothing is left to other copies.
    #[must_use]
    pub fn are_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn have(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Their words, in the order in which they are documented.
    pub(super) fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|role| role.as_str()).collect()
    }

    /// Begins what they do besides answering requests; a worker takes what is `joined` on the bus.
    pub(super) fn begin(
        &self,
        app: &Arc<App>,
        bus: &Arc<dyn Bus>,
        joined: Vec<Joined>,
        work: &TaskTracker,
    ) {
        let app = || Arc::clone(app);
        for joined in joined {
            work.spawn(app().consume_continuously(joined));
        }
        work.spawn(app().look_at_switches_continuously());
        for role in &self.0 {
            match role {
                Role::Api => {
                    work.spawn(app().tail_continuously());
                    work.spawn(app().note_uses_continuously());
                }
                Role::Worker => {
                    work.spawn(app().recover_continuously());
                    work.spawn(app().sort_continuously());
                }
                Role::Scheduler => {
                    work.spawn(app().expire_continuously());
                    work.spawn(app().keep_up_continuously());
                    work.spawn(app().bill_continuously());
                    work.spawn(app().watch_continuously());
                }
                Role::Sequencer => drop(work.spawn(app().sequence_continuously())),
                Role::Relay => drop(work.spawn(app().relay_continuously(Arc::clone(bus)))),
                Role::Courier => drop(work.spawn(app().deliver_continuously())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_is_every_role() {
        assert!(Roles::named(&[]).are_all());
        assert!(Roles::named(Role::value_variants()).are_all());
        let some = Roles::named(&[Role::Worker, Role::Api, Role::Worker]);
        assert!(!some.are_all() && some.have(Role::Api) && !some.have(Role::Scheduler));
        assert_eq!(some.words(), ["api", "worker"]);
    }

    #[test]
    fn words_are_those_of_the_command_line() {
        for role in Role::value_variants() {
            assert_eq!(Role::from_str(role.as_str(), false), Ok(*role));
        }
    }
}
