//! The two migration trees: same names, and every column explained where it is made.

use crate::lexer::is_word;
use crate::tree::{Offence, Source, assert_none, lines_of, names_in, read};

const TREES: [&str; 2] = ["migrations/postgres", "migrations/sqlite"];
/// What begins a table's constraint instead of a column.
const CONSTRAINTS: [&str; 7] = [
    "CHECK",
    "CONSTRAINT",
    "EXCLUDE",
    "FOREIGN",
    "LIKE",
    "PRIMARY",
    "UNIQUE",
];

/// SQL without its comments and strings, everything else in place; and the lines with a comment.
fn scan(text: &str) -> (String, Vec<usize>) {
    let mut sql = String::with_capacity(text.len());
    let mut commented = Vec::new();
    let (mut line, mut comment, mut quoted) = (1, false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => (line, comment) = (line + 1, false),
            '\'' if !comment => quoted = !quoted,
            '-' if !comment && !quoted && chars.peek() == Some(&'-') => {
                comment = true;
                commented.push(line);
            }
            _ => {}
        }
        let opaque = comment || quoted || c == '\'';
        sql.push(if opaque && c != '\n' { ' ' } else { c });
    }
    (sql, commented)
}

/// The columns made by CREATE TABLE and ADD COLUMN: first line, last line, name.
fn columns(sql: &str) -> Vec<(usize, usize, String)> {
    let upper = sql.to_ascii_uppercase();
    let mut found = Vec::new();
    for (start, _) in upper.match_indices("CREATE TABLE") {
        let Some(open) = sql[start..].find('(') else {
            continue;
        };
        items(sql, start + open + 1, &mut found);
    }
    for (start, made) in upper.match_indices("ADD COLUMN") {
        let line = line_of(sql, start);
        let name = first_word(&sql[start + made.len()..]);
        found.push((line, line, name));
    }
    found
}

/// Splits what stands between a table's brackets at its commas.
fn items(sql: &str, from: usize, found: &mut Vec<(usize, usize, String)>) {
    let (mut depth, mut begin) = (0_usize, from);
    for (offset, c) in sql[from..].char_indices() {
        let at = from + offset;
        if depth == 0 && (c == ',' || c == ')') {
            let item = &sql[begin..at];
            let name = first_word(item);
            let indent = item.len() - item.trim_start().len();
            if !CONSTRAINTS.contains(&name.to_ascii_uppercase().as_str()) {
                found.push((line_of(sql, begin + indent), line_of(sql, at), name));
            }
            begin = at + 1;
        }
        match c {
            ')' if depth == 0 => return,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
}

fn first_word(text: &str) -> String {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '"')
        .chars()
        .take_while(|c| is_word(*c))
        .collect()
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// A column is explained on one of its own lines, or by a line above it that says nothing else.
fn unexplained_columns(migration: &Source) -> Vec<Offence> {
    let (sql, commented) = scan(&migration.text);
    let blank: Vec<bool> = sql.lines().map(|line| line.trim().is_empty()).collect();
    let explained = |first: usize, last: usize| {
        let above = first - 1;
        (first..=last).any(|line| commented.contains(&line))
            || (commented.contains(&above) && blank[above - 1])
    };
    columns(&sql)
        .into_iter()
        .filter(|(first, last, _)| !explained(*first, *last))
        .map(|(first, _, name)| migration.offence(first, format!("column {name} unexplained")))
        .collect()
}

/// Names that only one of the two trees has.
fn lonely(left: &[String], right: &[String]) -> Vec<String> {
    let only = |these: &[String], those: &[String]| {
        these
            .iter()
            .filter(|name| !those.contains(name))
            .cloned()
            .collect::<Vec<_>>()
    };
    [only(left, right), only(right, left)].concat()
}

/// Where each migration's SQL is expected, in both trees.
fn migrations() -> Vec<String> {
    let mut paths = Vec::new();
    for tree in TREES {
        paths.extend(
            names_in(tree)
                .iter()
                .map(|name| format!("{tree}/{name}/up.sql")),
        );
    }
    paths
}

#[test]
fn the_migration_trees_have_the_same_names() {
    let [postgres, sqlite] = TREES.map(names_in);
    assert_eq!(
        lonely(&postgres, &sqlite),
        Vec::<String>::new(),
        "in one migration tree only"
    );
    for migration in migrations() {
        assert!(read(&migration).is_some(), "{migration} is missing");
    }
}

#[test]
fn every_column_is_explained() {
    let sources: Vec<Source> = migrations().iter().filter_map(|path| read(path)).collect();
    assert_none(sources.iter().flat_map(unexplained_columns).collect());
}

#[test]
fn the_migration_rules_can_fail() {
    let text = "-- a table, with (brackets), in its comment\n\
                CREATE TABLE a (\n  -- why\n  one text,\n\n\
                  two text DEFAULT ',--',\n\
                  three text -- because\n    CHECK (three IN ('a', 'b')),\n\
                  four text CHECK (four > 0),\n\
                  CONSTRAINT c UNIQUE (one, two)\n);\n\
                CREATE INDEX i ON a (one);\nALTER TABLE a ADD COLUMN five text;\n";
    let migration = Source::new("up.sql", text);
    let names: Vec<String> = columns(&scan(text).0)
        .into_iter()
        .map(|(_, _, name)| name)
        .collect();
    assert_eq!(names, ["one", "two", "three", "four", "five"]);
    assert_eq!(lines_of(&unexplained_columns(&migration)), [6, 9, 13]);

    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(lonely(&names(&["a", "b"]), &names(&["b", "c"])), ["a", "c"]);
}
