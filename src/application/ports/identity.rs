//! Owns the port to those who vouch for members: a token says who speaks, and for whom.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use domain::Timestamp;
use domain::id::ChallengeId;
use domain::principal::Scope;
use domain::text::MemberId;

/// Who vouches for members: the claim `iss` of their tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(pub Arc<str>);

/// Who a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// By whose word.
    pub issuer: Issuer,
    /// Whose member, and in which mode.
    pub scope: Scope,
    /// The merchant's own id of the member.
    pub id: MemberId,
}

/// That a person was asked, answered, and is who they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Who it is.
    pub member: Member,
    /// Which challenge they answered.
    pub challenge: ChallengeId,
    /// They were authenticated before this time: how long before is known to the second, and
    /// clocks may differ.
    pub authenticated_before: Timestamp,
}

/// Why a token opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good, and its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is not one to believe.
    #[error("the token is refused: {0}")]
    Invalid(Flaw),
    /// The keys to check it with cannot be had now.
    #[error("the keys of the token's issuer cannot be had")]
    Unavailable,
}

/// What is wrong with a token: for the log, never for its bearer, and never a word out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Flaw {
    /// It is longer than any token we take.
    #[error("too long")]
    Length,
    /// It is not header, claims and signature.
    #[error("not three parts")]
    Parts,
    /// A part is not base64url without padding.
    #[error("not base64url")]
    Encoding,
    /// Header or claims are not an object in strict JSON.
    #[error("not a JSON object")]
    Json,
    /// A name comes twice in the header or the claims.
    #[error("a name twice")]
    Duplicate,
    /// The header wants to say how, or by which key, it is to be verified.
    #[error("a header that steers verification")]
    Steering,
    /// A field of the header is of the wrong type.
    #[error("a header of the wrong type")]
    Header,
    /// It is a token of another kind, for another purpose.
    #[error("another typ")]
    Type,
    /// Nobody we know issued it.
    #[error("unknown issuer")]
    Issuer,
    /// The issuer has no such key.
    #[error("unknown key")]
    Key,
    /// It claims another algorithm than its key is for.
    #[error("not the algorithm of its key")]
    Algorithm,
    /// The key did not sign it.
    #[error("the signature does not hold")]
    Signature,
    /// It is meant for somebody else.
    #[error("another audience")]
    Audience,
    /// It was made for another host than the one it was sent to, or for none.
    #[error("another host's audience")]
    Host,
    /// A required claim is not there.
    #[error("a claim is missing")]
    Missing,
    /// A point in time is not a whole number of seconds that a calendar has.
    #[error("a time that is none")]
    Instant,
    /// It is not valid yet.
    #[error("not valid yet")]
    Early,
    /// It is valid for longer than a token may be, or ended before it was issued.
    #[error("valid for too long, or for no time")]
    Lifetime,
    /// The member's claim is no member id.
    #[error("no member")]
    Member,
    /// A proof names no challenge of ours.
    #[error("no challenge")]
    Challenge,
    /// A proof was issued before the person was authenticated.
    #[error("authenticated after it was issued")]
    Authenticated,
    /// Neither the token nor the host names a merchant.
    #[error("no merchant")]
    Merchant,
}

/// Believes nobody: what there is without an issuer.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

#[async_trait]
impl TokenVerifier for Nobody {
    async fn verify(&self, _: &str, _: Option<&str>) -> Result<Member, TokenError> {
        Err(TokenError::Invalid(Flaw::Issuer))
    }

    async fn verify_proof(&self, _: &str, _: Option<&str>) -> Result<Proof, TokenError> {
        Err(TokenError::Invalid(Flaw::Issuer))
    }

    fn now(&self) -> Timestamp {
        DateTime::UNIX_EPOCH
    }
}

/// Who believes members' tokens.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Who speaks by this token, at the host that the request was sent to.
    ///
    /// # Errors
    /// The token is not to be believed, or nobody can tell now.
    async fn verify(&self, token: &str, host: Option<&str>) -> Result<Member, TokenError>;

    /// What this proof of a person says, at the host that the request was sent to. No token that
    /// says who speaks is one, and no proof says who speaks.
    ///
    /// # Errors
    /// The proof is not to be believed, or nobody can tell now.
    async fn verify_proof(&self, proof: &str, host: Option<&str>) -> Result<Proof, TokenError>;

    /// The time that tokens and proofs are judged by: real, whatever payments are dated with.
    fn now(&self) -> Timestamp;
}
