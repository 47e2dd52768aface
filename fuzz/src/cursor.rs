//! Owns what must hold of cursors: one that is taken is written as it was, and names that row.

use application::ports::store::PageAfter;
use chrono::DateTime;
use domain::id::{PaymentId, RawId};
use payflow::presentation::cursor::{read, written};

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        if let Some(after) = read(text) {
            assert_eq!(written(&after), text, "another text for the same row");
            let micros = after.created_at.timestamp_micros();
            assert!((0..=253_402_300_799_999_999).contains(&micros), "{micros}");
        }
        // The text that is inside of one, so that more comes of it than wrong base64.
        let inside = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text);
        if let Some(after) = read(&inside) {
            let micros = after.created_at.timestamp_micros();
            assert_eq!(format!("{micros}.{}", after.id), text);
        }
    }
    if let Some(after) = row(bytes) {
        assert_eq!(read(&written(&after)), Some(after), "{after:?}");
    }
}

/// The row that these bytes stand for; none where no calendar has its time.
fn row(bytes: &[u8]) -> Option<PageAfter> {
    let (micros, random) = bytes.split_first_chunk::<8>()?;
    let (random, _) = random.split_first_chunk::<16>()?;
    let micros = u64::from_be_bytes(*micros) % 253_402_300_800_000_000;
    Some(PageAfter {
        created_at: DateTime::from_timestamp_micros(i64::try_from(micros).ok()?)?,
        id: PaymentId::new(RawId::from_parts(micros, u128::from_be_bytes(*random))),
    })
}
