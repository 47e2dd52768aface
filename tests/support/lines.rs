//! What a service says at TRACE, looked through once its test is over: whatever a test does, it
//! also tests that no secret is logged.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;

use super::canary::Canaries;
use super::report;

/// What no test may find in a log: secrets and personal data of tests have one of these in them.
pub(crate) const MARKS: [(&str, &str); 4] = [
    ("what is marked as secret", "canary"),
    ("a marked name", "카나리아"),
    ("a card's number", "4111111111111111"),
    ("a webhook's secret", "whsec_"),
];

/// What this process has said and nobody has looked through.
static SAID: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Said;

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SAID.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Secrets that the test has made or been given.
static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// From now on this must not be in a log.
pub(crate) fn secret(text: &str) {
    let mut secrets = SECRETS.lock().expect("no panic");
    secrets.insert(text.to_owned());
}

/// What this process has said that nobody has looked through.
pub(crate) fn so_far() -> String {
    let said = SAID.lock().expect("no panic");
    String::from_utf8_lossy(&said).into_owned()
}

/// Looks through what this process says, when it is dropped.
pub(crate) struct Lines;

impl Lines {
    /// From now on every line of this process is kept.
    pub(crate) fn of_this_process() -> Self {
        let lines = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Said);
        // Of several services in one process the first one's are the lines of all.
        drop(lines.try_init());
        Self
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let said = std::mem::take(&mut *SAID.lock().expect("no panic"));
        if !std::thread::panicking() {
            look_through("this process", &String::from_utf8_lossy(&said));
        }
    }
}

/// Looks through the log of a service that ran in this folder, for its own keys, too.
pub(crate) fn look_through_folder(folder: &Path) {
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let keys: Value = serde_json::from_str(&read("data/dev-keys.json")).unwrap_or_default();
    for name in ["secretKey", "gatewaySecretKey", "gatewaySecurityKey"] {
        if let Some(key) = keys[name].as_str() {
            secret(key);
        }
    }
    if let Some((_, key)) = read("data/master.key").split_once(':') {
        secret(key.trim());
    }
    look_through("the service", &read("log"));
}

/// Fails when something that is secret, or marked as such, is in a log.
fn look_through(who: &str, said: &str) {
    let secrets = SECRETS.lock().expect("no panic").clone();
    let secrets = secrets.iter().map(|secret| ("a secret", secret.as_bytes()));
    let marks = MARKS.map(|(name, mark)| (name, mark.as_bytes()));
    let canaries = Canaries::of(marks.into_iter().chain(secrets));
    let hits = canaries.hits(&format!("the log of {who}"), said);
    report::log(said.len(), hits.len());
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}
