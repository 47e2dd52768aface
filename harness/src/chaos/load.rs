//! Owns steady load: clients that keep coming, whoever is there to serve them.

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::journal::Journal;
use super::traffic::play_one;
use crate::random::Dice;
use crate::sandbox::Sandbox;
use crate::service::Service;

/// A client comes after up to this long: about thirty a second.
const PAUSE_MAX_MS: u64 = 66;
/// Whoever waits for an answer in vain does not keep others from coming, up to here.
const AT_ONCE_MAX: usize = 200;

/// Clients that keep coming.
pub(super) struct Load {
    stage: watch::Sender<Stage>,
    player: JoinSet<Journal>,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The clients go to any of these.
    At(Vec<Service>),
    /// Nobody is there; no client comes.
    Nobody,
    /// No client comes any more.
    Over,
}

impl Load {
    /// Begins; nobody comes before it is told where to.
    pub(super) fn begin(sandbox: &Sandbox, seed: u64) -> Self {
        let (stage, told) = watch::channel(Stage::Nobody);
        let mut player = JoinSet::new();
        player.spawn(come(told, sandbox.clone(), seed));
        Self { stage, player }
    }

    /// From now on clients come to these.
    pub(super) fn at(&self, services: &[&Service]) {
        let services = services.iter().map(|service| (*service).clone());
        self.stage.send_replace(Stage::At(services.collect()));
    }

    /// From now on no clients come.
    pub(super) fn nobody(&self) {
        self.stage.send_replace(Stage::Nobody);
    }

    /// No more clients; what all of them did, once each has been answered or has left.
    pub(super) async fn end(mut self) -> anyhow::Result<Journal> {
        self.stage.send_replace(Stage::Over);
        let played = self.player.join_next().await;
        Ok(played.context("nobody played")??)
    }
}

async fn come(mut told: watch::Receiver<Stage>, sandbox: Sandbox, seed: u64) -> Journal {
    let mut dice = Dice::new(seed, "load");
    let mut clients = JoinSet::new();
    let mut journal = Journal::default();
    loop {
        let stage = told.borrow_and_update().clone();
        match stage {
            Stage::Over => break,
            Stage::Nobody => {
                if told.changed().await.is_err() {
                    break;
                }
            }
            Stage::At(services) => {
                let among = u64::try_from(services.len().max(1)).unwrap_or(1);
                let chosen = usize::try_from(dice.below(among)).unwrap_or(0);
                if let Some(service) = services.get(chosen) {
                    clients.spawn(play_one(service, &sandbox, &mut dice));
                }
                sleep(dice.pause(PAUSE_MAX_MS)).await;
            }
        }
        if clients.len() >= AT_ONCE_MAX
            && let Some(played) = clients.join_next().await
        {
            journal.merge(played.unwrap_or_default());
        }
        while let Some(played) = clients.try_join_next() {
            journal.merge(played.unwrap_or_default());
        }
    }
    for played in clients.join_all().await {
        journal.merge(played);
    }
    journal
}
