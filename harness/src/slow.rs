//! Owns one figure: honest requests stay quick while thousands of clients are slow on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::output;
use crate::random::unique_name;
use crate::service::Service;
use crate::stand::{Parts, Stand};
use crate::stats::{self, Samples};

/// How often a slow client sends one more byte; well within every timeout of the service.
const BYTE_EVERY: Duration = Duration::from_secs(2);
const RECONNECT: Duration = Duration::from_millis(100);
/// How long all of them may take to connect.
const GATHER: Duration = Duration::from_secs(30);
const READERS: usize = 4;
const READER_PAUSE: Duration = Duration::from_millis(5);
/// How much slower honest requests may get, in thousandths.
const RATIO_MAX: u64 = 2_000;
const AMOUNT: i64 = 4_500;
/// How many requests may be under way: far fewer than are slow in their body, who are not.
const REQUESTS_MAX: &str = "100";
const KINDS: [Kind; 3] = [Kind::Head, Kind::Body, Kind::Silence];

/// What a client is slow in.
#[derive(Clone, Copy, Debug, Serialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
enum Kind {
    /// A header never ends.
    Head,
    /// The body of a request that would be taken.
    Body,
    /// It says nothing at all.
    Silence,
}

impl Kind {
    /// What it begins with.
    fn start(self, service: &Service) -> String {
        match self {
            Self::Head => "GET /health/live HTTP/1.1\r\nHost: a\r\nX-Slow: ".to_owned(),
            Self::Body => format!(
                "POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\
                 Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
                service.authorization()
            ),
            Self::Silence => String::new(),
        }
    }
}

/// Measures honest requests without and with many slow clients.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many are slow.
    #[arg(long, default_value_t = 2000)]
    clients: usize,
    /// In what they are slow, each kind as many as the others.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = KINDS)]
    kinds: Vec<Kind>,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How many pairs of measurements; the ratio is the median one.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    clients: usize,
    kinds: Vec<Kind>,
    /// Connections that the service cut off and the clients opened again.
    reopened: usize,
    requests: usize,
    p99_microseconds_alone: Vec<u64>,
    p99_microseconds_besides: Vec<u64>,
    ratio_per_mille: u64,
    goal_per_mille: u64,
    met: bool,
}

/// Measures; whether the goal was met.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let settings = [("PAYFLOW_SERVER__REQUESTS_MAX", REQUESTS_MAX)];
    let mut stand = Stand::build(&arguments.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    let order = format!("slow-{}", unique_name());
    let payment = service.prepare(&order, AMOUNT).await?.payment;
    let time = Duration::from_secs(arguments.seconds);
    // The first requests of a process are slower than all that follow.
    honest(&service, &payment, Duration::from_secs(1)).await?;
    let (mut alone, mut besides) = (Vec::new(), Vec::new());
    let (mut ratios, mut requests, mut reopened) = (Vec::new(), 0_usize, 0_usize);
    for _ in 0..arguments.rounds {
        let quiet = honest(&service, &payment, time).await?;
        let crowd = Crowd::gather(&service, arguments).await?;
        let busy = honest(&service, &payment, time).await?;
        reopened = reopened.saturating_add(crowd.reopened());
        drop(crowd);
        let of = |samples: &Samples| samples.percentile(990).context("nothing was measured");
        let (before, with) = (of(&quiet)?, of(&busy)?);
        requests = requests.saturating_add(busy.count());
        ratios.push(stats::per_mille(with, before));
        alone.push(before);
        besides.push(with);
    }
    let ratio = stats::median(&ratios).context("no round was asked for")?;
    let met = ratio <= RATIO_MAX;
    output::print_json(&Figures {
        clients: arguments.clients,
        kinds: arguments.kinds.clone(),
        reopened,
        requests,
        p99_microseconds_alone: alone,
        p99_microseconds_besides: besides,
        ratio_per_mille: ratio,
        goal_per_mille: RATIO_MAX,
        met,
    });
    stand.dismantle().await?;
    Ok(met)
}

/// Slow clients, gone when this is dropped.
struct Crowd {
    _clients: JoinSet<()>,
    opened: Arc<AtomicUsize>,
    count: usize,
}

impl Crowd {
    /// All of them, connected.
    async fn gather(service: &Service, arguments: &Arguments) -> anyhow::Result<Self> {
        let count = arguments.clients;
        let opened = Arc::new(AtomicUsize::new(0));
        let kinds = arguments.kinds.iter();
        let starts: Vec<String> = kinds.map(|kind| kind.start(service)).collect();
        let mut clients = JoinSet::new();
        for start in starts.iter().cycle().take(count) {
            let address = service.address().to_owned();
            clients.spawn(dribble(address, start.clone(), Arc::clone(&opened)));
        }
        let begun = Instant::now();
        while opened.load(Ordering::Relaxed) < count {
            ensure!(begun.elapsed() < GATHER, "the slow clients do not connect");
            sleep(RECONNECT).await;
        }
        Ok(Self {
            _clients: clients,
            opened,
            count,
        })
    }

    fn reopened(&self) -> usize {
        self.opened
            .load(Ordering::Relaxed)
            .saturating_sub(self.count)
    }
}

/// Begins a request, goes on byte by byte, and begins again where it is cut off.
async fn dribble(address: String, start: String, opened: Arc<AtomicUsize>) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await {
            opened.fetch_add(1, Ordering::Relaxed);
            let mut sent = stream.write_all(start.as_bytes()).await;
            while sent.is_ok() {
                sleep(BYTE_EVERY).await;
                // Who says nothing at all only holds the connection.
                let byte: &[u8] = if start.is_empty() { b"" } else { b"x" };
                sent = stream.write_all(byte).await;
            }
        }
        sleep(RECONNECT).await;
    }
}

/// Reads, each as soon as the one before is answered.
async fn honest(service: &Service, payment: &str, time: Duration) -> anyhow::Result<Samples> {
    let begun = Instant::now();
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let (service, payment) = (service.clone(), payment.to_owned());
        readers.spawn(async move {
            let mut samples = Samples::default();
            while begun.elapsed() < time {
                let reply = service.payment(&payment).await?;
                ensure!(reply.status == 200, "a read answered {}", reply.status);
                samples.add(reply.took);
                sleep(READER_PAUSE).await;
            }
            anyhow::Ok(samples)
        });
    }
    let mut samples = Samples::default();
    for measured in readers.join_all().await {
        samples.merge(measured?);
    }
    Ok(samples)
}
