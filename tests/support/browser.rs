//! A headless Chromium for one test, ended with its guard.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use super::from_script;

const CHROMIUM: &str = "PAYFLOW_TEST_CHROMIUM";
const CHROMEDRIVER: &str = "PAYFLOW_TEST_CHROMEDRIVER";
const SHUTDOWN_SECONDS_MAX: u64 = 10;

/// What the page is shown on, in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    width: u32,
    height: u32,
    /// A phone honours the page's viewport tag and has a touch screen.
    is_phone: bool,
}

impl Screen {
    /// What most customers pay on.
    pub(crate) const PHONE: Self = Self {
        width: 390,
        height: 844,
        is_phone: true,
    };
    /// What merchants work on.
    pub(crate) const DESKTOP: Self = Self {
        width: 1280,
        height: 900,
        is_phone: false,
    };
}

/// A driver and its browser; dropping it ends both.
pub(crate) struct Browser {
    client: Client,
    // Dropped in this order: the profile can only be removed once nobody writes to it.
    _driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// The session that drives it.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

/// Starts a browser with an empty profile.
pub(crate) async fn browser(screen: Screen) -> Browser {
    let profile = tempfile::tempdir().expect("a folder for the browser's profile");
    let driver = Driver::start();
    let capabilities = json!({
        "goog:chromeOptions": {
            "binary": from_script(CHROMIUM),
            "args": [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                format!("--user-data-dir={}", profile.path().display()),
            ],
            // Not --window-size: a window is never narrower than 500 pixels.
            "mobileEmulation": {
                "deviceMetrics": {
                    "width": screen.width,
                    "height": screen.height,
                    "pixelRatio": 1.0,
                    "mobile": screen.is_phone,
                    "touch": screen.is_phone,
                },
            },
        },
    });
    let capabilities = capabilities.as_object().expect("an object literal").clone();
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities)
        .connect(&format!("http://127.0.0.1:{}", driver.port))
        .await
        .expect("a browser session");
    Browser {
        client,
        _driver: driver,
        _profile: profile,
    }
}

/// A running chromedriver.
struct Driver {
    process: Child,
    port: u16,
    /// Kept open: the driver would end at its next word to a closed pipe.
    _output: ChildStdout,
}

impl Driver {
    fn start() -> Self {
        let mut process = Command::new(from_script(CHROMEDRIVER))
            .args(["--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts");
        let mut output = BufReader::new(process.stdout.take().expect("a piped output"));
        let port = listening_port(&mut output);
        Self {
            process,
            port,
            _output: output.into_inner(),
        }
    }

    /// Asks for an orderly end, which takes the browser along.
    fn ask_to_end(&self) -> std::io::Result<()> {
        let patience = Some(Duration::from_secs(SHUTDOWN_SECONDS_MAX));
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(patience)?;
        stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        stream.read(&mut [0; 512]).map(drop)
    }
}

/// The driver chooses its port and says so: "… started successfully on port 12345."
fn listening_port(output: &mut impl BufRead) -> u16 {
    let mut said = String::new();
    while output.read_line(&mut said).expect("readable output") > 0 {
        let port = said
            .trim_end()
            .rsplit_once("successfully on port ")
            .map(|(_, port)| port);
        if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
            return port;
        }
    }
    panic!("chromedriver did not name its port: {said}");
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Err(error) = self.ask_to_end() {
            eprintln!("chromedriver does not answer: {error}");
        }
        // Errors mean that it has ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
