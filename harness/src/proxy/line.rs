//! Owns one connection through a proxy: both directions of it, and the way it ends.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{sleep, timeout};

use super::Protocol;
use super::plan::{CommitFate, Fate, Plan};
use super::postgres::{Frames, Frontend, Greeting};

const CHUNK_BYTES: usize = 16 * 1024;
/// A client that connects and says nothing is not waited for.
const GREETING_PATIENCE: Duration = Duration::from_secs(10);
/// "Not encrypted": only so can COMMITs be seen.
const NO_ENCRYPTION: &[u8] = b"N";

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// One of the two closed it, or could not be reached any more.
    Over,
    /// Closed towards the client as if all had been said.
    Cut,
    /// Reset, both sides.
    Reset,
}

/// A connection while it is carried.
pub(super) struct Line {
    plan: Arc<Plan>,
    protocol: Protocol,
    fate: Fate,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Bytes of answers that got through.
    answered: u64,
    /// Nothing gets through any more.
    silent: bool,
    /// The answer of the COMMIT that is under way is to be held so long and lost.
    loses_after: Option<Duration>,
}

impl Line {
    /// A connection that has just been accepted.
    pub(super) fn new(protocol: Protocol, plan: Arc<Plan>) -> Self {
        Self {
            fate: plan.connection(),
            plan,
            protocol,
            progress: Mutex::new(Progress::default()),
        }
    }

    /// Carries it to its end. `reset` ends it at once, unless it is half-open.
    pub(super) async fn carry(
        self,
        mut client: TcpStream,
        mut server: TcpStream,
        reset: impl Future<Output = ()>,
    ) {
        let reset = async {
            reset.await;
            if self.progress().silent {
                // A dead peer does not say goodbye.
                std::future::pending::<()>().await;
            }
        };
        let end = tokio::select! {
            end = self.both_ways(&mut client, &mut server) => end.unwrap_or(End::Over),
            () = reset => End::Reset,
        };
        match end {
            End::Over => {}
            End::Cut => drop(client.shutdown().await),
            End::Reset => {
                // What lingers for no time is reset when dropped; whoever is gone needs none.
                let _ = client.set_zero_linger();
                let _ = server.set_zero_linger();
            }
        }
    }

    async fn both_ways(&self, client: &mut TcpStream, server: &mut TcpStream) -> io::Result<End> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut asked = Frames::default();
        if self.protocol == Protocol::Postgres {
            let greeted = timeout(GREETING_PATIENCE, greet(client, server, &mut asked));
            greeted.await??;
        }
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            end = self.asks(from_client, to_server, asked) => end,
            end = self.answers(from_server, to_client) => end,
        }
    }

    /// What the client says.
    async fn asks(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mut frames: Frames,
    ) -> io::Result<End> {
        let mut frontend = Frontend::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if self.protocol == Protocol::Postgres {
                while let Some(message) = frames.message()? {
                    if frontend.commits(&message) && self.commit_is_lost() {
                        return Ok(End::Reset);
                    }
                    self.pass(message.bytes(), &mut to).await?;
                }
            }
            let count = from.read(&mut chunk).await?;
            let read = chunk.get(..count).unwrap_or_default();
            if read.is_empty() {
                return self.client_is_done(&mut to).await;
            }
            match self.protocol {
                Protocol::Postgres => frames.push(read),
                Protocol::Other => self.pass(read, &mut to).await?,
            }
        }
    }

    /// Notes a COMMIT; whether it must not get through.
    fn commit_is_lost(&self) -> bool {
        match self.plan.commit() {
            CommitFate::Pass => false,
            CommitFate::Lost => true,
            CommitFate::AnswerLost(held) => {
                self.progress().loses_after = Some(held);
                false
            }
        }
    }

    async fn pass(&self, bytes: &[u8], to: &mut WriteHalf<'_>) -> io::Result<()> {
        sleep(self.plan.delay(self.fate)).await;
        if self.progress().silent {
            return Ok(());
        }
        to.write_all(bytes).await
    }

    /// It may still read; what it is told then ends the connection.
    async fn client_is_done(&self, to: &mut WriteHalf<'_>) -> io::Result<End> {
        if self.progress().silent {
            return Ok(End::Over);
        }
        to.shutdown().await?;
        std::future::pending().await
    }

    /// What the server says.
    async fn answers(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<End> {
        let mut frames = Frames::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = from.read(&mut chunk).await?;
            let read = chunk.get(..count).unwrap_or_default();
            if read.is_empty() && self.progress().silent {
                std::future::pending::<()>().await;
            }
            if read.is_empty() {
                return Ok(End::Over);
            }
            let end = match self.protocol {
                Protocol::Postgres => {
                    frames.push(read);
                    self.answer_messages(&mut frames, &mut to).await?
                }
                Protocol::Other => self.answer(read, &mut to).await?,
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    async fn answer_messages(
        &self,
        frames: &mut Frames,
        to: &mut WriteHalf<'_>,
    ) -> io::Result<Option<End>> {
        while let Some(message) = frames.message()? {
            let loses_after = self.progress().loses_after;
            if let Some(held) = loses_after.filter(|_| message.says_committed()) {
                if self.plan.loses_answer() {
                    sleep(held).await;
                    return Ok(Some(End::Reset));
                }
                self.progress().loses_after = None;
            }
            if message.says_ready() {
                // That COMMIT did not take place: it has no answer to lose.
                self.progress().loses_after = None;
            }
            if let Some(end) = self.answer(message.bytes(), to).await? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Lets through what the connection's fate lets through.
    async fn answer(&self, bytes: &[u8], to: &mut WriteHalf<'_>) -> io::Result<Option<End>> {
        sleep(self.plan.delay(self.fate)).await;
        let (begun, silent) = {
            let progress = self.progress();
            (progress.answered, progress.silent)
        };
        if silent {
            return Ok(None);
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let ended = begun.saturating_add(length);
        self.progress().answered = ended;
        let strikes_at = match self.fate {
            Fate::Calm | Fate::Slow(_) => None,
            Fate::Reset { after } | Fate::Cut { after } | Fate::HalfOpen { after } => Some(after),
        };
        let struck = strikes_at.filter(|at| (begun..ended).contains(at));
        let Some(at) = struck.filter(|_| self.plan.strikes(self.fate)) else {
            to.write_all(bytes).await?;
            return Ok(None);
        };
        let through = usize::try_from(at.saturating_sub(begun)).unwrap_or(usize::MAX);
        to.write_all(bytes.get(..through).unwrap_or_default())
            .await?;
        Ok(match self.fate {
            Fate::Reset { .. } => Some(End::Reset),
            Fate::Cut { .. } => Some(End::Cut),
            Fate::HalfOpen { .. } | Fate::Calm | Fate::Slow(_) => {
                self.progress().silent = true;
                None
            }
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress
            .lock()
            .expect("nothing panics while it is locked")
    }
}

/// Passes on what a client of PostgreSQL says before its first message.
async fn greet(
    client: &mut TcpStream,
    server: &mut TcpStream,
    frames: &mut Frames,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match frames.greeting()? {
            Some(Greeting::Encryption) => client.write_all(NO_ENCRYPTION).await?,
            Some(Greeting::Other(bytes)) => return server.write_all(&bytes).await,
            None => {
                let count = client.read(&mut chunk).await?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                frames.push(chunk.get(..count).unwrap_or_default());
            }
        }
    }
}
