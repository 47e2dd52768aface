//! Owns how a `SQLite` database is opened: its file, its locks, its pragmas, one writer.

use std::fs::{self, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::SetupCallback;
use tokio::task::spawn_blocking;

use super::connection::{PoolOf, Sqlite, SyncSqlite, pool};
use super::{OpenError, Options};

/// What the URL says after its scheme for a database that lives as long as the process.
const IN_MEMORY: &str = ":memory:";
/// Tells the databases in memory of one process apart.
static MEMORIES: AtomicU64 = AtomicU64::new(0);
/// How often a connection that meets a starting rival is set up again, and after which pause.
const SETUP_TRIES: u32 = 100;
const SETUP_PAUSE: Duration = Duration::from_millis(20);

/// A database in a file, or in memory.
pub(crate) struct File {
    /// One connection: writers wait for it in turn, not for the file's lock.
    pub(super) writer: PoolOf<Sqlite>,
    pub(super) readers: PoolOf<Sqlite>,
    place: Place,
    /// Held for as long as the database is served.
    _served: Option<fs::File>,
    /// A database in memory ends with its last connection.
    _anchor: Option<Sqlite>,
}

#[derive(Clone, Debug)]
struct Place {
    /// What the driver opens.
    name: String,
    in_memory: bool,
    busy: Duration,
}

impl File {
    pub(super) fn open(place: &str, options: &Options) -> Result<Self, OpenError> {
        let (place, served, anchor) = if place == IN_MEMORY {
            let place = Place::in_memory(options.statement);
            let anchor = place.connect(true).map_err(|error| unreachable(&error))?;
            (place, None, Some(Sqlite::new(anchor)))
        } else {
            let path = Path::new(place.strip_prefix("//").unwrap_or(place));
            let path = found_or_created(path, options.create)?;
            let served = if options.exclusive {
                Some(lock(&path)?)
            } else {
                None
            };
            (Place::file(&path, options.statement)?, served, None)
        };
        let writer = pool(setup(&place, true), 1, options)?;
        // In memory there is no WAL, and a reader would only wait for the writer.
        let readers = if place.in_memory {
            writer.clone()
        } else {
            pool(setup(&place, false), options.connections_max, options)?
        };
        Ok(Self {
            writer,
            readers,
            place,
            _served: served,
            _anchor: anchor,
        })
    }

    /// A connection outside the pools, off the async threads.
    pub(super) fn apart(&self) -> impl FnOnce() -> ConnectionResult<SyncSqlite> + Send + 'static {
        let place = self.place.clone();
        move || place.connect(true)
    }
}

fn setup(place: &Place, writes: bool) -> SetupCallback<Sqlite> {
    let place = place.clone();
    Box::new(move |_| {
        let place = place.clone();
        Box::pin(async move {
            let made = spawn_blocking(move || place.connect(writes)).await;
            let made = made.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
            made.map(Sqlite::new)
        })
    })
}

impl Place {
    fn in_memory(busy: Duration) -> Self {
        let number = MEMORIES.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("file:/payflow-{number}?vfs=memdb"),
            in_memory: true,
            busy,
        }
    }

    fn file(path: &Path, busy: Duration) -> Result<Self, OpenError> {
        let name = path
            .to_str()
            .ok_or_else(|| OpenError::Url("the path is no text".to_owned()))?;
        Ok(Self {
            name: name.to_owned(),
            in_memory: false,
            busy,
        })
    }

    fn connect(&self, writes: bool) -> ConnectionResult<SyncSqlite> {
        let mut tries = 1_u32;
        loop {
            match self.connect_once(writes) {
                // Turning WAL on takes a lock that the busy timeout does not wait for.
                Err(ConnectionError::CouldntSetupConfiguration(_)) if tries < SETUP_TRIES => {
                    tries = tries.saturating_add(1);
                    std::thread::sleep(SETUP_PAUSE);
                }
                made => return made,
            }
        }
    }

    fn connect_once(&self, writes: bool) -> ConnectionResult<SyncSqlite> {
        let mut conn = SyncSqlite::establish(&self.name)?;
        let busy = self.busy.as_millis();
        let only = if writes { "OFF" } else { "ON" };
        // synchronous: NORMAL may lose the last commits when the power fails; this is money.
        let pragmas = format!(
            "PRAGMA busy_timeout = {busy};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA query_only = {only};"
        );
        let set = conn.batch_execute(&pragmas);
        set.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(conn)
    }
}

/// The file's absolute path. A new file is for its owner alone.
fn found_or_created(path: &Path, create: bool) -> Result<PathBuf, OpenError> {
    let named = || path.display().to_string();
    let failed = |source| OpenError::File {
        path: named(),
        source,
    };
    if path.as_os_str().is_empty() {
        return Err(OpenError::Url(
            "the path of the database is missing".to_owned(),
        ));
    }
    if !path.exists() {
        if !create {
            return Err(OpenError::NoFile(named()));
        }
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut new = OpenOptions::new();
        new.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
        new.open(path).map_err(failed)?;
    }
    path.canonicalize().map_err(failed)
}

/// Takes the lock file beside the database; the operating system gives it back when we end.
fn lock(path: &Path) -> Result<fs::File, OpenError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let named = || beside.display().to_string();
    let failed = |source| OpenError::File {
        path: named(),
        source,
    };
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&beside);
    let file = opened.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Served(path.display().to_string())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn unreachable(error: &ConnectionError) -> OpenError {
    OpenError::Unreachable(error.to_string())
}
