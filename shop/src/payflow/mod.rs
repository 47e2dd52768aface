//! Owns the shop's talk with Payflow: its public API, with the secret key that stays on this side.

mod billing;
mod hooks;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

pub(crate) use self::billing::{Card, Charge, Cycle, Entitlement, Plan, Subscription};
pub(crate) use self::wire::{Account, Payment, PaymentStatus};
use self::wire::{Approve, AskAccount, Cancellation, Customer, Envelope, Prepare};
use crate::config::{Access, Keys, NoKeys};
use crate::intent::{Act, Intent, Meaning};
use crate::order::{Order, Way};

const CONNECT: Duration = Duration::from_secs(2);
/// A read is quick, or the page shows what is known.
const READ: Duration = Duration::from_secs(4);
/// Payflow waits up to eight seconds for the gateway before it says "pending".
const MOVE: Duration = Duration::from_secs(15);
/// What the gateway and the merchant's people read beside a cancellation.
const REFUND_REASON: &str = "구매자 환불 요청";
const WITHDRAW_REASON: &str = "결제 전 주문 취소";
/// For how long a deposit is waited for.
const ACCOUNT_HOURS: u32 = 72;

/// Why there is no answer to act on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It cannot be reached, or is not well.
    #[error("Payflow is unavailable: {0}")]
    Unavailable(String),
    /// It says no.
    #[error("Payflow refused: {code}")]
    Refused {
        /// Its code.
        code: String,
    },
    /// It does not serve this shop: the merchant is suspended, or the key has ended.
    #[error("Payflow turns the shop away: {code}")]
    TurnedAway {
        /// Its code.
        code: String,
    },
}

impl From<NoKeys> for Error {
    fn from(error: NoKeys) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// How Payflow answered an intent.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What it means.
    pub(crate) meaning: Meaning,
    /// The code.
    pub(crate) code: String,
    /// The payment, where it is shown.
    pub(crate) payment: Option<Payment>,
}

/// A client of Payflow.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    access: Access,
    turned_away: AtomicBool,
}

struct Reply {
    status: u16,
    envelope: Envelope,
}

impl Reply {
    /// The payment of a success.
    fn payment(self) -> Result<Payment, Error> {
        serde_json::from_value(self.success()?)
            .map_err(|error| Error::Unavailable(format!("an answer makes no sense: {error}")))
    }

    /// What a success shows.
    fn success(self) -> Result<Value, Error> {
        match self.status {
            200 | 201 => Ok(self.envelope.data),
            400 | 402 | 404 | 409 | 422 => Err(Error::Refused {
                code: self.envelope.code,
            }),
            401 | 403 => Err(Error::TurnedAway {
                code: self.envelope.code,
            }),
            status => Err(Error::Unavailable(format!(
                "it answered {status} {}",
                self.envelope.code
            ))),
        }
    }
}

impl Client {
    /// A client that finds its keys by `access`.
    pub(crate) fn new(access: Access) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(MOVE)
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            access,
            turned_away: AtomicBool::new(false),
        })
    }

    /// Whether the last answer was that the shop is not served. Only people can change that, so
    /// whatever is open is asked about seldom until another answer comes.
    pub(crate) fn is_turned_away(&self) -> bool {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// The addresses and keys as they are now.
    pub(crate) async fn keys(&self) -> Result<Keys, Error> {
        Ok(self.access.keys().await?)
    }

    /// Registers what an order costs. A repeat finds the same payment.
    pub(crate) async fn prepare(&self, order: &Order) -> Result<Payment, Error> {
        let body = Prepare {
            order_id: &order.id,
            order_name: &order.name,
            amount: order.amount,
            currency: "KRW",
            kind: match order.way {
                Way::Window => "ONE_OFF",
                Way::Account => "VIRTUAL_ACCOUNT",
            },
            customer: Customer {
                member_id: &order.owner,
            },
        };
        let request = self.request(Method::POST, "/payments").await?;
        let request = request.header("Idempotency-Key", format!("{}-prepare", order.id));
        self.send(request.json(&body)).await?.payment()
    }

    /// A fresh opening of the payment window: the gateway takes each one once.
    pub(crate) async fn reopen(&self, payment: &str) -> Result<Payment, Error> {
        let path = format!("/payments/{payment}/checkout");
        let request = self.request(Method::POST, &path).await?;
        self.send(request).await?.payment()
    }

    /// The payment as it is now.
    pub(crate) async fn read(&self, payment: &str) -> Result<Payment, Error> {
        let path = format!("/payments/{payment}");
        let request = self.request(Method::GET, &path).await?;
        self.send(request.timeout(READ)).await?.payment()
    }

    /// Sends an intent, for the first time or again.
    pub(crate) async fn perform(
        &self,
        intent: &Intent,
        order: &Order,
        payment: &str,
    ) -> Result<Answer, Error> {
        let (path, body) = request_of(&intent.act, order);
        let body: Value = body.expect("strings and numbers are JSON");
        let path = format!("/payments/{payment}/{path}");
        let request = self.request(Method::POST, &path).await?;
        let request = request.header("Idempotency-Key", intent.key()).json(&body);
        let reply = self.send(request).await?;
        Ok(Answer {
            meaning: Meaning::of(reply.status, &reply.envelope.code),
            code: reply.envelope.code,
            payment: serde_json::from_value(reply.envelope.data).ok(),
        })
    }

    async fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        let keys = self.access.keys().await?;
        let url = format!("{}/api/v1{path}", keys.payflow_url);
        let request = self.http.request(method, url);
        Ok(request.basic_auth(keys.secret_key, Some("")))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Reply, Error> {
        let response = request.send().await?;
        let reply = Reply {
            status: response.status().as_u16(),
            envelope: response.json().await?,
        };
        let is_turned_away = matches!(reply.status, 401 | 403);
        if self.turned_away.swap(is_turned_away, Ordering::Relaxed) != is_turned_away {
            let code = &reply.envelope.code;
            if is_turned_away {
                tracing::error!(code, "Payflow turns the shop away; what is open waits");
            } else {
                tracing::info!("Payflow serves the shop again");
            }
        }
        Ok(reply)
    }
}

/// Where an intent is sent, and what is said there.
fn request_of(act: &Act, order: &Order) -> (&'static str, serde_json::Result<Value>) {
    match act {
        Act::Approve {
            payment_key,
            gateway_order,
        } => {
            let body = Approve {
                payment_key,
                gateway_order_id: gateway_order,
                // The order's own: the address that the browser came back to may say anything.
                amount: order.amount,
            };
            ("approve", serde_json::to_value(body))
        }
        Act::IssueAccount { bank, holder } => {
            let body = AskAccount {
                bank,
                valid_hours: ACCOUNT_HOURS,
                customer_name: holder,
            };
            ("virtual-account", serde_json::to_value(body))
        }
        Act::Refund { amount } => {
            let body = Cancellation {
                reason: REFUND_REASON,
                amount: Some(*amount),
            };
            ("cancel", serde_json::to_value(body))
        }
        Act::Withdraw => {
            let body = Cancellation {
                reason: WITHDRAW_REASON,
                amount: None,
            };
            ("cancel", serde_json::to_value(body))
        }
    }
}
