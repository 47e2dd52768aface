//! Proof that the servers the other tests rely on are real, and gone afterwards.

#[path = "support/mod.rs"]
mod support;

use support::{Screen, browser, postgres};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio_util::task::TaskTracker::new().spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn postgres_databases_are_separate_durable_and_dropped() {
    let (first, second) = (postgres(), postgres());
    let client = connect(first.url()).await.expect("the first database");
    client
        .batch_execute("CREATE TABLE a (b int)")
        .await
        .expect("a table of our own");
    let other = connect(second.url()).await.expect("the second database");
    assert!(
        other.query("SELECT b FROM a", &[]).await.is_err(),
        "the databases share a table"
    );

    // The crash tests would prove nothing on a cluster that may lose what it committed.
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let row = client
            .query_one(&format!("SHOW {setting}"), &[])
            .await
            .expect("a setting");
        assert_eq!(row.get::<_, &str>(0), "on", "{setting}");
    }

    let url = first.url().to_owned();
    drop(first); // with a connection open
    assert!(
        connect(&url).await.is_err(),
        "the database outlives its guard"
    );
}

#[tokio::test]
async fn browser_shows_korean_on_each_screen() {
    let page = "data:text/html;charset=utf-8,<title>결제</title>\
                <meta name=viewport content='width=device-width'><p>승인";
    for (screen, width) in [(Screen::PHONE, 390), (Screen::DESKTOP, 1280)] {
        let browser = browser(screen).await;
        let client = browser.client();
        client.goto(page).await.expect("a page");
        assert_eq!(client.title().await.expect("a title"), "결제");
        let shown = client.execute("return window.innerWidth", vec![]).await;
        assert_eq!(shown.expect("a number"), width);
        let image = client.screenshot().await.expect("a screenshot");
        assert!(image.starts_with(b"\x89PNG"), "not a picture");
    }
}
