//! The repository's files as the rules see them, and how a rule reports what it found.

use std::fmt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::lexer;

/// Folders that hold nothing we wrote.
const SKIPPED: [&str; 3] = [".git", "data", "target"];

/// One text file, by its path from the root of the repository.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// The Rust text with comments, strings and characters blanked out.
    pub(crate) fn code(&self) -> String {
        lexer::blank(&self.text)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension(&["rs"])
    }

    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        Path::new(&self.path)
            .extension()
            .and_then(|found| found.to_str())
            .is_some_and(|found| extensions.contains(&found))
    }

    pub(crate) fn offence(&self, line: usize, what: impl Into<String>) -> Offence {
        Offence {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}

/// Numbered lines, counted from 1 as editors do.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// One broken rule, where an editor can jump to it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offence {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails with every offender, not with the first.
#[track_caller]
pub(crate) fn assert_none(mut offences: Vec<Offence>) {
    offences.sort();
    let listed: Vec<String> = offences.iter().map(ToString::to_string).collect();
    assert!(
        listed.is_empty(),
        "{} offences\n{}",
        listed.len(),
        listed.join("\n")
    );
}

/// The lines on which a rule found something: what its own test compares.
pub(crate) fn lines_of(offences: &[Offence]) -> Vec<usize> {
    offences.iter().map(|offence| offence.line).collect()
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the repository.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    assert!(
        found.iter().any(Source::is_rust),
        "no source found: is the root wrong?"
    );
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

pub(crate) fn rust_sources() -> Vec<Source> {
    sources().into_iter().filter(Source::is_rust).collect()
}

/// The text of one file; None when there is none.
pub(crate) fn read(path: &str) -> Option<Source> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    Some(Source::new(path, &text))
}

/// The names of what a folder holds, sorted.
pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("a readable folder")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| SKIPPED.contains(&name.as_str())) {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let relative = path.strip_prefix(root()).expect("inside the root");
            found.push(Source::new(&relative.to_string_lossy(), &text));
        }
    }
}
