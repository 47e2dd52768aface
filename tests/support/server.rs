//! A server of a test's own: a program on a port that nobody else has, which keeps nothing.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::from_script;

const START_SECONDS_MAX: u64 = 20;
/// Between drawing a port and listening on it, somebody else may take it.
const PORTS_MAX: u32 = 5;

/// What to start.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    /// The setting that names the executable.
    pub(crate) setting: &'static str,
    /// What it is told, to listen on this port.
    pub(crate) arguments: fn(u16) -> Vec<String>,
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    program: Program,
    process: Child,
    port: u16,
}

impl Server {
    /// Starts one on a port that is free.
    pub(crate) fn start(program: Program) -> Self {
        for _ in 0..PORTS_MAX {
            let port = free_port();
            if let Some(process) = started(program, port) {
                return Self {
                    program,
                    process,
                    port,
                };
            }
        }
        panic!("{} does not start", program.setting);
    }

    /// Where it listens, on loopback.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a power cut would; it forgets everything.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.process = started(self.program, self.port).expect("its port is free still");
    }

    /// Sends it a signal, by the name that `kill` knows it by.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("a program of every system").success());
    }

    /// A connection to it.
    pub(crate) fn connected(&self) -> Option<TcpStream> {
        connected(self.port)
    }
}

impl Drop for Server {
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
fn started(program: Program, port: u16) -> Option<Child> {
    let mut process = Command::new(from_script(program.setting))
        .args((program.arguments)(port))
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
