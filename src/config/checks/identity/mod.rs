//! Owns what is refused of the settings of members' tokens.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::uri::Authority;
use domain::id::MerchantId;

use super::{Check, is_encrypted, is_http, is_loopback, need};
use crate::config::Config;
use crate::config::identity::{Algorithm, Issuer};

/// The largest token that fits into the head of a request beside everything else.
const TOKEN_BYTES_MAX: usize = 12 * 1024;
/// Clocks that differ by more are broken, and an expired token is not to live on.
const LEEWAY_MAX: Duration = Duration::from_mins(1);
/// Less is too short to authenticate in.
const CHALLENGE_MIN: Duration = Duration::from_secs(30);
/// A challenge asks for a person who is there.
const CHALLENGE_MAX: Duration = Duration::from_mins(15);
/// For longer no device is taken to be its member's.
const KNOWN_DAYS_MAX: u32 = 365;
/// Claims with a meaning of their own, which name neither a member nor a merchant.
const TAKEN: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

impl Config {
    pub(super) fn check_identity(&self) -> Check {
        let identity = &self.identity;
        need(
            identity.leeway.duration() <= LEEWAY_MAX,
            "identity.leeway",
            "longer than 60 s: an expired token would live on",
        )?;
        need(
            (512..=TOKEN_BYTES_MAX).contains(&identity.token_bytes_max),
            "identity.token_bytes_max",
            "outside of 512 to 12288",
        )?;
        need(
            identity.jwks_refetch_gap.duration() >= Duration::from_secs(1),
            "identity.jwks_refetch_gap",
            "less than 1 s: strangers could make us fetch without end",
        )?;
        need(
            identity.jwks_refresh_every >= identity.jwks_refetch_gap,
            "identity.jwks_refresh_every",
            "it is less than identity.jwks_refetch_gap",
        )?;
        need(
            identity.jwks_stale_max > identity.jwks_refresh_every,
            "identity.jwks_stale_max",
            "keys would be too old before they are fetched again",
        )?;
        need(
            identity.files_reread_every.duration() >= Duration::from_millis(100),
            "identity.files_reread_every",
            "less than 100 ms: nobody replaces keys that often",
        )?;
        for (name, issuer) in &identity.issuers {
            let named = identity.issuers.values();
            let alike = named.filter(|other| other.issuer == issuer.issuer).count();
            let setting = |key: &str| format!("identity.issuers.{name}.{key}");
            need(
                !issuer.issuer.is_empty() && alike == 1,
                setting("issuer"),
                "it is empty, or another issuer has the same: their keys and modes would mix",
            )?;
            check_meaning(issuer, &setting)?;
            check_merchant(issuer, &setting)?;
            check_keys(issuer, &setting)?;
        }
        check_neighbours(&identity.issuers)?;
        self.check_step_up()
    }

    fn check_step_up(&self) -> Check {
        let step_up = &self.step_up;
        need(
            (CHALLENGE_MIN..=CHALLENGE_MAX).contains(&step_up.challenge_lifetime.duration()),
            "step_up.challenge_lifetime",
            "outside of 30 s to 15 min: a person needs some time, and a thief uses more",
        )?;
        need(
            step_up.known_device_days <= KNOWN_DAYS_MAX,
            "step_up.known_device_days",
            "more than 365: a device changes hands in the meantime",
        )?;
        for (name, issuer) in &self.identity.issuers {
            need(
                step_up.demanded_for.is_empty() || !issuer.proof_types.is_empty(),
                format!("identity.issuers.{name}.proof_types"),
                "it is empty, and step_up.demanded_for asks its members for proofs, which nobody \
                 else can give",
            )?;
        }
        Ok(())
    }
}

/// Ids of members are unique to who gives them: what one login calls `kim` is somebody else at the
/// next one, unless both say that it is not.
fn check_neighbours(issuers: &BTreeMap<String, Issuer>) -> Check {
    for (name, issuer) in issuers {
        let mut others = issuers.iter().filter(|(other, _)| *other != name);
        let is_apart = !others.any(|(_, other)| meet(issuer, other));
        need(
            is_apart || issuer.shares_members,
            format!("identity.issuers.{name}.shares_members"),
            "another issuer of this mode vouches for members of the same merchant: who gets to be \
             kim there would act as this one's kim; only where both mean the same people, say \
             shares_members = true of each",
        )?;
    }
    Ok(())
}

/// Whether two issuers could vouch for members of one merchant, in one mode.
fn meet(one: &Issuer, other: &Issuer) -> bool {
    if one.mode != other.mode {
        return false;
    }
    if one.merchant_claim.is_some() || other.merchant_claim.is_some() {
        return true;
    }
    let merchants = |issuer: &Issuer| -> BTreeSet<MerchantId> {
        let named = issuer.merchant.iter();
        let named = named.chain(issuer.merchant_by_host.values());
        named.map(|merchant| merchant.0).collect()
    };
    !merchants(one).is_disjoint(&merchants(other))
}

fn check_meaning(issuer: &Issuer, setting: &dyn Fn(&str) -> String) -> Check {
    check_audience(issuer, setting)?;
    need(
        !issuer.types.is_empty(),
        setting("types"),
        "it is empty: no token could be believed",
    )?;
    let alike = |proof: &String| {
        let mut types = issuer.types.iter();
        types.any(|known| known.eq_ignore_ascii_case(proof))
    };
    need(
        !issuer
            .proof_types
            .iter()
            .any(|proof| proof.is_empty() || alike(proof)),
        setting("proof_types"),
        "one of them is empty or in types: a token of every request would prove a person",
    )?;
    need(
        issuer
            .lifetime_max
            .is_none_or(|span| !span.duration().is_zero()),
        setting("lifetime_max"),
        "it is zero",
    )?;
    let names_somebody = |claim: &str| !claim.is_empty() && !TAKEN.contains(&claim);
    need(
        names_somebody(&issuer.member_claim),
        setting("member_claim"),
        "this claim does not name a member",
    )
}

fn check_audience(issuer: &Issuer, setting: &dyn Fn(&str) -> String) -> Check {
    if issuer.merchant_by_host.is_empty() {
        return need(
            !issuer.audience.is_empty() && issuer.audience.iter().all(|ours| !ours.is_empty()),
            setting("audience"),
            "it is empty: tokens that were made for others would be believed",
        );
    }
    need(
        issuer.audience.is_empty() || issuer.merchant.is_some() || issuer.merchant_claim.is_some(),
        setting("audience"),
        "with merchant_by_host the audience is the host that a request is sent to: with another, \
         one merchant could use at its neighbour's host what members showed it",
    )
}

/// Whether a request can be sent to this host as it is compared: in small letters, without a port.
fn is_host(host: &str) -> bool {
    let parsed = host.parse::<Authority>();
    let is_bare = parsed.is_ok_and(|authority| authority.host() == host);
    is_bare && !host.ends_with('.') && !host.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn check_merchant(issuer: &Issuer, setting: &dyn Fn(&str) -> String) -> Check {
    let (is_bound, is_hosted) = (
        issuer.merchant.is_some(),
        !issuer.merchant_by_host.is_empty(),
    );
    need(
        !is_bound || !is_hosted,
        setting("merchant_by_host"),
        "the issuer is bound to one merchant already",
    )?;
    need(
        issuer.merchant_by_host.keys().all(|host| is_host(host)),
        setting("merchant_by_host"),
        "no request is for such a host: hosts have small letters, no port and no dot at the end",
    )?;
    let Some(claim) = &issuer.merchant_claim else {
        return need(
            is_bound || is_hosted,
            setting("merchant"),
            "nothing says whose members these are; merchant binds them to one merchant, \
             merchant_by_host to some, and merchant_claim lets the issuer speak for all",
        );
    };
    need(
        !is_bound && !is_hosted,
        setting("merchant_claim"),
        "the issuer is bound already; what its tokens say about the merchant is not asked",
    )?;
    need(
        !claim.is_empty() && *claim != issuer.member_claim && !TAKEN.contains(&claim.as_str()),
        setting("merchant_claim"),
        "this claim does not name a merchant",
    )
}

fn check_keys(issuer: &Issuer, setting: &dyn Fn(&str) -> String) -> Check {
    let keys = &issuer.keys;
    let Some(url) = &issuer.jwks_url else {
        need(
            !keys.is_empty(),
            setting("keys"),
            "there is no key and no jwks_url",
        )?;
        let mut kids: Vec<_> = keys.iter().map(|key| &key.kid).collect();
        kids.sort_unstable();
        kids.dedup();
        need(
            kids.len() == keys.len(),
            setting("keys"),
            "two of them have the same kid",
        )?;
        let shared = keys.iter().filter(|key| key.algorithm == Algorithm::Hs256);
        let shared = shared.count();
        return need(
            shared == 0 || shared == keys.len(),
            setting("keys"),
            "a shared secret beside public keys: who verifies could also sign",
        );
    };
    need(
        keys.is_empty(),
        setting("keys"),
        "there is a jwks_url besides; keys come from one place",
    )?;
    need(
        is_http(url),
        setting("jwks_url"),
        "it must begin with https://",
    )?;
    need(
        is_encrypted(url) || is_loopback(url),
        setting("jwks_url"),
        "over plain http anybody on the way could put their own keys in",
    )
}
