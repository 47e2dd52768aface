//! Owns what a reader that goes by an order of its own could leave out: an event whose writer was
//! held open while many others committed, and one that cannot be read. Everybody else goes on.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{AMOUNT, Arguments, Broker, EVENTS_EACH, Log, Reading, make};
use crate::books::{Books, Target, connect, write};
use crate::check;
use crate::output;
use crate::random::unique_name;
use crate::service::Service;
use crate::stand::Stand;

/// Who gives no positions and tells nobody.
const FRONT: &str = "api,worker,scheduler";
/// Who does.
const TELLERS: &str = "sequencer,relay,courier";
/// What `payflow feed` calls the one who tells the broker.
const READER: &str = "kafka";
/// A type of event that no version knows.
const UNKNOWN: &str = "payment.of_tomorrow";
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    /// Events of others that were told while the writer was open and the poison was there.
    others: usize,
    /// How long the writer was held open after the first of them.
    held_milliseconds: u64,
    lost: usize,
    inversions: usize,
    gaps: usize,
    came_again: usize,
    payments_parked: usize,
    events_parked: usize,
    breaches: Vec<String>,
    met: bool,
}

/// Two payments that are prepared and withdrawn: of one the second event commits late, of the
/// other the first cannot be read.
struct Trouble {
    late: Option<String>,
    poison: Option<String>,
}

/// Plays it; whether nothing was left out and nobody else waited.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    ensure!(
        arguments.parts.database_kind() == "postgres",
        "only PostgreSQL has writers at the same time"
    );
    let mut broker = Broker::reserve(&arguments.broker)?;
    broker.start().await?;
    let address = broker.address();
    let (mut stand, service) = front(arguments, &address).await?;
    let trouble = Trouble {
        late: withdrawn(&service, arguments.late).await?,
        poison: withdrawn(&service, arguments.poison).await?,
    };
    write(&stand.target(), &trouble.begin()).await?;
    let (writer, _driver) = open(&stand.target(), trouble.late.is_some()).await?;
    let begun = Instant::now();

    let mut tellers = stand.rival_called("tellers")?;
    tellers.play(TELLERS);
    tellers.start().await?;
    let count = arguments.events.div_ceil(EVENTS_EACH);
    let mut figures = Figures {
        others: count.saturating_mul(EVENTS_EACH),
        ..Figures::default()
    };
    make(&service, count, arguments.clients).await?;
    let (mut reading, mut log) = (Reading::begin(&address)?, Log::default());
    let meanwhile = figures.others.saturating_add(trouble.readable());
    reading.further(&mut log, meanwhile).await?;
    trouble.judge_meanwhile(&stand, &log, &mut figures).await?;
    figures.held_milliseconds = u64::try_from(begun.elapsed().as_millis())?;

    writer.batch_execute("COMMIT").await?;
    write(&stand.target(), &trouble.end()).await?;
    if let Some(poison) = &trouble.poison {
        stand.command(&["feed", "replay", READER, poison]).await?;
    }
    let all = Books::happened(&stand.target()).await?;
    reading.further(&mut log, all.len()).await?;
    told_all(&stand).await?;
    judge(&stand, &log, &all, &mut figures).await?;
    output::print_json(&figures);
    tellers.kill().await?;
    stand.kill().await?;
    let met = figures.met;
    stand.dismantle().await?;
    Ok(met)
}

/// A copy that tells nobody; everybody who reads has a place.
async fn front(arguments: &Arguments, address: &str) -> anyhow::Result<(Stand, Service)> {
    let settings = [
        ("KAFKA_BROKERS", address),
        ("PAYFLOW_FEED__PAUSE_MAX", "1s"),
    ];
    let mut stand = Stand::build(&arguments.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    super::one(&service).await?;
    told_all(&stand).await?;
    stand.kill().await?;
    stand.play(FRONT);
    let service = stand.start().await?;
    Ok((stand, service))
}

/// What has to hold in the end.
async fn judge(
    stand: &Stand,
    log: &Log,
    all: &[(String, i64)],
    figures: &mut Figures,
) -> anyhow::Result<()> {
    figures.lost = log.lost(all.len());
    figures.inversions = log.inversions();
    figures.came_again = log.came_again();
    for (payment, sequence) in all {
        if !log.has(&format!("{payment}/{sequence}")) {
            let what = format!("{payment}/{sequence} was never told");
            figures.breaches.push(what);
        }
    }
    let books = Books::read(&stand.target()).await?;
    let places = books.feed.iter().zip(1_i64..);
    figures.gaps = places.filter(|(place, at)| place.position != *at).count();
    let left = parked(stand).await?;
    if !left.is_empty() {
        figures.breaches.push(format!("still parked: {left:?}"));
    }
    let findings = check::run(&stand.target(), &stand.sandbox, Duration::ZERO).await?;
    figures.breaches.extend(findings.sayings());
    figures.met = (figures.lost, figures.inversions, figures.gaps) == (0, 0, 0)
        && figures.breaches.is_empty();
    Ok(())
}

impl Trouble {
    /// Nobody has been told of either yet: the log is as if the writer had not committed, and as a
    /// later version, or a damaged disk, leaves it.
    fn begin(&self) -> Vec<String> {
        let mut all = vec![
            "ALTER TABLE events DISABLE TRIGGER events_not_updated".to_owned(),
            "ALTER TABLE events DISABLE TRIGGER events_not_deleted".to_owned(),
        ];
        if let Some(late) = &self.late {
            let which = format!("payment_id = '{late}' AND sequence = {EVENTS_EACH}");
            all.extend([
                format!("CREATE TABLE harness_late AS SELECT * FROM events WHERE {which}"),
                format!("DELETE FROM events WHERE {which}"),
                format!("DELETE FROM unsequenced WHERE {which}"),
            ]);
        }
        if let Some(poison) = &self.poison {
            let which = format!("payment_id = '{poison}' AND sequence = 1");
            all.extend([
                format!("CREATE TABLE harness_poison AS SELECT kind FROM events WHERE {which}"),
                format!("UPDATE events SET kind = '{UNKNOWN}' WHERE {which}"),
            ]);
        }
        all.push("ALTER TABLE events ENABLE TRIGGER events_not_deleted".to_owned());
        all.push("ALTER TABLE events ENABLE TRIGGER events_not_updated".to_owned());
        all
    }

    /// What can be read again.
    fn end(&self) -> Vec<String> {
        let Some(poison) = &self.poison else {
            return Vec::new();
        };
        let which = format!("payment_id = '{poison}' AND sequence = 1");
        vec![
            "ALTER TABLE events DISABLE TRIGGER events_not_updated".to_owned(),
            format!("UPDATE events SET kind = (SELECT kind FROM harness_poison) WHERE {which}"),
            "ALTER TABLE events ENABLE TRIGGER events_not_updated".to_owned(),
        ]
    }

    /// How many events can be told meanwhile beside those of others: of the first payment, which
    /// was told before all this, and of the one whose last event is late.
    fn readable(&self) -> usize {
        let late = usize::from(self.late.is_some());
        EVENTS_EACH.saturating_add(late)
    }

    /// What must not have been told, and what must be parked: one payment, and no other.
    async fn judge_meanwhile(
        &self,
        stand: &Stand,
        log: &Log,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let too_early = [
            self.late.as_ref().map(|id| format!("{id}/{EVENTS_EACH}")),
            self.poison.as_ref().map(|id| format!("{id}/1")),
            self.poison.as_ref().map(|id| format!("{id}/{EVENTS_EACH}")),
        ];
        for id in too_early.iter().flatten().filter(|id| log.has(id)) {
            figures.breaches.push(format!("{id} was told too early"));
        }
        let wanted = if self.poison.is_some() {
            EVENTS_EACH
        } else {
            0
        };
        let begun = Instant::now();
        let parked = loop {
            let parked = parked(stand).await?;
            if parked.len() >= wanted || begun.elapsed() >= PATIENCE {
                break parked;
            }
            sleep(POLL).await;
        };
        figures.events_parked = parked.len();
        let mut payments = parked.clone();
        payments.sort_unstable();
        payments.dedup();
        figures.payments_parked = payments.len();
        let right = parked.len() == wanted
            && parked
                .iter()
                .all(|payment| Some(payment) == self.poison.as_ref());
        if !right {
            figures.breaches.push(format!("parked are {parked:?}"));
        }
        Ok(())
    }
}

/// A payment that is prepared and withdrawn, where one is wanted.
async fn withdrawn(service: &Service, wanted: bool) -> anyhow::Result<Option<String>> {
    if !wanted {
        return Ok(None);
    }
    let name = unique_name();
    let prepared = service.prepare(&format!("held-{name}"), AMOUNT).await?;
    let reply = service.cancel(&prepared.payment, None, &name).await?;
    ensure!(reply.status == 200, "withdrawn: {}", reply.body);
    Ok(Some(prepared.payment))
}

/// A writer that has written the late event, and does not commit.
async fn open(
    target: &Target,
    writes: bool,
) -> anyhow::Result<(tokio_postgres::Client, JoinSet<()>)> {
    let Target::Postgres(url) = target else {
        anyhow::bail!("only PostgreSQL has writers at the same time");
    };
    let (client, driver) = connect(url).await?;
    client.batch_execute("BEGIN").await?;
    if writes {
        let insert = "INSERT INTO events SELECT * FROM harness_late";
        client.batch_execute(insert).await?;
    }
    Ok((client, driver))
}

/// Of which payment each parked event is.
async fn parked(stand: &Stand) -> anyhow::Result<Vec<String>> {
    let listed = stand.command(&["feed", "parked", READER]).await?;
    let payment = |line: &str| {
        let event: Value = serde_json::from_str(line)?;
        let payment = event.get("subject").and_then(Value::as_str);
        Ok(payment.context("a parked event of no payment")?.to_owned())
    };
    let lines = listed.lines().filter(|line| !line.trim().is_empty());
    lines.map(payment).collect()
}

/// Until nothing is left to be told.
async fn told_all(stand: &Stand) -> anyhow::Result<()> {
    let begun = Instant::now();
    while Books::untold(&stand.target()).await?.events > 0 {
        ensure!(begun.elapsed() < PATIENCE, "not everything is told");
        sleep(POLL).await;
    }
    Ok(())
}
