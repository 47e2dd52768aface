//! Owns the tests of the card company's adapter: what every answer and every failure is taken for.

mod answers;
mod sandbox;
mod silence;

use domain::id::GatewayOrderId;
use domain::saga::ConfirmCall;
use payflow::adapters::gateway::card_company::{CardCompany, Settings};

use crate::support::{TIMEOUTS, krw, order};

const NAME: &str = "작은 서점";

fn card_company(url: &str) -> CardCompany {
    CardCompany::new(Settings {
        base_url: url.to_owned(),
        merchant_name: NAME.to_owned(),
        timeouts: TIMEOUTS,
        active: true,
    })
    .unwrap()
}

/// As the saga makes it: there the payment key is the order.
fn capture_of(order: GatewayOrderId, n: u32) -> ConfirmCall {
    ConfirmCall {
        key: format!("sag_1-{n}").parse().unwrap(),
        payment_key: order.to_string().parse().unwrap(),
        order,
        amount: krw(33_000),
    }
}

fn capture() -> ConfirmCall {
    capture_of(order(1), 1)
}
