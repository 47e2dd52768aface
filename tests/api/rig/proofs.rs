//! Members who are asked to prove themselves.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Prepared, Rig, answer, approval, text};

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
