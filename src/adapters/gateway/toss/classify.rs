//! Owns what a received answer means (`design.md §4`): nothing is a decline but what is listed.

use domain::snapshot::{Answer, Cause};

use super::codes::{self, Call, Kind};
use super::wire::{self, Refusal};
use crate::adapters::gateway::http::Reply;

/// A slow-down longer than this is not obeyed: it would stall a saga past every window.
const RETRY_AFTER_SECONDS_MAX: u32 = 120;

impl Reply {
    /// The error in it, if it holds one.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let body = self.body.as_ref().ok()?;
        (self.status != 200).then(|| wire::refusal(body)).flatten()
    }
}

/// What `reply` means as the answer to `call`.
pub(super) fn classify(call: Call, reply: &Reply) -> Answer {
    match reply.status {
        200 => success(reply),
        429 => busy(reply),
        status @ 400..=599 => match reply.refusal() {
            Some(refusal) => refused(call, reply, &refusal),
            // From the edge: the gateway itself gives every error a code. Nothing is stored under
            // the key, and the call may have arrived or not.
            None if status >= 500 => Answer::Unknown(Cause::Lost),
            None => unreadable(status, reply),
        },
        // Success is always 200 (`toss-api.md §2`); redirects are not followed.
        status => unreadable(status, reply),
    }
}

fn success(reply: &Reply) -> Answer {
    match &reply.body {
        Ok(body) => match wire::payment(body) {
            Ok(snapshot) => Answer::Found(Box::new(snapshot)),
            Err(why) => Answer::Unknown(Cause::Unreadable(format!("status 200: {why}"))),
        },
        Err(_) => unreadable(200, reply),
    }
}

fn refused(call: Call, reply: &Reply, refusal: &Refusal) -> Answer {
    let Refusal { code, message } = refusal;
    let status = reply.status;
    if code == "IDEMPOTENT_REQUEST_PROCESSING" {
        return busy(reply);
    }
    if status < 500 && codes::is_configuration(code) {
        return Answer::Unknown(Cause::Configuration(code.clone()));
    }
    let unlisted = || {
        let what = format!("status {status}: {code} is not listed for this call");
        Answer::Unknown(Cause::Unreadable(what))
    };
    let Some(fact) = codes::fact(code) else {
        return unlisted();
    };
    match (fact.kind, call) {
        (Kind::Temporary, _) => Answer::Unknown(Cause::Temporary(code.clone())),
        (Kind::State, Call::Question) if status == 404 && code == "NOT_FOUND_PAYMENT" => {
            Answer::NotFound
        }
        (Kind::State, Call::Confirm) if status == 404 && code == "NOT_FOUND_PAYMENT_SESSION" => {
            Answer::Unknown(Cause::SessionGone)
        }
        (Kind::State, _) => Answer::Unknown(Cause::Conflict(code.clone())),
        (Kind::Buyer(_) | Kind::Merchant(_), _)
            if !call.is_question()
                && fact.is_listed_for(call)
                && !codes::is_configuration(code) =>
        {
            match codes::decline(fact.kind, code, message) {
                Some(decline) if status < 500 => Answer::Declined(decline),
                Some(decline) => Answer::Unknown(Cause::Refused(decline)),
                None => unlisted(),
            }
        }
        (Kind::Buyer(_) | Kind::Merchant(_), _) => unlisted(),
    }
}

fn busy(reply: &Reply) -> Answer {
    let seconds = reply
        .retry_after_seconds
        .map(|seconds| seconds.min(RETRY_AFTER_SECONDS_MAX));
    Answer::Unknown(Cause::Busy {
        retry_after_seconds: seconds,
    })
}

fn unreadable(status: u16, reply: &Reply) -> Answer {
    let why = match &reply.body {
        Ok(_) => "the body has no error code".to_owned(),
        Err(unusable) => format!("of the body, {unusable}"),
    };
    Answer::Unknown(Cause::Unreadable(format!("status {status}: {why}")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::adapters::gateway::http::Unusable;

    const CALLS: [Call; 7] = [
        Call::Confirm,
        Call::Cancel,
        Call::Charge,
        Call::IssueAccount,
        Call::IssueKey,
        Call::DeleteKey,
        Call::Question,
    ];

    fn reply(status: u16, code: &str) -> Reply {
        let body = format!("{{\"code\":\"{code}\",\"message\":\"m\"}}").into_bytes();
        Reply {
            status,
            retry_after_seconds: None,
            body: Ok(body),
        }
    }

    fn answer(call: Call, status: u16, code: &str) -> Answer {
        classify(call, &reply(status, code))
    }

    /// A small generator: the same codes at every run.
    fn draw(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state % 1_000_003).unwrap()
    }

    #[test]
    fn a_code_nobody_listed_is_never_a_decline() {
        let words: Vec<&str> = codes::FACTS
            .iter()
            .flat_map(|fact| fact.code.split('_'))
            .collect();
        let known: HashSet<&str> = codes::FACTS.iter().map(|fact| fact.code).collect();
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let mut tried = 0;
        while tried < 10_000 {
            // Made of the words of real codes: as close to a listed one as a new one will be.
            let count = 1 + draw(&mut state) % 5;
            let parts: Vec<&str> = (0..count)
                .map(|_| words[draw(&mut state) % words.len()])
                .collect();
            let code = parts.join("_");
            if known.contains(code.as_str()) {
                continue;
            }
            tried += 1;
            for call in CALLS {
                let status = u16::try_from(100 + draw(&mut state) % 500).unwrap();
                for status in [status, 400, 401, 403, 404, 409, 500] {
                    let answer = answer(call, status, &code);
                    assert!(
                        matches!(answer, Answer::Unknown(_)),
                        "{status} {code}: {answer:?}"
                    );
                    let refused = matches!(answer, Answer::Unknown(Cause::Refused(_)));
                    assert!(!refused, "{status} {code}");
                }
            }
        }
    }

    /// Every documented code, at every call, below 500 and above.
    #[test]
    fn a_decline_is_listed_for_its_call_and_of_class_u_or_m() {
        let mut declines = 0;
        for fact in codes::FACTS {
            for call in CALLS {
                let listed = fact.calls.contains(call.letter()) && call != Call::Question;
                let final_kind = matches!(fact.kind, Kind::Buyer(_) | Kind::Merchant(_));
                let expected = listed && final_kind && !codes::is_configuration(fact.code);
                let below = answer(call, 400, fact.code);
                assert_eq!(
                    matches!(below, Answer::Declined(_)),
                    expected,
                    "{call:?} {fact:?}"
                );
                let above = answer(call, 500, fact.code);
                let refused = matches!(above, Answer::Unknown(Cause::Refused(_)));
                assert_eq!(refused, expected, "{call:?} {fact:?}");
                assert!(!matches!(above, Answer::Declined(_)), "{call:?} {fact:?}");
                declines += u32::from(expected);
            }
        }
        // Counted in the lists of `toss-api.md §16.1`: 33 for confirm, 15 for cancel, 19 for a
        // charge, 11 for a virtual account, 17 for a billing key's issue, 2 for its deletion.
        assert_eq!(declines, 97);
    }

    #[test]
    fn declines_keep_the_word_and_the_reason() {
        use domain::decline::{Class, Reason};
        for (call, code, class, reason) in [
            (
                Call::Confirm,
                "REJECT_CARD_COMPANY",
                Class::Buyer,
                Reason::CardRefused,
            ),
            (
                Call::Confirm,
                "REJECT_CARD_PAYMENT",
                Class::Buyer,
                Reason::InsufficientFunds,
            ),
            (
                Call::Confirm,
                "INVALID_REQUEST",
                Class::Merchant,
                Reason::MerchantSetup,
            ),
            (
                Call::Confirm,
                "FORBIDDEN_REQUEST",
                Class::Merchant,
                Reason::MerchantSetup,
            ),
            (Call::Cancel, "REFUND_REJECTED", Class::Buyer, Reason::Other),
        ] {
            let Answer::Declined(decline) = answer(call, 403, code) else {
                panic!("{code} is listed")
            };
            assert_eq!((decline.class, decline.reason), (class, reason), "{code}");
            assert_eq!(
                (decline.code.as_str(), decline.message.as_str()),
                (code, "m")
            );
        }
    }

    #[test]
    fn what_is_not_a_decline_leads_somewhere() {
        use Cause::{Conflict, Refused, SessionGone, Temporary};
        let temporary = |code: &str| Answer::Unknown(Temporary(code.to_owned()));
        let conflict = |code: &str| Answer::Unknown(Conflict(code.to_owned()));
        let confirm = |status, code| answer(Call::Confirm, status, code);
        assert_eq!(confirm(400, "PROVIDER_ERROR"), temporary("PROVIDER_ERROR"));
        assert_eq!(
            confirm(500, "UNKNOWN_PAYMENT_ERROR"),
            temporary("UNKNOWN_PAYMENT_ERROR")
        );
        let processed = "ALREADY_PROCESSED_PAYMENT";
        assert_eq!(confirm(400, processed), conflict(processed));
        assert_eq!(
            confirm(404, "NOT_FOUND_PAYMENT"),
            conflict("NOT_FOUND_PAYMENT")
        );
        let gone = "NOT_FOUND_PAYMENT_SESSION";
        assert_eq!(confirm(404, gone), Answer::Unknown(SessionGone));
        assert_eq!(answer(Call::Cancel, 404, gone), conflict(gone));
        // Stored under the key like every 403: a repeat of the key would only replay it.
        let fast = "FORBIDDEN_CONSECUTIVE_REQUEST";
        assert_eq!(answer(Call::Cancel, 403, fast), temporary(fast));
        let closed = answer(Call::Cancel, 500, "FAILED_CLOSED_ACCOUNT_REFUND");
        assert!(matches!(closed, Answer::Unknown(Refused(_))), "{closed:?}");
    }

    #[test]
    fn credentials_are_ours_to_mend() {
        for call in CALLS {
            for code in [
                "UNAUTHORIZED_KEY",
                "INVALID_API_KEY",
                "API_KEY_ACCESS_DENIED",
            ] {
                let expected = Answer::Unknown(Cause::Configuration(code.to_owned()));
                assert_eq!(answer(call, 401, code), expected);
                let above = answer(call, 500, code);
                assert!(
                    matches!(above, Answer::Unknown(Cause::Unreadable(_))),
                    "{above:?}"
                );
            }
            // Other 401 and 403 answers are classified like any other.
            let other = answer(call, 403, "INSECURE_KEY_USAGE");
            assert!(
                matches!(other, Answer::Unknown(Cause::Unreadable(_))),
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_question_is_answered_or_not() {
        let ask = |status, code| answer(Call::Question, status, code);
        assert_eq!(ask(404, "NOT_FOUND_PAYMENT"), Answer::NotFound);
        for (status, code) in [
            (400, "NOT_FOUND_PAYMENT"),
            (404, "NOT_FOUND"),
            (404, "NOT_FOUND_PAYMENT_SESSION"),
            (404, "NOT_FOUND_MERCHANT"),
            (404, "no code"),
        ] {
            let answer = ask(status, code);
            assert!(
                matches!(answer, Answer::Unknown(_)),
                "{status} {code}: {answer:?}"
            );
        }
        let html = Reply {
            status: 404,
            retry_after_seconds: None,
            body: Err(Unusable::NotJson),
        };
        assert!(matches!(
            classify(Call::Question, &html),
            Answer::Unknown(Cause::Unreadable(_))
        ));
    }

    #[test]
    fn slowing_down_is_bounded() {
        let busy = |seconds| {
            Answer::Unknown(Cause::Busy {
                retry_after_seconds: seconds,
            })
        };
        let html = |retry_after_seconds| Reply {
            status: 429,
            retry_after_seconds,
            body: Err(Unusable::NotJson),
        };
        assert_eq!(classify(Call::Confirm, &html(None)), busy(None));
        assert_eq!(classify(Call::Question, &html(Some(7))), busy(Some(7)));
        assert_eq!(
            classify(Call::Cancel, &html(Some(u32::MAX))),
            busy(Some(120))
        );
        assert_eq!(
            answer(Call::Confirm, 409, "IDEMPOTENT_REQUEST_PROCESSING"),
            busy(None)
        );
        assert_eq!(
            answer(Call::Confirm, 429, "REJECT_CARD_COMPANY"),
            busy(None)
        );
    }

    #[test]
    fn only_200_with_a_payment_is_one() {
        let done = include_bytes!("../../../../tests/toss-examples/payment-card-done.json");
        for status in [100, 201, 202, 204, 206, 301, 302, 400, 500, 599, 600] {
            let reply = Reply {
                status,
                retry_after_seconds: None,
                body: Ok(done.to_vec()),
            };
            let answer = classify(Call::Confirm, &reply);
            let as_it_is = if [500, 599].contains(&status) {
                answer == Answer::Unknown(Cause::Lost)
            } else {
                matches!(answer, Answer::Unknown(Cause::Unreadable(_)))
            };
            assert!(as_it_is, "{status}: {answer:?}");
        }
        let error = answer(Call::Confirm, 200, "REJECT_CARD_COMPANY");
        assert!(
            matches!(error, Answer::Unknown(Cause::Unreadable(_))),
            "{error:?}"
        );
    }
}
