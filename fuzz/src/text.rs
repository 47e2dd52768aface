//! Owns what must hold of the domain's texts: what is taken is kept as it came, and is what its
//! field says it is.

use std::fmt::Display;
use std::str::FromStr;

use domain::id::{
    ApiKeyId, DataKeyId, GatewayAccountId, GatewayOrderId, MerchantId, PaymentId, RawId, SagaId,
};
use domain::merchant::{Currencies, KeyKind, KeyText};
use domain::money::{Currency, Money};
use domain::payment::{Kind, PayStatus};
use domain::principal::{Actor, Mode};
use domain::switch::Operation;
use domain::text::{
    CancelReason, CustomerName, IdempotencyKey, KeyName, MemberId, MerchantName, OrderId,
    OrderName, PaymentKey, SwitchReason, TransactionKey,
};

use crate::card;

pub(crate) fn run(bytes: &[u8]) {
    if let Some(minor) = bytes.first_chunk::<8>() {
        amount(i64::from_be_bytes(*minor));
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    assert_eq!(domain::card::is_in(text), card::is_in(text), "{text:?}");
    free::<OrderName>(text, 100);
    free::<CancelReason>(text, 150);
    free::<SwitchReason>(text, 200);
    free::<CustomerName>(text, 100);
    free::<MerchantName>(text, 100);
    free::<KeyName>(text, 100);
    opaque::<MemberId>(text, 64);
    opaque::<PaymentKey>(text, 200);
    opaque::<TransactionKey>(text, 64);
    opaque::<IdempotencyKey>(text, 255);
    if kept::<OrderId>(text) {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        assert!(
            text.bytes().all(fine) && (6..=64).contains(&text.len()),
            "{text:?}"
        );
    }
    ids(text);
    words(text);
    let presented = KeyText::presented(text);
    assert!(text.starts_with(&presented.prefix()) && presented.prefix().chars().count() <= 12);
}

/// Whether it is taken; then it is shown as it came.
fn kept<T: FromStr + Display>(text: &str) -> bool {
    let read = text.parse::<T>().ok();
    let shown = read.map(|value| value.to_string());
    assert!(
        shown.as_ref().is_none_or(|shown| shown == text),
        "{text:?} became {shown:?}"
    );
    shown.is_some()
}

fn free<T: FromStr + Display>(text: &str, chars_max: usize) {
    if kept::<T>(text) {
        let chars = text.chars().count();
        assert!(!text.trim().is_empty() && chars <= chars_max, "{text:?}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!card::is_in(text), "{text:?}");
    }
}

fn opaque<T: FromStr + Display>(text: &str, bytes_max: usize) {
    if kept::<T>(text) {
        assert!((1..=bytes_max).contains(&text.len()), "{text:?}");
        assert!(
            text.bytes().all(|byte| (b'!'..=b'~').contains(&byte)),
            "{text:?}"
        );
    }
}

fn ids(text: &str) {
    let taken = [
        kept::<ApiKeyId>(text),
        kept::<DataKeyId>(text),
        kept::<GatewayAccountId>(text),
        kept::<GatewayOrderId>(text),
        kept::<MerchantId>(text),
        kept::<PaymentId>(text),
        kept::<RawId>(text),
        kept::<SagaId>(text),
    ];
    let kinds = taken.iter().filter(|taken| **taken).count();
    assert!(kinds <= 1, "{text:?} is of {kinds} kinds");
    assert!(kinds == 0 || [34, 38].contains(&text.len()), "{text:?}");
}

fn words(text: &str) {
    kept::<Actor>(text);
    kept::<Currency>(text);
    kept::<Kind>(text);
    kept::<Operation>(text);
    kept::<PayStatus>(text);
    if let Ok(currencies) = text.parse::<Currencies>() {
        // A set: once each, in an order of its own.
        let again = currencies.to_string().parse();
        assert!(
            again.is_ok_and(|again: Currencies| again == currencies),
            "{text:?}"
        );
    }
    let kind = text.parse::<KeyKind>();
    assert!(kind.is_ok_and(|kind| kind.as_str() == text) || text.parse::<KeyKind>().is_err());
    let mode = text.parse::<Mode>();
    assert!(mode.is_ok_and(|mode| mode.as_str() == text) || text.parse::<Mode>().is_err());
}

fn amount(minor: i64) {
    for currency in Currency::ALL {
        let money = Money::new(minor, currency);
        let possible = (0..=Money::MINOR_MAX).contains(&minor);
        assert_eq!(money.is_ok(), possible, "{minor}");
        assert!(money.is_ok_and(|money| money.minor() == minor) || !possible);
    }
}
