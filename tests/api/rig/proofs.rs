//! Members who are asked to prove themselves, and the way of their challenges through the faulty
//! store.

use application::ports::store::{Challenges, Error};
use async_trait::async_trait;
use domain::Timestamp;
use domain::id::ChallengeId;
use domain::principal::Scope;
use domain::step_up::{Challenge, DeviceHash};
use domain::text::MemberId;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Faulty, Prepared, Rig, answer, approval, text};

/// The device of whoever does not say.
pub(crate) const DEVICE: &str = "device-0123456789";

/// The fields of a payment of this member.
pub(crate) fn of(member: &str) -> Value {
    json!({ "customer": { "memberId": member } })
}

impl Rig {
    /// Asks a member to prove themselves.
    pub(crate) async fn ask(
        &self,
        member: &str,
        payment: &Prepared,
        action: &str,
        device: &str,
    ) -> Answer {
        let path = format!("/api/v1/payments/{}/step-up", payment.id);
        let body = json!({ "deviceId": device, "action": action });
        answer(self.by(member, Method::POST, &path).body(body.to_string())).await
    }

    /// The challenge of a member who was asked.
    pub(crate) async fn challenge(
        &self,
        member: &str,
        payment: &Prepared,
        action: &str,
        device: &str,
    ) -> String {
        let asked = self.ask(member, payment, action, device).await;
        assert_eq!(asked.status, 201, "{asked:?}");
        text(&asked.body["data"]["challenge"]).to_owned()
    }

    /// The request of a member that approves or cancels their payment, without device or proof.
    pub(crate) fn moving(
        &self,
        member: &str,
        payment: &Prepared,
        action: &str,
        key: &str,
    ) -> RequestBuilder {
        let body = match action {
            "approve" => approval(payment),
            _ => json!({ "reason": "마음이 바뀜" }),
        };
        let path = format!("/api/v1/payments/{}/{action}", payment.id);
        self.by(member, Method::POST, &path)
            .header("idempotency-key", key)
            .body(body.to_string())
    }

    /// The same on the device, with a fresh proof for it.
    pub(crate) async fn proving(
        &self,
        member: &str,
        payment: &Prepared,
        action: &str,
        key: &str,
    ) -> RequestBuilder {
        let challenge = self.challenge(member, payment, action, DEVICE).await;
        self.moving(member, payment, action, key)
            .header("device-id", DEVICE)
            .header("step-up-proof", self.members.proof(member, &challenge))
    }
}

#[async_trait]
impl Challenges for Faulty {
    async fn challenge(
        &self,
        scope: Scope,
        member: &MemberId,
        id: ChallengeId,
    ) -> Result<Option<Challenge>, Error> {
        self.reached()?.challenge(scope, member, id).await
    }

    async fn is_known_device(
        &self,
        scope: Scope,
        member: &MemberId,
        device: DeviceHash,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let store = self.reached()?;
        store.is_known_device(scope, member, device, since).await
    }

    async fn sweep_challenges(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        self.reached()?.sweep_challenges(now, limit).await
    }
}
