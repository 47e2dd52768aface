//! Owns what plays beside the copies: a broker, a receiver of webhooks, and a first copy that made
//! the database and may go.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use crate::books::Books;
use crate::bus::Broker;
use crate::chaos::aftermath::SETTINGS;
use crate::random::unique_name;
use crate::service::Service;
use crate::stand::{Instance, Parts, Stand};
use crate::webhooks::{EXEMPT, Receiver, subscribe};

/// How long the first event may take to reach everybody.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
const AMOUNT: i64 = 3_300;

/// Everything but the copies.
pub(super) struct Playing {
    pub(super) stand: Stand,
    pub(super) broker: Broker,
    pub(super) receiver: Receiver,
}

impl Playing {
    /// Everybody is there, has been told of one event, and the copy that did so is gone.
    pub(super) async fn begin(parts: &Parts, broker: &Path) -> anyhow::Result<Self> {
        ensure!(parts.database != "sqlite", "copies take a server");
        let mut broker = Broker::reserve(broker)?;
        broker.start().await?;
        let address = broker.address();
        let mut settings = SETTINGS.to_vec();
        settings.extend([
            EXEMPT,
            ("KAFKA_BROKERS", address.as_str()),
            ("PAYFLOW_FEED__PAUSE_MAX", "1s"),
            // A delivery whose courier died is held for this and 30 s.
            ("PAYFLOW_WEBHOOKS__TIMEOUT", "2s"),
            // There are many copies, and one server.
            ("PAYFLOW_DATABASE__POOL_SIZE", "6"),
        ]);
        let mut stand = Stand::build(parts, &settings, Duration::ZERO).await?;
        let service = stand.start().await?;
        let receiver = Receiver::with_effects().await?;
        subscribe(&service, &receiver).await?;
        let mut playing = Self {
            stand,
            broker,
            receiver,
        };
        playing.tell_first(&service).await?;
        playing.stand.kill().await?;
        Ok(playing)
    }

    /// Every reader has its place from here on, so that what is missing later was lost.
    async fn tell_first(&mut self, service: &Service) -> anyhow::Result<()> {
        let order = format!("first-{}", unique_name());
        service.prepare(&order, AMOUNT).await?;
        let begun = Instant::now();
        while self.receiver.look(|arrived| arrived.messages.is_empty())
            || Books::untold(&self.stand.target()).await?.events > 0
        {
            ensure!(begun.elapsed() < PATIENCE, "the first event is not told");
            sleep(POLL).await;
        }
        Ok(())
    }

    /// One more copy, for these roles; it is not started.
    pub(super) fn copy(&self, number: usize, roles: &str) -> anyhow::Result<Instance> {
        let name = format!("{}-{number}", roles.replace(',', "-"));
        let mut copy = self.stand.rival_called(&name).context("a folder")?;
        copy.play(roles);
        Ok(copy)
    }
}
