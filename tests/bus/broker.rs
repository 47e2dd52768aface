//! A broker of a test's own: a real process that speaks Kafka's protocol, and keeps what it is
//! given in memory.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::from_script;

/// Names the program.
const PROGRAM: &str = "PAYFLOW_TEST_KAFKA";
const START_SECONDS_MAX: u64 = 20;

/// A running broker; dropping it ends it.
pub(crate) struct Broker {
    process: Child,
    port: u16,
}

impl Broker {
    /// Starts one on a port that is free.
    pub(crate) fn start() -> Self {
        for _ in 0..5 {
            let port = free_port();
            if let Some(process) = started(port) {
                return Self { process, port };
            }
        }
        panic!("the broker does not start");
    }

    /// What `KAFKA_BROKERS` would be.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it as a power cut would; it forgets everything.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.process = started(self.port).expect("its port is free still");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One that nobody has right now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The broker, once it takes connections; none where it ended instead.
fn started(port: u16) -> Option<Child> {
    let url = format!("tcp://127.0.0.1:{port}");
    let mut process = Command::new(from_script(PROGRAM))
        .args(["broker", "--storage-engine", "memory://tansu/"])
        .args(["--listener-url", &url, "--advertised-listener-url", &url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(START_SECONDS_MAX) {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(process);
        }
        if matches!(process.try_wait(), Ok(Some(_))) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = process.kill();
    let _ = process.wait();
    None
}
