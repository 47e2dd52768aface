//! Owns the connection to Redis, which all requests share, and what becomes of it: whoever is not
//! answered in time ends it, and until there is another nobody waits for anything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::observed::{Observer, Use};
use super::settings::Settings;

/// The pause before the first attempt to have a connection again; each next one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A connection that lasted for so long was no mistake: the next one is tried soon.
const STEADY: Duration = Duration::from_secs(10);
/// How many requests may wait to be written at once.
const WAITING_MAX: usize = 1024;
/// How long the mark of an attempt to write is kept, in milliseconds.
const MARK_MS: u64 = 1_000;
/// Why whoever waited too long goes on without.
const LATE: &str = "no answer in time";

/// The address cannot be used. It is not shown: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("it is no address of a Redis")]
pub struct LinkError;

/// The way to Redis.
pub struct Link {
    client: Client,
    settings: Settings,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
    /// Which connection there is: changes with each that is made or lost.
    turn: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// The connection, and which one it is.
    connection: Option<(MultiplexedConnection, u64)>,
    /// Whether it was said that there is none.
    is_away: bool,
}

impl Link {
    /// Nobody is reached yet.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(settings: Settings, observer: Arc<dyn Observer>) -> Result<Self, LinkError> {
        let client = Client::open(settings.url.expose()).map_err(|_| LinkError)?;
        observer.is_up(false);
        Ok(Self {
            client,
            settings,
            observer,
            state: Mutex::default(),
            turn: watch::Sender::new(0),
        })
    }

    /// How it is reached.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who counts.
    pub(super) fn observer(&self) -> &dyn Observer {
        self.observer.as_ref()
    }

    /// Whether there is a connection.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state().connection.is_some()
    }

    /// Asks for something; none where there is no connection, which takes no time, or where the
    /// answer does not come in time.
    pub(super) async fn ask<T, F>(
        &self,
        used: Use,
        ask: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let (connection, turn) = self.state().connection.clone()?;
        let begun = Instant::now();
        match timeout(self.settings.response_timeout, ask(connection)).await {
            Ok(Ok(answer)) => {
                self.observer.answered(used, begun.elapsed());
                return Some(answer);
            }
            Ok(Err(error)) => {
                self.observer.failed(used);
                if is_of_one_request(&error) {
                    tracing::debug!(%error, used = used.as_str(), "Redis refuses");
                } else {
                    self.lose(turn, &error.to_string());
                }
            }
            Err(_) => {
                self.observer.failed(used);
                self.lose(turn, LATE);
            }
        }
        None
    }

    /// Makes a connection, if there is none.
    pub async fn connect(&self) {
        if self.is_up() {
            return;
        }
        match timeout(self.settings.connect_timeout, self.connected()).await {
            Ok(Ok(connection)) => self.have(connection),
            Ok(Err(error)) => self.miss(&error.to_string()),
            Err(_) => self.miss(LATE),
        }
    }

    /// Sees to it that there is a connection, until the process is to end.
    pub async fn keep(self: Arc<Self>, drain: CancellationToken) {
        let mut turns = self.turn.subscribe();
        let mut pause = PAUSE_MIN;
        loop {
            turns.mark_unchanged();
            let begun = Instant::now();
            let wait = async {
                if self.is_up() {
                    // Its sender lives as long as this does.
                    let _ = turns.changed().await;
                    return true;
                }
                sleep(pause).await;
                self.connect().await;
                false
            };
            let was_up = tokio::select! {
                was_up = wait => was_up,
                () = drain.cancelled() => return,
            };
            pause = if was_up && begun.elapsed() >= STEADY {
                PAUSE_MIN
            } else {
                pause.saturating_mul(2).min(PAUSE_MAX)
            };
        }
    }

    /// Hears what is published on a channel from now on, and until this connection is lost.
    pub(super) async fn listen(
        &self,
        channel: &str,
    ) -> Option<(PubSubStream, watch::Receiver<u64>)> {
        let mut turns = self.turn.subscribe();
        turns.mark_unchanged();
        if !self.is_up() {
            return None;
        }
        let begun = Instant::now();
        let joining = async {
            let mut heard = self.client.get_async_pubsub().await?;
            heard.subscribe(channel).await?;
            RedisResult::Ok(heard.into_on_message())
        };
        let Ok(Ok(heard)) = timeout(self.settings.connect_timeout, joining).await else {
            self.observer.failed(Use::Listen);
            return None;
        };
        self.observer.answered(Use::Listen, begun.elapsed());
        Some((heard, turns))
    }

    /// When there may be a connection that there was not.
    pub(super) async fn changed(&self) {
        let _ = self.turn.subscribe().changed().await;
    }

    /// A connection on which something can be written: a replica that only reads is of no use.
    async fn connected(&self) -> RedisResult<MultiplexedConnection> {
        // Who asks measures the time of an answer; the time of a connection is measured here.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WAITING_MAX);
        let made = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let mut connection = made.await?;
        let mark = format!("{}mark", self.settings.prefix);
        let mut command = redis::cmd("SET");
        command.arg(mark).arg(1).arg("PX").arg(MARK_MS);
        let (): () = command.query_async(&mut connection).await?;
        Ok(connection)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_turn(&self) -> u64 {
        self.turn.send_modify(|turn| *turn = turn.wrapping_add(1));
        *self.turn.borrow()
    }

    fn have(&self, connection: MultiplexedConnection) {
        let was_away = {
            let mut state = self.state();
            state.connection = Some((connection, self.next_turn()));
            std::mem::take(&mut state.is_away)
        };
        self.observer.is_up(true);
        if was_away {
            tracing::info!("Redis is back; copies share again");
        }
    }

    fn miss(&self, why: &str) {
        self.observer.failed(Use::Connect);
        let was_away = std::mem::replace(&mut self.state().is_away, true);
        say(was_away, why);
    }

    /// The connection is of no use any more; of two who say so, or of one who means an earlier one,
    /// nothing changes.
    fn lose(&self, turn: u64, why: &str) {
        let was_away = {
            let mut state = self.state();
            let is_meant = |(_, known): &(MultiplexedConnection, u64)| *known == turn;
            if !state.connection.as_ref().is_some_and(is_meant) {
                return;
            }
            state.connection = None;
            self.next_turn();
            std::mem::replace(&mut state.is_away, true)
        };
        self.observer.is_up(false);
        say(was_away, why);
    }
}

/// Says it once, however long it lasts.
fn say(was_away: bool, why: &str) {
    if !was_away {
        tracing::warn!(
            why,
            "Redis is away; each copy counts for itself, and asks the store"
        );
    }
}

/// Whether an error is about what was asked, such as a key that holds something else; anything more
/// and the connection is of no use.
fn is_of_one_request(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedReturnType
            | ErrorKind::Extension
            | ErrorKind::Server(
                ServerErrorKind::ResponseError
                    | ServerErrorKind::ExecAbort
                    | ServerErrorKind::NoScript
                    | ServerErrorKind::NoPerm
            )
    )
}
