//! Owns the rule about card numbers, a second time: by a table, over every choice of neighbours.

/// What a digit counts when it is doubled.
const DOUBLED: [u32; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

/// Whether a text holds what could be a card number: 13 to 19 digits that stand together or in
/// groups, of which only the last is shorter than four digits, with up to three blanks, dashes or
/// dots between; or all groups that follow each other so, if all but the last are equally long.
pub(crate) fn is_in(text: &str) -> bool {
    runs(text).iter().any(|groups| {
        let whole = are_alike(groups) && could_be_one(&groups.concat());
        whole || neighbours(groups).any(|some| are_long(some) && could_be_one(&some.concat()))
    })
}

/// Every choice of groups that follow each other.
fn neighbours(groups: &[Vec<usize>]) -> impl Iterator<Item = &[Vec<usize>]> {
    (1..=groups.len()).flat_map(|count| groups.windows(count))
}

fn are_long(groups: &[Vec<usize>]) -> bool {
    groups
        .split_last()
        .is_some_and(|(_, before)| before.iter().all(|group| group.len() >= 4))
}

fn are_alike(groups: &[Vec<usize>]) -> bool {
    let before = groups.iter().rev().skip(1);
    let lengths: std::collections::BTreeSet<usize> = before.map(Vec::len).collect();
    lengths.len() <= 1
}

/// The groups of digits, apart where something else stands between.
fn runs(text: &str) -> Vec<Vec<Vec<usize>>> {
    let mut runs: Vec<Vec<Vec<usize>>> = Vec::new();
    let mut between: Option<usize> = None;
    for c in text.chars() {
        let Some(digit) = value(c) else {
            let still = between.filter(|count| *count < 3 && stands_between(c));
            between = still.map(|count| count.saturating_add(1));
            continue;
        };
        if between.is_none() {
            runs.push(Vec::new());
        }
        let groups = runs.last_mut();
        if let Some(groups) = groups {
            if between != Some(0) {
                groups.push(Vec::new());
            }
            groups
                .iter_mut()
                .next_back()
                .into_iter()
                .for_each(|group| group.push(digit));
        }
        between = Some(0);
    }
    runs
}

fn value(c: char) -> Option<usize> {
    let place = "0123456789".chars().position(|digit| digit == c);
    place.or_else(|| "０１２３４５６７８９".chars().position(|digit| digit == c))
}

fn stands_between(c: char) -> bool {
    c.is_whitespace() || "-.‐‑‒–—―－".contains(c)
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
