//! Just enough of Rust's grammar: comments, strings and characters out of the way, words, and
//! where each function begins and ends.

/// One function, by the lines of its signature and of its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// Replaces comments, strings and characters by spaces; every line and column stays in place.
pub(crate) fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let opaque = opaque_len(&chars[at..]);
        for &skipped in &chars[at..at + opaque] {
            out.push(if skipped == '\n' { '\n' } else { ' ' });
        }
        at += opaque;
        if opaque == 0 {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// How many characters from here on are a comment, a string or a character; 0 for code.
fn opaque_len(rest: &[char]) -> usize {
    match rest {
        ['/', '/', ..] => find(rest, |c| c == '\n'),
        ['/', '*', ..] => block_comment_len(rest),
        ['"', ..] => quoted_len(rest, '"'),
        ['r', '"' | '#', ..] => raw_string_len(rest),
        // 'x' and '\n' are characters, 'x without a second quote is a lifetime.
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted_len(rest, '\''),
        _ => 0,
    }
}

fn find(rest: &[char], wanted: impl Fn(char) -> bool) -> usize {
    rest.iter().position(|c| wanted(*c)).unwrap_or(rest.len())
}

fn block_comment_len(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_len(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    rest.len().min(at + 1)
}

/// `r"…"`, `r#"…"#`, …; 0 for a raw identifier.
fn raw_string_len(rest: &[char]) -> usize {
    let hashes = find(&rest[1..], |c| c != '#');
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let close: Vec<char> = std::iter::once('"').chain(vec!['#'; hashes]).collect();
    let body = &rest[2 + hashes..];
    let end = body
        .windows(close.len())
        .position(|window| window == close)
        .unwrap_or(body.len());
    rest.len().min(2 + hashes + end + close.len())
}

/// The words of one blanked line.
pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !is_word(c))
        .filter(|word| !word.is_empty())
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every function with a body, nested ones too.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        let named = code[start + 3..].starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !named || code[..start].ends_with(is_word) {
            continue;
        }
        let Some(end) = body_end(&code[start..]) else {
            continue;
        };
        let name = words(&code[start + 3..]).next().unwrap_or_default();
        found.push(Function {
            name: name.to_owned(),
            line: 1 + code[..start].matches('\n').count(),
            lines: 1 + code[start..start + end].matches('\n').count(),
        });
    }
    found
}

/// Where the body that follows a signature closes; None for a signature without a body.
fn body_end(signature: &str) -> Option<usize> {
    let (mut round, mut curly) = (0_i32, 0_i32);
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            '{' => curly += 1,
            '}' => curly -= 1,
            _ => {}
        }
        match c {
            ';' if round == 0 && curly == 0 => return None,
            '}' if curly == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[test]
fn blanking_keeps_code_lines_and_columns() {
    let text =
        "let a = \"x // y\\\"\"; // note\nlet b = r#\"\"z\"\n\"#; /* a /* b */ c */ let c = 'q';";
    let blanked = blank(text);
    assert_eq!(blanked.chars().count(), text.chars().count());
    let squeezed: Vec<&str> = blanked.split_whitespace().collect();
    assert_eq!(squeezed.join(" "), "let a = ; let b = ; let c = ;");
    assert_eq!(blanked.matches('\n').count(), 2);
}

#[test]
fn blanking_leaves_lifetimes_and_raw_identifiers() {
    let text = "fn r#in<'a>(x: &'a str) -> &'a str { f('\\'', '{', x) }";
    assert_eq!(
        blank(text),
        "fn r#in<'a>(x: &'a str) -> &'a str { f(    ,    , x) }"
    );
}

#[test]
fn functions_are_measured_from_signature_to_brace() {
    let code = "trait T {\n fn a(&self, x: [u8; 2]);\n fn b() {\n  if x {\n  }\n }\n}\nfn c() {}\n";
    let found = functions(code);
    assert_eq!(
        found,
        [
            Function {
                name: "b".to_owned(),
                line: 3,
                lines: 4
            },
            Function {
                name: "c".to_owned(),
                line: 8,
                lines: 1
            },
        ]
    );
}
