//! Owns amounts on the wire: decimal numbers of whole currency units, never through a float.

use domain::money::{Currency, Money};
use serde_json::value::RawValue;

/// Reads the text of a JSON number. `None` for anything that is not exactly an amount: negative,
/// finer than the currency's minor unit, over the limit.
pub(super) fn parse(text: &str, currency: Currency) -> Option<Money> {
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Money::zero(currency));
    }
    let dropped = digits.len().checked_sub(significant.len())?;
    // How many zeros the significant digits need to become minor units.
    let zeros = power
        .checked_add(i32::try_from(currency.exponent()).ok()?)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?
        .checked_add(i32::try_from(dropped).ok()?)?;
    let scale = 10_i64.checked_pow(u32::try_from(zeros).ok()?)?;
    let minor = significant.parse::<i64>().ok()?.checked_mul(scale)?;
    Money::new(minor, currency).ok()
}

/// Writes an amount as a JSON number with every digit exact.
pub(super) fn print(money: Money) -> Box<RawValue> {
    let exponent = usize::try_from(money.currency().exponent()).expect("exponents are small");
    let width = exponent.saturating_add(1);
    let mut text = format!("{:0width$}", money.minor());
    if exponent > 0 {
        text.insert(text.len().saturating_sub(exponent), '.');
    }
    RawValue::from_string(text).expect("digits with one point are a JSON number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(text: &str, currency: Currency) -> Option<i64> {
        parse(text, currency).map(Money::minor)
    }

    #[test]
    fn reads_exactly() {
        for (text, expected) in [
            ("0", 0),
            ("0.00", 0),
            ("1000", 1_000),
            ("1000.0", 1_000),
            ("1000.000", 1_000),
            ("1e3", 1_000),
            ("1.5E+3", 1_500),
            ("150000e-2", 1_500),
            ("9007199254740991", Money::MINOR_MAX),
        ] {
            assert_eq!(minor(text, Currency::Krw), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("181.56", 18_156),
            ("181.5", 18_150),
            ("181", 18_100),
            ("0.01", 1),
            ("0.1", 10),
            // Sixteen digits: a float would round the last cent.
            ("90071992547409.91", Money::MINOR_MAX),
        ] {
            assert_eq!(minor(text, Currency::Usd), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_exactly_an_amount() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "-0",
            "+1",
            "1000.5",
            "1 000",
            "1,000",
            "0x10",
            "1e",
            "1e-1",
            "NaN",
            "9007199254740992",
            "1e400",
            "1e2147483648",
            "99999999999999999999",
            "1.2.3",
            "１０００",
        ] {
            assert_eq!(minor(text, Currency::Krw), None, "{text}");
        }
        assert_eq!(minor("181.567", Currency::Usd), None);
        assert_eq!(minor("0.001", Currency::Usd), None);
    }

    #[test]
    fn what_is_written_reads_back() {
        for currency in Currency::ALL {
            for minor in [0, 1, 9, 10, 99, 100, 101, 18_156, 33_000, Money::MINOR_MAX] {
                let money = Money::new(minor, currency).unwrap();
                assert_eq!(parse(print(money).get(), currency), Some(money), "{money}");
            }
        }
        let cents = Money::new(5, Currency::Usd).unwrap();
        assert_eq!(print(cents).get(), "0.05");
        let won = Money::new(33_000, Currency::Krw).unwrap();
        assert_eq!(print(won).get(), "33000");
    }
}
