//! Owns the program itself: what it starts with, what it refuses, and what survives a kill.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, not only tests, may panic"
)]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;

/// A shop in a process of its own, killed when the test is over.
struct Program {
    child: Child,
    url: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payflow-shop"));
    command
        .current_dir(folder)
        .env_clear()
        .args(["--listen", "127.0.0.1:0", "--port-file", "url"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

async fn start(folder: &Path) -> Program {
    let port_file = folder.join("url");
    let _ = std::fs::remove_file(&port_file);
    let child = command(folder).spawn().unwrap();
    let mut program = Program {
        child,
        url: String::new(),
    };
    let begun = Instant::now();
    while program.url.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never listened");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let url = std::fs::read_to_string(&port_file).unwrap_or_default();
        url.trim().clone_into(&mut program.url);
    }
    program
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy();
    client.redirect(Policy::none()).build().unwrap()
}

/// The value of a page's hidden token.
fn token(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap();
    rest.split_once('"').unwrap().0
}

#[tokio::test]
async fn it_starts_before_the_service_and_remembers_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let program = start(folder.path()).await;
    let client = client();
    let page = client.get(format!("{}/products/mug", program.url));
    let page = page.send().await.unwrap();
    let session = page.headers()[SET_COOKIE].to_str().unwrap();
    let session = session.split(';').next().unwrap().to_owned();
    let form = format!(
        "product=mug&quantity=3&token={}",
        token(&page.text().await.unwrap())
    );
    let filled = client
        .post(format!("{}/cart", program.url))
        .header(COOKIE, &session)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    assert_eq!(filled.send().await.unwrap().status(), 303);
    drop(program);

    let program = start(folder.path()).await;
    let cart = client.get(format!("{}/cart", program.url));
    let cart = cart.header(COOKIE, &session).send().await.unwrap();
    assert!(cart.text().await.unwrap().contains("54,000원"));
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = command(folder).args(arguments).output().unwrap();
    assert!(!status.success(), "{arguments:?}");
    String::from_utf8(stderr).unwrap()
}

#[test]
fn what_cannot_work_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let half = refused(folder.path(), &["--payflow-url", "http://127.0.0.1:1"]);
    assert!(half.contains("are given together"), "{half}");

    std::fs::write(folder.path().join("notes.txt"), "not a database, but words").unwrap();
    let words = refused(folder.path(), &["--data", "notes.txt"]);
    assert!(words.contains("not a database"), "{words}");
}

#[tokio::test]
async fn it_ends_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = start(folder.path()).await;
    let pid = program.child.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.unwrap().success());
    assert!(program.child.wait().unwrap().success());
}
