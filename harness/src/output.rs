//! Owns what the harness prints: lines for people on standard error, results on standard output.

use std::io::{self, Write as _};

use serde::Serialize;

/// A line for people.
pub(crate) fn say(line: &str) {
    // A closed terminal must not end a run that has processes to clean up.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A result line.
pub(crate) fn print(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A result as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    print(&serde_json::to_string(value).expect("the harness's own records serialise"));
}
