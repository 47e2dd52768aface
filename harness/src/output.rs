//! Owns what the harness prints: lines for people on standard error, results on standard output.

use std::fmt;
use std::io::{self, Write as _};

use serde::Serialize;

/// A line for people.
pub(crate) fn say(line: &str) {
    // A closed terminal must not end a run that has processes to clean up.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What must not be, a line each; whether there was any.
pub(crate) fn breaches(all: impl IntoIterator<Item = impl fmt::Display>) -> bool {
    let mut any = false;
    for breach in all {
        any = true;
        say(&format!("BREACH {breach}"));
    }
    any
}

/// A result line.
pub(crate) fn print(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A result as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    print(&serde_json::to_string(value).expect("the harness's own records serialise"));
}
