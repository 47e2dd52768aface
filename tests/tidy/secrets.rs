//! Keys that open something have no business in this repository.

use crate::tree::{Offence, Source, assert_none, lines_of, numbered, sources};

/// How keys begin; what follows is random where one is real. Spelled in halves: this file is read
/// by its own rule.
const BEGINNINGS: [&str; 12] = [
    concat!("sk_", "test_"),
    concat!("sk_", "live_"),
    concat!("pk_", "test_"),
    concat!("pk_", "live_"),
    concat!("test_", "sk_"),
    concat!("live_", "sk_"),
    concat!("test_", "gsk_"),
    concat!("live_", "gsk_"),
    concat!("whsec", "_"),
    concat!("AK", "IA"),
    concat!("gh", "p_"),
    concat!("xox", "b-"),
];

/// How many letters and digits make one.
const RANDOM_MIN: usize = 16;

/// What the description of the API shows as examples; they open nothing.
const EXAMPLES: [&str; 1] = [concat!(
    "sk_",
    "test_4eC39HqLyjWDarjtT1zdp7dcA6wUWJ1vXq7nT0pR2s"
)];

fn keys(sources: &[Source]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources {
        for (line, text) in numbered(&source.text) {
            let begins = BEGINNINGS
                .iter()
                .flat_map(|beginning| text.match_indices(beginning));
            for (at, beginning) in begins {
                let random = text[at + beginning.len()..]
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .count();
                let shown = EXAMPLES.iter().any(|key| text[at..].starts_with(key));
                if random >= RANDOM_MIN && !shown {
                    found.push(source.offence(line, format!("holds a key {beginning}…")));
                }
            }
            if text.contains(concat!("PRIVATE ", "KEY-----\\nM")) || is_private_block(text) {
                found.push(source.offence(line, "holds a private key"));
            }
        }
    }
    found
}

/// A line that is nothing but the head of a private key.
fn is_private_block(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("-----BEGIN ") && line.ends_with(concat!("PRIVATE ", "KEY-----"))
}

#[test]
fn no_key_is_committed() {
    assert_none(keys(&sources()));
}

#[test]
fn the_rule_of_keys_can_fail() {
    let file = |text: String| [Source::new("a.md", &text)];
    for beginning in BEGINNINGS {
        let real = format!("\nkey = {beginning}Zx81kQm02PwLr57TnB");
        assert_eq!(lines_of(&keys(&file(real))), [2], "{beginning}");
        let spoken = format!("{beginning}… and {beginning}canary");
        assert!(keys(&file(spoken)).is_empty(), "{beginning}");
    }
    for head in ["", "RSA ", "EC "] {
        let block = format!("-----BEGIN {head}PRIVATE {}-----\nMIIB", "KEY");
        assert_eq!(lines_of(&keys(&file(block))), [1]);
    }
}
