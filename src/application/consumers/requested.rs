//! Owns being woken for a saga that was left to a worker. What is done about it is the saga's own
//! claim, under its fence: being woken twice, or for what another worker has, comes to nothing.

use async_trait::async_trait;
use domain::id::{PaymentId, SagaId};
use serde::Deserialize;

use super::opened::Opened;
use super::{Consumer, Handled};
use crate::App;
use crate::ports::bus::{Received, Topic};

/// Wakes this process's worker.
pub struct Requested;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    saga_id: String,
    payment_id: String,
}

#[async_trait]
impl Consumer for Requested {
    fn topic(&self) -> Topic {
        Topic::PaymentRequested
    }

    async fn handle(&self, app: &App, received: &Received) -> Handled {
        let data = match Opened::<Data>::of(received) {
            Ok(opened) => opened.data,
            Err(why) => return Handled::Never(why),
        };
        let ids = (data.saga_id.parse(), data.payment_id.parse());
        let (Ok(saga), Ok(payment)): (Result<SagaId, _>, Result<PaymentId, _>) = ids else {
            return Handled::Never("its ids are none of ours".to_owned());
        };
        match app.parts.store.saga(saga).await {
            Err(error) => error.into(),
            Ok(Some(saga)) if saga.head.payment == payment => {
                if !saga.is_closed() {
                    app.wake.notify_one();
                }
                Handled::Done
            }
            Ok(Some(_)) => Handled::Never("the saga is of another payment".to_owned()),
            Ok(None) => Handled::Never("there is no such saga".to_owned()),
        }
    }
}
