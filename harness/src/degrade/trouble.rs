//! Owns the troubles: what each takes away, how it ends, and by what it is seen that it was there.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use super::Arguments;
use super::tally::{Board, Phase};
use crate::bus::broker::Broker;
use crate::chaos::redis::server::Server as Redis;
use crate::server::{Disk, Server};
use crate::service::Service;
use crate::stand::{Parts, Stand};
use crate::stats::Samples;

/// The seed of the proxies; they draw nothing here.
const SEED: u64 = 1;
/// An embedded database, and a little more.
const DISK_MEBIBYTES: u32 = 16;
/// How long a request waits for its end, undivided; the service is told.
const PATIENCE: Duration = Duration::from_secs(8);
/// How much longer the gateway takes, undivided: within the patience, and far beyond it, but not
/// beyond what the service waits for a call (65 s).
const SLOW: Duration = Duration::from_secs(5);
const VERY_SLOW: Duration = Duration::from_secs(30);
/// Whether copies share by way of Redis.
const REDIS_UP: &str = "payflow_redis_up";
/// Whether the broker is missed.
const BROKER_AWAY: &str = "payflow_bus_away";

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Trouble {
    /// Redis is killed.
    Redis,
    /// The broker is killed.
    Broker,
    /// The gateway takes 5 s for what moves money: within a request's patience.
    Slow,
    /// The gateway takes 30 s for what moves money: beyond a request's patience.
    VerySlow,
    /// Nobody listens where the gateway was.
    Refused,
    /// The gateway does what it is asked for, and no answer arrives.
    Mute,
    /// The database is stopped at once, and started again.
    Database,
    /// The database's disk is full.
    Disk,
}

/// A service, and what may be taken from it.
pub(super) struct Scene {
    // Fields are dropped in this order: a disk before the folder that it is mounted in.
    disk: Option<Disk>,
    pub(super) stand: Stand,
    postgres: Option<Server>,
    shared: Shared,
    pub(super) trouble: Trouble,
    pub(super) database_kind: &'static str,
    divide_by: u32,
    /// Whether the database ended when its disk was full.
    pub(super) database_ended: bool,
}

/// What copies would share, where it is about that.
struct Shared {
    redis: Option<Redis>,
    broker: Option<Broker>,
}

impl Shared {
    async fn begin(arguments: &Arguments, trouble: Trouble) -> anyhow::Result<Self> {
        let (mut redis, mut broker) = (None, None);
        if let (Trouble::Redis, Some(path)) = (trouble, &arguments.redis) {
            redis = Some(Redis::begin(path).await?);
        }
        if let (Trouble::Broker, Some(path)) = (trouble, &arguments.broker) {
            let mut server = Broker::reserve(path)?;
            server.start().await?;
            broker = Some(server);
        }
        Ok(Self { redis, broker })
    }

    fn settings(&self, arguments: &Arguments) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            (
                "PAYFLOW_TIMINGS__DIVIDE_BY",
                arguments.divide_by.to_string(),
            ),
            (
                "PAYFLOW_TIMINGS__PATIENCE",
                format!("{}s", PATIENCE.as_secs()),
            ),
            // The watch would mend silently what a saga lost.
            ("PAYFLOW_TIMINGS__WATCH_EVERY", "0s".to_owned()),
        ];
        if let Some(redis) = &self.redis {
            settings.push(("REDIS_URL", redis.url()));
        }
        if let Some(broker) = &self.broker {
            settings.push(("KAFKA_BROKERS", broker.address()));
        }
        settings
    }
}

impl Trouble {
    /// Its name, as `--troubles` takes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Broker => "broker",
            Self::Slow => "slow",
            Self::VerySlow => "very-slow",
            Self::Refused => "refused",
            Self::Mute => "mute",
            Self::Database => "database",
            Self::Disk => "disk",
        }
    }

    /// Why it cannot be made with what there is, if so; `disks` is why there can be no small disk.
    pub(super) fn hindrance(
        self,
        arguments: &Arguments,
        disks: Result<(), &str>,
    ) -> Option<String> {
        let said = |why: &str| Some(why.to_owned());
        match self {
            Self::Redis if arguments.redis.is_none() => said("no --redis was named"),
            Self::Broker if arguments.broker.is_none() => said("no --broker was named"),
            Self::Database if arguments.parts.database_kind() != "postgres" => {
                said("an embedded database is no server that could be stopped")
            }
            Self::Disk => disks.err().map(str::to_owned),
            Self::Redis
            | Self::Broker
            | Self::Database
            | Self::Slow
            | Self::VerySlow
            | Self::Refused
            | Self::Mute => None,
        }
    }

    /// How much longer the gateway takes, where it is that.
    fn delay(self, divide_by: u32) -> Option<Duration> {
        match self {
            Self::Slow => SLOW.checked_div(divide_by),
            Self::VerySlow => VERY_SLOW.checked_div(divide_by),
            Self::Redis
            | Self::Broker
            | Self::Refused
            | Self::Mute
            | Self::Database
            | Self::Disk => None,
        }
    }

    /// Whether it was noticed: by the service itself where no caller sees it, otherwise by those
    /// who were told. One that nobody noticed proves nothing.
    pub(super) async fn was_noticed(
        self,
        board: &Board,
        service: &Service,
        divide_by: u32,
    ) -> anyhow::Result<bool> {
        let heard = board.heard(Phase::During);
        let pending = heard.count("202 IN_PROGRESS") > 0;
        Ok(match self {
            Self::Redis => service.metric(REDIS_UP).await? == 0,
            Self::Broker => service.metric(BROKER_AWAY).await? > 0,
            // Within the patience everybody waits for the gateway, and is told the end.
            Self::Slow => {
                let took = heard.took.get("approve").and_then(Samples::max);
                let delay = self.delay(divide_by).context("it is not slow")?;
                took.is_some_and(|took| u128::from(took) >= delay.as_micros())
            }
            Self::VerySlow | Self::Mute => pending,
            Self::Refused => pending || heard.count("503 GATEWAY_UNAVAILABLE") > 0,
            Self::Database | Self::Disk => heard.count("503 STORE_UNAVAILABLE") > 0,
        })
    }

    /// Whether the service has what is to be taken away: what is away already cannot be missed.
    pub(super) async fn is_to_come(self, service: &Service) -> anyhow::Result<bool> {
        Ok(match self {
            Self::Redis => service.metric(REDIS_UP).await? > 0,
            Self::Broker => service.metric(BROKER_AWAY).await? == 0,
            Self::Slow
            | Self::VerySlow
            | Self::Refused
            | Self::Mute
            | Self::Database
            | Self::Disk => true,
        })
    }
}

impl Scene {
    /// Nothing is wrong yet, and the service does not run yet.
    pub(super) async fn build(arguments: &Arguments, trouble: Trouble) -> anyhow::Result<Self> {
        let on_postgres = arguments.parts.database_kind() == "postgres";
        let own = on_postgres && matches!(trouble, Trouble::Database | Trouble::Disk);
        let postgres = if own {
            Some(Server::begin(trouble == Trouble::Disk).await?)
        } else {
            None
        };
        let parts = Parts {
            database: postgres
                .as_ref()
                .map_or_else(|| arguments.parts.database.clone(), Server::url),
            ..arguments.parts.clone()
        };
        let shared = Shared::begin(arguments, trouble).await?;
        let settings = shared.settings(arguments);
        let settings: Vec<(&str, &str)> = settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut stand = Stand::build(&parts, &settings, Duration::ZERO).await?;
        if matches!(trouble, Trouble::Refused | Trouble::Mute) {
            stand.lay_wire_to_gateway(SEED).await?;
        }
        let disk = if trouble == Trouble::Disk && !on_postgres {
            Some(small_disk(&stand.data_folder())?)
        } else {
            None
        };
        Ok(Self {
            disk,
            stand,
            postgres,
            shared,
            trouble,
            database_kind: arguments.parts.database_kind(),
            divide_by: arguments.divide_by,
            database_ended: false,
        })
    }

    /// The trouble begins.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        match self.trouble {
            Trouble::Redis => self.shared.redis.as_mut().context("no Redis")?.kill().await,
            Trouble::Broker => {
                self.shared
                    .broker
                    .as_mut()
                    .context("no broker")?
                    .kill()
                    .await
            }
            Trouble::Slow | Trouble::VerySlow => self.slow_down().await,
            Trouble::Refused => self.stand.wires()?.refuse_gateway(true).await,
            Trouble::Mute => {
                self.stand.wires()?.mute_gateway();
                Ok(())
            }
            Trouble::Database => {
                let postgres = self.postgres.as_mut().context("no server")?;
                postgres.stop().await
            }
            Trouble::Disk => self.full_disk()?.fill().map(|_| ()),
        }
    }

    /// It is over.
    pub(super) async fn end(&mut self) -> anyhow::Result<()> {
        match self.trouble {
            Trouble::Redis => {
                self.shared
                    .redis
                    .as_mut()
                    .context("no Redis")?
                    .start()
                    .await
            }
            Trouble::Broker => {
                self.shared
                    .broker
                    .as_mut()
                    .context("no broker")?
                    .start()
                    .await?;
                // It keeps nothing: its topics are made anew.
                self.stand.migrate().await
            }
            Trouble::Slow | Trouble::VerySlow => self.stand.sandbox.heal().await,
            Trouble::Refused => self.stand.wires()?.refuse_gateway(false).await,
            Trouble::Mute => {
                self.stand.wires()?.calm();
                Ok(())
            }
            Trouble::Database => self.revive().await,
            Trouble::Disk => {
                self.full_disk()?.clear()?;
                if self.postgres.is_some() {
                    self.revive().await?;
                }
                Ok(())
            }
        }
    }

    fn full_disk(&self) -> anyhow::Result<&Disk> {
        match (&self.postgres, &self.disk) {
            (Some(postgres), _) => postgres.disk(),
            (None, disk) => disk.as_ref().context("no small disk"),
        }
    }

    /// Whoever runs a database starts it again where it ended.
    async fn revive(&mut self) -> anyhow::Result<()> {
        let postgres = self.postgres.as_mut().context("no server")?;
        self.database_ended = self.trouble == Trouble::Disk && !postgres.runs()?;
        postgres.start().await
    }

    async fn slow_down(&self) -> anyhow::Result<()> {
        let delay = self.trouble.delay(self.divide_by).context("not slow")?;
        let milliseconds = u64::try_from(delay.as_millis())?;
        let delay = json!({ "type": "delay", "milliseconds": milliseconds });
        for operation in ["confirm", "cancel"] {
            let rule = json!({ "operation": operation, "times": null, "fault": delay });
            self.stand.sandbox.add_faults(&rule).await?;
        }
        Ok(())
    }

    /// Ends everything and removes what it made.
    pub(super) async fn dismantle(mut self) -> anyhow::Result<()> {
        self.stand.kill().await?;
        drop(self.disk.take());
        self.stand.dismantle().await
    }
}

fn small_disk(folder: &Path) -> anyhow::Result<Disk> {
    std::fs::create_dir_all(folder)?;
    Disk::mount(folder, DISK_MEBIBYTES, 0)
}
