//! `docs/access.md`: its tables are written from the table of routes and the rules of the walk.

use std::path::Path;
use std::{env, fs};

use payflow::presentation::router::{Named, Principal, ROUTES, Reach, Route};

use super::callers::{CALLERS, Caller, Is, Shows};
use super::rules::{FOR_MEMBERS_ONLY, NOT_FOR_MEMBERS, NOT_FOR_PAGES, not_for, not_there};

const PAGE: &str = "docs/access.md";
/// Set to anything, it has the page written anew.
const WRITE: &str = "PAYFLOW_WRITE_DOCS";

fn answered((status, code): (u16, &str)) -> String {
    format!("{status} `{code}`")
}

const fn reached(principal: Principal) -> &'static str {
    match principal.reach() {
        Reach::Nothing => "yes",
        Reach::Merchant => "its merchant's",
        Reach::Member => "their own",
    }
}

const fn named(named: Named) -> &'static str {
    match named {
        Named::Nothing => "",
        Named::Payment => "a payment",
        Named::ApiKey => "an API key",
        Named::Endpoint => "a webhook endpoint",
        Named::BillingKey => "a billing key",
        Named::Subscription => "a subscription",
        Named::Member => "a member, by the merchant's id",
        Named::Switch => "a switch, by its word",
        Named::HookToken => "a token",
    }
}

/// What somebody of this kind is told on this route.
fn told(route: &Route, principal: Principal) -> String {
    let is_open = route.principals.contains(&Principal::Anybody);
    if is_open {
        return reached(Principal::Anybody).to_owned();
    }
    if route.principals.contains(&Principal::Gateway) {
        return "by the token".to_owned();
    }
    if route.principals.contains(&principal) {
        return reached(principal).to_owned();
    }
    match principal {
        Principal::Anybody | Principal::Gateway => nobody(),
        Principal::MerchantServer | Principal::MerchantPage | Principal::Member => {
            answered(not_for(route, principal))
        }
    }
}

/// What who shows nothing is told.
fn nobody() -> String {
    let shows_nothing = |caller: &&Caller| matches!(caller.shows, Shows::Nothing);
    match CALLERS.iter().find(shows_nothing).map(|caller| caller.is) {
        Some(Is::Refused(status, code)) => answered((status, code)),
        Some(Is::Server(_) | Is::Page(_) | Is::Member(..)) | None => panic!("nobody is refused"),
    }
}

fn routes() -> String {
    let mut text = "| route | its path names | secret key | publishable key | member's token | \
                    nothing shown |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for route in ROUTES {
        let [open, server, page, member, _] =
            Principal::ALL.map(|principal| told(route, principal));
        let (method, path, named) = (route.method, route.path, named(route.named));
        let row =
            format!("| `{method} {path}` | {named} | {server} | {page} | {member} | {open} |");
        text.push_str(&row.replace("|  |", "| |"));
        text.push('\n');
    }
    text
}

fn refusals() -> String {
    let mut text = "| who calls, or about what | is told |\n|---|---|\n".to_owned();
    let mut row = |what: &str, (status, code): (u16, &str)| {
        let row = format!("| {what} | {status} [`{code}`](errors/{code}.md) |\n");
        text.push_str(&row);
    };
    for caller in CALLERS {
        if let Is::Refused(status, code) = caller.is {
            row(caller.says, (status, code));
        }
    }
    for (what, answer) in [
        ("a publishable key, where it may not", NOT_FOR_PAGES),
        ("a member, where they may not", NOT_FOR_MEMBERS),
        ("a key, where only a member may", FOR_MEMBERS_ONLY),
    ] {
        row(what, answer);
    }
    for (what, named) in [
        (
            "a payment of another merchant, mode or member",
            Named::Payment,
        ),
        (
            "a payment that is not there, or an id that cannot be one's",
            Named::Payment,
        ),
        ("an API key of another merchant or mode", Named::ApiKey),
        (
            "an API key that is not there, or an id that cannot be one's",
            Named::ApiKey,
        ),
        (
            "a webhook endpoint of another merchant or mode",
            Named::Endpoint,
        ),
        (
            "a webhook endpoint that is not there, or an id that cannot be one's",
            Named::Endpoint,
        ),
        (
            "a billing key of another merchant, mode or member",
            Named::BillingKey,
        ),
        (
            "a billing key that is not there, or an id that cannot be one's",
            Named::BillingKey,
        ),
        (
            "a subscription of another merchant, mode or member",
            Named::Subscription,
        ),
        (
            "a subscription that is not there, or an id that cannot be one's",
            Named::Subscription,
        ),
        ("a word that is no switch's", Named::Switch),
        ("a token in the path that lets nothing in", Named::HookToken),
    ] {
        row(what, not_there(named));
    }
    text
}

/// The page with this text between the marks of this name.
fn with(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->\n"),
    );
    let (before, rest) = page.split_once(&begin).expect("a mark where it begins");
    let (_, after) = rest.split_once(&end).expect("a mark where it ends");
    format!("{before}{begin}{text}{end}{after}")
}

#[test]
fn the_page_of_access_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let wanted = with(&with(&page, "routes", &routes()), "refusals", &refusals());
    if env::var_os(WRITE).is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(
        page == wanted,
        "{PAGE} is not the table's; have it written, and review what changes:\n    \
         {WRITE}=1 cargo nextest run -p payflow --test sec page_of_access"
    );
}
