//! Owns how inputs are taken apart: they are texts that a person can read and write.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

/// The first line, with no CR at its end, and what follows it.
pub(crate) fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let line = parts.next().unwrap_or_default();
    let rest = parts.next().unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// Where the asynchronous parts run: on this thread, so that every run is the same.
pub(crate) struct Here(Runtime);

impl Here {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build();
        Self(runtime.expect("a thread can have a runtime"))
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}
