//! Owns a card company as a gateway: it authorises, and that is all. There is no question, no
//! cancellation and no key of a call but the `tid`, whose first answer it repeats.

mod classify;

use std::ops::Range;

use application::ports::PaymentGateway;
use application::ports::gateway::{Abilities, ListPage, Refused, Terms};
use async_trait::async_trait;
use domain::Timestamp;
use domain::decline::{Class, Decline, Reason};
use domain::id::GatewayOrderId;
use domain::money::Currency;
use domain::payment::{Method, Methods};
use domain::saga::{CancelCall, ConfirmCall};
use domain::snapshot::{Answer, Cause};
use domain::text::{PaymentKey, TransactionKey};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use tokio::time::Instant;
use tracing::{info, warn};

use super::http::{self, Reply, Unanswered};
pub use super::http::{Rejected, Timeouts};

/// What an account's row calls this adapter.
pub const NAME: &str = "card-company";
/// What it takes money by.
pub const METHODS: Methods = Methods::only(Method::Card);
/// It takes names of so many characters.
pub const MERCHANT_NAME_CHARACTERS_MAX: usize = 100;

/// How to reach one account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is; the real one or a sandbox.
    pub base_url: String,
    /// What the buyer reads on the bill.
    pub merchant_name: String,
    /// How long a call may take.
    pub timeouts: Timeouts,
    /// Whether the account takes new payments.
    pub active: bool,
}

/// Why an account cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It cannot be called.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The name for the bill is none.
    #[error(
        "an account at a card company needs a name for the bill, of at most \
         {MERCHANT_NAME_CHARACTERS_MAX} characters"
    )]
    Name,
}

/// One account at a card company.
pub struct CardCompany {
    http: reqwest::Client,
    authorize: Url,
    merchant_name: String,
    terms: Terms,
}

/// What is asked of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Authorize<'a> {
    amount: i64,
    merchant_name: &'a str,
    tid: String,
}

/// Whether the card company takes this as a name for the bill.
///
/// # Errors
/// It does not.
pub fn check_name(name: &str) -> Result<(), Misfit> {
    let characters = name.chars().count();
    let fits = (1..=MERCHANT_NAME_CHARACTERS_MAX).contains(&characters);
    if fits && !name.chars().any(char::is_control) && !name.trim().is_empty() {
        Ok(())
    } else {
        Err(Misfit::Name)
    }
}

impl CardCompany {
    /// An account, not called yet.
    ///
    /// # Errors
    /// The settings are unsafe or cannot work.
    pub fn new(settings: Settings) -> Result<Self, Misfit> {
        check_name(&settings.merchant_name)?;
        let base = http::checked(&settings.base_url)?;
        let http = http::client(settings.timeouts, &base)?;
        let mut authorize = base;
        authorize
            .path_segments_mut()
            .map_err(|()| Rejected::BaseUrl)?
            .pop_if_empty()
            .extend(["card", "api", "authorize"]);
        Ok(Self {
            http,
            authorize,
            merchant_name: settings.merchant_name,
            terms: Terms {
                credential_version: 1,
                client_key: None,
                active: settings.active,
                abilities: Abilities::NONE,
                methods: METHODS,
            },
        })
    }

    /// Asks once; the `tid` is the order's, so that whichever call of it comes first decides, and
    /// every other is told the same.
    async fn authorize(&self, call: &ConfirmCall) -> Result<Reply, Unanswered> {
        let body = Authorize {
            amount: call.amount.minor(),
            merchant_name: &self.merchant_name,
            tid: call.order.to_string(),
        };
        let body = serde_json::to_vec(&body)
            .map_err(|error| Unanswered::NotSent(format!("no JSON: {error}")))?;
        let request = http::traced(self.http.post(self.authorize.clone()))
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.map_err(http::unanswered)?;
        http::read(response).await.map_err(http::unanswered)
    }
}

/// Its requests name no currency: they are in won.
fn foreign() -> Decline {
    Decline {
        reason: Reason::MethodUnsupported,
        class: Class::Merchant,
        code: "PAYFLOW_CURRENCY_UNSUPPORTED".to_owned(),
        message: "the card company takes won only; nothing was sent".to_owned(),
    }
}

/// It has nothing to cancel with; nothing is sent.
fn kept() -> Decline {
    Decline {
        reason: Reason::MethodUnsupported,
        class: Class::Merchant,
        code: "GATEWAY_CANNOT_CANCEL".to_owned(),
        message: "the card company gives nothing back by its API; nothing was sent".to_owned(),
    }
}

#[async_trait]
impl PaymentGateway for CardCompany {
    fn terms(&self) -> Terms {
        self.terms.clone()
    }

    fn admit(&self) -> Result<(), Refused> {
        Ok(())
    }

    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        if call.amount.currency() != Currency::Krw {
            return Answer::Declined(foreign());
        }
        let begun = Instant::now();
        let heard = self.authorize(call).await;
        let milliseconds = begun.elapsed().as_millis();
        let key = call.key.as_str();
        match heard {
            Ok(reply) => {
                let status = reply.status;
                info!(
                    operation = "confirm",
                    key, status, milliseconds, "gateway answered"
                );
                classify::classify(call, &reply)
            }
            Err(Unanswered::NotSent(why)) => {
                warn!(
                    operation = "confirm",
                    key, milliseconds, why, "gateway not reached"
                );
                Answer::Unknown(Cause::NotSent)
            }
            Err(Unanswered::Lost(why)) => {
                warn!(
                    operation = "confirm",
                    key, milliseconds, why, "gateway did not answer"
                );
                Answer::Unknown(Cause::Lost)
            }
        }
    }

    async fn cancel(&self, _: &CancelCall) -> Answer {
        Answer::Declined(kept())
    }

    async fn payment_by_key(&self, _: &PaymentKey) -> Answer {
        Answer::Unknown(Cause::Mute)
    }

    async fn payment_by_order(&self, _: &GatewayOrderId) -> Answer {
        Answer::Unknown(Cause::Mute)
    }

    async fn movements(
        &self,
        _: &Range<Timestamp>,
        _: Option<&TransactionKey>,
        _: u32,
    ) -> Result<ListPage, Cause> {
        Err(Cause::Mute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base_url: &str, merchant_name: &str) -> Settings {
        Settings {
            base_url: base_url.to_owned(),
            merchant_name: merchant_name.to_owned(),
            timeouts: Timeouts::default(),
            active: true,
        }
    }

    #[test]
    fn a_base_may_have_a_path() {
        for base in [
            "https://proxy.example/card-co",
            "https://proxy.example/card-co/",
        ] {
            let made = CardCompany::new(settings(base, "작은 서점")).unwrap();
            let expected = "https://proxy.example/card-co/card/api/authorize";
            assert_eq!(made.authorize.as_str(), expected);
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let fine = "https://card.example";
        for name in ["", " ", "a\nb", &"가".repeat(101)] {
            let refused = CardCompany::new(settings(fine, name)).err();
            assert_eq!(refused, Some(Misfit::Name), "{name:?}");
        }
        assert!(CardCompany::new(settings(fine, &"가".repeat(100))).is_ok());
        let open = CardCompany::new(settings("http://card.example", "a")).err();
        assert_eq!(open, Some(Misfit::Rejected(Rejected::PlainHttp)));
    }
}
