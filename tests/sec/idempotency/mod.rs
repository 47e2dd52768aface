//! The contract of the idempotency key, as one table: what comes first, what comes then, what is
//! answered, and that money moves once.

mod again;
mod world;

use tokio::task::JoinSet;

use crate::support::report;
use world::{Ask, Case, Gate, ROTATED, Then};

const CASES_MIN: usize = 40;

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Prepare,
    Approve,
    Cancel,
}

const ALL: [Route; 3] = [Route::Prepare, Route::Approve, Route::Cancel];
const PAYS: [Route; 2] = [Route::Approve, Route::Cancel];

fn cases() -> Vec<Case> {
    let tables = [
        repeats(),
        others(),
        malformed(),
        unresolved(),
        refusals(),
        issued(),
    ];
    tables.into_iter().flatten().collect()
}

/// The same request is answered with what happened.
fn repeats() -> Vec<Case> {
    let mut cases = Vec::new();
    for route in ALL {
        let case = |name, ask| Case::new(name, route, ask, Then::Replayed);
        cases.extend([
            case("the same again", Ask::SAME),
            case(
                "the key in quotes",
                Ask {
                    key: "\"key-1\"",
                    ..Ask::SAME
                },
            ),
            case(
                "with a rotated secret",
                Ask {
                    secret: ROTATED,
                    ..Ask::SAME
                },
            ),
            case(
                "a while later",
                Ask {
                    hours: 24,
                    ..Ask::SAME
                },
            ),
            Case::new(
                "sixty-four at once",
                route,
                Ask {
                    at_once: 64,
                    ..Ask::SAME
                },
                Then::OneEffect,
            ),
        ]);
    }
    for route in PAYS {
        let case = Case::new("a decline", route, Ask::SAME, Then::Replayed);
        cases.push(case.at(Gate::Declines));
    }
    cases
}

/// The key with another request, and the request with another key.
fn others() -> Vec<Case> {
    let mut cases = Vec::new();
    let reused = Then::Refused(422, "IDEMPOTENCY_KEY_REUSED");
    for route in ALL {
        let case = |name, ask| Case::new(name, route, ask, reused);
        cases.push(case(
            "another body",
            Ask {
                body: Some("other"),
                ..Ask::SAME
            },
        ));
        cases.push(case(
            "the same body, spelt differently",
            Ask {
                body: Some("spaced"),
                ..Ask::SAME
            },
        ));
        cases.push(case(
            "on another route",
            Ask {
                elsewhere: true,
                ..Ask::SAME
            },
        ));
        let stranger = Ask {
            secret: crate::rig::OTHER,
            ..Ask::SAME
        };
        let then = match route {
            Route::Prepare => Then::Fresh(201),
            Route::Approve | Route::Cancel => Then::Refused(404, "PAYMENT_NOT_FOUND"),
        };
        cases.push(Case::new("another merchant's", route, stranger, then));
        let then = match route {
            Route::Prepare => Then::Refused(409, "ORDER_TAKEN"),
            Route::Approve => Then::Refused(409, "PAYMENT_ALREADY_APPROVED"),
            Route::Cancel => Then::Fresh(200),
        };
        let capital = Ask {
            key: "KEY-1",
            ..Ask::SAME
        };
        cases.push(Case::new(
            "the key in capitals is another",
            route,
            capital,
            then,
        ));
    }
    for route in PAYS {
        let ask = Ask {
            payment_too: true,
            ..Ask::SAME
        };
        cases.push(Case::new("another payment", route, ask, reused));
    }
    cases
}

fn malformed() -> Vec<Case> {
    const LONG: &str = concat!(
        "0123456789012345678901234567890123456789012345678901234567890123",
        "0123456789012345678901234567890123456789012345678901234567890123",
        "0123456789012345678901234567890123456789012345678901234567890123",
        "0123456789012345678901234567890123456789012345678901234567890123",
    );
    let mut cases = Vec::new();
    for route in ALL {
        for (name, key) in [
            ("an empty key", ""),
            ("a key of two words", "two words"),
            ("an open quote", "\"key-1"),
            ("a key of 256 characters", LONG),
        ] {
            let then = Then::Refused(400, "IDEMPOTENCY_KEY_MALFORMED");
            cases.push(Case::new(name, route, Ask { key, ..Ask::SAME }, then));
        }
    }
    for route in PAYS {
        let then = Then::Refused(400, "IDEMPOTENCY_KEY_MISSING");
        cases.push(Case::new(
            "no key",
            route,
            Ask {
                key: "-",
                ..Ask::SAME
            },
            then,
        ));
    }
    cases
}

/// The gateway does not answer.
fn unresolved() -> Vec<Case> {
    let mut cases = Vec::new();
    for route in PAYS {
        let case = |name, ask, then| Case::new(name, route, ask, then).at(Gate::Holds);
        let early = Ask {
            during: true,
            ..Ask::SAME
        };
        let other = Ask {
            body: Some("other"),
            ..Ask::SAME
        };
        let reused = Then::Refused(422, "IDEMPOTENCY_KEY_REUSED");
        cases.extend([
            case("while it is waited for", early, Then::Running),
            case("after it was waited for", Ask::SAME, Then::Pending),
            case("another body, meanwhile", other, reused),
            case(
                "another key, meanwhile",
                Ask {
                    key: "key-2",
                    ..Ask::SAME
                },
                Then::Refused(409, "PAYMENT_IN_PROGRESS"),
            ),
        ]);
    }
    cases
}

/// A refusal did nothing, so the key still stands for nothing.
fn refusals() -> Vec<Case> {
    let wrong = |route, body, status| {
        let ask = Ask {
            first_body: Some(body),
            ..Ask::SAME
        };
        Case::new("a refusal is not kept", route, ask, Then::Fresh(status))
    };
    vec![
        wrong(Route::Prepare, "invalid", 201),
        wrong(Route::Approve, "invalid", 200),
        wrong(Route::Approve, "other", 200),
        wrong(Route::Cancel, "invalid", 200),
        wrong(Route::Cancel, "too much", 200),
        Case::new(
            "nor that the gateway is busy",
            Route::Approve,
            Ask::SAME,
            Then::Fresh(200),
        )
        .at(Gate::Busy),
        Case::new(
            "nor that the gateway is busy",
            Route::Cancel,
            Ask::SAME,
            Then::Fresh(200),
        )
        .at(Gate::Busy),
    ]
}

/// Keys that we hand out.
fn issued() -> Vec<Case> {
    let mut cases = Vec::new();
    for route in ALL {
        let refused = Then::Refused(400, "IDEMPOTENCY_KEY_NOT_ISSUED");
        cases.extend([
            Case::new(
                "an issued key, twice",
                route,
                Ask {
                    key: "own",
                    ..Ask::SAME
                },
                Then::Replayed,
            ),
            Case::new(
                "a key issued to another",
                route,
                Ask {
                    key: "theirs",
                    ..Ask::SAME
                },
                refused,
            ),
            Case::new(
                "an issued key, late",
                route,
                Ask {
                    key: "late",
                    ..Ask::SAME
                },
                refused,
            ),
            Case::new(
                "a key that nobody issued",
                route,
                Ask {
                    key: "idk_0",
                    ..Ask::SAME
                },
                refused,
            ),
        ]);
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_key_holds() {
    let all = cases();
    let count = all.len();
    let mut running = JoinSet::new();
    let mut wrong = Vec::new();
    for case in all {
        if running.len() >= 8
            && let Some(Err(why)) = running.join_next().await.map(Result::unwrap)
        {
            wrong.push(why);
        }
        running.spawn(case.holds());
    }
    wrong.extend(running.join_all().await.into_iter().filter_map(Result::err));
    report::cases("idempotency cases", count, CASES_MIN, &wrong);
}
