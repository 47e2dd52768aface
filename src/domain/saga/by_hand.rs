//! Owns the end of a saga that a person has found out about: the same end, by the same hand, as if
//! the gateway had told; and when a person may.

use std::time::Duration;

use super::taking::{captured, declined};
use super::{Absorbed, Kind, Outcome, Saga};
use crate::decline::Decline;
use crate::money::Money;
use crate::payment::Payment;
use crate::settlement::{Finding, Verdict};
use crate::snapshot::{Cancel, Snapshot, Status};
use crate::text::{PaymentKey, TransactionKey};
use crate::{Ctx, Timestamp, after};

/// For how long a gateway that answers questions is asked before a person may decide.
const ASKED_FOR: Duration = Duration::from_hours(24);

/// Why a person may not settle a saga so. Nothing is to be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// It is over.
    #[error("it is over already: {}", word(.0))]
    Over(Outcome),
    /// The service still finds out by itself.
    #[error("the service still finds out by itself, until {}", .until.to_rfc3339())]
    TooEarly {
        /// Until when.
        until: Timestamp,
    },
    /// A call may still take effect.
    #[error("a call may still take effect, until {}", .until.to_rfc3339())]
    InFlight {
        /// Until when.
        until: Timestamp,
    },
    /// It ends by itself, or only the gateway's answer says enough.
    #[error("a saga of kind {0} is not settled by a person: the gateway is asked until it answers")]
    Kind(Kind),
    /// The verdict is about something else than the saga.
    #[error("{verdict} says nothing of a saga of kind {kind}")]
    Verdict {
        /// What was found out.
        verdict: Verdict,
        /// What the saga is for.
        kind: Kind,
    },
    /// What was taken wrongly is owed until it is given back.
    #[error("what was taken wrongly is owed until it is given back")]
    Owed,
    /// Nobody can be told which movement it was.
    #[error("the gateway's name of the movement is missing (--reference)")]
    NoReference,
    /// That movement is booked already.
    #[error("the movement {0} is booked already")]
    Booked(TransactionKey),
    /// Before there was anything to pay, or in the future.
    #[error("it cannot have happened then")]
    Time,
    /// The payment has moved on in a way that does not take it.
    #[error("the payment does not take it: it has moved on")]
    Unfit,
}

impl Saga {
    /// As `finding` says; `mute` where the gateway answers no questions.
    ///
    /// # Errors
    /// It is not a person's to decide, or not so.
    pub fn settled(
        self,
        payment: &Payment,
        finding: &Finding,
        mute: bool,
        ctx: &Ctx<'_>,
    ) -> Result<Absorbed, Unsettled> {
        self.is_a_persons(payment, mute, ctx)?;
        if let Some(at) = finding.occurred_at
            && (at > ctx.now || at < payment.facts.created_at)
        {
            return Err(Unsettled::Time);
        }
        let kind = self.head.kind();
        let expected = self.version;
        let key = self.head.intent.payment_key().cloned();
        let absorbed = match (kind, finding.verdict, key) {
            (Kind::Charge | Kind::AccountIssue | Kind::AccountClose, _, _) => {
                return Err(Unsettled::Kind(kind));
            }
            (Kind::Approval, Verdict::Captured, Some(key)) => {
                let shown = self.paid(key, finding, ctx);
                captured(self, payment, &shown, None, ctx)
            }
            (Kind::Approval, Verdict::NotCaptured, _) => {
                declined(self, payment, &Decline::settled(), ctx)
            }
            (Kind::Cancellation, Verdict::GivenBack, Some(key)) => {
                self.given_back(payment, (key, finding), ctx)?
            }
            (Kind::Cancellation, Verdict::NotGivenBack, Some(key)) => {
                self.kept(payment, key, finding, ctx)?
            }
            (Kind::Reversal, Verdict::GivenBack, Some(key)) => {
                let shown = self.shown(payment, (key, finding), ctx)?;
                let changes = payment.clone().reversed(&self, &shown, ctx).changes;
                let saga = self.close(Outcome::Reversed);
                Absorbed { saga, changes }
            }
            (Kind::Reversal, Verdict::NotGivenBack, _) => return Err(Unsettled::Owed),
            (Kind::Approval | Kind::Cancellation | Kind::Reversal, verdict, _) => {
                return Err(Unsettled::Verdict { verdict, kind });
            }
        };
        if absorbed.saga.is_closed() {
            Ok(absorbed.under(expected))
        } else {
            Err(Unsettled::Unfit)
        }
    }

    /// Whether the service finds nothing out by itself any more, and nothing of it is on its way.
    fn is_a_persons(&self, payment: &Payment, mute: bool, ctx: &Ctx<'_>) -> Result<(), Unsettled> {
        if let Some(outcome) = &self.progress.outcome {
            return Err(Unsettled::Over(outcome.clone()));
        }
        let asked_until = if !mute {
            after(self.head.created_at, ASKED_FOR)
        } else if self.head.kind() == Kind::Approval {
            // As long as that, it is repeated.
            let window = after(self.head.created_at, ctx.policy.confirm_window);
            window.max(payment.facts.expires_at)
        } else {
            self.head.created_at
        };
        if ctx.now < asked_until {
            return Err(Unsettled::TooEarly { until: asked_until });
        }
        let over = after(self.progress.intent_at, ctx.policy.call_bound);
        if ctx.now < over {
            return Err(Unsettled::InFlight { until: over });
        }
        Ok(())
    }

    /// What the gateway would have shown of the money that was taken.
    fn paid(&self, payment_key: PaymentKey, finding: &Finding, ctx: &Ctx<'_>) -> Snapshot {
        Snapshot {
            payment_key,
            order_id: self.order().to_string(),
            merchant_id: String::new(),
            status: Status::Done,
            total: Some(self.head.amount),
            balance: Some(self.head.amount),
            tax_free: None,
            approved_at: Some(finding.occurred_at.unwrap_or(ctx.now)),
            last_transaction_key: finding.reference.clone(),
            cancels: Vec::new(),
            failure: None,
            method: None,
            receipt_url: None,
            account: None,
        }
    }

    /// What the gateway would have shown of the money that was given back.
    fn shown(
        &self,
        payment: &Payment,
        (payment_key, finding): (PaymentKey, &Finding),
        ctx: &Ctx<'_>,
    ) -> Result<Snapshot, Unsettled> {
        let reference = finding.reference.clone().ok_or(Unsettled::NoReference)?;
        let mut booked = payment.cancels.iter();
        if booked.any(|cancel| cancel.transaction_key == reference) {
            return Err(Unsettled::Booked(reference));
        }
        let left = self.progress.refundable.minus(self.head.amount).ok();
        let reason = self.head.reason.as_deref().unwrap_or_default();
        let cancel = Cancel {
            transaction_key: reference,
            amount: self.head.amount,
            tax_free: Some(self.head.tax_free),
            reason: format!("{reason} {}", self.tag()),
            done: true,
            canceled_at: finding.occurred_at.or(Some(ctx.now)),
        };
        Ok(Snapshot {
            status: if left.is_some_and(Money::is_zero) {
                Status::Canceled
            } else {
                Status::PartialCanceled
            },
            total: Some(payment.captured),
            balance: left,
            cancels: vec![cancel],
            ..self.paid(payment_key, finding, ctx)
        })
    }

    fn given_back(
        self,
        payment: &Payment,
        (key, finding): (PaymentKey, &Finding),
        ctx: &Ctx<'_>,
    ) -> Result<Absorbed, Unsettled> {
        let shown = self.shown(payment, (key, finding), ctx)?;
        let moved = payment.clone().cancellations(&self, &shown, ctx);
        let changes = moved.ok_or(Unsettled::Unfit)?.changes;
        let saga = self.close(Outcome::Canceled);
        Ok(Absorbed { saga, changes })
    }

    fn kept(
        self,
        payment: &Payment,
        key: PaymentKey,
        finding: &Finding,
        ctx: &Ctx<'_>,
    ) -> Result<Absorbed, Unsettled> {
        let (decline, shown) = (Decline::settled(), self.paid(key, finding, ctx));
        let moved = payment.clone().cancel_refused(&self, &decline, &shown, ctx);
        let changes = moved.ok_or(Unsettled::Unfit)?.changes;
        let saga = self.close(Outcome::Declined(decline));
        Ok(Absorbed { saga, changes })
    }
}

/// How it ended, for people.
fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Approved => "APPROVED".to_owned(),
        Outcome::Declined(decline) => format!("DECLINED {}", decline.code),
        Outcome::Misfit { reversal } => format!("MISFIT {reversal}"),
        Outcome::Reversed => "REVERSED".to_owned(),
        Outcome::Canceled => "CANCELED".to_owned(),
        Outcome::Issued => "ISSUED".to_owned(),
        Outcome::Closed => "CLOSED".to_owned(),
    }
}
