//! Owns the copies that charge: several side by side where the database is a server, one of which
//! is killed every so often and comes back.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::past;
use crate::books::{Books, Standing, Target};
use crate::chaos::rounds::Counts;
use crate::output;
use crate::random::Dice;
use crate::stalls::Stopwatch;
use crate::stand::{Instance, Stand};

/// What each of them does: charge what is due, and take over what a dead one left.
const ROLES: &str = "scheduler,worker";
const POLL: Duration = Duration::from_millis(200);
/// A dead one is away for up to so long.
const AWAY_MAX_MS: u64 = 1_500;
/// Between two kills.
const EVERY_MIN_MS: u64 = 700;
const EVERY_MAX_MS: u64 = 3_000;
/// Whatever was put off has that time passed every so often.
const PASSES_EVERY: Duration = Duration::from_secs(2);

/// Those that charge.
pub(super) enum Schedulers {
    /// The stand's own, with every role: a file has one process.
    Own,
    /// Beside the stand's own, which does everything else.
    Copies(Vec<Instance>),
}

impl Schedulers {
    /// So many, started; the stand's own is started, too.
    pub(super) async fn start(stand: &mut Stand, count: usize) -> anyhow::Result<Self> {
        if matches!(stand.target(), Target::Sqlite(_)) {
            stand.start().await?;
            return Ok(Self::Own);
        }
        let mut copies = Vec::new();
        for number in 1..=count {
            let mut copy = stand.rival_called(&format!("scheduler-{number}"))?;
            copy.play(ROLES);
            copy.start().await?;
            copies.push(copy);
        }
        Ok(Self::Copies(copies))
    }

    /// Kills one of them, and has it come back after a while.
    async fn kill_one(&mut self, stand: &mut Stand, dice: &mut Dice) -> anyhow::Result<()> {
        let away = dice.pause(AWAY_MAX_MS);
        match self {
            Self::Own => {
                stand.kill().await?;
                sleep(away).await;
                stand.start().await?;
            }
            Self::Copies(copies) => {
                let all: Vec<usize> = (0..copies.len()).collect();
                let Some(copy) = copies.get_mut(dice.one_of(&all)) else {
                    return Ok(());
                };
                copy.kill().await?;
                sleep(away).await;
                copy.start().await?;
            }
        }
        Ok(())
    }

    /// Kills until nothing is left to do, or `kills` are done; then until it is drained, in
    /// `patience` at most. Whether it was.
    pub(super) async fn drain(
        &mut self,
        stand: &mut Stand,
        (kills, patience): (u64, Duration),
        dice: &mut Dice,
        counts: &mut Counts,
    ) -> anyhow::Result<bool> {
        let begun = Stopwatch::start();
        let target = stand.target();
        while counts.of("kills") < kills && begun.elapsed() < patience {
            let pause = dice.between(EVERY_MIN_MS, EVERY_MAX_MS);
            sleep(Duration::from_millis(pause)).await;
            let standing = standing(&target).await;
            if standing.is_drained() {
                break;
            }
            if standing.open > 0 {
                counts.add("kills with charges under way", 1);
            }
            self.kill_one(stand, dice).await?;
            counts.add("kills", 1);
        }
        stand.sandbox.heal().await?;
        let left = patience.saturating_sub(begun.elapsed());
        drained_within(stand, left).await
    }

    /// Nobody charges any more.
    pub(super) async fn end(self, stand: &mut Stand) -> anyhow::Result<()> {
        if let Self::Copies(copies) = self {
            for mut copy in copies {
                copy.kill().await?;
            }
        }
        stand.kill().await
    }
}

/// Waits until nothing is left to do; what was put off until later is due every so often. Whether
/// it came to that.
pub(super) async fn drained_within(stand: &Stand, patience: Duration) -> anyhow::Result<bool> {
    let (target, begun) = (stand.target(), Stopwatch::start());
    let mut passed = Instant::now();
    loop {
        let standing = standing(&target).await;
        if standing.is_drained() {
            return Ok(true);
        }
        if begun.elapsed() >= patience {
            output::say(&format!("not drained: {standing:?}"));
            return Ok(false);
        }
        if standing.put_off > 0 && passed.elapsed() >= PASSES_EVERY {
            past::let_pass(&target).await?;
            passed = Instant::now();
        }
        sleep(POLL).await;
    }
}

/// A database that is being written to may refuse a read: then nothing is known to be over.
async fn standing(target: &Target) -> Standing {
    let unknown = Standing {
        due: 1,
        ..Standing::default()
    };
    Books::standing(target, past::now())
        .await
        .unwrap_or(unknown)
}
