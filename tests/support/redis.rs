//! A Redis of a test's own: a real server that keeps nothing on a disk.

use std::io::{Read as _, Write as _};

use super::server::{Program, Server};

const PROGRAM: Program = Program {
    setting: "PAYFLOW_TEST_REDIS",
    arguments: |port| {
        let port = port.to_string();
        let place = ["--port", &port, "--bind", "127.0.0.1"];
        let nothing_kept = ["--save", "", "--appendonly", "no"];
        place
            .iter()
            .chain(&nothing_kept)
            .map(ToString::to_string)
            .collect()
    },
};

/// A running server; dropping it ends it.
pub(crate) struct Redis(Server);

impl Redis {
    /// Starts one on a port that is free.
    pub(crate) fn start() -> Self {
        Self(Server::start(PROGRAM))
    }

    /// What `REDIS_URL` would be.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.0.port())
    }

    /// Ends it as a power cut would; it forgets everything.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.0.restart();
    }

    /// Stops it in whatever it does; it takes connections, and says nothing.
    pub(crate) fn freeze(&self) {
        self.0.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.0.signal("-CONT");
    }

    /// Forgets everything.
    pub(crate) fn flush(&self) {
        assert_eq!(self.say("FLUSHALL"), "+OK");
    }

    /// The first line of what it answers to a command.
    pub(crate) fn say(&self, command: &str) -> String {
        let mut stream = self.0.connected().expect("it is there");
        let line = format!("{command}\r\n");
        stream.write_all(line.as_bytes()).expect("it listens");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("it answers");
            answer.extend(byte);
        }
        String::from_utf8_lossy(&answer).trim_end().to_owned()
    }
}
