//! Owns the rule that free text holds no card number, however people write one.

/// The digits of a card number, by ISO/IEC 7812.
const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;
/// How much may stand between two groups that belong together.
const GAP_MAX: usize = 3;
/// No group but the last is shorter where a number is written in groups: 4-4-4-4, 4-6-5, 4-6-4.
const GROUP_MIN: usize = 4;

/// Whether text holds a card number: 13-19 digits with a known prefix and a valid Luhn sum, as one
/// group or in several, also between other numbers such as its month of expiry. Identifiers are
/// exempt: opaque keys contain digits that pass by chance.
#[must_use]
pub fn is_in(text: &str) -> bool {
    let mut run: Vec<Vec<u8>> = Vec::new();
    let mut gap = 0_usize;
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            match run.last_mut() {
                Some(group) if gap == 0 => group.push(digit),
                Some(_) | None => run.push(vec![digit]),
            }
            gap = 0;
        } else if is_separator(c) && gap < GAP_MAX {
            gap = gap.saturating_add(1);
        } else {
            if is_in_run(&run) {
                return true;
            }
            run.clear();
            gap = 0;
        }
    }
    is_in_run(&run)
}

/// Also as Korean keyboards write it in full width.
fn digit(c: char) -> Option<u8> {
    let plain = match c {
        '\u{ff10}'..='\u{ff19}' => u32::from(c).checked_sub(0xff10),
        c => c.to_digit(10),
    };
    plain.and_then(|digit| u8::try_from(digit).ok())
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '\u{2010}'..='\u{2015}' | '\u{ff0d}')
}

/// Groups that follow each other: all of them, where they are of one length, or some that are
/// grouped as cards are. A date and a telephone number are neither.
fn is_in_run(run: &[Vec<u8>]) -> bool {
    if are_alike(run) && is_number(&run.concat()) {
        return true;
    }
    (0..run.len()).any(|start| {
        let mut digits = Vec::new();
        for group in run.iter().skip(start) {
            digits.extend_from_slice(group);
            if is_number(&digits) {
                return true;
            }
            if group.len() < GROUP_MIN || digits.len() >= DIGITS_MAX {
                return false;
            }
        }
        false
    })
}

/// Whether all groups but the last have as many digits as the first.
fn are_alike(run: &[Vec<u8>]) -> bool {
    let length = run.first().map(Vec::len);
    let mut before = run.iter().rev().skip(1);
    before.all(|group| Some(group.len()) == length)
}

fn is_number(digits: &[u8]) -> bool {
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) && has_prefix(digits) && luhn_holds(digits)
}

/// Visa 4, Mastercard 2 and 5, American Express and JCB 3, Discover, `UnionPay` and local 6, and
/// 9 for Korean domestic cards.
fn has_prefix(digits: &[u8]) -> bool {
    matches!(digits.first(), Some(2..=6 | 9))
}

fn luhn_holds(digits: &[u8]) -> bool {
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0_u32, |sum, (place, digit)| {
            let value = u32::from(*digit);
            let doubled = if place % 2 == 1 {
                value.saturating_mul(2)
            } else {
                value
            };
            let reduced = if doubled > 9 {
                doubled.saturating_sub(9)
            } else {
                doubled
            };
            sum.saturating_add(reduced)
        });
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_found_as_people_write_them() {
        for text in [
            "4111111111111111",
            "카드 4111-1111-1111-1111 로",
            "5555 5555 5555 4444",
            "4111 1111 1111 1111 12/27",
            "4111111111111111 123",
            "5555 5555 5555 4444 09",
            "1 4111111111111111",
            "2 5555 5555 5555 4444",
            "010-1234-5678 4111.1111.1111.1111",
            "4111  1111  1111  1111",
            "4111 - 1111 - 1111 - 1111",
            "４１１１１１１１１１１１１１１１",
            "4111\u{3000}1111\u{2013}1111\u{a0}1111",
            "3782 822463 10005",
            "30569309025904",
            "41-11-11-11-11-11-11-11",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "카드:4111111111111111입니다",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_cards() {
        for text in [
            "",
            "010-1234-5678",
            "20261121010203",
            "4111111111111112",
            "1111111111111117",
            "4111 1111 1111",
            "4111/1111/1111/1111",
            "2026-11-21 010-1234-5678",
            "010-1234-5678, 010-8765-4321, 02-123-4567",
            "111-11-111111 / 222-22-222222 / 4111-1111",
            "41111111111111111111111",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
