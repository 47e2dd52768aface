//! A connection that breaks in the middle of a commit: before COMMIT nothing is written and the
//! store is away; after it the outcome is in doubt, and what is there tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use application::ports::store::{Access, Commit, CommitError, Error};
use domain::change::Change;
use payflow::adapters::persistence::{Database, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::samples;
use crate::stores::opened;
use crate::support::{Postgres, postgres};

/// What happens to the connection when the word passes.
#[derive(Clone, Copy)]
enum Fault {
    /// Cut before the server sees it.
    LostOnTheWay,
    /// Cut after the server has executed it, before its answer is seen.
    AnswerLost,
    /// The word goes nowhere, and nobody says so.
    Silence,
}

/// Stands between us and the server, and breaks once.
struct Wire {
    server: Postgres,
    url: String,
    armed: Arc<AtomicBool>,
}

impl Wire {
    async fn breaking_at(word: &'static [u8], fault: Fault) -> Self {
        let server = postgres();
        opened(server.url()).await;
        let (user, place) = server.url().split_once('@').expect("a user");
        let (address, name) = place.split_once('/').expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("{user}@127.0.0.1:{port}/{name}");
        let armed = Arc::new(AtomicBool::new(false));
        let (address, broken) = (address.to_owned(), Arc::clone(&armed));
        let tasks = TaskTracker::new();
        tasks.clone().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.expect("the server");
                tasks.spawn(carry(client, server, word, fault, Arc::clone(&broken)));
            }
        });
        Self { server, url, armed }
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    word: &'static [u8],
    fault: Fault,
    armed: Arc<AtomicBool>,
) {
    let (mut sent, mut answered) = (vec![0; 16_384], vec![0; 16_384]);
    loop {
        tokio::select! {
            count = client.read(&mut sent) => {
                let Ok(count @ 1..) = count else { return };
                let sent = &sent[..count];
                let breaks = sent.windows(word.len()).any(|part| part == word)
                    && armed.swap(false, Ordering::SeqCst);
                match fault {
                    Fault::LostOnTheWay if breaks => return,
                    Fault::Silence if breaks => continue,
                    Fault::LostOnTheWay | Fault::AnswerLost | Fault::Silence => {}
                }
                if server.write_all(sent).await.is_err() { return }
                if breaks {
                    // The answer proves that it was executed; nobody gets to see it.
                    let _ = server.read(&mut answered).await;
                    return;
                }
            }
            count = server.read(&mut answered) => {
                let Ok(count @ 1..) = count else { return };
                if client.write_all(&answered[..count]).await.is_err() { return }
            }
        }
    }
}

/// Commits over a wire that breaks at `word`; the outcome, and whether it is written.
async fn committed(word: &'static [u8], fault: Fault) -> (Result<(), CommitError>, bool) {
    let wire = Wire::breaking_at(word, fault).await;
    let options = Options {
        statement: Duration::from_secs(1),
        ..Options::default()
    };
    let database = Database::connect(&wire.url, &options)
        .await
        .expect("over the wire");
    let merchant = samples::merchant();
    wire.armed.store(true, Ordering::SeqCst);
    let outcome = database
        .commit(&[Change::InsertMerchant(merchant.clone())])
        .await;
    assert!(!wire.armed.load(Ordering::SeqCst), "the wire broke");
    let direct = opened(wire.server.url()).await;
    let written = direct.merchants().await.expect("read").contains(&merchant);
    let again = database
        .commit(&[Change::InsertMerchant(samples::merchant())])
        .await;
    again.expect("the broken connection is not used again");
    (outcome, written)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_is_in_doubt_on_postgres() {
    for (fault, expected) in [
        (Fault::LostOnTheWay, false),
        (Fault::AnswerLost, true),
        (Fault::Silence, false),
    ] {
        let (outcome, written) = committed(b"COMMIT", fault).await;
        assert!(matches!(outcome, Err(CommitError::InDoubt)), "{outcome:?}");
        assert_eq!(written, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_before_the_commit_writes_nothing_on_postgres() {
    for word in [b"BEGIN".as_slice(), b"INSERT"] {
        for fault in [Fault::LostOnTheWay, Fault::AnswerLost, Fault::Silence] {
            let (outcome, written) = committed(word, fault).await;
            let away = matches!(outcome, Err(CommitError::Store(Error::Unavailable(_))));
            assert!(away, "{outcome:?}");
            assert!(!written);
        }
    }
}
