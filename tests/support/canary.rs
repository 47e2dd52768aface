//! Finds words that must not be seen, in whichever form they were written down.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "places in texts of a few bytes, or of a log that is in memory"
)]

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Shorter ones would be found by chance.
const FORM_BYTES_MIN: usize = 8;
/// How much is shown on each side of a hit.
const SHOWN_BYTES_MAX: usize = 300;

/// Words that must not be seen.
pub(crate) struct Canaries {
    /// What each form belongs to.
    names: Vec<String>,
    finder: AhoCorasick,
    words: usize,
}

impl Canaries {
    /// Words, each with the name that is told when it is found.
    pub(crate) fn of<'a>(words: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let (mut names, mut patterns, mut count) = (Vec::new(), Vec::new(), 0);
        for (name, word) in words {
            assert!(!word.is_empty(), "{name} is empty");
            count += 1;
            for (how, form) in forms(word) {
                names.push(format!("{name}, {how}"));
                patterns.push(form);
            }
        }
        Self {
            names,
            finder: AhoCorasick::new(patterns).expect("a few short patterns"),
            words: count,
        }
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.words
    }

    /// Each form that is seen, once, with the line it is in.
    pub(crate) fn hits(&self, place: &str, said: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut hits = Vec::new();
        for found in self.finder.find_overlapping_iter(said) {
            if !seen.insert(found.pattern()) {
                continue;
            }
            let name = &self.names[found.pattern().as_usize()];
            let begin = said.floor_char_boundary(found.start().saturating_sub(SHOWN_BYTES_MAX));
            let end = said.ceil_char_boundary(found.end() + SHOWN_BYTES_MAX);
            hits.push(format!("{name}, in {place}: …{}…", &said[begin..end]));
        }
        hits
    }
}

/// A word as it is, and as programs write it where they do not mean to show it.
fn forms(word: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let each = |write: fn(&u8) -> String| word.iter().map(write).collect::<Vec<_>>();
    let text = str::from_utf8(word).unwrap_or_default();
    let escapes = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        Ok(_) | Err(_) => format!("\\u{unit:04x}"),
    };
    let mut forms = vec![
        ("in hex", each(|byte| format!("{byte:02x}")).concat()),
        ("in hex", each(|byte| format!("{byte:02X}")).concat()),
        ("as a list of bytes", each(u8::to_string).join(", ")),
        ("in a URL", percent(word, "%20")),
        ("in a form", percent(word, "+")),
        ("in a URL", lower(&percent(word, "%20"))),
        ("as an escaped byte string", word.escape_ascii().to_string()),
        ("as escaped characters", text.escape_unicode().to_string()),
        (
            "in escaped JSON",
            text.encode_utf16().map(escapes).collect(),
        ),
    ];
    for offset in 0..3 {
        forms.push(("in base64", within_base64(word, offset, &STANDARD)));
        forms.push(("in base64url", within_base64(word, offset, &URL_SAFE)));
    }
    // What is escaped once more, as JSON does with the text of somebody else.
    let again = forms.iter().filter(|(_, form)| form.contains('\\'));
    let again: Vec<_> = again
        .map(|(how, form)| (*how, form.replace('\\', "\\\\")))
        .collect();
    forms.extend(again);
    let mut known = BTreeSet::from([word.to_vec()]);
    let forms = forms
        .into_iter()
        .map(|(how, form)| (how, form.into_bytes()));
    let mut forms: Vec<_> = forms
        .filter(|(_, form)| form.len() >= FORM_BYTES_MIN && known.insert(form.clone()))
        .collect();
    forms.insert(0, ("as it is", word.to_vec()));
    forms
}

/// Everything but letters, digits and `-_.~` as `%XX`.
fn percent(word: &[u8], space: &str) -> String {
    let escaped = word.iter().map(|byte| match byte {
        b' ' => space.to_owned(),
        b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}

/// What was escaped in capitals, escaped in small letters; nothing else changes.
fn lower(escaped: &str) -> String {
    let mut parts = escaped.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (digits, rest) = part.split_at(2);
        format!("{text}%{}{rest}", digits.to_lowercase())
    })
}

/// The part of a longer text's base64 that the word alone decides, where it begins at `offset`
/// bytes after a group of three.
fn within_base64(word: &[u8], offset: usize, alphabet: &impl Engine) -> String {
    let text = alphabet.encode([&[0; 2][..offset], word].concat());
    let begin = (offset * 8).div_ceil(6);
    let end = (offset + word.len()) * 8 / 6;
    text[begin..end].to_owned()
}
