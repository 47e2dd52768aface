//! Owns how a scenario names orders: text with `*` for anything and `?` for one character.

use serde::{Deserialize, Serialize};

/// A text that stands for many.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pattern(String);

impl Pattern {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the whole text is meant.
    pub(super) fn means(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        // How far a prefix of the pattern can reach: true at every length it matches.
        let mut reached = vec![false; text.len().saturating_add(1)];
        reached[0] = true;
        for wanted in self.0.chars() {
            let mut next = vec![false; reached.len()];
            if wanted == '*' {
                let mut open = false;
                for (at, reach) in reached.iter().enumerate() {
                    open |= reach;
                    next[at] = open;
                }
            } else {
                for (at, (actual, reach)) in text.iter().zip(&reached).enumerate() {
                    let fits = wanted == '?' || wanted == *actual;
                    next[at.saturating_add(1)] = *reach && fits;
                }
            }
            reached = next;
        }
        reached.last() == Some(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_and_question_marks_stand_for_other_text() {
        let cases = [
            ("order-0001", "order-0001", true),
            ("order-0001", "order-00011", false),
            ("lost-*", "lost-", true),
            ("lost-*", "lost-and-found", true),
            ("lost-*", "not-lost-1", false),
            ("*lost*", "not-lost-1", true),
            ("order-?", "order-7", true),
            ("order-?", "order-", false),
            ("*a*b*a", "xxaxxbxxa", true),
            ("*a*b*a", "xxaxxbxx", false),
            ("*", "", true),
            ("셔츠*", "셔츠 두 장", true),
            ("?츠", "셔츠", true),
        ];
        for (pattern, text, means) in cases {
            assert_eq!(
                Pattern(pattern.to_owned()).means(text),
                means,
                "{pattern} {text}"
            );
        }
        let hard = Pattern(format!("{}b", "*a".repeat(40)));
        assert!(!hard.means(&"a".repeat(100)), "and in bounded time");
    }
}
