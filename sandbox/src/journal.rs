//! Owns the append-only file of facts: one line per transaction, synchronised in groups.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::state::fact::Fact;

const FORMAT: u32 = 1;
const LOCK_TRIES_MAX: u32 = 20;
const LOCK_RETRY_MILLISECONDS: u64 = 50;

/// The file's first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    journal: String,
    format: u32,
}

/// Where facts are written; without a file they are durable at once.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    queue: Option<Arc<Queue>>,
}

#[derive(Debug)]
struct Queue {
    pending: Mutex<Pending>,
    wake: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Pending {
    lines: Vec<u8>,
    appended: u64,
    closed: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    durable: u64,
    broken: bool,
}

/// A place in the journal; what it covers is safe once [`Journal::durable`] returned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

/// The journal could not be written: nothing may be said about facts that are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

impl Journal {
    pub(crate) fn in_memory() -> Self {
        Self { queue: None }
    }

    /// Opens the file, hands every fact in it to `replay`, and starts the writer.
    pub(crate) async fn open(
        path: &Path,
        tasks: &TaskTracker,
        replay: impl FnMut(Fact),
    ) -> Result<Self, Error> {
        let failed = |source| Error::Journal {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        lock(path, &file).await?;
        let good = read(path, &file, replay)?;
        file.set_len(good).map_err(failed)?;
        file.seek(SeekFrom::Start(good)).map_err(failed)?;
        if good == 0 {
            write_header(&mut file).map_err(failed)?;
        }
        let queue = Arc::new(Queue {
            pending: Mutex::default(),
            wake: Notify::new(),
            progress: watch::Sender::new(Progress::default()),
        });
        tasks.spawn(write(Arc::clone(&queue), file, path.to_owned()));
        Ok(Self { queue: Some(queue) })
    }

    /// Whether facts are kept in a file at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.queue.is_some()
    }

    /// Queues a line; call it under the state's lock so that the file has the state's order.
    pub(crate) fn append(&self, facts: &[Fact]) -> Ticket {
        let Some(queue) = &self.queue else {
            return Ticket(0);
        };
        let mut pending = queue.lock();
        if !facts.is_empty() {
            serde_json::to_writer(&mut pending.lines, facts).expect("facts serialise");
            pending.lines.push(b'\n');
            pending.appended = pending.appended.saturating_add(1);
            queue.wake.notify_one();
        }
        Ticket(pending.appended)
    }

    /// Waits until everything up to the ticket has reached the disk.
    pub(crate) async fn durable(&self, ticket: Ticket) -> Result<(), Broken> {
        let Some(queue) = &self.queue else {
            return Ok(());
        };
        if queue.progress.borrow().durable >= ticket.0 {
            return Ok(());
        }
        let mut progress = queue.progress.subscribe();
        let reached = progress
            .wait_for(|now| now.durable >= ticket.0 || now.broken)
            .await;
        match reached {
            Ok(now) if now.durable >= ticket.0 => Ok(()),
            Ok(_) | Err(_) => Err(Broken),
        }
    }

    /// Lets the writer finish what is queued and end.
    pub(crate) fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.lock().closed = true;
            queue.wake.notify_one();
        }
    }
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending
            .lock()
            .expect("nothing panics while the journal's queue is locked")
    }
}

/// Writes whatever has gathered since the last synchronisation, as one group.
async fn write(queue: Arc<Queue>, file: File, path: PathBuf) {
    let file = Arc::new(file);
    loop {
        let (lines, appended, closed) = {
            let mut pending = queue.lock();
            (
                std::mem::take(&mut pending.lines),
                pending.appended,
                pending.closed,
            )
        };
        if lines.is_empty() {
            if closed {
                return;
            }
            queue.wake.notified().await;
            continue;
        }
        let target = Arc::clone(&file);
        let written = tokio::task::spawn_blocking(move || {
            (&*target).write_all(&lines)?;
            target.sync_data()
        });
        match written.await {
            Ok(Ok(())) => {
                queue
                    .progress
                    .send_modify(|progress| progress.durable = appended);
            }
            Ok(Err(error)) => return queue.give_up(&path, &error),
            Err(error) => return queue.give_up(&path, &error),
        }
    }
}

impl Queue {
    fn give_up(&self, path: &Path, error: &dyn std::error::Error) {
        tracing::error!(%error, path = %path.display(), "the journal cannot be written");
        self.progress.send_modify(|progress| progress.broken = true);
    }
}

/// Takes the file for this process; a killed predecessor may need a moment to be gone.
async fn lock(path: &Path, file: &File) -> Result<(), Error> {
    for _ in 0..LOCK_TRIES_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {
                tokio::time::sleep(Duration::from_millis(LOCK_RETRY_MILLISECONDS)).await;
            }
            Err(TryLockError::Error(source)) => {
                return Err(Error::Journal {
                    path: path.to_owned(),
                    source,
                });
            }
        }
    }
    Err(Error::JournalInUse {
        path: path.to_owned(),
    })
}

fn write_header(file: &mut File) -> std::io::Result<()> {
    let header = Header {
        journal: "toss-sandbox".to_owned(),
        format: FORMAT,
    };
    let mut line = serde_json::to_vec(&header)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()
}

/// Reads all whole lines and returns where they end; only the last one may be torn.
fn read(path: &Path, file: &File, mut replay: impl FnMut(Fact)) -> Result<u64, Error> {
    let failed = |source| Error::Journal {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    let mut good: u64 = 0;
    for number in 1_u64.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if length == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            tracing::warn!(line = number, "the journal's last line is torn: dropped");
            break;
        }
        let parsed = match number {
            1 => serde_json::from_slice(&line).and_then(|header| check(&header)),
            _ => serde_json::from_slice::<Vec<Fact>>(&line)
                .map(|facts| facts.into_iter().for_each(&mut replay)),
        };
        if let Err(source) = parsed {
            return Err(Error::JournalUnreadable {
                path: path.to_owned(),
                line: number,
                source,
            });
        }
        good = good.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }
    Ok(good)
}

fn check(header: &Header) -> serde_json::Result<()> {
    if header.journal == "toss-sandbox" && header.format == FORMAT {
        return Ok(());
    }
    Err(serde::de::Error::custom(format!(
        "not a sandbox journal of format {FORMAT}"
    )))
}

#[cfg(test)]
mod tests {
    use super::{Arc, Mutex, Notify, TaskTracker, watch, write};
    use super::{Broken, File, Journal, Pending, Progress, Queue};
    use crate::state::fact::Fact;

    const MOVED: Fact = Fact::ClockMoved { offset_seconds: 7 };

    #[tokio::test]
    async fn a_ticket_is_durable_once_the_file_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let opened = Journal::open(&path, &TaskTracker::new(), |_| ()).await;
        let journal = opened.expect("it opens");

        let ticket = journal.append(&[MOVED]);

        // The writer has had no turn on this single thread: nobody may be told yet.
        let mut waiting = std::pin::pin!(journal.durable(ticket));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("told before it was written"),
            () = std::future::ready(()) => {}
        }
        waiting.await.expect("written");
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(
            text.ends_with("[{\"fact\":\"clockMoved\",\"offsetSeconds\":7}]\n"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_failed_write_is_never_told_as_durable() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "").expect("a file");
        let unwritable = File::open(&path).expect("open for reading only");
        let queue = Arc::new(Queue {
            pending: Mutex::new(Pending::default()),
            wake: Notify::new(),
            progress: watch::Sender::new(Progress::default()),
        });
        TaskTracker::new().spawn(write(Arc::clone(&queue), unwritable, path));
        let journal = Journal { queue: Some(queue) };

        let first = journal.append(&[MOVED]);
        assert_eq!(journal.durable(first).await, Err(Broken));
        let later = journal.append(&[MOVED]);
        assert_eq!(journal.durable(later).await, Err(Broken));
    }
}
