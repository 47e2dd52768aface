//! The configuration file: every key explained above it, and read by the code.

use crate::lexer;
use crate::tree::{Offence, Source, assert_none, lines_of, numbered, read, rust_sources};

const DEFAULTS: &str = "config/default.toml";

/// The keys of a TOML file with their lines. A commented-out key is an explanation, not a key.
fn keys(defaults: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // Brackets still open: the lines of a list written over several lines are no keys.
    let mut open = 0_usize;
    for (line, text) in numbered(&defaults.text) {
        let text = text.trim();
        if open == 0 && !text.starts_with(['#', '[']) {
            let key = text.split_once('=').map(|(key, _)| key.trim());
            found.extend(key.map(|key| (line, key.to_owned())));
        }
        if !text.starts_with('#') {
            open = (open + text.matches('[').count()).saturating_sub(text.matches(']').count());
        }
    }
    found
}

fn unexplained_keys(defaults: &Source) -> Vec<Offence> {
    let lines: Vec<&str> = defaults.text.lines().collect();
    let explained = |line: usize| {
        let above = line.checked_sub(2).and_then(|above| lines.get(above));
        let comment = above.and_then(|above| above.strip_prefix('#'));
        comment.is_some_and(|comment| !comment.trim().is_empty())
    };
    keys(defaults)
        .into_iter()
        .filter(|(line, _)| !explained(*line))
        .map(|(line, key)| defaults.offence(line, format!("{key} has no comment above it")))
        .collect()
}

/// Keys whose name occurs nowhere in the code that reads the configuration.
fn unread_keys(defaults: &Source, readers: &[Source]) -> Vec<Offence> {
    let code: Vec<String> = readers.iter().map(Source::code).collect();
    let is_read = |key: &str| {
        code.iter()
            .any(|code| lexer::words(code).any(|word| word == key))
    };
    keys(defaults)
        .into_iter()
        .filter(|(_, key)| !key.split('.').all(is_read))
        .map(|(line, key)| defaults.offence(line, format!("{key} is read nowhere")))
        .collect()
}

fn is_reader(source: &Source) -> bool {
    source.path == "src/config.rs" || source.path.starts_with("src/config/")
}

#[test]
fn every_key_is_explained_and_read() {
    let Some(defaults) = read(DEFAULTS) else {
        assert!(
            !rust_sources().iter().any(is_reader),
            "a configuration without {DEFAULTS}"
        );
        return;
    };
    assert!(!keys(&defaults).is_empty(), "no key found in {DEFAULTS}");
    let readers: Vec<Source> = rust_sources().into_iter().filter(is_reader).collect();
    let mut found = unexplained_keys(&defaults);
    found.extend(unread_keys(&defaults, &readers));
    assert_none(found);
}

#[test]
fn the_config_rules_can_fail() {
    let text = "# Where it listens.\n[http]\n# The port.\nport = 1\n\nhost = \"a=b\"\n#\n\
                x.y = [\n  \"z = 1\",\n]\n";
    let defaults = Source::new(DEFAULTS, text);
    assert_eq!(lines_of(&unexplained_keys(&defaults)), [6, 8]);
    let reader = Source::new(
        "src/config.rs",
        "struct Http { port: u16, x: X } // host, y",
    );
    assert_eq!(lines_of(&unread_keys(&defaults, &[reader])), [6, 8]);
}
