//! Owns freezes: a copy of the service stops in whatever it does for longer than its leases last,
//! another takes over what it had begun, and then it goes on as if nothing had happened.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use super::aftermath::{HEARTBEAT, LEASE, SETTINGS, Verdict, reckon};
use super::load::Load;
use super::parts::random_faults;
use super::rounds::{Counts, Round, Rounds};
use crate::books::{Books, Hold};
use crate::output;
use crate::process::Process;
use crate::random::Dice;
use crate::service::Service;
use crate::stand::{Instance, Stand};

/// Frozen at some moment after so long under load.
const ALIVE_MIN_MS: u64 = 300;
const ALIVE_MAX_MS: u64 = 1300;
/// Frozen for two leases, and up to so much longer.
const LONGER_MAX_MS: u64 = 1500;
/// So long a call takes at least: there is something to be frozen in.
const LATENCY: Duration = Duration::from_millis(60);

/// Freezes the service past its leases while another takes over, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How many freezes in each round.
    #[arg(long, default_value_t = 5)]
    freezes: u64,
}

/// The copies of the service: two on a server, one on a file.
struct Copies {
    stand: Stand,
    rival: Option<Instance>,
    services: Vec<Service>,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("freeze", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let mut copies = Copies::start(&arguments.rounds).await?;
    let mut dice = Dice::new(seed, "freeze");
    let sandbox = copies.stand.sandbox.clone();
    sandbox.add_faults(&random_faults(dice.next())).await?;
    let load = Load::begin(&sandbox, dice.next());
    let mut counts = Counts::default();
    let chosen: Vec<usize> = (0..copies.services.len()).collect();
    for _ in 0..arguments.freezes {
        let which = dice.one_of(&chosen);
        load.at(&copies.only(which));
        let alive = dice.between(ALIVE_MIN_MS, ALIVE_MAX_MS);
        sleep(Duration::from_millis(alive)).await;
        copies.process(which)?.freeze().await?;
        load.at(&copies.all_but(which));
        let longer = dice.pause(LONGER_MAX_MS);
        copies.outlast_leases(longer, &mut counts).await?;
        copies.process(which)?.thaw()?;
    }
    let journal = load.end().await?;
    sandbox.heal().await?;
    counts.add("asked", journal.asked());
    let begun = Instant::now();
    let service = copies.services.first().context("no copy")?.clone();
    let mut verdict = reckon(&mut copies.stand, &service, journal, begun).await?;
    copies.judge(&counts, &mut verdict);
    copies.end().await?;
    Ok(Round { counts, verdict })
}

impl Copies {
    async fn start(rounds: &Rounds) -> anyhow::Result<Self> {
        let mut stand = Stand::build(&rounds.parts, SETTINGS, LATENCY).await?;
        let mut services = vec![stand.start().await?];
        let mut rival = None;
        // Of a file there is one server at a time: whoever comes second is refused.
        if rounds.database() == "postgres" {
            let mut second = stand.rival()?;
            services.push(second.start().await?);
            rival = Some(second);
        }
        Ok(Self {
            stand,
            rival,
            services,
        })
    }

    fn only(&self, which: usize) -> Vec<&Service> {
        self.services.get(which).into_iter().collect()
    }

    fn all_but(&self, which: usize) -> Vec<&Service> {
        let numbered = self.services.iter().enumerate();
        let others = numbered.filter(|(number, _)| *number != which);
        others.map(|(_, service)| service).collect()
    }

    fn process(&mut self, which: usize) -> anyhow::Result<&mut Process> {
        match (which, &mut self.rival) {
            (0, _) | (_, None) => self.stand.process(),
            (_, Some(rival)) => rival.process(),
        }
    }

    /// Waits until every lease of the frozen one is over, and for what others make of it.
    async fn outlast_leases(&self, longer: Duration, counts: &mut Counts) -> anyhow::Result<()> {
        let before = self.holds().await?;
        // Whoever lives has prolonged its own holds by then.
        sleep(HEARTBEAT.saturating_mul(2)).await;
        let beaten = self.holds().await?;
        sleep(LEASE.saturating_add(longer)).await;
        let now = self.holds().await?;
        counts.add("freezes", 1);
        let (Some(mut stuck), Some(beaten), Some(now)) = (before, beaten, now) else {
            counts.add("unreadableWhileFrozen", 1);
            return Ok(());
        };
        stuck.retain(|saga, hold| beaten.get(saga) == Some(hold));
        let taken = stuck
            .iter()
            .filter(|(saga, hold)| now.get(*saga) != Some(*hold));
        counts.add("heldWhileFrozen", count(stuck.len()));
        counts.add("takenOver", count(taken.count()));
        Ok(())
    }

    /// The sagas that somebody drives. Unknown where the only server of a file was stopped in the
    /// middle of a write: it keeps every reader out until it goes on.
    async fn holds(&self) -> anyhow::Result<Option<BTreeMap<String, Hold>>> {
        match Books::holds(&self.stand.target()).await {
            Ok(holds) => Ok(Some(holds)),
            Err(why) if self.rival.is_none() => {
                output::say(&format!("not readable while frozen: {why:#}"));
                Ok(None)
            }
            Err(why) => Err(why),
        }
    }

    /// Freezes that nobody had to make up for prove nothing.
    fn judge(&self, counts: &Counts, verdict: &mut Verdict) {
        if counts.of("heldWhileFrozen") == 0 {
            let what = "no saga was held by the frozen one: nothing was proven";
            verdict.breaches.push(what.to_owned());
        }
        if self.rival.is_some() && counts.of("takenOver") == 0 {
            let what = "nobody took over from the frozen one: nothing was proven";
            verdict.breaches.push(what.to_owned());
        }
    }

    async fn end(mut self) -> anyhow::Result<()> {
        if let Some(rival) = &mut self.rival {
            rival.kill().await?;
        }
        self.stand.dismantle().await
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
