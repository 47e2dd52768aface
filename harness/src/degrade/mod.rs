//! Owns what callers see while something is away: buyers come at a rate before, during and after
//! each trouble; nobody may be told anything but what is documented, and not one won may be wrong.

mod pace;
mod probes;
mod report;
mod table;
mod tally;
mod traffic;
mod trouble;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::check;
use crate::output;
use crate::service::Service;
use crate::stand::Parts;
use crate::stats::show_tenths;
use report::{Report, Told, milliseconds, per_second_tenths};
use tally::{Board, Phase};
use traffic::Buyers;
use trouble::{Scene, Trouble};

/// How long buyers come before it counts: connections are made meanwhile.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long it may take until a trouble is noticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take until nothing is open, by undivided timings.
const SETTLE_PATIENCE: Duration = Duration::from_mins(4);
const POLL: Duration = Duration::from_millis(100);
/// What the broker was not told yet.
const UNTOLD: &str = "payflow_reader_lag_events{reader=\"kafka\"}";

/// Takes things away from a service under load, and counts what its callers are told.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// Which troubles; all that can be made without.
    #[arg(long, value_enum, value_delimiter = ',')]
    troubles: Vec<Trouble>,
    /// How long it is watched before, during and after each.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many buyers come each second.
    #[arg(long, default_value_t = 20)]
    per_second: u32,
    /// What the service waits for, and how slow the gateway is, is divided by this.
    #[arg(long, default_value_t = 1)]
    divide_by: u32,
    /// Within how many seconds of a trouble's end four fifths of before have to be served again.
    #[arg(long, default_value_t = 10)]
    again_seconds: u64,
    /// The executable of Redis.
    #[arg(long)]
    redis: Option<PathBuf>,
    /// The executable of the broker.
    #[arg(long)]
    broker: Option<PathBuf>,
    /// The folder with a page for each code that may be told.
    #[arg(long, default_value = "docs/errors")]
    errors: PathBuf,
    /// A page in whose table the rows of these troubles are put.
    #[arg(long)]
    page: Option<PathBuf>,
}

/// A trouble that was not made, and why.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftOut {
    trouble: Trouble,
    why: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sum {
    database: &'static str,
    troubles: Vec<Trouble>,
    left_out: Vec<LeftOut>,
    paid: usize,
    movements: usize,
    unexplained: u64,
    breaches: usize,
    met: bool,
}

/// Makes one trouble after the other; whether all held.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let all = <Trouble as clap::ValueEnum>::value_variants();
    let wanted = if arguments.troubles.is_empty() {
        all
    } else {
        &arguments.troubles
    };
    let disks = if wanted.contains(&Trouble::Disk) {
        crate::server::apart()
    } else {
        Ok(())
    };
    let disks = disks.as_ref().copied().map_err(String::as_str);
    let mut sum = Sum {
        database: arguments.parts.database_kind(),
        troubles: Vec::new(),
        left_out: Vec::new(),
        paid: 0,
        movements: 0,
        unexplained: 0,
        breaches: 0,
        met: true,
    };
    let mut rows = Vec::new();
    for trouble in wanted.iter().copied() {
        if let Some(why) = trouble.hindrance(arguments, disks) {
            output::say(&format!("{} is left out: {why}", trouble.name()));
            sum.left_out.push(LeftOut { trouble, why });
            continue;
        }
        let report = Box::pin(make(arguments, trouble)).await?;
        report.print();
        rows.extend(report.rows());
        sum.add(&report);
    }
    sum.met = sum.met && !sum.troubles.is_empty();
    for line in table::lines(&rows) {
        output::say(&line);
    }
    if let Some(page) = &arguments.page {
        table::keep(page, &rows)?;
    }
    output::print_json(&sum);
    Ok(sum.met)
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.troubles.push(report.trouble);
        self.paid = self.paid.saturating_add(report.paid);
        self.movements = self.movements.saturating_add(report.movements);
        self.unexplained = self.unexplained.saturating_add(report.unexplained);
        self.breaches = self.breaches.saturating_add(report.breaches.len());
        self.met = self.met && report.is_well();
    }
}

/// What was seen while buyers came.
struct Watched {
    open: BTreeMap<Phase, Option<u64>>,
    over_at: Instant,
}

/// One trouble on a stand of its own.
async fn make(arguments: &Arguments, trouble: Trouble) -> anyhow::Result<Report> {
    output::say(&format!("{trouble:?}"));
    let board = Board::new(&arguments.errors)?;
    let mut scene = Scene::build(arguments, trouble).await?;
    let service = scene.stand.start().await?;
    let buyers = Buyers::new(&service, &scene.stand.sandbox, &board);
    let (stop, over) = watch::channel(false);
    let mut coming = JoinSet::new();
    coming.spawn(buyers.clone().come(arguments.per_second, over.clone()));
    let mut probing = JoinSet::new();
    probing.spawn(probes::ask(service.clone(), board.clone(), over));
    let watched = watch(arguments, &mut scene, &service, &board).await?;
    stop.send_replace(true);
    while let Some(came) = coming.join_next().await {
        came??;
    }
    drop(probing.join_all().await);
    let mut report = judged(&mut scene, &service, &buyers, &watched).await?;
    report.timings_divided_by = arguments.divide_by;
    report.seconds_each = arguments.seconds;
    scene.dismantle().await?;
    Ok(report)
}

/// Before, during and after.
async fn watch(
    arguments: &Arguments,
    scene: &mut Scene,
    service: &Service,
    board: &Board,
) -> anyhow::Result<Watched> {
    let mut watched = Watched {
        open: BTreeMap::new(),
        over_at: Instant::now(),
    };
    sleep(WARM_UP).await;
    let length = Duration::from_secs(arguments.seconds);
    for phase in Phase::ALL {
        match phase {
            Phase::Before => {
                board.turn(phase);
                sleep(length).await;
                until_there(scene.trouble, service).await?;
            }
            Phase::During => {
                board.turn(phase);
                scene.begin().await?;
                sleep(length).await;
                until_noticed(arguments, scene.trouble, service, board).await?;
            }
            Phase::After => {
                scene.end().await?;
                board.turn(phase);
                watched.over_at = Instant::now();
                sleep(length).await;
                until_served_again(arguments, board, watched.over_at).await;
            }
        }
        let open = probes::open_sagas(&scene.stand.target()).await;
        watched.open.insert(phase, open);
    }
    Ok(watched)
}

/// What is to be taken away was there: on a busy machine it may be missed for a moment.
async fn until_there(trouble: Trouble, service: &Service) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !trouble.is_to_come(service).await? {
        let patient = begun.elapsed() < NOTICED_WITHIN;
        anyhow::ensure!(patient, "{} was away from the start", trouble.name());
        sleep(POLL).await;
    }
    Ok(())
}

/// A trouble lasts until it was noticed; one that nobody notices is a breach.
async fn until_noticed(
    arguments: &Arguments,
    trouble: Trouble,
    service: &Service,
    board: &Board,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let divide_by = arguments.divide_by;
    while !trouble.was_noticed(board, service, divide_by).await? {
        if begun.elapsed() >= NOTICED_WITHIN {
            board.breach("the trouble was not noticed: nothing was proven".to_owned());
            return Ok(());
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Buyers come until as many are served within a second as before, nearly.
async fn until_served_again(arguments: &Arguments, board: &Board, since: Instant) {
    let most = arguments.again_seconds;
    if board.before().served == 0 {
        board.breach("nobody was served before: nothing was proven".to_owned());
        return;
    }
    while board.served_again().is_none() && since.elapsed() < Duration::from_secs(most) {
        sleep(POLL).await;
    }
    if board.served_again().is_none_or(|seconds| seconds > most) {
        let before = per_second_tenths(board.before());
        board.breach(format!(
            "not 80 % of {}/s were served again within {most} s: refused by second {:?}",
            show_tenths(before),
            board.refused_after()
        ));
    }
}

/// Everybody comes back, everything settles, and the books are compared with the gateway's.
async fn judged(
    scene: &mut Scene,
    service: &Service,
    buyers: &Buyers,
    watched: &Watched,
) -> anyhow::Result<Report> {
    let (board, last) = (&buyers.board, Instant::now());
    let returns = buyers.come_back(SETTLE_PATIENCE).await;
    let target = scene.stand.target();
    let settled = check::settle(&target, SETTLE_PATIENCE).await?;
    let settled_milliseconds = settled.map(|_| milliseconds(last.elapsed()));
    if settled.is_none() {
        board.breach(format!("sagas are open {SETTLE_PATIENCE:?} after it"));
    }
    let told_milliseconds = if scene.trouble == Trouble::Broker {
        let told = until_told(service, watched.over_at).await?;
        if told.is_none() {
            board.breach("the broker was not told of everything".to_owned());
        }
        told
    } else {
        None
    };
    let paid = buyers.verify().await?;
    if let Err(ended) = scene.stand.still_runs() {
        board.breach(format!("{ended:#}"));
    }
    let findings = check::run(&target, &scene.stand.sandbox, Duration::ZERO).await?;
    if findings.lines == 0 || paid == 0 {
        board.breach("nobody paid: nothing was proven".to_owned());
    }
    if findings.unexplained > 0 {
        board.breach(format!("{} won unexplained", findings.unexplained));
    }
    let mut breaches = board.breaches();
    breaches.extend(findings.sayings());
    let phases = Phase::ALL.map(|phase| {
        let open = watched.open.get(&phase).copied().flatten();
        (phase, Told::of(board, phase, open))
    });
    Ok(Report {
        trouble: scene.trouble,
        database: scene.database_kind,
        timings_divided_by: 1,
        seconds_each: 0,
        phases: phases.into_iter().collect(),
        served_before_tenths: per_second_tenths(board.before()),
        served_again_seconds: board.served_again(),
        refused_after: board.refused_after(),
        without_end: returns.open,
        ended: returns.ended,
        settled_milliseconds,
        told_milliseconds,
        database_ended: scene.database_ended,
        paid,
        movements: findings.lines,
        unexplained: findings.unexplained,
        breaches,
    })
}

/// Until the broker was told of everything, since the trouble was over.
async fn until_told(service: &Service, since: Instant) -> anyhow::Result<Option<u64>> {
    let begun = Instant::now();
    while begun.elapsed() < SETTLE_PATIENCE {
        if service.metric(UNTOLD).await? == 0 {
            return Ok(Some(milliseconds(since.elapsed())));
        }
        sleep(POLL).await;
    }
    Ok(None)
}
