//! Owns the reasons why a sandbox does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The journal file cannot be opened, read or written.
    #[error("cannot use the journal {path}", path = path.display())]
    Journal {
        /// The journal file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file of scenarios cannot be read.
    #[error("cannot read the scenarios in {path}", path = path.display())]
    Scenarios {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file of scenarios does not make sense.
    #[error("cannot use the scenarios in {path}: {problem}", path = path.display())]
    ScenariosMalformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        problem: String,
    },
    /// Another sandbox writes the same journal.
    #[error("the journal {path} is in use by another sandbox", path = path.display())]
    JournalInUse {
        /// The journal file.
        path: PathBuf,
    },
    /// A line before the last one is damaged, or of another format: facts would be lost.
    #[error("line {line} of the journal {path} is unreadable", path = path.display())]
    JournalUnreadable {
        /// The journal file.
        path: PathBuf,
        /// The first bad line, from 1.
        line: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
