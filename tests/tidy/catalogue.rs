//! The error catalogue and its pages: one each way.

use crate::tree::{Offence, Source, assert_none, lines_of, names_in, numbered, read};

const CATALOGUE: &str = "src/presentation/catalogue.rs";
const PAGES: &str = "docs/errors";

/// The codes of the catalogue, which gives each one row: `CODE_NAME => …`.
fn codes(catalogue: &Source) -> Vec<(usize, String)> {
    numbered(&catalogue.text)
        .filter_map(|(line, text)| {
            let (name, _) = text.split_once("=>")?;
            let name = name.trim().trim_matches('"');
            is_code(name).then(|| (line, name.to_owned()))
        })
        .collect()
}

fn is_code(name: &str) -> bool {
    name.len() > 2
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Codes without a page, and pages of no code.
fn unpaired(catalogue: &Source, pages: &[String]) -> Vec<Offence> {
    let codes = codes(catalogue);
    let unexplained = codes
        .iter()
        .filter(|(_, code)| !pages.contains(&format!("{code}.md")))
        .map(|(line, code)| catalogue.offence(*line, format!("{code} has no page in {PAGES}")));
    let stray = pages
        .iter()
        .filter(|page| *page != "README.md")
        .filter(|page| !codes.iter().any(|(_, code)| **page == format!("{code}.md")))
        .map(|page| Source::new(&format!("{PAGES}/{page}"), "").offence(1, "explains no code"));
    unexplained.chain(stray).collect()
}

#[test]
fn every_error_code_has_its_page() {
    let Some(catalogue) = read(CATALOGUE) else {
        assert!(
            names_in(PAGES).is_empty(),
            "pages in {PAGES}, but no {CATALOGUE}"
        );
        return;
    };
    assert!(
        !codes(&catalogue).is_empty(),
        "no code read from {CATALOGUE}"
    );
    assert_none(unpaired(&catalogue, &names_in(PAGES)));
}

#[test]
fn the_catalogue_rules_can_fail() {
    let text =
        "//! A => b\nmatch x {\n    Code::A => 1,\n    NOT_FOUND => 404,\n    \"BUSY\" => 503,\n";
    let catalogue = Source::new(CATALOGUE, text);
    let pages = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        unpaired(
            &catalogue,
            &pages(&["BUSY.md", "NOT_FOUND.md", "README.md"])
        ),
        []
    );
    let found = unpaired(&catalogue, &pages(&["NOT_FOUND.md", "GONE.md"]));
    assert_eq!(lines_of(&found), [5, 1]);
    assert_eq!(found[1].path, "docs/errors/GONE.md");
}
