//! Owns the text form of the place where a page of payments continues.

use application::ports::store::PageAfter;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The last microsecond that a calendar with four digits for the year has. The databases know
/// fewer days than the type does: later ones, and those before 1970, are in no cursor of ours.
const MICROS_MAX: i64 = 253_402_300_799_999_999;

/// The cursor of the page after this row.
#[must_use]
pub fn written(after: &PageAfter) -> String {
    let text = format!("{}.{}", after.created_at.timestamp_micros(), after.id);
    URL_SAFE_NO_PAD.encode(text)
}

/// The row that a cursor of ours names; a text that is written otherwise is none.
#[must_use]
pub fn read(cursor: &str) -> Option<PageAfter> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (micros, id) = text.split_once('.')?;
    let micros = micros.parse().ok()?;
    let known = (0..=MICROS_MAX).contains(&micros);
    let created_at = chrono::DateTime::from_timestamp_micros(micros).filter(|_| known)?;
    let id = id.parse().ok()?;
    let after = PageAfter { created_at, id };
    (written(&after) == cursor).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "pay_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3";

    fn of(text: &str) -> Option<PageAfter> {
        read(&URL_SAFE_NO_PAD.encode(text))
    }

    #[test]
    fn a_cursor_names_the_row_that_it_was_made_of() {
        for micros in [0, 1_700_000_000_000_001, MICROS_MAX] {
            let created_at = chrono::DateTime::from_timestamp_micros(micros).unwrap();
            let id = ID.parse().unwrap();
            let after = PageAfter { created_at, id };
            assert_eq!(read(&written(&after)), Some(after));
        }
    }

    #[test]
    fn a_foreign_cursor_is_none() {
        for text in [
            String::new(),
            ID.to_owned(),
            format!(".{ID}"),
            format!("5.{ID}.{ID}"),
            format!("-1.{ID}"),
            format!("+5.{ID}"),
            format!("05.{ID}"),
            format!("5.0.{ID}"),
            format!("253402300800000000.{ID}"),
            // Days that PostgreSQL does not have.
            format!("-8334601228800000000.{ID}"),
            format!("9223372036854775808.{ID}"),
            format!("5.{}", ID.to_uppercase()),
        ] {
            assert_eq!(of(&text), None, "{text}");
        }
        let good = URL_SAFE_NO_PAD.encode(format!("5.{ID}"));
        assert!(read(&good).is_some());
        for wrong in [format!("{good}="), format!(" {good}"), format!("{good}!")] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
