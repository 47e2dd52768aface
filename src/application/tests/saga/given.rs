//! Owns what every simulated installation begins with: a tenant, its account, an order, timings.

use std::time::Duration;

use application::{Caller, Evidence, Prepare, Timings};
use domain::change::Change;
use domain::id::{GatewayAccountId, MerchantId, RawId};
use domain::merchant::{GatewayAccount, Merchant};
use domain::money::{Currency, Money};
use domain::payment::{Customer, Kind};
use domain::principal::{Actor, Mode, Scope};
use domain::trace::Trace;

use crate::world::{AMOUNT, START};

pub(crate) fn scope(id: RawId) -> Scope {
    Scope {
        merchant: MerchantId::new(id),
        mode: Mode::Test,
    }
}

pub(crate) fn tenant(scope: Scope) -> Change {
    let (name, currencies) = ("shop".parse().unwrap(), "KRW".parse().unwrap());
    let tenant = Merchant::new(scope.merchant, name, currencies, START);
    Change::InsertMerchant(tenant)
}

pub(crate) fn account(scope: Scope, id: RawId) -> GatewayAccount {
    GatewayAccount {
        merchant_id: Some("tgen_script".to_owned()),
        ..GatewayAccount::new(GatewayAccountId::new(id), scope, START)
    }
}

pub(crate) fn timings() -> Timings {
    Timings {
        recovery_every: Duration::from_secs(10),
        cycles_every: Duration::from_secs(20),
        watch_every: Duration::from_secs(20),
        watch_grace: Duration::from_secs(1),
        ..Timings::default()
    }
}

pub(crate) fn merchant(scope: Scope) -> Caller {
    Caller {
        scope,
        actor: Actor::Merchant,
        member: None,
        key: None,
        issuer: None,
        evidence: Evidence::default(),
        trace: Trace::begun(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
    }
}

pub(crate) fn order() -> Prepare {
    Prepare {
        kind: Kind::OneOff,
        method: None,
        order_id: "order-0001".parse().unwrap(),
        order_name: "생수 외 1건".parse().unwrap(),
        amount: Money::new(AMOUNT, Currency::Krw).unwrap(),
        tax_free: Some(Money::new(3_000, Currency::Krw).unwrap()),
        customer: Customer::default(),
        lifetime: Some(Duration::from_hours(24)),
    }
}
