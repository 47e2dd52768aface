//! Owns who calls: everybody that a request can come from, and who they are to the rules.

use Is::{Member, Page, Refused, Server};
use Shows::{Issued, Key, Nothing, Raw, Token};
use Tenant::{Live, One, Suspended, Two};
use Twist::{Audience, Expired, Forged, Issuer, Straight};

use crate::rig::seed::OTHER_PUBLISHABLE;
use crate::rig::{LIVE, OTHER, PUBLISHABLE, SECRET, SUSPENDED};

/// A merchant in one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenant {
    One,
    /// The same merchant, with real money.
    Live,
    Two,
    Suspended,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twist {
    Straight,
    Expired,
    Audience,
    Issuer,
    Forged,
}

/// What a caller shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shows {
    Nothing,
    /// This header.
    Raw(&'static str),
    Key(&'static str),
    /// A key that was issued for the walk, by this name.
    Issued(&'static str),
    /// The token of a merchant's member.
    Token(Tenant, &'static str, Twist),
}

/// Who that is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Is {
    /// Nobody, on every route that asks; with this status and code.
    Refused(u16, &'static str),
    Server(Tenant),
    Page(Tenant),
    Member(Tenant, &'static str),
}

pub(super) struct Caller {
    pub(super) says: &'static str,
    pub(super) shows: Shows,
    pub(super) is: Is,
}

const fn caller(says: &'static str, shows: Shows, is: Is) -> Caller {
    Caller { says, shows, is }
}

/// The member whose payment is the first one's.
pub(super) const A: &str = "member-1";
/// Another one, whose name begins alike.
pub(super) const B: &str = "member-12";
/// One whose name differs by its case alone.
const CAPITAL: &str = "MEMBER-1";

pub(super) const REVOKED: &str = "revoked";
pub(super) const ROTATED: &str = "rotated";
pub(super) const SUSPENDED_PAGE: &str = "the suspended merchant's page";

const UNKNOWN: Is = Refused(401, "API_KEY_UNKNOWN");
const ENDED: Is = Refused(401, "API_KEY_EXPIRED");
const INVALID: Is = Refused(401, "TOKEN_INVALID");
const STOPPED: Is = Refused(403, "MERCHANT_SUSPENDED");
const MALFORMED: Is = Refused(401, "CREDENTIALS_MALFORMED");

pub(super) const CALLERS: &[Caller] = &[
    caller(
        "no credentials",
        Nothing,
        Refused(401, "CREDENTIALS_MISSING"),
    ),
    caller("neither Basic nor Bearer", Raw("Digest x"), MALFORMED),
    caller(
        "a secret key with a password",
        Raw("Basic c2tfdGVzdF9vbmU6cGFzcw=="),
        MALFORMED,
    ),
    caller("a key that nobody has", Key("sk_test_nobody"), UNKNOWN),
    caller("a revoked key", Issued(REVOKED), ENDED),
    caller("a rotated key after its grace", Issued(ROTATED), ENDED),
    caller("an expired token", Token(One, A, Expired), {
        Refused(401, "TOKEN_EXPIRED")
    }),
    caller("a token for others", Token(One, A, Audience), INVALID),
    caller(
        "a token of a strange issuer",
        Token(One, A, Issuer),
        INVALID,
    ),
    caller("a token that nobody signed", Token(One, A, Forged), INVALID),
    caller("a suspended merchant's secret key", Key(SUSPENDED), STOPPED),
    caller(
        "a suspended merchant's publishable key",
        Issued(SUSPENDED_PAGE),
        STOPPED,
    ),
    caller(
        "a suspended merchant's member",
        Token(Suspended, A, Straight),
        STOPPED,
    ),
    caller("the secret key", Key(SECRET), Server(One)),
    caller("another merchant's secret key", Key(OTHER), Server(Two)),
    caller("the other mode's secret key", Key(LIVE), Server(Live)),
    caller("the publishable key", Key(PUBLISHABLE), Page(One)),
    caller(
        "another merchant's publishable key",
        Key(OTHER_PUBLISHABLE),
        Page(Two),
    ),
    caller("the member", Token(One, A, Straight), Member(One, A)),
    caller("another member", Token(One, B, Straight), Member(One, B)),
    caller(
        "a member spelt otherwise",
        Token(One, CAPITAL, Straight),
        Member(One, CAPITAL),
    ),
    caller(
        "another merchant's member",
        Token(Two, A, Straight),
        Member(Two, A),
    ),
    caller(
        "the other mode's member",
        Token(Live, A, Straight),
        Member(Live, A),
    ),
];
