//! Words, names and places that have no business in this repository.

use std::path::Path;

use crate::lexer::{is_word, words};
use crate::tree::{Offence, Source, assert_none, lines_of, numbered, rust_sources, sources};

/// Left-overs of work in progress. Spelled in two halves: this file is read by its own rule.
const LEFTOVERS: [&str; 5] = [
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("dbg", "!"),
];

/// Folders of somebody's own machine.
const PLACES: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/t", "mp/"),
];

/// Names that say nothing about what the type is.
const EMPTY_NAMES: [&str; 7] = ["DTO", "Dto", "Helper", "Impl", "Manager", "Util", "Utils"];

fn occurrences(source: &Source, wanted: &[&str], counts: fn(&str, &str) -> bool) -> Vec<Offence> {
    let mut found = Vec::new();
    for (line, text) in numbered(&source.text) {
        for word in wanted {
            let hit = text
                .match_indices(word)
                .any(|(at, _)| counts(&text[..at], &text[at + word.len()..]));
            found.extend(hit.then(|| source.offence(line, format!("says {word}"))));
        }
    }
    found
}

fn leftovers(sources: &[Source]) -> Vec<Offence> {
    let whole_word =
        |before: &str, after: &str| !before.ends_with(is_word) && !after.starts_with(is_word);
    sources
        .iter()
        .flat_map(|source| occurrences(source, &LEFTOVERS, whole_word))
        .collect()
}

/// A path that goes on after the folder; `/tmp` as a default in a script is nobody's own.
fn private_places(sources: &[Source]) -> Vec<Offence> {
    let begins_a_path = |before: &str, after: &str| {
        !before.ends_with(|c: char| is_word(c) || "/.-}".contains(c)) && after.starts_with(is_word)
    };
    sources
        .iter()
        .flat_map(|source| occurrences(source, &PLACES, begins_a_path))
        .collect()
}

fn empty_names(sources: &[Source]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources {
        for (line, text) in numbered(&source.code()) {
            let all: Vec<&str> = words(text).collect();
            for pair in all.windows(2) {
                let [keyword, name] = pair else { continue };
                let is_type = ["enum", "struct", "trait", "type", "union"].contains(keyword);
                if is_type && EMPTY_NAMES.iter().any(|empty| name.ends_with(empty)) {
                    found.push(source.offence(line, format!("{name} says nothing")));
                }
            }
        }
    }
    found
}

/// `a.rs` beside a folder `a/`: here the module's own file is `a/mod.rs`.
fn self_named_modules(sources: &[Source]) -> Vec<Offence> {
    let named = |source: &&Source| {
        let folder = format!("{}/", source.path.trim_end_matches(".rs"));
        sources.iter().any(|other| other.path.starts_with(&folder))
    };
    sources
        .iter()
        .filter(named)
        .map(|source| source.offence(1, "belongs in the mod.rs of its folder"))
        .collect()
}

/// Lints are expected with a reason, never silenced.
fn silenced_lints(sources: &[Source]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources {
        for (line, text) in numbered(&source.code()) {
            let attribute = text.contains("#[") || text.contains("#![");
            if attribute
                && ["[allow(", ", allow("]
                    .iter()
                    .any(|word| text.contains(word))
            {
                found.push(source.offence(line, "expect the lint, with a reason"));
            }
        }
    }
    found
}

fn silent_files(sources: &[Source]) -> Vec<Offence> {
    sources
        .iter()
        .filter(|source| {
            let first = source.text.lines().next().unwrap_or_default();
            !first.starts_with("//! ") || first.len() < "//! A b.".len()
        })
        .map(|source| source.offence(1, "does not begin with what it owns (//!)"))
        .collect()
}

#[test]
fn every_file_says_what_it_owns() {
    assert_none(silent_files(&rust_sources()));
}

#[test]
fn nothing_is_left_over() {
    let mut sources = sources();
    sources.retain(|source| Path::new(&source.path) != Path::new("Cargo.lock"));
    assert_none(leftovers(&sources));
}

#[test]
fn no_machine_is_named() {
    assert_none(private_places(&sources()));
}

#[test]
fn names_say_something() {
    assert_none(empty_names(&rust_sources()));
}

#[test]
fn modules_live_in_their_folder() {
    assert_none(self_named_modules(&rust_sources()));
}

#[test]
fn lints_are_not_silenced() {
    assert_none(silenced_lints(&rust_sources()));
}

#[test]
fn the_word_rules_can_fail() {
    let file = |text: String| [Source::new("src/a.rs", &text)];
    for word in LEFTOVERS {
        assert_eq!(
            lines_of(&leftovers(&file(format!("\n// {word}: later")))),
            [2],
            "{word}"
        );
        assert_eq!(leftovers(&file(format!("a{word}a"))), [], "{word}");
    }
    for place in PLACES {
        assert_eq!(
            lines_of(&private_places(&file(format!("\"{place}kim/x\"")))),
            [1],
            "{place}"
        );
        assert_eq!(
            private_places(&file(format!("docs{place}x"))),
            [],
            "{place}"
        );
    }
    assert_eq!(silent_files(&file("//! What it owns.\n".to_owned())), []);
    assert_eq!(
        lines_of(&silent_files(&file(
            "// No.\n//! What it owns.\n".to_owned()
        ))),
        [1]
    );
}

#[test]
fn the_name_rules_can_fail() {
    let file = |text: &str| [Source::new("src/a.rs", text)];
    let names =
        "struct Dto;\nenum PayHelper {}\nstruct Implied;\n// struct AImpl\ntrait UserManager";
    assert_eq!(lines_of(&empty_names(&file(names))), [1, 2, 5]);

    let both = [Source::new("src/a.rs", ""), Source::new("src/a/b.rs", "")];
    assert_eq!(self_named_modules(&both).len(), 1);
    assert_eq!(self_named_modules(&both[1..]), []);

    let lints = concat!(
        "#[al",
        "low(dead_code)]\n#![al",
        "low(x)]\n#[cfg_attr(a, al",
        "low(b))]\n"
    );
    assert_eq!(lines_of(&silenced_lints(&file(lints))), [1, 2, 3]);
    assert_eq!(
        silenced_lints(&file("#[expect(x, reason = \"allow(y)\")]\n")),
        []
    );
}
