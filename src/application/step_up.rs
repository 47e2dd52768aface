//! Owns the step-up: asking a person to prove themselves, and spending their proof together with
//! what it is for.
//!
//! Whatever moves money for a member calls [`App::proven`] with its action, and commits what it
//! returns in the same commit as the intent.

use std::fmt;
use std::time::Duration;

use domain::Timestamp;
use domain::change::Change;
use domain::id::{ChallengeId, PaymentId};
use domain::principal::Scope;
use domain::step_up::{Action, Challenge, DeviceHash, DeviceId};
use domain::text::MemberId;
use sha2::{Digest, Sha256};
use tracing::{debug, info};

use crate::idempotency::later;
use crate::ports::identity::{Flaw, Issuer, Proof, TokenError};
use crate::ports::store;
use crate::upkeep::earlier;
use crate::{App, Caller};

/// For what members prove themselves, and for how long it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    /// What takes a proof on a device that is not known.
    pub demanded_for: Vec<Action>,
    /// How long a challenge can be answered.
    pub challenge_lifetime: Duration,
    /// How long a device is known after a proof; zero knows none, and asks every time.
    pub device_lifetime: Duration,
}

impl Default for StepUp {
    fn default() -> Self {
        Self {
            demanded_for: Vec::new(),
            challenge_lifetime: Duration::from_mins(3),
            device_lifetime: Duration::from_hours(90 * 24),
        }
    }
}

/// What a request shows of the person and their device, besides who calls.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The device it comes from.
    pub device: Option<DeviceId>,
    /// A signed proof of the person.
    pub proof: Option<String>,
    /// The host that the request was sent to.
    pub host: Option<String>,
}

/// Without device and proof, by which others could pass for the person.
impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("device", &self.device)
            .field("proof", &self.proof.as_ref().map(|_| "…"))
            .field("host", &self.host)
            .finish()
    }
}

/// Why a person was not asked.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    /// No such payment of this member.
    #[error("no such payment")]
    NotFound,
    /// The store did not take it.
    #[error(transparent)]
    Commit(#[from] store::CommitError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why a person counts as not proven. Nothing is spent.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// Nothing was shown, and the device is not known.
    #[error("the person has to prove themselves")]
    Required {
        /// For what.
        action: Action,
        /// Of which payment.
        payment: PaymentId,
    },
    /// What was shown is no proof of this person for this.
    #[error("the proof is refused: {0}")]
    Invalid(Misfit),
    /// It was one, and its time or that of its challenge is over.
    #[error("the proof has expired")]
    Expired,
    /// It was used.
    #[error("the proof was spent")]
    Spent,
    /// The keys to check it with cannot be had now.
    #[error("the keys of the proof's issuer cannot be had")]
    Unavailable,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What of a proof does not fit: for the log, never for whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is not to be believed.
    #[error("{0}")]
    Token(Flaw),
    /// It proves somebody else, or somebody of another merchant or mode.
    #[error("another person")]
    Person,
    /// It is by somebody else than who vouches for the caller.
    #[error("another issuer")]
    Issuer,
    /// There is no such challenge of this member.
    #[error("unknown challenge")]
    Challenge,
    /// It was given for another payment.
    #[error("another payment")]
    Payment,
    /// It was given for something else.
    #[error("another action")]
    Action,
    /// It was given on another device, or the request names none.
    #[error("another device")]
    Device,
    /// The person was authenticated before they were asked.
    #[error("authenticated before the challenge")]
    Stale,
}

/// SHA-256 over whose device it is, each part ended so that none runs into the next.
fn hash_of(scope: Scope, member: &MemberId, device: &DeviceId) -> DeviceHash {
    let mut hasher = Sha256::new();
    for part in [
        "device",
        &scope.merchant.to_string(),
        scope.mode.as_str(),
        member.as_str(),
        device.expose(),
    ] {
        hasher.update(part.as_bytes());
        hasher.update(b"\n");
    }
    DeviceHash(hasher.finalize().into())
}

impl App {
    /// Asks a member to prove themselves: they, on this device, for this of this payment.
    ///
    /// # Errors
    /// The payment is not theirs, or the store is away.
    pub async fn challenge(
        &self,
        caller: &Caller,
        payment: PaymentId,
        action: Action,
        device: &DeviceId,
    ) -> Result<Challenge, ChallengeError> {
        let member = caller.member.as_ref().ok_or(ChallengeError::NotFound)?;
        let store = &self.parts.store;
        let found = store.payment(&caller.owner(), payment).await?;
        found.ok_or(ChallengeError::NotFound)?;
        let issued_at = self.parts.tokens.now();
        let expires_at = later(issued_at, self.parts.step_up.challenge_lifetime);
        let challenge = Challenge {
            id: ChallengeId::new(self.draw()),
            scope: caller.scope,
            member: member.clone(),
            device: hash_of(caller.scope, member, device),
            payment,
            action,
            issued_at,
            expires_at,
            spent_at: None,
            kept_until: expires_at,
        };
        let change = Change::InsertChallenge(Box::new(challenge.clone()));
        store.commit(&[change]).await?;
        Ok(challenge)
    }

    /// What is to be committed together with what the caller wants: the spending of their proof,
    /// where one is shown. None where none is needed: the caller is no member, the action takes no
    /// proof, or the device is known. A proof that is shown counts even where none is needed.
    ///
    /// # Errors
    /// See [`ProofError`].
    pub(crate) async fn proven(
        &self,
        caller: &Caller,
        payment: PaymentId,
        action: Action,
    ) -> Result<Option<Change>, ProofError> {
        let Some(member) = &caller.member else {
            return Ok(None);
        };
        let evidence = &caller.evidence;
        let device = evidence.device.as_ref();
        let wanted = Wanted {
            scope: caller.scope,
            member,
            issuer: caller.issuer.as_ref(),
            payment,
            action,
            device: device.map(|device| hash_of(caller.scope, member, device)),
            now: self.parts.tokens.now(),
        };
        let Some(proof) = &evidence.proof else {
            let demanded = self.parts.step_up.demanded_for.contains(&action);
            if !demanded || self.is_known(&wanted).await? {
                return Ok(None);
            }
            return Err(ProofError::Required { action, payment });
        };
        let tokens = &self.parts.tokens;
        let proof = tokens.verify_proof(proof, evidence.host.as_deref()).await;
        let challenge = match proof {
            Ok(proof) => self.answered(&proof, &wanted).await,
            Err(error) => Err(error.into()),
        };
        let challenge = challenge.inspect_err(|why| info!(%why, "a person is not proven"))?;
        let known_until = later(wanted.now, self.parts.step_up.device_lifetime);
        Ok(Some(Change::SpendChallenge {
            challenge: challenge.id,
            at: wanted.now,
            kept_until: known_until.max(challenge.expires_at),
        }))
    }

    /// Whether this member proved themselves on this device lately.
    async fn is_known(&self, wanted: &Wanted<'_>) -> Result<bool, store::Error> {
        let lifetime = self.parts.step_up.device_lifetime;
        let (Some(device), false) = (wanted.device, lifetime.is_zero()) else {
            return Ok(false);
        };
        let (scope, since) = (wanted.scope, earlier(wanted.now, lifetime));
        let store = &self.parts.store;
        let known = store.is_known_device(scope, wanted.member, device, since);
        known.await
    }

    /// The challenge that this proof answers, which must be unspent and fit what is wanted.
    async fn answered(&self, proof: &Proof, wanted: &Wanted<'_>) -> Result<Challenge, ProofError> {
        let (scope, member) = (wanted.scope, wanted.member);
        // A second login of the merchant's may let its users choose what they are called.
        if Some(&proof.member.issuer) != wanted.issuer {
            return Err(ProofError::Invalid(Misfit::Issuer));
        }
        if (proof.member.scope, &proof.member.id) != (scope, member) {
            return Err(ProofError::Invalid(Misfit::Person));
        }
        let store = &self.parts.store;
        let found = store.challenge(scope, member, proof.challenge);
        let challenge = found.await?.ok_or(ProofError::Invalid(Misfit::Challenge))?;
        let misfit = if challenge.payment != wanted.payment {
            Some(Misfit::Payment)
        } else if challenge.action != wanted.action {
            Some(Misfit::Action)
        } else if Some(challenge.device) != wanted.device {
            Some(Misfit::Device)
        } else if proof.authenticated_before <= challenge.issued_at {
            Some(Misfit::Stale)
        } else {
            None
        };
        if let Some(misfit) = misfit {
            return Err(ProofError::Invalid(misfit));
        }
        if challenge.spent_at.is_some() {
            return Err(ProofError::Spent);
        }
        if wanted.now >= challenge.expires_at {
            return Err(ProofError::Expired);
        }
        Ok(challenge)
    }

    /// One pass: forgets challenges that are not worth remembering; how many.
    ///
    /// # Errors
    /// The store is away.
    pub async fn sweep_challenges(&self) -> Result<u64, store::Error> {
        let (now, limit) = (self.parts.tokens.now(), self.parts.bounds.pass_rows);
        let swept = self.parts.store.sweep_challenges(now, limit).await?;
        if swept > 0 {
            debug!(challenges = swept, "challenges forgotten");
        }
        Ok(swept)
    }
}

/// What a proof has to be for, and when it is looked at.
struct Wanted<'a> {
    scope: Scope,
    member: &'a MemberId,
    issuer: Option<&'a Issuer>,
    payment: PaymentId,
    action: Action,
    device: Option<DeviceHash>,
    now: Timestamp,
}

impl From<TokenError> for ProofError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::Expired,
            TokenError::Invalid(flaw) => Self::Invalid(Misfit::Token(flaw)),
            TokenError::Unavailable => Self::Unavailable,
        }
    }
}
