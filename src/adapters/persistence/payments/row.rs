//! Owns how payments and gateway orders lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::change::GatewayOrder;
use domain::event::{Hash, Head};
use domain::money::{Currency, Money};
use domain::payment::{Customer, Facts, Paid, PayStatus, Payment, State};
use domain::principal::Scope;
use domain::refund::{Doubted, Refund};
use domain::vault::Sealed;
use domain::virtual_account::{Doubt, VirtualAccount};

use super::cancels;
use crate::adapters::persistence::declines::{Why, columns_of, decline_in};
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{gateway_orders, payments};
use crate::adapters::persistence::types::{AsInstant, free_text};

/// A payment's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = payments, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct PaymentRow {
    #[diesel(embed)]
    facts: FactsRow,
    #[diesel(embed)]
    standing: StandingRow,
}

/// What never changes.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = payments, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct FactsRow {
    id: String,
    merchant_id: String,
    mode: String,
    gateway_account_id: String,
    order_id: String,
    order_name: String,
    currency: String,
    amount: i64,
    tax_free: i64,
    customer_name: Option<String>,
    member_id: Option<String>,
    kind: String,
    created_at: AsInstant,
    expires_at: AsInstant,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = payments, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct StandingRow {
    status: String,
    saga_id: Option<String>,
    due_at: Option<AsInstant>,
    approved_at: Option<AsInstant>,
    canceled_at: Option<AsInstant>,
    decline_reason: Option<String>,
    decline_class: Option<String>,
    decline_code: Option<String>,
    decline_message: Option<String>,
    payment_key: Option<String>,
    method: Option<String>,
    receipt_url: Option<String>,
    captured: i64,
    captured_tax_free: i64,
    canceled: i64,
    cancels: Option<String>,
    version: i64,
    event_sequence: i64,
    event_hash: Vec<u8>,
    account_key: Option<String>,
    account_bank: Option<String>,
    account_due_at: Option<AsInstant>,
    account: Option<Vec<u8>>,
    account_reversals: Option<i64>,
    account_saga_id: Option<String>,
    account_denied: Option<String>,
    account_denied_at: Option<AsInstant>,
    account_look_at: Option<AsInstant>,
    account_refund: Option<String>,
    account_refund_at: Option<AsInstant>,
    account_refund_doubted: Option<String>,
    account_refund_doubted_at: Option<AsInstant>,
}

impl From<&Payment> for PaymentRow {
    fn from(payment: &Payment) -> Self {
        Self {
            facts: (&payment.facts).into(),
            standing: payment.into(),
        }
    }
}

impl From<&Facts> for FactsRow {
    fn from(facts: &Facts) -> Self {
        Self {
            id: facts.id.to_string(),
            merchant_id: facts.scope.merchant.to_string(),
            mode: facts.scope.mode.as_str().to_owned(),
            gateway_account_id: facts.account.to_string(),
            order_id: facts.order_id.to_string(),
            order_name: facts.order_name.to_string(),
            currency: facts.amount.currency().code().to_owned(),
            amount: facts.amount.minor(),
            tax_free: facts.tax_free.minor(),
            customer_name: facts.customer.name.as_ref().map(ToString::to_string),
            member_id: facts.customer.member.as_ref().map(ToString::to_string),
            kind: facts.kind.as_str().to_owned(),
            created_at: AsInstant(facts.created_at),
            expires_at: AsInstant(facts.expires_at),
        }
    }
}

impl From<&Payment> for StandingRow {
    fn from(payment: &Payment) -> Self {
        let state = &payment.state;
        let (due_at, canceled_at) = match state {
            State::WaitingForDeposit { due_at } => (Some(AsInstant(*due_at)), None),
            State::Canceled { canceled_at, .. } => (None, Some(AsInstant(*canceled_at))),
            State::Ready { .. }
            | State::InProgress { .. }
            | State::Done { .. }
            | State::CancelRequested { .. }
            | State::PartialCanceled { .. }
            | State::Aborted { .. }
            | State::Expired => (None, None),
        };
        let (decline_reason, decline_class, decline_code, decline_message) =
            columns_of(state.declined());
        let paid = payment.paid.as_ref();
        let account = payment.account.as_deref();
        let doubt = account.and_then(|account| account.doubt);
        let refund = account.and_then(|account| account.refund);
        let refund_doubted = refund.and_then(|refund| refund.doubted);
        Self {
            status: state.status().as_str().to_owned(),
            saga_id: state.saga().map(|saga| saga.to_string()),
            due_at,
            approved_at: state.approved_at().map(AsInstant),
            canceled_at,
            decline_reason,
            decline_class,
            decline_code,
            decline_message,
            payment_key: paid.map(|paid| paid.payment_key.to_string()),
            method: paid.and_then(|paid| paid.method.as_deref().map(free_text)),
            receipt_url: paid.and_then(|paid| paid.receipt_url.as_deref().map(free_text)),
            captured: payment.captured.minor(),
            captured_tax_free: payment.captured_tax_free.minor(),
            canceled: payment.canceled.minor(),
            cancels: cancels::to_text(&payment.cancels),
            version: payment.version,
            event_sequence: payment.head.sequence,
            event_hash: payment.head.hash.0.to_vec(),
            account_key: account.map(|account| account.payment_key.to_string()),
            account_bank: account.map(|account| account.bank.to_string()),
            account_due_at: account.map(|account| AsInstant(account.due_at)),
            account: account.map(|account| account.sealed.0.clone()),
            account_reversals: account.map(|account| account.reversals.into()),
            account_saga_id: account
                .and_then(|account| account.closing)
                .map(|saga| saga.to_string()),
            account_denied: doubt.map(|doubt| doubt.denied.as_str().to_owned()),
            account_denied_at: doubt.map(|doubt| AsInstant(doubt.since)),
            account_look_at: account.and_then(|account| account.look_at).map(AsInstant),
            account_refund: refund.map(|refund| refund.status.to_string()),
            account_refund_at: refund.map(|refund| AsInstant(refund.since)),
            account_refund_doubted: refund_doubted.map(|doubted| doubted.word.to_string()),
            account_refund_doubted_at: refund_doubted.map(|doubted| AsInstant(doubted.since)),
        }
    }
}

impl TryFrom<PaymentRow> for Payment {
    type Error = Error;

    fn try_from(row: PaymentRow) -> Result<Self, Error> {
        let id = row.facts.id.clone();
        row.payment().map_err(corrupt("payments", id))
    }
}

impl PaymentRow {
    fn payment(self) -> Result<Payment, Why> {
        let currency: Currency = self.facts.currency.parse()?;
        let standing = self.standing;
        Ok(Payment {
            facts: self.facts.facts(currency)?,
            captured: Money::new(standing.captured, currency)?,
            captured_tax_free: Money::new(standing.captured_tax_free, currency)?,
            canceled: Money::new(standing.canceled, currency)?,
            cancels: cancels::from_text(standing.cancels.as_deref(), currency)?,
            version: standing.version,
            head: Head {
                sequence: standing.event_sequence,
                hash: Hash(standing.event_hash.as_slice().try_into()?),
            },
            paid: standing.paid()?,
            account: standing.account()?.map(Box::new),
            state: standing.state()?,
        })
    }
}

impl FactsRow {
    fn facts(self, currency: Currency) -> Result<Facts, Why> {
        Ok(Facts {
            id: self.id.parse()?,
            scope: Scope {
                merchant: self.merchant_id.parse()?,
                mode: self.mode.parse()?,
            },
            account: self.gateway_account_id.parse()?,
            order_id: self.order_id.parse()?,
            order_name: self.order_name.parse()?,
            amount: Money::new(self.amount, currency)?,
            tax_free: Money::new(self.tax_free, currency)?,
            customer: Customer {
                name: self.customer_name.map(|name| name.parse()).transpose()?,
                member: self.member_id.map(|member| member.parse()).transpose()?,
            },
            kind: self.kind.parse()?,
            created_at: self.created_at.0,
            expires_at: self.expires_at.0,
        })
    }
}

impl StandingRow {
    fn paid(&self) -> Result<Option<Paid>, Why> {
        let Some(key) = &self.payment_key else {
            return Ok(None);
        };
        Ok(Some(Paid {
            payment_key: key.parse()?,
            method: self.method.clone(),
            receipt_url: self.receipt_url.clone(),
        }))
    }

    fn account(&self) -> Result<Option<VirtualAccount>, Why> {
        let Some(key) = &self.account_key else {
            return Ok(None);
        };
        let bank = self.account_bank.as_deref().ok_or("its bank is missing")?;
        let due_at = self.account_due_at.as_ref();
        let sealed = self.account.clone().ok_or("its account is missing")?;
        let reversals = self.account_reversals.ok_or("its count is missing")?;
        Ok(Some(VirtualAccount {
            payment_key: key.parse()?,
            bank: bank.parse()?,
            due_at: due_at.ok_or("its account's due date is missing")?.0,
            sealed: Sealed(sealed),
            reversals: reversals.try_into()?,
            closing: self
                .account_saga_id
                .as_deref()
                .map(str::parse)
                .transpose()?,
            doubt: self.doubt()?,
            look_at: self.account_look_at.as_ref().map(|at| at.0),
            refund: self.refund()?,
        }))
    }

    fn doubt(&self) -> Result<Option<Doubt>, Why> {
        let Some(denied) = &self.account_denied else {
            return Ok(None);
        };
        let since = self.account_denied_at.as_ref();
        let since = since.ok_or("since when it is denied is missing")?.0;
        let denied = denied.parse()?;
        Ok(Some(Doubt { denied, since }))
    }

    fn refund(&self) -> Result<Option<Refund>, Why> {
        let Some(status) = &self.account_refund else {
            return Ok(None);
        };
        let since = self.account_refund_at.as_ref();
        let doubted = match (
            &self.account_refund_doubted,
            &self.account_refund_doubted_at,
        ) {
            (Some(word), Some(since)) => Some(Doubted {
                word: word.parse()?,
                since: since.0,
            }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => Err("half a doubt about its refund")?,
        };
        Ok(Some(Refund {
            status: status.parse()?,
            since: since.ok_or("since when its refund stands so is missing")?.0,
            doubted,
        }))
    }

    fn state(self) -> Result<State, Why> {
        let declined = decline_in((
            self.decline_reason,
            self.decline_class,
            self.decline_code,
            self.decline_message,
        ))?;
        let saga = self
            .saga_id
            .ok_or("its saga is missing")
            .and_then(|saga| saga.parse().map_err(|_| "its saga's id is malformed"));
        let approved_at = self.approved_at.map(|at| at.0);
        let captured_at = approved_at.ok_or("its approval is missing");
        Ok(match self.status.parse()? {
            PayStatus::Ready => State::Ready { declined },
            PayStatus::InProgress => State::InProgress { saga: saga? },
            PayStatus::WaitingForDeposit => State::WaitingForDeposit {
                due_at: self.due_at.ok_or("its due date is missing")?.0,
            },
            PayStatus::Done => State::Done {
                approved_at: captured_at?,
            },
            PayStatus::CancelRequested => State::CancelRequested {
                saga: saga?,
                approved_at: captured_at?,
            },
            PayStatus::PartialCanceled => State::PartialCanceled {
                approved_at: captured_at?,
            },
            PayStatus::Canceled => State::Canceled {
                canceled_at: self.canceled_at.ok_or("its cancellation is missing")?.0,
                approved_at,
            },
            PayStatus::Aborted => State::Aborted {
                declined: declined.ok_or("its decline is missing")?,
            },
            PayStatus::Expired => State::Expired,
        })
    }
}

/// A gateway order's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = gateway_orders, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct GatewayOrderRow {
    id: String,
    payment_id: String,
    created_at: AsInstant,
}

impl From<&GatewayOrder> for GatewayOrderRow {
    fn from(order: &GatewayOrder) -> Self {
        Self {
            id: order.id.to_string(),
            payment_id: order.payment.to_string(),
            created_at: AsInstant(order.created_at),
        }
    }
}

impl TryFrom<GatewayOrderRow> for GatewayOrder {
    type Error = Error;

    fn try_from(row: GatewayOrderRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                payment: row.payment_id.parse()?,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("gateway_orders", &row.id))
    }
}
