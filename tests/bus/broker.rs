//! A broker of a test's own: a real process that speaks Kafka's protocol, and keeps what it is
//! given in memory.

use crate::support::{Program, Server};

const PROGRAM: Program = Program {
    setting: "PAYFLOW_TEST_KAFKA",
    arguments: |port| {
        let url = format!("tcp://127.0.0.1:{port}");
        let kept = ["broker", "--storage-engine", "memory://tansu/"];
        let place = ["--listener-url", &url, "--advertised-listener-url", &url];
        kept.iter().chain(&place).map(ToString::to_string).collect()
    },
};

/// A running broker; dropping it ends it.
pub(crate) struct Broker(Server);

impl Broker {
    /// Starts one on a port that is free.
    pub(crate) fn start() -> Self {
        Self(Server::start(PROGRAM))
    }

    /// What `KAFKA_BROKERS` would be.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0.port())
    }

    /// Ends it as a power cut would; it forgets everything.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.0.restart();
    }
}
