//! `docs/metrics.md`: its tables are written from what the service registers, and a service that
//! lives shows nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use domain::saga::Kind;
use payflow::adapters::telemetry::{Described, LABELS, Metrics};
use reqwest::Method;

use crate::rig::{Rig, answer};

const PAGE: &str = "docs/metrics.md";
/// Set to anything, it has the page written anew.
const WRITE: &str = "PAYFLOW_WRITE_DOCS";

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)
}

fn rows(described: &[Described]) -> String {
    let mut text = "| metric | | labels | tells |\n|---|---|---|---|\n".to_owned();
    for metric in described {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let (name, sort, help) = (&metric.name, metric.sort, &metric.help);
        let row = format!("| `{name}` | {sort} | {} | {help} |\n", labels.join(", "));
        text.push_str(&row.replace("|  |", "| |"));
    }
    text
}

fn labels() -> String {
    let mut text = "| label | its values |\n|---|---|\n".to_owned();
    for (name, values) in LABELS {
        let row = format!("| `{name}` | {values} |\n");
        text.push_str(&row);
    }
    text
}

/// The page with this text between the marks of this name.
fn with(page: &str, name: &str, text: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let end = format!("<!-- end of {name} -->\n");
    let (before, rest) = page.split_once(&begin).expect("a mark where it begins");
    let (_, after) = rest.split_once(&end).expect("a mark where it ends");
    format!("{before}{begin}{text}{end}{after}")
}

#[test]
fn the_page_of_metrics_is_what_is_registered() {
    let metrics = Metrics::new().unwrap();
    let page = fs::read_to_string(path()).unwrap();
    let wanted = with(&page, "metrics", &rows(metrics.described()));
    let wanted = with(&wanted, "labels", &labels());
    if env::var_os(WRITE).is_some() {
        fs::write(path(), wanted).unwrap();
        return;
    }
    assert!(
        page == wanted,
        "{PAGE} is not what is registered; have it written, and review what changes:\n    \
         {WRITE}=1 cargo nextest run -p payflow --test api page_of_metrics"
    );
}

#[test]
fn every_label_is_explained_and_no_other() {
    let metrics = Metrics::new().unwrap();
    let used: BTreeSet<&str> = metrics
        .described()
        .iter()
        .flat_map(|metric| metric.labels.iter().map(String::as_str))
        .collect();
    let explained: BTreeSet<&str> = LABELS.iter().map(|(name, _)| *name).collect();
    assert_eq!(used, explained);
    assert!(LABELS.is_sorted_by_key(|(name, _)| *name));
    let kinds = LABELS.iter().find(|(name, _)| *name == "kind").unwrap();
    for kind in Kind::ALL {
        let named = format!("`{}`", kind.as_str());
        assert!(kinds.1.contains(&named), "{named} is not explained");
    }
}

/// What a line of a scrape is of: a histogram's lines are its own.
fn metric(line: &str) -> &str {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    let parts = ["_bucket", "_sum", "_count"];
    let whole = parts.iter().find_map(|part| name.strip_suffix(part));
    whole.unwrap_or(name)
}

#[tokio::test]
async fn a_live_service_shows_what_is_documented() {
    let rig = Rig::new().await;
    let payment = rig.paid().await;
    rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
    // Anybody may invent methods; each a series of its own would fill whoever scrapes.
    for method in ["BREW", "BREW2"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        answer(rig.anonymous(method, "/api/v1/payments")).await;
    }
    let url = format!("http://{}/metrics", rig.running.metrics_address);
    let scraped = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert!(!scraped.contains("BREW"), "{scraped}");
    let page = fs::read_to_string(path()).unwrap();
    for line in scraped.lines().filter(|line| !line.starts_with('#')) {
        let name = metric(line);
        assert!(
            page.contains(&format!("`{name}`")),
            "{name} is not in {PAGE}"
        );
        // Of what there is ever more of, gateway accounts alone have series, and so many at most.
        let ids = ["\"mer_0", "\"pay_0", "\"sag_0", "\"key_0", "\"wrk_0"];
        assert!(!ids.iter().any(|id| line.contains(id)), "{line}");
    }
    // What is there before anything happened shows its first step.
    for line in [
        "payflow_approvals_total{class=\"buyer\",result=\"declined\"} 0",
        "payflow_accounts_total{class=\"none\",result=\"closed\"} 0",
        "payflow_compensation_total{cause=\"amount\",kind=\"ONE_OFF\"} 0",
        "payflow_unknown_outcomes_total{kind=\"APPROVAL\"} 0",
        "payflow_payment_transitions_total{from=\"IN_PROGRESS\",to=\"DONE\"} 1",
        "payflow_database_up 1",
        "payflow_api_keys_ending 0",
        "payflow_http_gateway_seconds_count{route=\"/api/v1/payments/{paymentId}/approve\"} 1",
        "payflow_http_seconds_count{route=\"/api/v1/payments/{paymentId}/approve\"} 1",
    ] {
        assert!(scraped.contains(line), "{line} is not in\n{scraped}");
    }
}

#[tokio::test]
async fn an_outcome_that_was_unknown_is_timed_when_it_is_known() {
    let rig = Rig::with("[timings]\ndivide_by = 10\n").await;
    let payment = rig.prepared().await;
    rig.gateway.lose();
    assert_eq!(rig.approve(&payment, "k").await.status, 202);
    rig.gateway.approve();
    let url = format!("http://{}/metrics", rig.running.metrics_address);
    let known = "payflow_unknown_resolution_seconds_count{kind=\"APPROVAL\"} 1";
    let counted = "payflow_unknown_outcomes_total{kind=\"APPROVAL\"} 1";
    let mut scraped = String::new();
    for _ in 0..200 {
        scraped = reqwest::get(&url).await.unwrap().text().await.unwrap();
        if scraped.contains(known) && scraped.contains(counted) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{known} and {counted} are not in\n{scraped}");
}
