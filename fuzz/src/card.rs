//! Owns the rule about card numbers, a second time: by a table, on whole groups of digits.

/// What a digit counts when it is doubled.
const DOUBLED: [u32; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

/// Whether a text holds what could be a card number: 13 to 19 digits with single blanks or dashes
/// between them at most.
pub(crate) fn is_in(text: &str) -> bool {
    let mut rest = text;
    loop {
        let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) else {
            return false;
        };
        let (_, from) = rest.split_at(begin);
        let (digits, after) = group(from);
        if could_be_one(&digits) {
            return true;
        }
        rest = after;
    }
}

/// The digits that belong together, and what follows them.
fn group(text: &str) -> (Vec<usize>, &str) {
    let mut digits = Vec::new();
    let mut rest = text;
    loop {
        let bare = rest.strip_prefix([' ', '-']).unwrap_or(rest);
        let candidate = if digits.is_empty() { rest } else { bare };
        let mut chars = candidate.chars();
        let digit = chars.next().and_then(|c| c.to_digit(10));
        let Some(digit) = digit.and_then(|digit| usize::try_from(digit).ok()) else {
            return (digits, rest);
        };
        digits.push(digit);
        rest = chars.as_str();
    }
}

fn could_be_one(digits: &[usize]) -> bool {
    let known = matches!(digits.first(), Some(2 | 3 | 4 | 5 | 6 | 9));
    let mut sum = 0_u32;
    for (place, digit) in digits.iter().rev().enumerate() {
        let counts = match (place % 2, u32::try_from(*digit)) {
            (0, Ok(digit)) => digit,
            _ => DOUBLED.get(*digit).copied().unwrap_or_default(),
        };
        sum = sum.saturating_add(counts);
    }
    known && (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}
