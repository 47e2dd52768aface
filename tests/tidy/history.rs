//! What git keeps: subjects that fit a line, and no large file.

use std::fs;
use std::process::Command;

use crate::tree::root;

const SUBJECT_CHARS_MAX: usize = 60;
const TRACKED_BYTES_MAX: u64 = 512 * 1024;

/// What git prints; None outside a clone, as in an unpacked archive.
fn git(arguments: &[&str]) -> Option<String> {
    root().join(".git").exists().then(|| {
        // The clone may belong to another user than the one who runs the tests.
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "-c", "core.quotePath=false"])
            .args(arguments)
            .current_dir(root())
            .output()
            .expect("a clone has git");
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
}

/// Subjects too long to be shown whole, of `<commit> <subject>` lines.
fn long_subjects(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| {
            let subject = line.split_once(' ').map_or("", |(_, subject)| subject);
            subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX
        })
        .collect()
}

fn large_files(sizes: &[(String, u64)]) -> Vec<String> {
    sizes
        .iter()
        .filter(|(_, bytes)| *bytes > TRACKED_BYTES_MAX)
        .map(|(path, bytes)| format!("{path}: {bytes} bytes"))
        .collect()
}

#[test]
fn subjects_fit_a_line() {
    let Some(log) = git(&["log", "--format=%h %s"]) else {
        return;
    };
    assert!(!log.is_empty(), "no commit found");
    assert_eq!(
        long_subjects(&log),
        Vec::<&str>::new(),
        "over {SUBJECT_CHARS_MAX} characters"
    );
}

#[test]
fn no_large_file_is_tracked() {
    let Some(listed) = git(&["ls-files"]) else {
        return;
    };
    let sizes: Vec<(String, u64)> = listed
        .lines()
        // A file deleted but not yet committed has no size.
        .filter_map(|path| Some((path.to_owned(), fs::metadata(root().join(path)).ok()?.len())))
        .collect();
    assert!(!sizes.is_empty(), "no tracked file found");
    assert_eq!(large_files(&sizes), Vec::<String>::new());
}

#[test]
fn the_history_rules_can_fail() {
    let log = |chars: usize| format!("c3bb07a {}", "가".repeat(chars));
    assert!(long_subjects(&log(SUBJECT_CHARS_MAX)).is_empty());
    assert_eq!(long_subjects(&log(SUBJECT_CHARS_MAX + 1)).len(), 1);
    assert_eq!(long_subjects("c3bb07a ").len(), 1);

    let sized = |bytes: u64| [("a.bin".to_owned(), bytes)];
    assert!(large_files(&sized(TRACKED_BYTES_MAX)).is_empty());
    assert_eq!(large_files(&sized(TRACKED_BYTES_MAX + 1)).len(), 1);
}
