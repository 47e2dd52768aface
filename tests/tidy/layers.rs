//! Which layer may know what: imports, dependency tables, and the few files that know a dialect or
//! the demonstration.

use crate::lexer::{is_word, words};
use crate::tree::{Offence, Source, assert_none, lines_of, numbered, read, rust_sources};

const DOMAIN_CRATES: [&str; 4] = ["chrono", "chrono_tz", "serde", "thiserror"];
const FRAMEWORKS: [&str; 6] = ["axum", "diesel", "hyper", "rdkafka", "redis", "reqwest"];
const CONNECTION: &str = "src/adapters/persistence/connection.rs";
const DIALECT: &str = "src/adapters/persistence/dialect.rs";
/// Behind a feature, so that nothing else can need what it has.
const DEMO: &str = "src/bootstrap/demo/built_in.rs";
/// What means something else, or nothing, on one of the two databases.
const DIALECT_WORDS: [&str; 5] = [
    "for_update",
    "into_boxed",
    "sql_query",
    "as_select",
    "as_returning",
];

/// The first name of every `use`, with its line.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in numbered(code) {
        let text = text.trim_start();
        let text = text.strip_prefix("pub").map_or(text, |rest| {
            let rest = rest
                .strip_prefix("(crate)")
                .or(rest.strip_prefix("(super)"))
                .unwrap_or(rest);
            rest.trim_start()
        });
        let Some(path) = text
            .strip_prefix("use ")
            .or(text.strip_prefix("extern crate "))
        else {
            continue;
        };
        found.extend(words(path).next().map(|name| (line, name.to_owned())));
    }
    found
}

/// A package's own `tests/` folder stands outside of its layer.
fn is_of_layer(source: &Source, folder: &str) -> bool {
    source
        .path
        .strip_prefix(folder)
        .is_some_and(|rest| !rest.starts_with("tests/"))
}

/// Imports of the domain from outside it. A type or a module of the same file is no outside.
fn domain_imports(sources: &[Source]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources
        .iter()
        .filter(|source| is_of_layer(source, "src/domain/"))
    {
        let code = source.code();
        for (line, name) in imports(&code) {
            let ours = ["core", "crate", "self", "std", "super"].contains(&name.as_str())
                || DOMAIN_CRATES.contains(&name.as_str())
                || name.starts_with(char::is_uppercase)
                || code.contains(&format!("mod {name};"))
                || code.contains(&format!("mod {name} {{"));
            if !ours {
                found.push(source.offence(line, format!("the domain imports {name}")));
            }
        }
    }
    found
}

/// Frameworks named in the application, imported or by their path.
fn application_frameworks(sources: &[Source]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources
        .iter()
        .filter(|source| is_of_layer(source, "src/application/"))
    {
        for (line, text) in numbered(&source.code()) {
            for name in FRAMEWORKS.iter().filter(|name| names_path(text, name)) {
                found.push(source.offence(line, format!("the application knows {name}")));
            }
        }
    }
    found
}

/// Whether the line speaks of a crate of this name: `name::` or `use name`.
fn names_path(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let whole = !before.ends_with(is_word) && !before.ends_with("::");
        let named = after.starts_with("::") || before.trim_end().ends_with("use");
        whole && named && !after.starts_with(is_word)
    })
}

/// The dependencies a manifest names, test-only ones included.
fn dependencies(manifest: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (line, text) in numbered(&manifest.text) {
        if let Some(section) = text.strip_prefix('[') {
            inside = section.trim_end_matches(']').ends_with("dependencies");
        } else if inside && !text.starts_with('#') {
            let name = text.split(['.', '=', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                found.push((line, name.to_owned()));
            }
        }
    }
    found
}

fn dependencies_outside(manifest: &Source, allowed: impl Fn(&str) -> bool) -> Vec<Offence> {
    dependencies(manifest)
        .into_iter()
        .filter(|(_, name)| !allowed(name))
        .map(|(line, name)| manifest.offence(line, format!("depends on {name}")))
        .collect()
}

/// Driver connections outside the file that wraps them.
fn driver_connections(sources: &[Source]) -> Vec<Offence> {
    words_outside(
        sources,
        &["AsyncPgConnection", "SqliteConnection"],
        &[CONNECTION],
    )
}

fn dialect_outside(sources: &[Source]) -> Vec<Offence> {
    words_outside(sources, &DIALECT_WORDS, &[CONNECTION, DIALECT])
}

fn demonstration_outside(sources: &[Source]) -> Vec<Offence> {
    words_outside(sources, &["payflow_shop", "toss_sandbox"], &[DEMO])
}

fn words_outside(sources: &[Source], banned: &[&str], homes: &[&str]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources
        .iter()
        .filter(|source| source.path.starts_with("src/"))
    {
        if homes.contains(&source.path.as_str()) {
            continue;
        }
        for (line, text) in numbered(&source.code()) {
            let named = words(text).filter(|word| banned.contains(word));
            found.extend(named.map(|word| {
                source.offence(line, format!("{word} belongs in {}", homes.join(" or ")))
            }));
        }
    }
    found
}

#[test]
fn the_domain_imports_nothing() {
    assert_none(domain_imports(&rust_sources()));
    let manifest = read("src/domain/Cargo.toml").expect("the domain's manifest");
    assert!(
        !dependencies(&manifest).is_empty(),
        "no dependency read from the manifest"
    );
    assert_none(dependencies_outside(&manifest, |name| {
        // A package's name in code has no hyphen.
        DOMAIN_CRATES.contains(&name.replace('-', "_").as_str())
    }));
}

#[test]
fn the_application_knows_no_framework() {
    assert_none(application_frameworks(&rust_sources()));
    let manifest = read("src/application/Cargo.toml").expect("the application's manifest");
    assert!(
        !dependencies(&manifest).is_empty(),
        "no dependency read from the manifest"
    );
    let is_framework = |name: &str| {
        FRAMEWORKS
            .iter()
            .any(|framework| name.split('-').any(|part| part == *framework))
    };
    assert_none(dependencies_outside(&manifest, |name| !is_framework(name)));
}

#[test]
fn one_file_knows_the_drivers() {
    assert_none(driver_connections(&rust_sources()));
}

#[test]
fn two_files_know_a_dialect() {
    assert_none(dialect_outside(&rust_sources()));
}

#[test]
fn one_file_knows_the_demonstration() {
    assert_none(demonstration_outside(&rust_sources()));
}

#[test]
fn the_import_rules_can_fail() {
    let text = "use std::fmt;\nuse tokio::time;\npub(crate) use status::Status;\nmod money;\n\
                use money::Money;\nuse Status::Done;\n// use axum::Router;\n";
    let domain = Source::new("src/domain/a.rs", text);
    assert_eq!(lines_of(&domain_imports(&[domain])), [2, 3]);

    let text = "use crate::redis::X;\nuse diesel::prelude::*;\nlet a = \"axum::\";\n\
                fn f(r: axum::Router) {}\nuse reqwest;\nlet hyperspace = 1;\n";
    let application = Source::new("src/application/a.rs", text);
    assert_eq!(lines_of(&application_frameworks(&[application])), [2, 4, 5]);

    let text = "[package]\nname = \"a\"\n[dependencies]\nserde.workspace = true\n# diesel\n\
                diesel-async = \"1\"\n[dev-dependencies]\nserde_json = { version = \"1\" }\n";
    let manifest = Source::new("Cargo.toml", text);
    let offences = dependencies_outside(&manifest, |name| DOMAIN_CRATES.contains(&name));
    assert_eq!(lines_of(&offences), [6, 8]);
}

#[test]
fn the_rules_about_single_files_can_fail() {
    let text = "//! AsyncPgConnection\nlet a: SqliteConnection;\nq.for_update();\n";
    let elsewhere = || [Source::new("src/adapters/persistence/sagas.rs", text)];
    assert_eq!(lines_of(&driver_connections(&elsewhere())), [2]);
    assert_eq!(lines_of(&dialect_outside(&elsewhere())), [3]);
    assert_eq!(driver_connections(&[Source::new(CONNECTION, text)]), []);
    assert_eq!(dialect_outside(&[Source::new(DIALECT, text)]), []);

    let text = "//! toss_sandbox\nlet shop = payflow_shop::start();\nuse toss_sandbox::Clock;\n";
    let elsewhere = [Source::new("src/adapters/clock.rs", text)];
    assert_eq!(lines_of(&demonstration_outside(&elsewhere)), [2, 3]);
    assert_eq!(demonstration_outside(&[Source::new(DEMO, text)]), []);
}
