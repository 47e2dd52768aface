//! Owns what the tests of the adapter have in common: an account, calls, short timeouts.

use std::time::Duration;

use domain::id::{GatewayOrderId, RawId};
use domain::money::{Currency, Money};
use domain::saga::{CancelCall, ConfirmCall};
use domain::text::PaymentKey;
use payflow::adapters::gateway::toss::{Settings, Timeouts, Toss};

pub(crate) const SECRET: &str = "test_sk_sandbox";

/// Short, so that a test of a timeout is over soon; each shorter than the next, so that the one
/// which is meant ends the call.
pub(crate) const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_millis(800),
    read: Duration::from_millis(1_200),
    total: Duration::from_secs(2),
};

pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        timeouts: TIMEOUTS,
        ..Settings::new(url, SECRET)
    }
}

pub(crate) fn toss(url: &str) -> Toss {
    Toss::new(settings(url)).unwrap()
}

pub(crate) fn krw(minor: i64) -> Money {
    Money::new(minor, Currency::Krw).unwrap()
}

pub(crate) fn order(number: u128) -> GatewayOrderId {
    GatewayOrderId::new(RawId::from_parts(1_700_000_000_000, number))
}

pub(crate) fn payment_key() -> PaymentKey {
    "tsims20260315103012kQ7Xa".parse().unwrap()
}

pub(crate) fn capture() -> ConfirmCall {
    ConfirmCall {
        key: "sag_1-1".parse().unwrap(),
        payment_key: payment_key(),
        order: order(1),
        amount: krw(33_000),
    }
}

pub(crate) fn refund() -> CancelCall {
    CancelCall {
        key: "sag_2-1".parse().unwrap(),
        payment_key: payment_key(),
        amount: krw(33_000),
        tax_free: None,
        refundable: krw(33_000),
        reason: "wrong capture given back [sag_2]".to_owned(),
        to: None,
    }
}
