//! Owns the proxies between the service and what it talks to, and what goes wrong on them.

use std::time::Duration;

use serde::Serialize;

use crate::books::Target;
use crate::proxy::{CommitOdds, Odds, Protocol, Proxy, Tally, place, through};
use crate::random::Dice;

const POSTGRES_PORT: u16 = 5432;
const HTTP_PORT: u16 = 80;

/// What lies between the service and its surroundings. Without a server there is no database wire.
pub(crate) struct Wires {
    gateway: Proxy,
    database: Option<Proxy>,
}

/// What has happened on them.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Tallies {
    pub(crate) gateway: Tally,
    pub(crate) database: Tally,
}

impl Wires {
    /// Proxies to both; nothing goes wrong yet.
    pub(super) async fn lay(sandbox: &str, target: &Target, seed: u64) -> anyhow::Result<Self> {
        let gateway = place(sandbox, HTTP_PORT).await?;
        let dice = Dice::new(seed, "gateway wire");
        let gateway = Proxy::to(gateway, Protocol::Other, dice).await?;
        let database = match target {
            Target::Sqlite(_) => None,
            Target::Postgres(url) => {
                let server = place(url, POSTGRES_PORT).await?;
                let dice = Dice::new(seed, "database wire");
                Some(Proxy::to(server, Protocol::Postgres, dice).await?)
            }
        };
        Ok(Self { gateway, database })
    }

    /// A proxy to the gateway alone.
    pub(super) async fn lay_to_gateway(sandbox: &str, seed: u64) -> anyhow::Result<Self> {
        let gateway = place(sandbox, HTTP_PORT).await?;
        let dice = Dice::new(seed, "gateway wire");
        let gateway = Proxy::to(gateway, Protocol::Other, dice).await?;
        let database = None;
        Ok(Self { gateway, database })
    }

    /// Whether nobody listens where the gateway was; who is connected is reset.
    pub(crate) async fn refuse_gateway(&self, refuses: bool) -> anyhow::Result<()> {
        self.gateway.refuse(refuses).await
    }

    /// The gateway does what it is asked for, and whoever asked is reset before the answer.
    pub(crate) fn mute_gateway(&self) {
        self.gateway.trouble(Odds {
            slow: 0,
            reset: 1_000,
            cut: 0,
            half_open: 0,
            delay: Duration::ZERO,
            after: 0..=0,
        });
        self.gateway.reset_all();
    }

    /// The gateway's address through its proxy.
    pub(super) fn sandbox(&self, url: &str) -> String {
        through(url, self.gateway.address())
    }

    /// The database's address through its proxy, where it has one.
    pub(super) fn database(&self, target: &Target) -> Option<String> {
        match (target, &self.database) {
            (Target::Postgres(url), Some(proxy)) => Some(through(url, proxy.address())),
            (Target::Postgres(_) | Target::Sqlite(_), _) => None,
        }
    }

    /// Connections made from now on may be late, reset, cut in mid-answer or half-open.
    pub(crate) fn trouble(&self) {
        self.gateway.trouble(Odds {
            slow: 150,
            reset: 150,
            cut: 150,
            half_open: 60,
            delay: Duration::from_millis(80),
            // An answer has about 1,000 bytes, and a connection serves many.
            after: 1..=3_000,
        });
        if let Some(database) = &self.database {
            database.trouble(Odds {
                slow: 60,
                reset: 60,
                cut: 60,
                half_open: 30,
                delay: Duration::from_millis(5),
                // Past the greeting of about 400 bytes: in the midst of its work.
                after: 500..=20_000,
            });
        }
    }

    /// COMMITs meet these odds from now on.
    pub(crate) fn trouble_commits(&self, odds: CommitOdds) {
        if let Some(database) = &self.database {
            database.trouble_commits(odds);
        }
    }

    /// Nothing more goes wrong.
    pub(crate) fn calm(&self) {
        self.gateway.calm();
        if let Some(database) = &self.database {
            database.calm();
        }
    }

    /// Every connection to the gateway is reset.
    pub(crate) fn reset_gateway(&self) {
        self.gateway.reset_all();
    }

    /// Every connection to the database is reset, as by a failover.
    pub(crate) fn reset_database(&self) {
        if let Some(database) = &self.database {
            database.reset_all();
        }
    }

    /// What has happened so far.
    pub(crate) fn tallies(&self) -> Tallies {
        let database = self.database.as_ref().map(Proxy::tally);
        Tallies {
            gateway: self.gateway.tally(),
            database: database.unwrap_or_default(),
        }
    }
}
