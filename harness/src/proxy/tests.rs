//! Owns the proof that a proxy breaks what it says it breaks, over sockets and a real server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{CommitOdds, Odds, Protocol, Proxy, place, through};
use crate::books::connect;
use crate::database::Database;
use crate::random::Dice;

const PATIENCE: Duration = Duration::from_secs(10);
/// Long enough that what has not come by then will not come.
const SILENCE: Duration = Duration::from_millis(300);

fn odds(after: u64) -> Odds {
    Odds {
        slow: 0,
        reset: 0,
        cut: 0,
        half_open: 0,
        delay: Duration::from_millis(40),
        after: after..=after,
    }
}

fn commit_odds(answer_lost: u64, lost: u64) -> CommitOdds {
    CommitOdds {
        answer_lost,
        lost,
        held: Duration::from_millis(20),
        answers_lost_max: 1,
    }
}

/// A server that sends back what it gets; dropping the set ends it.
async fn echo() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    (address, server)
}

async fn carried(odds: Option<Odds>) -> (Proxy, TcpStream, JoinSet<()>) {
    let (target, server) = echo().await;
    let proxy = Proxy::to(target, Protocol::Other, Dice::new(1, "tests"))
        .await
        .unwrap();
    if let Some(odds) = odds {
        proxy.trouble(odds);
    }
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"0123456789").await.unwrap();
    (proxy, client, server)
}

#[tokio::test]
async fn carries_both_ways_and_ends_with_the_client() {
    let (proxy, mut client, _server) = carried(None).await;
    client.shutdown().await.unwrap();
    let mut heard = Vec::new();
    timeout(PATIENCE, client.read_to_end(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard, b"0123456789");
    assert_eq!(proxy.tally().connections, 1);
}

#[tokio::test]
async fn a_slow_connection_is_late_both_ways() {
    let begun = Instant::now();
    let (proxy, mut client, _server) = carried(Some(Odds {
        slow: 1000,
        ..odds(0)
    }))
    .await;
    let mut heard = [0; 10];
    client.read_exact(&mut heard).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(80));
    assert_eq!(proxy.tally().slow, 1);
}

#[tokio::test]
async fn a_cut_answer_ends_in_the_middle() {
    let (proxy, mut client, _server) = carried(Some(Odds {
        cut: 1000,
        ..odds(4)
    }))
    .await;
    let mut heard = Vec::new();
    timeout(PATIENCE, client.read_to_end(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard, b"0123");
    assert_eq!(proxy.tally().cuts, 1);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (proxy, mut client, _server) = carried(Some(Odds {
        reset: 1000,
        ..odds(4)
    }))
    .await;
    let mut heard = Vec::new();
    let read = timeout(PATIENCE, client.read_to_end(&mut heard))
        .await
        .unwrap();
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.tally().resets, 1);
}

#[tokio::test]
async fn a_half_open_connection_is_silent_and_stays() {
    let (proxy, mut client, _server) = carried(Some(Odds {
        half_open: 1000,
        ..odds(4)
    }))
    .await;
    let mut heard = [0; 4];
    client.read_exact(&mut heard).await.unwrap();
    proxy.calm();
    proxy.reset_all();
    client.write_all(b"anybody?").await.unwrap();
    assert!(timeout(SILENCE, client.read(&mut heard)).await.is_err());
    assert_eq!(proxy.tally().half_open, 1);
}

#[tokio::test]
async fn everything_can_be_reset_and_calmed() {
    let (proxy, mut client, _server) = carried(Some(Odds {
        cut: 1000,
        ..odds(40)
    }))
    .await;
    let mut heard = [0; 10];
    client.read_exact(&mut heard).await.unwrap();
    proxy.calm();
    client.write_all(&[7; 100]).await.unwrap();
    client.read_exact(&mut [0; 100]).await.unwrap();
    proxy.reset_all();
    let read = timeout(PATIENCE, client.read(&mut heard)).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let mut other = TcpStream::connect(proxy.address()).await.unwrap();
    other.write_all(b"new").await.unwrap();
    other.read_exact(&mut [0; 3]).await.unwrap();
    assert_eq!(proxy.tally().cuts, 0);
}

#[tokio::test]
async fn where_it_refuses_nobody_listens_until_it_admits() {
    let (proxy, mut stream, _server) = carried(None).await;
    // What came before it refuses was carried.
    stream.read_exact(&mut [0; 10]).await.unwrap();
    proxy.refuse(true).await.unwrap();
    assert_eq!(
        stream.read(&mut [0]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    proxy.refuse(false).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"again").await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"again");
}

#[tokio::test]
async fn nobody_behind_it_is_told_by_the_end() {
    let (target, server) = echo().await;
    drop(server);
    let proxy = Proxy::to(target, Protocol::Other, Dice::new(1, "tests"))
        .await
        .unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let read = timeout(PATIENCE, client.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn other_machines_are_refused() {
    let target = "192.0.2.1:5432".parse().unwrap();
    let proxy = Proxy::to(target, Protocol::Other, Dice::new(1, "tests")).await;
    assert!(proxy.is_err());
}

#[tokio::test]
async fn places_are_found_and_replaced_in_addresses() {
    let at: SocketAddr = "127.0.0.1:9".parse().unwrap();
    for (url, found, replaced) in [
        (
            "postgres://u:p@127.0.0.1:7/d?x=1",
            7,
            "postgres://u:p@127.0.0.1:9/d?x=1",
        ),
        (
            "postgres://p@127.0.0.1/p",
            5432,
            "postgres://p@127.0.0.1:9/p",
        ),
        ("http://127.0.0.1:80", 80, "http://127.0.0.1:9"),
    ] {
        assert_eq!(place(url, 5432).await.unwrap().port(), found, "{url}");
        assert_eq!(through(url, at), replaced);
    }
}

/// A database with one empty table, a way to it through a proxy, and one that is not disturbed.
struct Postgres {
    database: Database,
    proxy: Proxy,
    url: String,
}

impl Postgres {
    #[expect(
        clippy::disallowed_methods,
        reason = "the script speaks through the environment"
    )]
    async fn with_table() -> Self {
        let server = std::env::var("PAYFLOW_TEST_POSTGRES_URL").expect("run ./scripts/test");
        let database = Database::create(&server, "/".as_ref()).await.unwrap();
        let url = database.address().unwrap();
        let target = place(&url, 5432).await.unwrap();
        let dice = Dice::new(1, "tests");
        let proxy = Proxy::to(target, Protocol::Postgres, dice).await.unwrap();
        let (client, _driver) = connect(&url).await.unwrap();
        client
            .batch_execute("CREATE TABLE x (y INT)")
            .await
            .unwrap();
        Self {
            database,
            proxy,
            url,
        }
    }

    /// Writes a row through the proxy and commits by `commit`; whether that was answered well.
    async fn write(&self, commit: Commit) -> bool {
        let (client, _driver) = connect(&through(&self.url, self.proxy.address()))
            .await
            .unwrap();
        client
            .batch_execute("BEGIN; INSERT INTO x VALUES (1)")
            .await
            .unwrap();
        let written = async {
            match commit {
                Commit::Simple => client.batch_execute("COMMIT").await.is_ok(),
                Commit::Prepared => client.execute("COMMIT", &[]).await.is_ok(),
                Commit::Failed => {
                    assert!(client.batch_execute("SELECT 1/0").await.is_err());
                    client.batch_execute("COMMIT").await.is_ok()
                }
            }
        };
        timeout(PATIENCE, written).await.unwrap()
    }

    async fn rows(&self) -> i64 {
        let (client, _driver) = connect(&self.url).await.unwrap();
        let row = client
            .query_one("SELECT COUNT(*) FROM x", &[])
            .await
            .unwrap();
        row.get(0)
    }
}

#[derive(Clone, Copy, Debug)]
enum Commit {
    Simple,
    Prepared,
    Failed,
}

#[tokio::test]
async fn postgres_is_carried_and_its_commits_are_counted() {
    let postgres = Postgres::with_table().await;
    assert!(postgres.write(Commit::Simple).await);
    assert!(postgres.write(Commit::Prepared).await);
    assert_eq!(postgres.rows().await, 2);
    assert_eq!(postgres.proxy.tally().commits, 2);
    postgres.database.remove().await.unwrap();
}

#[tokio::test]
async fn postgres_commits_whose_answer_is_lost_took_place() {
    for commit in [Commit::Simple, Commit::Prepared] {
        let postgres = Postgres::with_table().await;
        postgres.proxy.trouble_commits(commit_odds(1000, 0));
        assert!(!postgres.write(commit).await, "{commit:?}");
        assert_eq!(postgres.rows().await, 1, "{commit:?}");
        assert!(
            postgres.write(commit).await,
            "no more than one was to be lost"
        );
        assert_eq!(postgres.proxy.tally().answers_lost, 1);
        postgres.database.remove().await.unwrap();
    }
}

#[tokio::test]
async fn postgres_commits_that_are_lost_did_not_take_place() {
    let postgres = Postgres::with_table().await;
    postgres.proxy.trouble_commits(commit_odds(0, 1000));
    assert!(!postgres.write(Commit::Simple).await);
    postgres.proxy.calm();
    assert!(postgres.write(Commit::Simple).await);
    assert_eq!(postgres.rows().await, 1);
    assert_eq!(postgres.proxy.tally().commits_lost, 1);
    postgres.database.remove().await.unwrap();
}

#[tokio::test]
async fn postgres_rollbacks_have_no_answer_to_lose() {
    let postgres = Postgres::with_table().await;
    postgres.proxy.trouble_commits(commit_odds(1000, 0));
    assert!(postgres.write(Commit::Failed).await);
    assert_eq!(postgres.rows().await, 0);
    assert_eq!(postgres.proxy.tally().answers_lost, 0);
    postgres.database.remove().await.unwrap();
}

#[tokio::test]
async fn postgres_encryption_is_declined_in_its_name() {
    let postgres = Postgres::with_table().await;
    let mut client = TcpStream::connect(postgres.proxy.address()).await.unwrap();
    let request = [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat();
    client.write_all(&request).await.unwrap();
    let mut answer = [0; 1];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"N");
    postgres.database.remove().await.unwrap();
}
