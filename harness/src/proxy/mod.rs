//! Owns a TCP proxy on the loopback interface that breaks what it carries: late pieces, resets,
//! answers cut in the middle, half-open connections, and COMMITs whose answer is lost.

mod line;
mod plan;
mod postgres;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::random::Dice;
use line::Line;
use plan::Plan;
pub(crate) use plan::{CommitOdds, Odds, Tally};

/// How long a proxy takes to begin and to cease listening; only one that is broken takes longer.
const TURN_PATIENCE: Duration = Duration::from_secs(5);
const TURN_POLL: Duration = Duration::from_millis(10);

/// What a proxy understands of what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// PostgreSQL's: it sees COMMITs. Encryption is declined in the server's name.
    Postgres,
    /// Nothing.
    Other,
}

/// A proxy that runs. Dropping it ends every connection.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    plan: Arc<Plan>,
    resets: watch::Sender<()>,
    refuses: watch::Sender<bool>,
    _carriers: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port and carries to `target`; nothing goes wrong before it is told to.
    pub(crate) async fn to(
        target: SocketAddr,
        protocol: Protocol,
        dice: Dice,
    ) -> anyhow::Result<Self> {
        ensure!(target.ip().is_loopback(), "{target} is on another machine");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let plan = Arc::new(Plan::new(dice));
        let (resets, heard) = watch::channel(());
        let (refuses, told) = watch::channel(false);
        let mut carriers = JoinSet::new();
        let carrier = Carrier {
            target,
            protocol,
            plan: Arc::clone(&plan),
            resets: heard,
        };
        carriers.spawn(carrier.listen(listener, told));
        Ok(Self {
            address,
            plan,
            resets,
            refuses,
            _carriers: carriers,
        })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections made from now on meet these odds.
    pub(crate) fn trouble(&self, odds: Odds) {
        self.plan.trouble(odds);
    }

    /// COMMITs meet these odds from now on.
    pub(crate) fn trouble_commits(&self, odds: CommitOdds) {
        self.plan.trouble_commits(odds);
    }

    /// Nothing more goes wrong. What is half-open stays so: a dead peer does not come back.
    pub(crate) fn calm(&self) {
        self.plan.calm();
    }

    /// Resets every connection that is not half-open, as a failover would.
    pub(crate) fn reset_all(&self) {
        self.resets.send_replace(());
    }

    /// Whether nobody listens here any more; who is connected is reset. Returns once it is so.
    pub(crate) async fn refuse(&self, refuses: bool) -> anyhow::Result<()> {
        self.refuses.send_replace(refuses);
        if refuses {
            self.reset_all();
        }
        let begun = Instant::now();
        while TcpStream::connect(self.address).await.is_err() != refuses {
            ensure!(begun.elapsed() < TURN_PATIENCE, "the proxy does not turn");
            sleep(TURN_POLL).await;
        }
        Ok(())
    }

    /// What has happened so far.
    pub(crate) fn tally(&self) -> Tally {
        self.plan.tally()
    }
}

/// What carries the connections of one proxy.
struct Carrier {
    target: SocketAddr,
    protocol: Protocol,
    plan: Arc<Plan>,
    resets: watch::Receiver<()>,
}

impl Carrier {
    /// Listens, but for the time in which it refuses.
    async fn listen(self, mut listener: TcpListener, mut refuses: watch::Receiver<bool>) {
        let mut lines = JoinSet::new();
        loop {
            self.accept(&listener, &mut lines, &mut refuses).await;
            let Ok(address) = listener.local_addr() else {
                return;
            };
            drop(listener);
            if refuses.wait_for(|refuses| !refuses).await.is_err() {
                return;
            }
            let Ok(bound) = TcpListener::bind(address).await else {
                return;
            };
            listener = bound;
        }
    }

    /// Until it refuses.
    async fn accept(
        &self,
        listener: &TcpListener,
        lines: &mut JoinSet<()>,
        refuses: &mut watch::Receiver<bool>,
    ) {
        loop {
            tokio::select! {
                _ = refuses.wait_for(|refuses| *refuses) => return,
                accepted = listener.accept() => {
                    // One that was given up before it was accepted is nobody's loss.
                    let Ok((client, _)) = accepted else { continue };
                    lines.spawn(self.line(client));
                }
                Some(_) = lines.join_next() => {}
            }
        }
    }

    fn line(&self, client: TcpStream) -> impl Future<Output = ()> + use<> {
        let (target, protocol) = (self.target, self.protocol);
        let (plan, mut resets) = (Arc::clone(&self.plan), self.resets.clone());
        resets.mark_unchanged();
        async move {
            // Whoever finds nobody behind the proxy is told so by the end of the connection.
            let Ok(server) = TcpStream::connect(target).await else {
                return;
            };
            let reset = async move {
                if resets.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            Line::new(protocol, plan).carry(client, server, reset).await;
        }
    }
}

/// The place that an address like `postgres://user@host:port/name` or `http://host:port` names.
pub(crate) async fn place(url: &str, default_port: u16) -> anyhow::Result<SocketAddr> {
    let (_, place, _) = parts(url);
    let named = place.rsplit_once(':');
    let known = named.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = known.unwrap_or((place, default_port));
    let mut found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await?;
    found
        .next()
        .with_context(|| format!("{host} has no address"))
}

/// The same address with another place in it.
pub(crate) fn through(url: &str, place: SocketAddr) -> String {
    let (before, _, after) = parts(url);
    format!("{before}{place}{after}")
}

/// An address: what precedes host and port, these, and what follows.
fn parts(url: &str) -> (&str, &str, &str) {
    let from = url.find("://").map_or(0, |at| at.saturating_add(3));
    let (scheme, rest) = url.split_at(from);
    let (named, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let from = named.rfind('@').map_or(0, |at| at.saturating_add(1));
    let (user, place) = named.split_at(from);
    let before = url.split_at(scheme.len().saturating_add(user.len())).0;
    (before, place, after)
}
