//! Owns one fault rule: which calls it means, how often, and how an order for faults is read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Chaos, Fault, Subject, dice};
use crate::calls::Operation;
use crate::catalogue::Refusal;

const PER_MILLE_ALWAYS: u16 = 1000;

/// A fault and the calls it strikes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(skip_deserializing)]
    id: u64,
    operation: Which,
    #[serde(default)]
    order_id: Option<String>,
    #[serde(default)]
    payment_key: Option<String>,
    /// How often it still strikes; null is without end.
    #[serde(default = "once")]
    times: Option<u64>,
    #[serde(default = "always")]
    per_mille: u16,
    fault: Fault,
    #[serde(skip_deserializing)]
    struck: u64,
}

/// The operations a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Which {
    Confirm,
    Get,
    GetByOrder,
    Cancel,
    Create,
    Transactions,
    Settlements,
    IssueAccount,
    IssueBillingKey,
    Charge,
    DeleteBillingKey,
    Authorize,
    Any,
}

/// What a call to the faults control asks for.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(super) rules: Vec<Rule>,
    pub(super) random: Option<Chaos>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    random: Option<Chaos>,
}

impl Rule {
    pub(super) fn number(&mut self, id: u64) {
        self.id = id;
    }

    pub(super) fn strikes(&self, subject: &Subject, arrival: u64) -> bool {
        let meant = |wanted: &Option<String>, actual: &Option<String>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| actual.as_ref() == Some(wanted))
        };
        self.times != Some(0)
            && self.operation.means(subject.operation)
            && self.fault.can_strike(subject.operation)
            && meant(&self.order_id, &subject.order_id)
            && meant(&self.payment_key, &subject.payment_key)
            && dice(self.id, arrival, u64::from(PER_MILLE_ALWAYS)) < u64::from(self.per_mille)
    }

    pub(super) fn spend(&mut self) -> Fault {
        self.times = self.times.map(|times| times.saturating_sub(1));
        self.struck = self.struck.saturating_add(1);
        self.fault.clone()
    }

    fn check(&self) -> Result<(), String> {
        if self.per_mille > PER_MILLE_ALWAYS {
            return Err("perMille is at most 1000".to_owned());
        }
        check(self.operation, &self.fault)
    }
}

/// Whether such a fault can happen to such calls at all, and means something.
pub(super) fn check(operation: Which, fault: &Fault) -> Result<(), String> {
    let operations = operation.operations();
    if !operations
        .iter()
        .any(|operation| fault.can_strike(*operation))
    {
        return Err(format!("{} cannot happen to this operation", fault.name()));
    }
    match fault {
        Fault::Code { code } if Refusal::documented(code).is_none() => Err(format!(
            "{code} is not a documented code; unknownCode makes one up"
        )),
        Fault::Status { status, .. } if !(200..=599).contains(status) => {
            Err("status is between 200 and 599".to_owned())
        }
        Fault::OverCapture { amount } if *amount <= 0 => {
            Err("overCapture needs an amount above 0".to_owned())
        }
        Fault::Delay { .. }
        | Fault::DropBefore
        | Fault::DropAfter
        | Fault::CutBody
        | Fault::Status { .. }
        | Fault::Code { .. }
        | Fault::UnknownCode
        | Fault::WrongBody { .. }
        | Fault::TooManyRequests
        | Fault::Processing
        | Fault::NotFound
        | Fault::Late { .. }
        | Fault::OverCapture { .. } => Ok(()),
    }
}

impl Order {
    /// One rule, a list of rules, or `{"rules": […], "random": {…}}`.
    pub(crate) fn read(body: Value) -> Result<Self, String> {
        let several = body.get("rules").is_some() || body.get("random").is_some();
        let read = if body.is_array() {
            serde_json::from_value(body).map(|rules| Self {
                rules,
                random: None,
            })
        } else if several {
            serde_json::from_value(body).map(|Several { rules, random }| Self { rules, random })
        } else {
            serde_json::from_value(body).map(|rule| Self {
                rules: vec![rule],
                random: None,
            })
        };
        let order = read.map_err(|error| error.to_string())?;
        order.rules.iter().try_for_each(Rule::check)?;
        order.random.as_ref().map_or(Ok(()), Chaos::check)?;
        Ok(order)
    }
}

impl Which {
    fn operations(self) -> &'static [Operation] {
        match self {
            Self::Confirm => &[Operation::Confirm],
            Self::Get => &[Operation::Get],
            Self::GetByOrder => &[Operation::GetByOrder],
            Self::Cancel => &[Operation::Cancel],
            Self::Create => &[Operation::Create],
            Self::Transactions => &[Operation::Transactions],
            Self::Settlements => &[Operation::Settlements],
            Self::IssueAccount => &[Operation::IssueAccount],
            Self::IssueBillingKey => &[Operation::IssueBillingKey],
            Self::Charge => &[Operation::Charge],
            Self::DeleteBillingKey => &[Operation::DeleteBillingKey],
            Self::Authorize => &[Operation::Authorize],
            Self::Any => &Operation::ALL,
        }
    }

    pub(super) fn means(self, operation: Operation) -> bool {
        self.operations().contains(&operation)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn once() -> Option<u64> {
    Some(1)
}

fn always() -> u16 {
    PER_MILLE_ALWAYS
}
