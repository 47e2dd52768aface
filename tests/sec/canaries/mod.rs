//! Words that must not be seen: they go through every main flow of the real program at TRACE, by
//! the API and by commands, and then are looked for in everything that it said.

mod accounts;
mod asked;
mod books;
mod cards;
mod found;
mod hooks;
mod operated;
mod stand;
mod told;

use payflow::config::Config;

use crate::rig::{Fault, Rig};
use crate::support::lines::{self, Lines};
use crate::support::{postgres, report};
use stand::Stand;

/// How many sensitive words there are at least, in how many places they are looked for.
const CANARIES_MIN: usize = 60;
const PLACES_MIN: usize = 12;

/// Runs everything, and looks for every word in everything that was said.
async fn nothing_is_seen(format: &'static str, database: Option<&str>) {
    let mut stand = Stand::start(format, database).await;
    asked::by_the_merchant(&mut stand).await;
    asked::wrongly(&mut stand).await;
    asked::by_strangers(&mut stand).await;
    asked::by_members(&mut stand).await;
    asked::by_proofs(&mut stand).await;
    asked::about_keys(&mut stand).await;
    cards::on_file(&mut stand).await;
    accounts::paid_into(&mut stand).await;
    operated::accounts_and_keys(&mut stand).await;
    operated::switches(&mut stand).await;
    hooks::webhooks(&mut stand).await;
    told::by_a_gateway(&mut stand).await;
    stand.scraped().await;
    stand.ended().await;
    operated::unsafely(&mut stand);
    operated::with_help(&mut stand);

    let (words, places, hits) = stand.judged();
    let found = format!("{} hits of {words} words in {places} places", hits.len());
    let is_well = hits.is_empty() && words >= CANARIES_MIN && places >= PLACES_MIN;
    report::row(&format!("canaries, {format} lines"), &found, is_well);
    assert!(is_well, "{found}\n{}", hits.join("\n"));
}

#[tokio::test]
async fn no_canary_is_seen_in_json_lines() {
    nothing_is_seen("json", None).await;
}

#[tokio::test]
async fn no_canary_is_seen_in_pretty_lines_over_postgres() {
    let database = postgres();
    let url = database
        .url()
        .replacen("postgres@", "postgres:canary-of-a-database@", 1);
    assert!(url.contains("canary"), "{url}");
    nothing_is_seen("pretty", Some(&url)).await;
}

#[tokio::test]
async fn a_panic_is_logged_by_its_place_alone() {
    let _lines = Lines::of_this_process();
    lines::secret("secret panic");
    payflow::adapters::telemetry::log(&Config::with("").unwrap().log);
    let rig = Rig::new().await;
    rig.store.is(Some(Fault::Panics));
    assert_eq!(rig.get("/api/v1/payments").await.status, 500);
    let said = lines::so_far();
    assert!(
        said.contains("panicked") && said.contains("rig/store.rs"),
        "{said}"
    );
}
