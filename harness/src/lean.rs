//! Owns how little the service takes: the time until it listens, the memory it holds idle and
//! loaded, and the room of its program; everything in one process as it comes, or the service
//! alone.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::load;
use crate::output;
use crate::process::{Process, Program};
use crate::sandbox::Sandbox;
use crate::service::{DevKeys, Service};
use crate::stand::{Parts, Stand};
use crate::stats::{median, show_tenths};
use crate::usage::Usage;

/// How long a start may take; the first one migrates.
const START_PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(1);
const LISTENS_MILLISECONDS_MAX: u64 = 1_000;
const KIB_PER_MIB: u64 = 1024;
const IDLE_KIB_MAX: u64 = 64 * KIB_PER_MIB;
const LOADED_KIB_MAX: u64 = 150 * KIB_PER_MIB;

/// Measures how soon a service listens, and the memory that it holds idle and loaded.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// Everything in one process, as it starts without a setting: sandbox and shop, too.
    #[arg(long)]
    embedded: bool,
    /// How often it is started.
    #[arg(long, default_value_t = 7)]
    starts: usize,
    /// After how long without a request it counts as idle.
    #[arg(long, default_value_t = 5)]
    idle_seconds: u64,
    /// How long it is loaded.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// By how many clients at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Fail where a goal is not met.
    #[arg(long)]
    judge: bool,
    /// The script that assembles the root folder of an image with a program; it is measured, too.
    #[arg(long)]
    image_root: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    what: &'static str,
    starts: usize,
    listens_milliseconds: u64,
    listens_milliseconds_max: u64,
    idle_kib: u64,
    idle_kib_max: u64,
    loaded_kib: u64,
    clients: usize,
    approvals_p99_microseconds: u64,
    program_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<Room>,
    goals_met: bool,
}

/// What a root folder takes: without lines of code, as it goes into an image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Room {
    program_bytes: u64,
    folder_bytes: u64,
}

/// What can be started again and again.
enum Subject {
    /// Everything in one process, in a folder of its own.
    Embedded {
        service: PathBuf,
        process: Option<Box<Process>>,
        folder: TempDir,
    },
    /// The service, beside a sandbox and a database.
    Alone(Box<Stand>),
}

/// Measures; whether the goals were met, where they count.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    ensure!(arguments.starts > 0, "--starts: it has to be started");
    let mut subject = Subject::build(arguments).await?;
    // The first one makes and migrates its database.
    subject.start(None).await?;
    let (mut listens, mut idle) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..arguments.starts {
        subject.kill().await?;
        let port = free_port()?;
        let begun = Instant::now();
        let (service, sandbox, took) = subject.start(Some((port, begun))).await?;
        listens.push(u64::try_from(took.as_millis())?);
        sleep(Duration::from_secs(arguments.idle_seconds)).await;
        idle.push(Usage::of(subject.pid()?)?.resident_kib);
        last = Some((service, sandbox));
    }
    let (service, sandbox) = last.context("it was never started")?;
    let length = Duration::from_secs(arguments.seconds);
    let peak = load::peak(&service, &sandbox, arguments.clients, length).await?;
    let p99 = peak.p99;
    let loaded = Usage::of(subject.pid()?)?.resident_kib_max;
    let none = "it was never started";
    let mut figures = Figures {
        what: subject.name(arguments),
        starts: arguments.starts,
        listens_milliseconds: median(&listens).context(none)?,
        listens_milliseconds_max: listens.iter().copied().max().context(none)?,
        idle_kib: median(&idle).context(none)?,
        idle_kib_max: idle.iter().copied().max().context(none)?,
        loaded_kib: loaded,
        clients: arguments.clients,
        approvals_p99_microseconds: p99,
        program_bytes: std::fs::metadata(&arguments.parts.service)?.len(),
        room: match &arguments.image_root {
            Some(script) => Some(room(script, &arguments.parts.service).await?),
            None => None,
        },
        goals_met: false,
    };
    figures.goals_met = figures.listens_milliseconds <= LISTENS_MILLISECONDS_MAX
        && figures.idle_kib <= IDLE_KIB_MAX
        && figures.loaded_kib <= LOADED_KIB_MAX;
    for line in figures.rows() {
        output::say(&line);
    }
    output::print_json(&figures);
    subject.end().await?;
    Ok(figures.goals_met || !arguments.judge)
}

impl Figures {
    /// Rows of a table of figures: what, how much, and of how many starts.
    fn rows(&self) -> Vec<String> {
        let goal = |met: bool| if met { "" } else { ", **not met**" };
        let mut rows = vec![format!(
            "| {}: start, idle and loaded | listening after **{} ms** (goal {} ms{}), at most {}; \
             **{} MiB** idle (goal {}{}), at most {}; **{} MiB** at most under {} clients \
             (goal {}{}) | `harness lean`, {} starts |",
            self.what,
            self.listens_milliseconds,
            LISTENS_MILLISECONDS_MAX,
            goal(self.listens_milliseconds <= LISTENS_MILLISECONDS_MAX),
            self.listens_milliseconds_max,
            self.idle_kib.div_ceil(KIB_PER_MIB),
            IDLE_KIB_MAX / KIB_PER_MIB,
            goal(self.idle_kib <= IDLE_KIB_MAX),
            self.idle_kib_max.div_ceil(KIB_PER_MIB),
            self.loaded_kib.div_ceil(KIB_PER_MIB),
            self.clients,
            LOADED_KIB_MAX / KIB_PER_MIB,
            goal(self.loaded_kib <= LOADED_KIB_MAX),
            self.starts,
        )];
        if let Some(room) = &self.room {
            rows.push(format!(
                "| program, and the root folder of an image with it | {} MB as built, **{} MB** \
                 without lines of code; **{} MB** the whole folder | \
                 `harness lean --image-root scripts/lib/image-root.sh` |",
                megabytes(self.program_bytes),
                megabytes(room.program_bytes),
                megabytes(room.folder_bytes),
            ));
        }
        rows
    }
}

fn megabytes(bytes: u64) -> String {
    show_tenths(bytes.div_ceil(100_000))
}

/// Assembles a root folder with the program, as for an image, and measures it.
async fn room(script: &Path, program: &Path) -> anyhow::Result<Room> {
    let folder = tempfile::tempdir()?;
    let made = Command::new("bash")
        .arg(script)
        .args([program, folder.path()])
        .output();
    let made = made.await?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "{}: {said}", script.display());
    Ok(Room {
        program_bytes: std::fs::metadata(folder.path().join("usr/bin/payflow"))?.len(),
        folder_bytes: bytes_in(folder.path())?,
    })
}

/// What the files of a folder hold together.
fn bytes_in(folder: &Path) -> anyhow::Result<u64> {
    let mut sum: u64 = 0;
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for found in std::fs::read_dir(folder)? {
            let found = found?;
            let kind = found.file_type()?;
            if kind.is_dir() {
                left.push(found.path());
            } else if kind.is_file() {
                sum = sum.saturating_add(found.metadata()?.len());
            }
        }
    }
    Ok(sum)
}

impl Subject {
    async fn build(arguments: &Arguments) -> anyhow::Result<Self> {
        if arguments.embedded {
            return Ok(Self::Embedded {
                service: std::path::absolute(&arguments.parts.service)?,
                process: None,
                folder: tempfile::tempdir()?,
            });
        }
        let stand = Stand::build(&arguments.parts, &[], Duration::ZERO).await?;
        Ok(Self::Alone(Box::new(stand)))
    }

    fn name(&self, arguments: &Arguments) -> &'static str {
        match self {
            Self::Embedded { .. } => "everything in one process",
            Self::Alone(_) if arguments.parts.database_kind() == "sqlite" => "serve on sqlite",
            Self::Alone(_) => "serve on postgres",
        }
    }

    /// Starts it, to listen at this port; how long it took until it answered there.
    async fn start(
        &mut self,
        timed: Option<(u16, Instant)>,
    ) -> anyhow::Result<(Service, Sandbox, Duration)> {
        let listen = format!("127.0.0.1:{}", timed.map_or(0, |(port, _)| port));
        match self {
            Self::Embedded {
                service,
                process,
                folder,
            } => {
                let program = embedded(service, folder.path(), &listen);
                let started = process.insert(Box::new(Process::start(&program)?));
                let took = answered(&listen, timed, started).await?;
                let file = folder.path().join("data/dev-keys.json");
                let told = |text: &str| {
                    let keys = DevKeys::parse(text).ok()?;
                    let here = timed.is_none() || keys.payflow_url.ends_with(&listen);
                    (here && !keys.payflow_url.is_empty()).then_some(keys)
                };
                let keys = started.file(&file, START_PATIENCE, told).await?;
                Ok((Service::new(&keys)?, Sandbox::new(&keys.sandbox_url)?, took))
            }
            Self::Alone(stand) => {
                stand.launch(&[("PAYFLOW_SERVER__LISTEN", &listen)])?;
                let took = answered(&listen, timed, stand.process()?).await?;
                let service = stand.ready().await?;
                Ok((service, stand.sandbox.clone(), took))
            }
        }
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Embedded { process, .. } => match process.take() {
                Some(mut process) => process.kill().await,
                None => Ok(()),
            },
            Self::Alone(stand) => stand.kill().await,
        }
    }

    fn pid(&mut self) -> anyhow::Result<u32> {
        match self {
            Self::Embedded { process, .. } => {
                Ok(process.as_ref().context("it does not run")?.pid())
            }
            Self::Alone(stand) => Ok(stand.process()?.pid()),
        }
    }

    async fn end(mut self) -> anyhow::Result<()> {
        self.kill().await?;
        match self {
            Self::Embedded { .. } => Ok(()),
            Self::Alone(stand) => stand.dismantle().await,
        }
    }
}

/// As it comes, but for where it listens.
fn embedded(service: &Path, folder: &Path, listen: &str) -> Program {
    let anywhere = "127.0.0.1:0";
    let environment = [
        ("PAYFLOW_SERVER__LISTEN", listen),
        ("PAYFLOW_METRICS__LISTEN", anywhere),
        ("PAYFLOW_SANDBOX__LISTEN", anywhere),
        ("PAYFLOW_SHOP__LISTEN", anywhere),
        ("PAYFLOW_LOG__FILTER", "warn"),
    ];
    let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Program {
        path: service.to_owned(),
        arguments: Vec::new(),
        environment: BTreeMap::from(owned),
        folder: folder.to_owned(),
        log: folder.join("service.log"),
    }
}

/// Until it answers a probe there; at once where nobody counts.
async fn answered(
    listen: &str,
    timed: Option<(u16, Instant)>,
    process: &mut Process,
) -> anyhow::Result<Duration> {
    let Some((_, begun)) = timed else {
        return Ok(Duration::ZERO);
    };
    let url = format!("http://{listen}/health/live");
    let client = crate::http::client()?;
    loop {
        if let Ok(answer) = client.get(&url).send().await
            && answer.status().is_success()
        {
            return Ok(begun.elapsed());
        }
        let ended = process.ended()?.is_some();
        let late = begun.elapsed() >= START_PATIENCE;
        ensure!(!ended && !late, "it does not listen: {}", process.tail());
        sleep(POLL).await;
    }
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
