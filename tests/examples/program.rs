//! Owns one of the examples as a process beside the service, killed and started again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// What a service says that has read to the end; see `until_read`.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running example; dropping it ends it.
pub(crate) struct Program {
    path: PathBuf,
    keys: PathBuf,
    folder: TempDir,
    process: Child,
}

impl Program {
    /// Starts one with a database of its own.
    pub(crate) fn start(name: &str, keys: &Path) -> Self {
        // A package of its own: cargo puts its programs beside the service's.
        let path = Path::new(env!("CARGO_BIN_EXE_payflow")).with_file_name(name);
        assert!(
            path.is_file(),
            "build the whole workspace's tests: no {name}"
        );
        let folder = tempfile::tempdir().expect("a folder of its own");
        let process = spawn(&path, folder.path(), keys, &[]);
        Self {
            path,
            keys: keys.to_owned(),
            folder,
            process,
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again on its database.
    pub(crate) fn restart(&mut self, arguments: &[&str]) {
        self.process = spawn(&self.path, self.folder.path(), &self.keys, arguments);
    }

    /// What it has come to, by its own word.
    pub(crate) fn shown(&self) -> Vec<Value> {
        let mut command = command(&self.path, self.folder.path(), &self.keys);
        let output = command.arg("--show").output().expect("it starts");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("a text");
        let line = |line| serde_json::from_str(line).expect("JSON");
        text.lines().map(line).collect()
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    /// Waits until it has read to this place.
    pub(crate) async fn until_read(&self, place: &str) {
        let begun = Instant::now();
        let said = format!("read to {place}");
        // Only what it said since its last start counts.
        let said_since = |log: &str| {
            let start = log.rfind("reads events").unwrap_or_default();
            log[start..].contains(&said)
        };
        while !said_since(&self.log()) {
            assert!(begun.elapsed() < PATIENCE, "{}", self.log());
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command(path: &Path, folder: &Path, keys: &Path) -> Command {
    let mut command = Command::new(path);
    // Small pages: many commits, and death between any two of them.
    command
        .current_dir(folder)
        .args(["--data", "own.db", "--page", "3", "--keys"])
        .arg(keys)
        .env("RUST_LOG", "following=debug,info")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

fn spawn(path: &Path, folder: &Path, keys: &Path, arguments: &[&str]) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("a log");
    command(path, folder, keys)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}
