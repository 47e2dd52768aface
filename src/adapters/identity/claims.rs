//! Owns what a token has to claim: for us, for now, and who it speaks for.

use application::ports::identity::{Flaw, Issuer as Vouching, Member, Proof, TokenError};
use chrono::DateTime;
use domain::principal::Scope;

use super::token::Object;
use crate::config::identity::Issuer;
use crate::json::Node;

/// The last second that a calendar with four digits for the year has.
const SECONDS_MAX: i64 = 253_402_300_799;

/// A proof is used at once; one that is good for longer was not made for this.
const PROOF_SECONDS_MAX: i64 = 600;

/// The claims of a token whose signature holds, and when they are looked at.
pub(super) struct Claimed<'a> {
    pub(super) claims: &'a Object,
    pub(super) issuer: &'a Issuer,
    /// By what name it vouches.
    pub(super) vouching: &'a Vouching,
    pub(super) now: i64,
    pub(super) leeway: i64,
}

impl Claimed<'_> {
    /// Who the token speaks for. That it has expired is said only of one that was good.
    pub(super) fn member(&self, host: Option<&str>) -> Result<Member, TokenError> {
        let member = self.checked(host).map_err(TokenError::Invalid)?;
        self.not_expired()?;
        Ok(member)
    }

    /// What the token proves. That it has expired is said only of one that was good.
    pub(super) fn proof(&self, host: Option<&str>) -> Result<Proof, TokenError> {
        let member = self.checked(host).map_err(TokenError::Invalid)?;
        let authenticated = self.authenticated().map_err(TokenError::Invalid)?;
        let challenge = self.claims.text("nonce").and_then(|id| id.parse().ok());
        let challenge = challenge.ok_or(TokenError::Invalid(Flaw::Challenge))?;
        self.not_expired()?;
        let latest = authenticated.saturating_add(self.leeway).saturating_add(1);
        let before = DateTime::from_timestamp(latest, 0);
        Ok(Proof {
            member,
            challenge,
            authenticated_before: before.ok_or(TokenError::Invalid(Flaw::Instant))?,
        })
    }

    fn not_expired(&self) -> Result<(), TokenError> {
        let expires = self.required_instant("exp").map_err(TokenError::Invalid)?;
        if self.now >= expires.saturating_add(self.leeway) {
            return Err(TokenError::Expired);
        }
        Ok(())
    }

    /// The second in which the person was authenticated: before the proof was issued, and that not
    /// for long.
    fn authenticated(&self) -> Result<i64, Flaw> {
        let at = self.required_instant("auth_time")?;
        let issued = self.required_instant("iat")?;
        if at > issued {
            return Err(Flaw::Authenticated);
        }
        let lifetime = self.required_instant("exp")?.saturating_sub(issued);
        if lifetime > PROOF_SECONDS_MAX {
            return Err(Flaw::Lifetime);
        }
        Ok(at)
    }

    fn checked(&self, host: Option<&str>) -> Result<Member, Flaw> {
        let host = host.map(str::to_ascii_lowercase);
        let scope = self.scope(host.as_deref())?;
        self.audience(host.as_deref())?;
        self.times()?;
        let present = |name: &String| {
            self.claims
                .get(name)
                .is_some_and(|node| *node != Node::Null)
        };
        if !self.issuer.required_claims.iter().all(present) {
            return Err(Flaw::Missing);
        }
        let id = self.claims.text(&self.issuer.member_claim);
        let id = id.and_then(|id| id.parse().ok()).ok_or(Flaw::Member)?;
        Ok(Member {
            issuer: self.vouching.clone(),
            scope,
            id,
        })
    }

    /// One audience, or a list of them, with one of ours among them.
    fn audience(&self, host: Option<&str>) -> Result<(), Flaw> {
        let ours = |node: &Node| match node {
            Node::Text(name) => Some(self.is_ours(name, host)),
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Huge
            | Node::Fraction
            | Node::List(_)
            | Node::Object(_) => None,
        };
        let named: Option<Vec<bool>> = match self.claims.get("aud") {
            None => return Err(Flaw::Missing),
            Some(Node::List(names)) => names.iter().map(ours).collect(),
            Some(name) => ours(name).map(|ours| vec![ours]),
        };
        if named.is_some_and(|named| named.contains(&true)) {
            Ok(())
        } else if self.is_by_host() {
            Err(Flaw::Host)
        } else {
            Err(Flaw::Audience)
        }
    }

    /// Where the host names the merchant, the host is the audience: it is the caller who says where
    /// a request goes, and a merchant whom a member showed a token could say another's.
    fn is_ours(&self, name: &str, host: Option<&str>) -> bool {
        if self.is_by_host() {
            host == Some(name.strip_prefix("https://").unwrap_or(name))
        } else {
            self.issuer.audience.iter().any(|ours| ours == name)
        }
    }

    fn is_by_host(&self) -> bool {
        !self.issuer.merchant_by_host.is_empty()
    }

    fn times(&self) -> Result<(), Flaw> {
        let expires = self.required_instant("exp")?;
        let begins = self.instant("nbf")?;
        let issued = self.instant("iat")?;
        let latest = self.now.saturating_add(self.leeway);
        if [begins, issued].into_iter().flatten().any(|at| at > latest) {
            return Err(Flaw::Early);
        }
        if [begins, issued]
            .into_iter()
            .flatten()
            .any(|at| at >= expires)
        {
            return Err(Flaw::Lifetime);
        }
        let Some(longest) = self.issuer.lifetime_max else {
            return Ok(());
        };
        let lifetime = expires.saturating_sub(issued.ok_or(Flaw::Missing)?);
        let longest = longest.duration().as_secs();
        match u64::try_from(lifetime) {
            Ok(lifetime) if lifetime <= longest => Ok(()),
            Ok(_) | Err(_) => Err(Flaw::Lifetime),
        }
    }

    fn required_instant(&self, name: &str) -> Result<i64, Flaw> {
        self.instant(name)?.ok_or(Flaw::Missing)
    }

    /// Seconds since 1970, written as a whole number.
    fn instant(&self, name: &str) -> Result<Option<i64>, Flaw> {
        match self.claims.get(name) {
            None => Ok(None),
            Some(Node::Integer(seconds)) => i64::try_from(*seconds)
                .ok()
                .filter(|seconds| (0..=SECONDS_MAX).contains(seconds))
                .map(Some)
                .ok_or(Flaw::Instant),
            Some(
                Node::Null
                | Node::Bool(_)
                | Node::Huge
                | Node::Fraction
                | Node::Text(_)
                | Node::List(_)
                | Node::Object(_),
            ) => Err(Flaw::Instant),
        }
    }

    /// Whose member: by the issuer, by the host, or by the token; the configuration says by which.
    fn scope(&self, host: Option<&str>) -> Result<Scope, Flaw> {
        let issuer = self.issuer;
        let merchant = if let Some(merchant) = &issuer.merchant {
            Some(merchant.0)
        } else if let Some(claim) = &issuer.merchant_claim {
            let named = self.claims.text(claim);
            named.and_then(|name| name.parse().ok())
        } else {
            let found = host.and_then(|host| issuer.merchant_by_host.get(host));
            found.map(|merchant| merchant.0)
        };
        Ok(Scope {
            merchant: merchant.ok_or(Flaw::Merchant)?,
            mode: issuer.mode,
        })
    }
}
