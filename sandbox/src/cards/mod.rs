//! Owns the test cards: the only numbers the window takes, and what each of them leads to.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Language, Refusal};
use crate::faults::Step;

/// All begin with twelve zeros: the first digit 0 is no card network's, so that none of them can
/// ever be somebody's card, and the masked form still tells them apart.
static CARDS: LazyLock<Vec<TestCard>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("cards.json")).expect("the embedded cards are valid")
});

/// A card number and its story.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TestCard {
    number: String,
    /// In words where no code says it.
    #[serde(default)]
    ko: Option<String>,
    #[serde(default)]
    en: Option<String>,
    /// What the window refuses it with.
    #[serde(default)]
    pub(crate) window: Option<String>,
    /// What confirm answers.
    #[serde(default)]
    pub(crate) code: Option<String>,
    /// Whether parts can be given back.
    #[serde(default = "yes")]
    pub(crate) partial_cancelable: bool,
    /// What happens to the calls of its payment.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
}

/// All of them, in the order in which the window offers them.
pub(crate) fn all() -> &'static [TestCard] {
    &CARDS
}

/// The card with this number, typed with or without spaces and hyphens.
pub(crate) fn find(typed: &str) -> Option<&'static TestCard> {
    let digits: String = typed
        .chars()
        .filter(|character| !matches!(character, ' ' | '-'))
        .collect();
    CARDS.iter().find(|card| card.number == digits)
}

/// The card with this masked number: payments remember no other form.
pub(crate) fn masked_as(masked: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.masked() == masked)
}

impl TestCard {
    /// The first eight digits, four stars, three digits, one star.
    pub(crate) fn masked(&self) -> String {
        let part = |from, to| self.number.get(from..to).unwrap_or_default();
        format!("{}****{}*", part(0, 8), part(12, 15))
    }

    /// The number in groups of four, as it is printed on a card.
    pub(crate) fn grouped(&self) -> String {
        let part = |from, to| self.number.get(from..to).unwrap_or_default();
        let groups = [part(0, 4), part(4, 8), part(8, 12), part(12, 16)];
        groups.join(" ")
    }

    /// What it leads to, in words.
    pub(crate) fn story(&self, language: Language) -> String {
        let words = match language {
            Language::Korean => &self.ko,
            Language::English => &self.en,
        };
        match (words, &self.code) {
            (Some(words), _) => words.clone(),
            (None, Some(code)) => {
                let refusal = Refusal::of(code);
                format!("{} · {code}", refusal.message(language))
            }
            (None, None) => String::new(),
        }
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{all, find, masked_as};
    use crate::catalogue::{Language, Refusal};

    #[test]
    fn numbers_pass_the_check_digit_and_belong_to_nobody() {
        for card in all() {
            let digits: Vec<u32> = card.number.chars().filter_map(|c| c.to_digit(10)).collect();
            assert_eq!(
                (digits.len(), card.number.len()),
                (16, 16),
                "{}",
                card.number
            );
            assert!(card.number.starts_with("000000000000"), "{}", card.number);
            let sum: u32 = digits
                .iter()
                .enumerate()
                .map(|(index, digit)| match (index % 2, digit * 2) {
                    (0, doubled) if doubled > 9 => doubled - 9,
                    (0, doubled) => doubled,
                    _ => *digit,
                })
                .sum();
            assert_eq!(sum % 10, 0, "{}", card.number);
        }
    }

    #[test]
    fn each_card_is_found_by_number_and_by_mask_alone() {
        let masks: HashSet<String> = all().iter().map(super::TestCard::masked).collect();
        assert_eq!(masks.len(), all().len());
        for card in all() {
            for typed in [
                card.number.clone(),
                card.grouped(),
                card.grouped().replace(' ', "-"),
            ] {
                let found = find(&typed).expect("a test card");
                assert_eq!(found.number, card.number);
            }
            let seen = masked_as(&card.masked()).expect("a test card");
            assert_eq!(seen.number, card.number);
            assert_eq!(card.masked().matches('*').count(), 5, "{}", card.masked());
        }
        for other in [
            "",
            "0000",
            "4242424242424242",
            "9410001234567890",
            "0000000000000001",
        ] {
            assert!(find(other).is_none(), "{other}");
        }
    }

    #[test]
    fn every_card_has_a_documented_story_in_both_languages() {
        for card in all() {
            for language in [Language::Korean, Language::English] {
                assert!(!card.story(language).is_empty(), "{}", card.number);
            }
            for code in card.code.iter().chain(&card.window) {
                assert!(Refusal::documented(code).is_some(), "{code}");
            }
            for step in &card.steps {
                assert_eq!(step.check(), Ok(()), "{}", card.number);
            }
        }
    }
}
