//! Owns the rules, said a second time and shorter: what each cell has to be answered with. Of the
//! table of routes they know who may call; how that is enforced they do not.

use payflow::presentation::router::{Named, Principal, Route};
use reqwest::Method;

use super::callers::{A, B, Caller, Is, Tenant};

/// Whose an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) tenant: Tenant,
    /// The member that a payment, a billing key or a subscription names.
    pub(super) member: Option<&'static str>,
}

/// What the path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// The route's path names none.
    Unnamed,
    Of(Whose),
    /// A word that is everybody's, for what is each caller's own.
    Word,
    /// It could be one, and is none.
    Missing,
    /// The id of another kind of thing that is the caller's.
    OtherKind,
    /// It cannot be one.
    Malformed,
}

/// What a cell is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Taken,
    Refused(u16, &'static str),
}

const fn of(tenant: Tenant, member: Option<&'static str>) -> Object {
    Object::Of(Whose { tenant, member })
}

const PAYMENTS: &[Object] = &[
    of(Tenant::One, Some(A)),
    of(Tenant::One, Some(B)),
    of(Tenant::One, None),
    of(Tenant::Two, Some(A)),
    of(Tenant::Live, Some(A)),
    of(Tenant::Suspended, Some(A)),
    Object::Missing,
    Object::OtherKind,
    Object::Malformed,
];
/// Each has a member.
const BILLED: &[Object] = &[
    of(Tenant::One, Some(A)),
    of(Tenant::One, Some(B)),
    of(Tenant::Two, Some(A)),
    of(Tenant::Live, Some(A)),
    of(Tenant::Suspended, Some(A)),
    Object::Missing,
    Object::OtherKind,
    Object::Malformed,
];
/// A merchant's own things: API keys, webhook endpoints.
const MERCHANTS: &[Object] = &[
    of(Tenant::One, None),
    of(Tenant::Two, None),
    of(Tenant::Live, None),
    of(Tenant::Suspended, None),
    Object::Missing,
    Object::OtherKind,
    Object::Malformed,
];
/// What is presented is the object at once.
const TOKENS: &[Object] = &[
    of(Tenant::One, None),
    of(Tenant::Two, None),
    of(Tenant::Live, None),
    of(Tenant::Suspended, None),
    Object::Missing,
    Object::OtherKind,
    Object::Malformed,
];
const SWITCHES: &[Object] = &[Object::Word, Object::Missing, Object::Malformed];

/// Everything that such a path is tried with.
pub(super) fn objects(route: &Route) -> &'static [Object] {
    match route.named {
        Named::Nothing => &[Object::Unnamed],
        Named::Payment if charges(route) => BILLED,
        Named::Payment => PAYMENTS,
        Named::BillingKey | Named::Subscription => BILLED,
        Named::Member => &[Object::Word],
        Named::ApiKey | Named::Endpoint => MERCHANTS,
        Named::HookToken => TOKENS,
        Named::Switch => SWITCHES,
    }
}

/// What is told about an object that is not there, or not for this caller.
pub(super) const fn not_there(named: Named) -> (u16, &'static str) {
    match named {
        Named::Nothing | Named::Member => (404, "ROUTE_NOT_FOUND"),
        Named::Payment => (404, "PAYMENT_NOT_FOUND"),
        Named::ApiKey => (404, "API_KEY_NOT_FOUND"),
        Named::Endpoint => (404, "WEBHOOK_ENDPOINT_NOT_FOUND"),
        Named::BillingKey => (404, "BILLING_KEY_NOT_FOUND"),
        Named::Subscription => (404, "SUBSCRIPTION_NOT_FOUND"),
        Named::Switch => (404, "SWITCH_NOT_FOUND"),
        Named::HookToken => (404, "HOOK_UNKNOWN"),
    }
}

pub(super) const NOT_FOR_PAGES: (u16, &str) = (403, "API_KEY_PUBLISHABLE");
pub(super) const NOT_FOR_MEMBERS: (u16, &str) = (403, "MEMBER_FORBIDDEN");
pub(super) const FOR_MEMBERS_ONLY: (u16, &str) = (403, "MEMBER_REQUIRED");

/// What is told to who is somebody, but not one of those whom the route takes.
pub(super) fn not_for(route: &Route, principal: Principal) -> (u16, &'static str) {
    let may_servers = route.principals.contains(&Principal::MerchantServer);
    match principal {
        Principal::Member => NOT_FOR_MEMBERS,
        Principal::MerchantPage if may_servers => NOT_FOR_PAGES,
        Principal::MerchantPage | Principal::MerchantServer => FOR_MEMBERS_ONLY,
        Principal::Anybody => panic!("who is anybody is not asked"),
        Principal::Gateway => panic!("who is a gateway shows it in the path"),
    }
}

/// Whether an object is within reach of who calls, as far as they are somebody.
pub(super) fn sees(is: Is, whose: Whose) -> bool {
    match is {
        Is::Refused(..) => false,
        Is::Server(tenant) | Is::Page(tenant) => tenant == whose.tenant,
        Is::Member(tenant, member) => tenant == whose.tenant && whose.member == Some(member),
    }
}

/// First who calls, then whether the route is for them, then whether the object is.
pub(super) fn expected(route: &Route, caller: &Caller, object: Object) -> Then {
    if route.principals.contains(&Principal::Anybody) {
        return Then::Taken;
    }
    // Whatever else is shown: a token in the path lets in, and nothing besides.
    if route.principals.contains(&Principal::Gateway) {
        let (status, code) = not_there(route.named);
        return match object {
            Object::Of(_) => Then::Taken,
            Object::Unnamed
            | Object::Word
            | Object::Missing
            | Object::OtherKind
            | Object::Malformed => Then::Refused(status, code),
        };
    }
    let principal = match caller.is {
        Is::Refused(status, code) => return Then::Refused(status, code),
        Is::Server(_) => Principal::MerchantServer,
        Is::Page(_) => Principal::MerchantPage,
        Is::Member(..) => Principal::Member,
    };
    if !route.principals.contains(&principal) {
        let (status, code) = not_for(route, principal);
        return Then::Refused(status, code);
    }
    let is_there = match object {
        Object::Unnamed | Object::Word => true,
        Object::Of(whose) => sees(caller.is, whose),
        Object::Missing | Object::OtherKind | Object::Malformed => false,
    };
    if is_there {
        Then::Taken
    } else {
        let (status, code) = not_there(route.named);
        Then::Refused(status, code)
    }
}

/// How often a request that is taken calls the gateway.
pub(super) fn calls(route: &Route) -> u64 {
    let calling = [
        "/approve",
        "/cancel",
        "/charge",
        "/issue",
        "/virtual-account",
    ];
    let moves = calling.iter().any(|end| route.path.ends_with(end));
    let deletes = route.named == Named::BillingKey && route.method == Method::DELETE;
    let subscribes = route.method == Method::POST && route.path.ends_with("/subscriptions");
    u64::from(moves || deletes || subscribes)
}

/// Whether the payment is one that a stored card pays.
pub(super) fn charges(route: &Route) -> bool {
    route.path.ends_with("/charge")
}

/// Whether the payment is one that a deposit pays.
pub(super) fn deposits(route: &Route) -> bool {
    route.path.ends_with("/virtual-account")
}

/// Whether a request that is taken is answered piece by piece, in no envelope.
pub(super) fn streams(route: &Route) -> bool {
    route.path.ends_with("/stream")
}

/// Whether a request that is taken, and does not only read, changes the row of what its path names.
pub(super) fn changes(route: &Route) -> bool {
    // A challenge is kept beside the payment that it is for.
    let besides = ["/step-up", "/redeliver"];
    let of_its_own = [Named::Nothing, Named::HookToken];
    !of_its_own.contains(&route.named) && !besides.iter().any(|end| route.path.ends_with(end))
}

/// Whether a request that is taken, and does not only read, commits anything.
pub(super) fn commits(route: &Route) -> bool {
    // Nothing was missed that could be sent again.
    !route.path.ends_with("/redeliver")
}
