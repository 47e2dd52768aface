//! The report of what is refused and not shown: `scripts/sec` gathers it from every test.

use std::env;
use std::fs::File;
use std::io::Write as _;

/// Names the file that the lines are added to.
const REPORT: &str = "PAYFLOW_TEST_REPORT";

/// Tells how many of these cases held, and fails unless it was all of them, and enough.
pub(crate) fn cases(what: &str, all: usize, all_min: usize, wrong: &[String]) {
    let right = all.saturating_sub(wrong.len());
    row(
        what,
        &format!("{right}/{all}"),
        wrong.is_empty() && all >= all_min,
    );
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n\n"));
    assert!(all >= all_min, "{what}: only {all} of {all_min}");
}

/// Tells what a suite found.
pub(crate) fn row(what: &str, found: &str, is_well: bool) {
    let verdict = if is_well { "ok" } else { "FAILED" };
    eprintln!("{what} {found}");
    add(&format!("suite\t{verdict}\t{what}\t{found}\n"));
}

/// Tells that a log of so many bytes was looked through, and how often something was found.
pub(crate) fn log(bytes: usize, hits: usize) {
    add(&format!("log\t{bytes}\t{hits}\n"));
}

/// In one write: tests of several processes add to the same file.
#[expect(
    clippy::disallowed_methods,
    reason = "the scripts speak through the environment"
)]
fn add(line: &str) {
    let Ok(path) = env::var(REPORT) else { return };
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .expect("the script's file");
    file.write_all(line.as_bytes()).expect("a line is added");
}
