//! The programs beside the service: they know it from outside, and it is complete without them.

use crate::tree::{Offence, Source, assert_none, lines_of, numbered, read};

/// Each of them speaks HTTP to the service, as anybody else does.
const BESIDE: [&str; 4] = [
    "examples/Cargo.toml",
    "harness/Cargo.toml",
    "sandbox/Cargo.toml",
    "shop/Cargo.toml",
];
const SERVICE: &str = "Cargo.toml";
/// In no build of it.
const HARNESS: &str = "payflow-harness";
/// The gateway and the merchant of a start without settings; left out with the feature.
const DEMO: [&str; 2] = ["payflow-shop", "toss-sandbox"];
const DEMO_FEATURE: &str = "demo";

/// The keys of tables that end so, with their lines.
fn keys<'a>(manifest: &'a Source, tables: &[&str]) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (line, text) in numbered(&manifest.text) {
        if let Some(table) = text.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = tables
                .iter()
                .any(|name| table == *name || table.ends_with(&format!(".{name}")));
        } else if inside && !text.starts_with('#') {
            let name = text.split(['.', '=', ' ']).next().unwrap_or_default();
            found.extend((!name.is_empty()).then_some((line, name)));
        }
    }
    found
}

fn insiders(manifest: &Source) -> Vec<Offence> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let of_service = |name: &str| {
        name.starts_with("payflow") || ["application", "domain", "toss-sandbox"].contains(&name)
    };
    keys(manifest, &tables)
        .into_iter()
        .filter(|(_, name)| of_service(name))
        .map(|(line, name)| manifest.offence(line, format!("depends on {name}")))
        .collect()
}

fn stowaways(manifest: &Source) -> Vec<Offence> {
    // The workspace's table only says where its members are.
    let text = manifest
        .text
        .replace("[workspace.dependencies]", "[workspace]");
    let manifest = Source::new(&manifest.path, &text);
    let says = |line: usize, what: &str| {
        let text = manifest.text.lines().nth(line - 1);
        text.is_some_and(|text| text.contains(what))
    };
    let mut found = Vec::new();
    for (line, name) in keys(&manifest, &["dependencies", "build-dependencies"]) {
        let ships = name == HARNESS || DEMO.contains(&name) && !says(line, "optional = true");
        found.extend(ships.then(|| manifest.offence(line, format!("ships {name}"))));
    }
    for (line, feature) in keys(&manifest, &["features"]) {
        let demo = DEMO.iter().any(|name| says(line, name));
        let ships = says(line, HARNESS) || demo && feature != DEMO_FEATURE;
        found.extend(ships.then(|| manifest.offence(line, format!("{feature} ships them"))));
    }
    found
}

#[test]
fn programs_beside_the_service_know_it_from_outside() {
    for path in BESIDE {
        let manifest = read(path).unwrap_or_else(|| panic!("no {path}"));
        let named = keys(&manifest, &["dependencies"]);
        assert!(!named.is_empty(), "no dependency read from {path}");
        assert_none(insiders(&manifest));
    }
}

#[test]
fn the_service_ships_without_them() {
    let manifest = read(SERVICE).expect("the service's manifest");
    assert_none(stowaways(&manifest));
}

#[test]
fn the_program_rules_can_fail() {
    let text = "[package]\nname = \"payflow-shop\"\n[dependencies]\naxum = \"0.8\"\n\
                domain.workspace = true\n[dev-dependencies]\npayflow = { path = \"..\" }\n";
    let beside = Source::new("shop/Cargo.toml", text);
    assert_eq!(lines_of(&insiders(&beside)), [5, 7]);

    let text = "[workspace.dependencies]\npayflow-shop = { path = \"shop\" }\n[dependencies]\n\
                payflow-shop.workspace = true\n\
                toss-sandbox = { workspace = true, optional = true }\n\
                [dev-dependencies]\npayflow-shop.workspace = true\n\
                [target.x.dependencies]\npayflow-harness = { version = \"1\", optional = true }\n\
                [features]\ndemo = [\"dep:toss-sandbox\"]\nmore = [\"dep:payflow-shop\"]\n";
    assert_eq!(
        lines_of(&stowaways(&Source::new(SERVICE, text))),
        [4, 9, 12]
    );
}
