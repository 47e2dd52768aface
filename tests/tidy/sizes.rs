//! How long a file, a function and a line may be, and how they spread.

use crate::lexer;
use crate::tree::{Offence, Source, assert_none, lines_of, numbered, rust_sources, sources};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 100;

fn long_files(sources: &[Source]) -> Vec<Offence> {
    sources
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(source, lines)| source.offence(lines, format!("{lines} lines in one file")))
        .collect()
}

fn long_functions(sources: &[Source]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources {
        for function in lexer::functions(&source.code()) {
            if function.lines > FUNCTION_LINES_MAX {
                let what = format!("fn {} has {} lines", function.name, function.lines);
                found.push(source.offence(function.line, what));
            }
        }
    }
    found
}

fn long_lines(sources: &[Source]) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in sources {
        for (line, text) in numbered(&source.text) {
            let chars = text.chars().count();
            if chars > LINE_CHARS_MAX {
                found.push(source.offence(line, format!("{chars} characters")));
            }
        }
    }
    found
}

fn percentile(sorted: &[usize], percent: usize) -> usize {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}

#[test]
fn files_are_short() {
    assert_none(long_files(&rust_sources()));
}

#[test]
fn functions_are_short() {
    assert_none(long_functions(&rust_sources()));
}

#[test]
fn lines_are_short() {
    let mut sources = sources();
    sources.retain(|source| source.has_extension(&["rs", "sh", "sql"]));
    assert_none(long_lines(&sources));
}

#[test]
fn sizes_are_shown() {
    let sources = rust_sources();
    let mut files: Vec<usize> = sources
        .iter()
        .map(|source| source.text.lines().count())
        .collect();
    let mut functions: Vec<usize> = sources
        .iter()
        .flat_map(|source| lexer::functions(&source.code()))
        .map(|function| function.lines)
        .collect();
    for (what, lines) in [("files", &mut files), ("functions", &mut functions)] {
        lines.sort_unstable();
        println!(
            "{} {what}: median {}, p90 {}, max {} lines",
            lines.len(),
            percentile(lines, 50),
            percentile(lines, 90),
            percentile(lines, 100),
        );
    }
}

#[test]
fn the_size_rules_can_fail() {
    let file = |lines: usize| Source::new("a.rs", &"x\n".repeat(lines));
    assert_eq!(long_files(&[file(FILE_LINES_MAX)]), []);
    assert_eq!(long_files(&[file(FILE_LINES_MAX + 1)]).len(), 1);

    let function = |lines: usize| {
        Source::new(
            "a.rs",
            &format!("\nfn f() {{\n{}}}\n", "x;\n".repeat(lines - 2)),
        )
    };
    assert_eq!(long_functions(&[function(FUNCTION_LINES_MAX)]), []);
    assert_eq!(
        lines_of(&long_functions(&[function(FUNCTION_LINES_MAX + 1)])),
        [2]
    );

    let line = |chars: usize| Source::new("a.rs", &format!("\n{}\n", "원".repeat(chars)));
    assert_eq!(long_lines(&[line(LINE_CHARS_MAX)]), []);
    assert_eq!(lines_of(&long_lines(&[line(LINE_CHARS_MAX + 1)])), [2]);

    assert_eq!(percentile(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 90), 10);
}
