//! Owns Toss Payments as a gateway: one account's calls and questions, and what came back.

mod account;
mod amount;
mod billing;
mod classify;
mod client;
mod codes;
mod hook;
pub mod keys;
mod list;
mod request;
mod settings;
mod signed;
mod wire;

use std::ops::Range;

use async_trait::async_trait;
use domain::Timestamp;
use domain::id::GatewayOrderId;
use domain::saga::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall};
use domain::snapshot::{Answer, Cause};
use domain::text::{PaymentKey, TransactionKey};
use reqwest::{Method, Response};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use application::ports::PaymentGateway;
use application::ports::gateway::{
    AccountWish, DeleteCall, Deleted, Instrument, IssueCall, Issued, ListPage, RefundAccount,
    Refused, Terms,
};
use client::{Client, Heard, Request};
use codes::Call;
pub use hook::Hooks;
pub use settings::Settings;

use super::Operation;
pub use super::http::{Rejected, Timeouts};
use super::http::{Reply, Unanswered};

/// What an account's row calls this adapter.
pub const NAME: &str = "toss";

/// One account at Toss Payments.
pub struct Toss {
    client: Client,
    merchant_id: Option<String>,
    terms: Terms,
}

/// What a log line calls an exchange by: no secret, nothing personal.
#[derive(Clone, Copy)]
struct Name<'a> {
    operation: Operation,
    key: &'a str,
}

impl Toss {
    /// An account, not called yet.
    ///
    /// # Errors
    /// The settings are unsafe or cannot work.
    pub fn new(settings: Settings) -> Result<Self, Rejected> {
        let client = Client::new(&settings)?;
        Ok(Self {
            client,
            merchant_id: settings.merchant_id,
            terms: settings.terms,
        })
    }

    /// What a response means as the answer to such a call of this account.
    pub async fn understand(&self, operation: Operation, response: Response) -> Answer {
        let key = "-";
        let reply = taken(Name { operation, key }, client::heard(response).await, 0);
        self.meaning(operation, reply)
    }

    /// What a response means as a page of the list of movements.
    ///
    /// # Errors
    /// Why it is none.
    pub async fn understand_list(response: Response) -> Result<ListPage, Cause> {
        let operation = Operation::List;
        let key = "-";
        let reply = taken(Name { operation, key }, client::heard(response).await, 0);
        list::page(&reply?)
    }

    async fn exchange(&self, name: Name<'_>, request: Request<'_>) -> Answer {
        let reply = self.reply(name, request).await;
        self.meaning(name.operation, reply)
    }

    async fn reply(&self, name: Name<'_>, request: Request<'_>) -> Result<Reply, Cause> {
        let begun = Instant::now();
        let heard = self.client.send(request).await;
        taken(name, heard, begun.elapsed().as_millis())
    }

    fn meaning(&self, operation: Operation, reply: Result<Reply, Cause>) -> Answer {
        match reply {
            Ok(reply) => self.own(classify::classify(call_of(operation), &reply)),
            Err(cause) => Answer::Unknown(cause),
        }
    }

    /// An answer about another merchant's money proves nothing.
    fn own(&self, answer: Answer) -> Answer {
        let Answer::Found(snapshot) = &answer else {
            return answer;
        };
        match &self.merchant_id {
            Some(expected) if *expected != snapshot.merchant_id => {
                let found = &snapshot.merchant_id;
                error!(%expected, %found, "the answer is about another merchant");
                Answer::Unknown(Cause::Unreadable("another merchant's payment".to_owned()))
            }
            Some(_) | None => answer,
        }
    }

    async fn give_back(&self, call: &CancelCall, to: Option<&RefundAccount>) -> Answer {
        let key = call.key.as_str();
        let request = Request {
            method: Method::POST,
            path: &["v1", "payments", call.payment_key.as_str(), "cancel"],
            query: &[],
            key: Some(key),
            body: Some(request::cancel(call, to)),
        };
        let operation = Operation::Cancel;
        self.exchange(Name { operation, key }, request).await
    }

    async fn ask(&self, operation: Operation, key: &str, path: &[&str]) -> Answer {
        let request = Request {
            method: Method::GET,
            path,
            query: &[],
            key: None,
            body: None,
        };
        self.exchange(Name { operation, key }, request).await
    }
}

const fn call_of(operation: Operation) -> Call {
    match operation {
        Operation::Confirm => Call::Confirm,
        Operation::Cancel => Call::Cancel,
        Operation::Charge => Call::Charge,
        Operation::IssueAccount => Call::IssueAccount,
        Operation::IssueKey => Call::IssueKey,
        Operation::DeleteKey => Call::DeleteKey,
        Operation::AskByKey | Operation::AskByOrder | Operation::Glance | Operation::List => {
            Call::Question
        }
    }
}

/// What came back, told to the log.
fn taken(
    name: Name<'_>,
    heard: Result<Heard, Unanswered>,
    milliseconds: u128,
) -> Result<Reply, Cause> {
    let Name { operation, key } = name;
    match heard {
        Ok(heard) => {
            log(name, &heard, milliseconds);
            Ok(heard.reply)
        }
        Err(Unanswered::NotSent(why)) => {
            warn!(%operation, key, milliseconds, why, "gateway not reached");
            Err(Cause::NotSent)
        }
        Err(Unanswered::Lost(why)) => {
            warn!(%operation, key, milliseconds, why, "gateway did not answer");
            Err(Cause::Lost)
        }
    }
}

fn log(Name { operation, key }: Name<'_>, heard: &Heard, milliseconds: u128) {
    let status = heard.reply.status;
    let code = heard.reply.refusal().map(|refusal| refusal.code);
    let code = code.as_deref().unwrap_or("-");
    let gateway_trace = heard.trace.as_deref().unwrap_or("-");
    // The list is read every minute, whether anything moved or not.
    if operation == Operation::List && status == 200 {
        debug!(%operation, key, status, gateway_trace, milliseconds, "gateway answered");
    } else {
        info!(%operation, key, status, code, gateway_trace, milliseconds, "gateway answered");
    }
}

#[async_trait]
impl PaymentGateway for Toss {
    fn terms(&self) -> Terms {
        self.terms.clone()
    }

    fn admit(&self) -> Result<(), Refused> {
        Ok(())
    }

    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        let key = call.key.as_str();
        let request = Request {
            method: Method::POST,
            path: &["v1", "payments", "confirm"],
            query: &[],
            key: Some(key),
            body: Some(request::confirm(call)),
        };
        let operation = Operation::Confirm;
        self.exchange(Name { operation, key }, request).await
    }

    async fn cancel(&self, call: &CancelCall) -> Answer {
        self.give_back(call, None).await
    }

    async fn cancel_to(&self, call: &CancelCall, to: &RefundAccount) -> Answer {
        self.give_back(call, Some(to)).await
    }

    async fn charge(&self, call: &ChargeCall, with: &Instrument) -> Answer {
        let key = call.key.as_str();
        let request = Request {
            method: Method::POST,
            path: &["v1", "billing", with.billing_key.expose()],
            query: &[],
            key: Some(key),
            body: Some(request::charge(call, with)),
        };
        let operation = Operation::Charge;
        self.exchange(Name { operation, key }, request).await
    }

    async fn issue_account(&self, call: &IssueAccountCall, with: &AccountWish) -> Answer {
        let key = call.key.as_str();
        let request = Request {
            method: Method::POST,
            path: &["v1", "virtual-accounts"],
            query: &[],
            key: Some(key),
            body: Some(account::request(call, with)),
        };
        let operation = Operation::IssueAccount;
        self.exchange(Name { operation, key }, request).await
    }

    async fn issue_key(&self, call: &IssueCall) -> Issued {
        let key = call.key.as_str();
        let request = Request {
            method: Method::POST,
            path: &["v1", "billing", "authorizations", "issue"],
            query: &[],
            key: Some(key),
            body: Some(request::issue(call)),
        };
        let operation = Operation::IssueKey;
        let issued = billing::issued(self.reply(Name { operation, key }, request).await);
        match (&self.merchant_id, issued) {
            (Some(expected), Issued::Key(found)) if *expected != found.merchant_id => {
                error!(%expected, found = found.merchant_id, "the key is another merchant's");
                Issued::Unknown(Cause::Unreadable(
                    "another merchant's billing key".to_owned(),
                ))
            }
            (_, issued) => issued,
        }
    }

    async fn delete_key(&self, call: &DeleteCall) -> Deleted {
        let key = call.key.as_str();
        let request = Request {
            method: Method::DELETE,
            path: &["v1", "billing", call.billing_key.expose()],
            query: &[],
            // Only POST knows keys: a deletion is the same however often it is made.
            key: None,
            body: None,
        };
        let operation = Operation::DeleteKey;
        billing::deleted(self.reply(Name { operation, key }, request).await)
    }

    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        let key = key.as_str();
        self.ask(Operation::AskByKey, key, &["v1", "payments", key])
            .await
    }

    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer {
        let order = order.to_string();
        let path = ["v1", "payments", "orders", &order];
        self.ask(Operation::AskByOrder, &order, &path).await
    }

    async fn movements(
        &self,
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        limit: u32,
    ) -> Result<ListPage, Cause> {
        let question = list::Question::new(within, after, limit);
        let request = Request {
            method: Method::GET,
            path: &["v1", "transactions"],
            query: &question.query(),
            key: None,
            body: None,
        };
        let name = Name {
            operation: Operation::List,
            key: question.start(),
        };
        let reply = self.reply(name, request).await?;
        list::page(&reply)
    }
}
