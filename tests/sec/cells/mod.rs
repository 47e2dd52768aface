//! Who may do what to whose: every route, as everybody, with everybody's objects.

mod asked;
mod callers;
mod cards;
mod known;
mod page;
mod rules;
mod subscribed;
mod tokens;
mod world;

use std::collections::BTreeSet;

use payflow::presentation::document;
use payflow::presentation::router::{Named, PAGES, ROUTES, Route};
use reqwest::Method;

use crate::rig::{Answer, text};
use crate::support::report;
use callers::{A, CALLERS, Caller, Is};
use rules::{Object, Then, Whose, expected, objects};
use world::{State, Target, World};

/// There were this many when they were last counted; what is left out is missed.
const CELLS_MIN: usize = 4_200;
/// What a method that no route of the path takes is answered with, whoever asks.
const WRONG_METHOD: Then = Then::Refused(405, "METHOD_NOT_ALLOWED");

/// A route, asked in one of the ways that lead there.
struct Asked {
    method: Method,
    route: &'static Route,
    /// No route of this path has the method.
    is_wrong: bool,
}

impl Asked {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.route.path)
    }

    fn objects(&self) -> &'static [Object] {
        let all = objects(self.route);
        // Without a handler nothing is looked for.
        if self.is_wrong { &all[..1] } else { all }
    }

    fn only_reads(&self) -> bool {
        [Method::GET, Method::HEAD].contains(&self.method)
    }

    fn then(&self, caller: &Caller, object: Object) -> Then {
        if self.is_wrong {
            WRONG_METHOD
        } else {
            expected(self.route, caller, object)
        }
    }
}

/// Every route, each that is read also by its head, and every path by the methods that it lacks.
fn ways() -> Vec<Asked> {
    let mut ways = Vec::new();
    let mut paths = BTreeSet::new();
    for route in ROUTES {
        let way = |method: &Method, is_wrong| Asked {
            method: method.clone(),
            route,
            is_wrong,
        };
        ways.push(way(route.method, false));
        let mut taken: Vec<&Method> = ROUTES
            .iter()
            .filter(|other| other.path == route.path)
            .map(|other| other.method)
            .collect();
        if route.method == Method::GET {
            ways.push(way(&Method::HEAD, false));
        }
        if taken.contains(&&Method::GET) {
            taken.push(&Method::HEAD);
        }
        if paths.insert(route.path) {
            let all = [
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
                Method::OPTIONS,
            ];
            let lacking = all.iter().filter(|method| !taken.contains(method));
            ways.extend(lacking.map(|method| way(method, true)));
        }
    }
    ways
}

/// One cell of the table.
struct Cell<'a> {
    asked: &'a Asked,
    caller: &'static Caller,
    object: Object,
}

impl Cell<'_> {
    fn name(&self) -> String {
        let (way, caller) = (self.asked.name(), self.caller.says);
        format!("{way}, {caller}, {:?}", self.object)
    }

    async fn holds(&self, world: &World, target: &Target) -> Result<(), String> {
        let route = self.asked.route;
        let before = world.state(route.named, target).await;
        let request = world.request(&self.asked.method, route, target, self.caller.is);
        let answer = world.ask(self.caller.shows, request).await;
        let after = world.state(route.named, target).await;
        self.is_told(&answer)?;
        match self.asked.then(self.caller, self.object) {
            Then::Refused(..) if before != after => {
                return Err(format!("{answer:?}\nmoved {before:?}\nto {after:?}"));
            }
            Then::Refused(..) => {}
            Then::Taken => {
                self.has_done(&before, &after)?;
                self.note(world, &answer);
            }
        }
        self.shows_its_own(world, &answer)
    }

    fn is_told(&self, answer: &Answer) -> Result<(), String> {
        let (status, code) = (answer.status, answer.code());
        let challenge = answer.header("www-authenticate");
        let code_is = |wanted| self.asked.method == Method::HEAD || code == wanted;
        let right = match self.asked.then(self.caller, self.object) {
            Then::Taken if rules::streams(self.asked.route) => {
                let told = answer.body.as_str().unwrap_or_default();
                let said = self.asked.method == Method::HEAD || told.contains("event: state\n");
                status == 200 && said && answer.header("content-type") == "text/event-stream"
            }
            Then::Taken => [200, 201].contains(&status) && code_is("OK"),
            Then::Refused(401, wanted) => {
                let scheme = if wanted.starts_with("TOKEN_") {
                    "Bearer "
                } else {
                    "Basic "
                };
                status == 401 && code_is(wanted) && challenge.starts_with(scheme)
            }
            Then::Refused(wanted, word) => {
                status == wanted && code_is(word) && challenge.is_empty()
            }
        };
        let bare = self.asked.method != Method::HEAD || answer.body == "";
        if right && bare {
            Ok(())
        } else {
            let wanted = self.asked.then(self.caller, self.object);
            Err(format!("{wanted:?} was expected, not {answer:?}"))
        }
    }

    /// What is only read stays as it is, and everything else is really done.
    fn has_done(&self, before: &State, after: &State) -> Result<(), String> {
        let arrived = after.arrivals - before.arrivals;
        let right = if self.asked.only_reads() {
            before.rows == after.rows && before.commits == after.commits
        } else {
            let changed = before.rows != after.rows;
            let committed = before.commits < after.commits;
            let route = self.asked.route;
            (committed, changed) == (rules::commits(route), rules::changes(route))
        };
        if right && arrived == rules::calls(self.asked.route) {
            Ok(())
        } else {
            Err(format!("{arrived} calls, {before:?}\nbecame {after:?}"))
        }
    }

    /// Remembers whose is what the request has made.
    fn note(&self, world: &World, answer: &Answer) {
        let (Is::Server(tenant) | Is::Page(tenant) | Is::Member(tenant, _)) = self.caller.is else {
            return;
        };
        let data = &answer.body["data"];
        let whose = |named| Whose {
            tenant,
            member: match (named, self.caller.is) {
                (Named::BillingKey, Is::Member(_, member)) => Some(member),
                (Named::BillingKey | Named::Subscription, _) => Some(A),
                _ => None,
            },
        };
        for (named, id) in [
            (Named::Payment, &data["paymentId"]),
            (Named::ApiKey, &data["apiKey"]["apiKeyId"]),
            (Named::Endpoint, &data["endpoint"]["endpointId"]),
            (Named::BillingKey, &data["billingKey"]["billingKeyId"]),
            (Named::Subscription, &data["subscriptionId"]),
        ] {
            if answer.status == 201 && id.is_string() {
                world.note(named, whose(named), text(id));
            }
        }
    }

    /// A list has all that is within the caller's reach, and no answer has anything that is not.
    fn shows_its_own(&self, world: &World, answer: &Answer) -> Result<(), String> {
        let is_list = |named| {
            let list = match named {
                Named::Payment => "/api/v1/payments",
                Named::ApiKey => "/api/v1/api-keys",
                Named::Endpoint => "/api/v1/webhook-endpoints",
                // A list of billing keys is one member's, of those that are issued; one of
                // subscriptions has pages.
                Named::Nothing
                | Named::BillingKey
                | Named::Subscription
                | Named::Member
                | Named::Switch
                | Named::HookToken => return false,
            };
            let read = (&self.asked.method, self.asked.route.path) == (&Method::GET, list);
            read && answer.status == 200
        };
        let told = answer.body.to_string();
        for made in world.made() {
            let (shown, own) = (
                told.contains(&made.id),
                rules::sees(self.caller.is, made.whose),
            );
            if shown && !own || own && !shown && is_list(made.named) {
                return Err(format!("shown {shown}, own {own}: {made:?} in {told}"));
            }
        }
        Ok(())
    }
}

/// The cells that were walked, and what was wrong with some.
#[derive(Default)]
struct Walked {
    cells: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Walked {
    async fn through(&mut self, world: &World, asked: &Asked, object: Object) {
        let is_taken = |caller: &&Caller| asked.then(caller, object) == Then::Taken;
        let (taken, refused): (Vec<_>, Vec<_>) = CALLERS.iter().partition(is_taken);
        // What was kept from all the others is then there for whose it is.
        let mut target = world.target(asked.route, object).await;
        let mut is_used = false;
        for caller in refused.into_iter().chain(taken) {
            if is_used {
                target = world.target(asked.route, object).await;
            }
            let cell = Cell {
                asked,
                caller,
                object,
            };
            if let Err(why) = cell.holds(world, &target).await {
                self.wrong.push(format!("{}: {why}", cell.name()));
            }
            is_used = !asked.only_reads() && asked.then(caller, object) == Then::Taken;
            self.cells.insert(cell.name());
        }
    }
}

#[tokio::test]
async fn authorisation_cells_are_taken_or_refused_by_the_rules() {
    assert_eq!(
        handlers(),
        table(),
        "a handler is not in the table, or the other way round"
    );
    let world = World::new().await;
    let ways = ways();
    let mut walked = Walked::default();
    for asked in &ways {
        for object in asked.objects() {
            walked.through(&world, asked, *object).await;
        }
    }
    let rows: usize = ways.iter().map(|asked| asked.objects().len()).sum();
    let all = rows * CALLERS.len();
    assert_eq!(walked.cells.len(), all, "a cell was left out");
    report::cases("authorisation cells", all, CELLS_MIN, &walked.wrong);
}

#[tokio::test]
async fn pages_are_for_everybody_and_what_is_none_is_not_there() {
    let rig = crate::rig::Rig::new().await;
    let ask = async |path: &str| {
        let request = rig.anonymous(Method::GET, path);
        request.send().await.unwrap()
    };
    for page in PAGES {
        let path = page.replace("{*rest}", "index.html");
        let told = ask(&path.replace("{code}", "RATE_LIMITED")).await;
        assert_eq!(told.status(), 200, "{page}");
    }
    for none in [
        "/docs/nothing",
        "/docs/errors/NOTHING",
        "/docs/a/b",
        "/docs/%2e%2e/x",
    ] {
        let told = crate::rig::answer(rig.anonymous(Method::GET, none)).await;
        assert_eq!(
            (told.status, told.code()),
            (404, "ROUTE_NOT_FOUND"),
            "{none}"
        );
    }
}

/// The routes that are served, by their description.
fn handlers() -> BTreeSet<String> {
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let named = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    named.collect()
}

fn table() -> BTreeSet<String> {
    let names = ROUTES
        .iter()
        .map(|route| format!("{} {}", route.method, route.path));
    names.collect()
}

#[test]
fn every_row_of_the_table_is_sound() {
    use payflow::presentation::router::Principal;

    for route in ROUTES {
        let may = |principal| route.principals.contains(&principal);
        let name = format!("{} {}", route.method, route.path);
        assert!(!route.principals.is_empty(), "{name}");
        let alone = route.principals.len() == 1;
        assert!(alone || !may(Principal::Anybody), "{name}");
        let pages = may(Principal::MerchantPage);
        assert!(may(Principal::MerchantServer) || !pages, "{name}");
        let placed = route.path.split('/').filter(|part| part.starts_with('{'));
        let placed: Vec<&str> = placed.collect();
        let named: Vec<&str> = route.named.parameter().into_iter().collect();
        assert_eq!(placed, named, "{name}");
    }
}
