//! A Redis of a test's own: a real server that keeps nothing on a disk.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::from_script;

/// Names the program.
const PROGRAM: &str = "PAYFLOW_TEST_REDIS";
const START_SECONDS_MAX: u64 = 20;

/// A running server; dropping it ends it.
pub(crate) struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    /// Starts one on a port that is free.
    pub(crate) fn start() -> Self {
        for _ in 0..5 {
            let port = free_port();
            if let Some(process) = started(port) {
                return Self { process, port };
            }
        }
        panic!("Redis does not start");
    }

    /// What `REDIS_URL` would be.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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

    /// Stops it in whatever it does; it takes connections, and says nothing.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("a program of every system").success());
    }

    /// Forgets everything.
    pub(crate) fn flush(&self) {
        assert_eq!(self.say("FLUSHALL"), "+OK");
    }

    /// The first line of what it answers to a command.
    pub(crate) fn say(&self, command: &str) -> String {
        let mut stream = connected(self.port).expect("it is there");
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

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One that nobody has right now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn connected(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    let patience = Duration::from_secs(START_SECONDS_MAX);
    stream.set_read_timeout(Some(patience)).ok()?;
    Some(stream)
}

/// The server, once it takes connections; none where it ended instead.
fn started(port: u16) -> Option<Child> {
    let port_text = port.to_string();
    let mut process = Command::new(from_script(PROGRAM))
        .args(["--port", &port_text, "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(START_SECONDS_MAX) {
        if connected(port).is_some() {
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
