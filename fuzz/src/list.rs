//! Owns what must hold of the gateway's list: every line is listed as it stands, counted as
//! unreadable, or about no money; and the next page begins after a line that is there.

use std::collections::HashSet;
use std::sync::LazyLock;

use payflow::adapters::gateway::toss::Toss;
use serde_json::value::RawValue;

use crate::answer::{Fields, Thrown, text};
use crate::input::Here;

static HERE: LazyLock<Here> = LazyLock::new(Here::new);

pub(crate) fn run(bytes: &[u8]) {
    let thrown = Thrown::read(bytes);
    let Ok(page) = HERE.wait(Toss::understand_list(thrown.response())) else {
        return;
    };
    assert!(
        thrown.status == 200 && thrown.is_json(),
        "{}",
        thrown.status
    );
    // What is not read may be no text.
    let body = String::from_utf8_lossy(thrown.body);
    let rows: Vec<&RawValue> = serde_json::from_str(&body).expect("it was read");
    let told = page.listed.len().saturating_add(page.unreadable);
    assert!(told <= rows.len(), "{told} of {}", rows.len());
    let fields = rows.iter().map(|row| serde_json::from_str(row.get()));
    let fields: Vec<Fields> = fields.filter_map(Result::ok).collect();
    let zero = fields
        .iter()
        .filter(|row| text(row, "amount").parse() == Ok(0.0_f64));
    let possible = told.saturating_add(zero.count());
    assert!(possible >= rows.len(), "{told} of {}", rows.len());
    let texts =
        |name: &str| -> HashSet<String> { fields.iter().map(|row| text(row, name)).collect() };
    let (movements, payments) = (texts("transactionKey"), texts("paymentKey"));
    for listed in &page.listed {
        assert!(
            movements.contains(listed.transaction_key.as_str()),
            "{listed:?}"
        );
        assert!(payments.contains(listed.payment_key.as_str()), "{listed:?}");
    }
    if let Some(next) = &page.next {
        assert!(movements.contains(next.as_str()), "{next}");
    } else {
        assert_eq!(page.listed.len(), 0, "no way on after {:?}", page.listed);
    }
}
