//! Owns in which language a visitor is answered, and how amounts and dates are written in it.

use crate::clock::{Timestamp, korean};

/// A language the shop speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// 한국어, also for who does not say.
    Korean,
    /// English.
    English,
}

impl Language {
    /// As it is written in addresses, cookies and `lang` attributes.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    /// The language of a tag like `ko` or `en-US`.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        [Self::Korean, Self::English]
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// Korean, unless an `Accept-Language` header prefers English.
    pub(crate) fn of_header(header: &str) -> Self {
        header
            .split(',')
            .filter_map(|range| {
                let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
                let weight = thousandths(weight);
                let language = Self::of_tag(tag)?;
                (weight > 0).then_some((weight, language))
            })
            // The first of those that weigh the most.
            .fold(None, |best: Option<(u32, Self)>, next| match best {
                Some(best) if best.0 >= next.0 => Some(best),
                Some(_) | None => Some(next),
            })
            .map_or(Self::Korean, |(_, language)| language)
    }

    /// An amount of won as people write it.
    pub(crate) fn won(self, amount: i64) -> String {
        match self {
            Self::Korean => format!("{}원", grouped(amount)),
            Self::English => format!("₩{}", grouped(amount)),
        }
    }

    /// A day in Korean time.
    pub(crate) fn day(self, at: Timestamp) -> String {
        let format = match self {
            Self::Korean => "%Y. %-m. %-d.",
            Self::English => "%-d %b %Y",
        };
        korean(at).format(format).to_string()
    }

    /// "Until" such a day.
    pub(crate) fn until(self, day: &str) -> String {
        match self {
            Self::Korean => format!("{day}까지"),
            Self::English => format!("until {day}"),
        }
    }

    /// An instant in Korean time, to the minute.
    pub(crate) fn moment(self, at: Timestamp) -> String {
        let format = match self {
            Self::Korean => "%Y. %-m. %-d. %H:%M",
            Self::English => "%-d %b %Y, %H:%M KST",
        };
        korean(at).format(format).to_string()
    }
}

/// The weight of `q=0.8` in thousandths; none given counts in full.
fn thousandths(weight: &str) -> u32 {
    let Some(number) = weight.trim().strip_prefix("q=") else {
        return 1000;
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole != "0" {
        return 1000;
    }
    let digits = format!("{fraction:0<3}");
    digits
        .get(..3)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// Digits in groups of three.
fn grouped(amount: i64) -> String {
    let digits = amount.to_string();
    let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
    for (place, digit) in digits.char_indices() {
        let left = digits.len().saturating_sub(place);
        if place > 0 && left % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_unless_english_is_preferred() {
        for korean in [
            "",
            "ko",
            "fr",
            "*",
            "ko-KR,en;q=0.8",
            "en;q=0.2, ko;q=0.9",
            "en;q=0",
        ] {
            assert_eq!(Language::of_header(korean), Language::Korean, "{korean}");
        }
        for english in ["en", "en-US,ko;q=0.5", "fr,en;q=0.1", "ko;q=0.3,EN;q=0.35"] {
            assert_eq!(Language::of_header(english), Language::English, "{english}");
        }
    }

    #[test]
    fn amounts_are_grouped() {
        for (amount, text) in [
            (0, "0원"),
            (999, "999원"),
            (1_000, "1,000원"),
            (33_000, "33,000원"),
            (1_234_567, "1,234,567원"),
        ] {
            assert_eq!(Language::Korean.won(amount), text);
        }
        assert_eq!(Language::English.won(33_000), "₩33,000");
    }

    #[test]
    fn moments_are_korean() {
        let at = "2026-11-21T15:30:00Z".parse().unwrap();
        assert_eq!(Language::Korean.moment(at), "2026. 11. 22. 00:30");
        assert_eq!(Language::English.moment(at), "22 Nov 2026, 00:30 KST");
    }
}
