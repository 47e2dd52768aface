//! The service as `cargo run` starts it, in a folder of its own: embedded database and sandbox. The
//! shop that belongs to it is opened by the tests that want it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::lines::look_through_folder;

const START_SECONDS_MAX: u64 = 30;

/// A running service; dropping it ends it.
pub(crate) struct Service {
    process: Child,
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
        if !std::thread::panicking() {
            look_through_folder(self.folder.path());
        }
    }
}

impl Service {
    /// Starts one, with these settings besides; as environment variables.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings: Vec<_> = settings.iter().map(owned).collect();
        Self {
            process: spawn(folder.path(), &settings),
            folder,
            settings,
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Asks it to end, as an orchestrator does, and waits until it has.
    pub(crate) fn terminate(&mut self) {
        let id = self.process.id().to_string();
        let asked = Command::new("kill").arg(&id).status();
        assert!(asked.expect("a program of every system").success());
        assert!(self.process.wait().expect("a child").success());
    }

    /// Has this setting from its next start on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it again where it was killed; on other ports, perhaps.
    pub(crate) fn restart(&mut self) {
        // Its keys stay, its addresses are the last start's.
        let file = self.keys_file();
        let text = std::fs::read_to_string(&file).expect("the keys of the last start");
        let mut keys: Value = serde_json::from_str(&text).expect("keys");
        keys["payflowUrl"] = Value::from("");
        std::fs::write(&file, keys.to_string()).expect("a file of ours");
        self.process = spawn(self.folder.path(), &self.settings);
    }

    /// A command beside it, or after its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payflow"));
        command.current_dir(self.folder.path()).args(arguments);
        command.env("RUST_LOG", "trace");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What such a command prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("it starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("a text")
    }

    /// Where it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file with its keys.
    pub(crate) fn keys_file(&self) -> PathBuf {
        self.folder.path().join("data/dev-keys.json")
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Its keys and addresses, once it listens.
    pub(crate) async fn keys(&self) -> Value {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(START_SECONDS_MAX) {
            let read = std::fs::read(self.keys_file()).ok();
            let keys = read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            // The keys are written before the service listens, its addresses once it does.
            if let Some(keys) = keys.filter(|keys| keys["payflowUrl"] != "") {
                return keys;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the service did not start:\n{}", self.log())
    }
}

fn spawn(folder: &Path, settings: &[(String, String)]) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("a log");
    Command::new(env!("CARGO_BIN_EXE_payflow"))
        .current_dir(folder)
        .env("PAYFLOW_SERVER__LISTEN", "127.0.0.1:0")
        .env("PAYFLOW_SANDBOX__LISTEN", "127.0.0.1:0")
        .env("PAYFLOW_METRICS__LISTEN", "127.0.0.1:0")
        .env("PAYFLOW_SHOP__LISTEN", "127.0.0.1:0")
        .env("PAYFLOW_SHOP__ENABLED", "false")
        .env("RUST_LOG", "trace")
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("a second handle of the log"))
        .stdout(log)
        .spawn()
        .expect("the service starts")
}
