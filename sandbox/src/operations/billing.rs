//! Owns automatic payment: a buyer's consent becomes a billing key, which is charged until it is
//! deleted.

use serde_json::Value;

use super::confirm::{self, Twist};
use super::create::{self, Opening};
use super::fields::Fields;
use super::{Context, refuse};
use crate::cards::TestCard;
use crate::catalogue::Refusal;
use crate::config::{FailedCharge, Secret};
use crate::ids;
use crate::redirect;
use crate::state::billing::{Auth, BillingKey, Window};
use crate::state::fact::Fact;
use crate::state::payment::{Funding, Kind, Method, Payment, Status};
use crate::store::Transaction;

/// What the server measurably takes; beyond it, its database fails (`toss-api.md` §5).
const CUSTOMER_KEY_CHARACTERS: std::ops::RangeInclusive<usize> = 2..=300;
const AUTH_KEY_CHARACTERS_MAX: usize = 300;

/// What a billing window is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) customer_key: String,
    pub(crate) method: Method,
    pub(crate) success_url: String,
    pub(crate) fail_url: String,
}

/// Opens a window in which a card or an account is registered; returns its id.
pub(crate) fn open(
    transaction: &mut Transaction,
    registration: Registration,
) -> Result<String, Refusal> {
    check_customer_key(&registration.customer_key)?;
    check_method(registration.method)?;
    if !redirect::is_absolute(&registration.success_url) {
        return refuse("INCORRECT_SUCCESS_URL_FORMAT");
    }
    if !redirect::is_absolute(&registration.fail_url) {
        return refuse("INCORRECT_FAIL_URL_FORMAT");
    }
    let id = ids::window_id();
    let window = Window {
        id: id.clone(),
        customer_key: registration.customer_key,
        method: registration.method,
        success_url: registration.success_url,
        fail_url: registration.fail_url,
        opened_at: transaction.now(),
        passed: false,
    };
    transaction.record(Fact::BillingOpened { window });
    Ok(id)
}

/// The window while the buyer can still do something in it.
pub(crate) fn open_window<'t>(
    transaction: &'t Transaction,
    context: Context,
    id: &str,
) -> Result<&'t Window, Refusal> {
    let now = transaction.now();
    let Some(window) = transaction.state().billing.window(id) else {
        return refuse("NOT_FOUND_BILLING");
    };
    if window.passed {
        return refuse("ALREADY_PROCESSED_PAYMENT");
    }
    if now.signed_duration_since(window.opened_at) >= context.settings.window {
        return refuse("NOT_FOUND_PAYMENT_SESSION");
    }
    Ok(window)
}

/// The buyer consents; what comes back is worth one billing key. The card is checked, not its
/// funds: some numbers are refused here.
pub(crate) fn authenticate(
    transaction: &mut Transaction,
    (customer_key, method): (&str, Method),
    card: Option<&'static TestCard>,
    window: Option<&str>,
) -> Result<String, Refusal> {
    check_customer_key(customer_key)?;
    check_method(method)?;
    let card = card.filter(|_| method == Method::Card);
    if let Some(code) = card.and_then(|card| card.window.as_deref()) {
        return refuse(code);
    }
    let auth_key = ids::auth_key();
    let auth = Auth {
        auth_key: auth_key.clone(),
        customer_key: customer_key.to_owned(),
        method,
        card: card.map(TestCard::masked),
        at: transaction.now(),
        spent: false,
    };
    transaction.record(Fact::BillingAuthenticated {
        auth,
        window: window.map(str::to_owned),
    });
    Ok(auth_key)
}

/// `POST /v1/billing/authorizations/issue`: the consent becomes a key, once.
pub(crate) fn issue(
    transaction: &mut Transaction,
    context: Context,
    body: &Value,
) -> Result<String, Refusal> {
    let (fields, settings) = (Fields::of(body, context.settings.typing)?, context.settings);
    let auth_key = fields.required_text("authKey")?;
    let customer_key = fields.required_text("customerKey")?;
    check_customer_key(&customer_key)?;
    if auth_key.chars().count() > AUTH_KEY_CHARACTERS_MAX {
        return refuse("INVALID_REQUEST");
    }
    let now = transaction.now();
    let auth = match transaction.state().billing.auth(&auth_key) {
        Some(auth) if !auth.spent && !auth.overdue(now, settings.auth_key) => auth.clone(),
        Some(_) | None => return refuse(settings.unusable_auth_key_code),
    };
    if auth.customer_key != customer_key {
        return refuse(settings.auth_key_customer_code);
    }
    let billing_key = ids::billing_key();
    let key = BillingKey {
        billing_key: billing_key.clone(),
        customer_key,
        method: auth.method,
        card: auth.card,
        authenticated_at: now,
        removed_at: None,
    };
    transaction.record(Fact::BillingIssued { auth_key, key });
    Ok(billing_key)
}

/// `POST /v1/billing/{billingKey}`: takes money, and returns the key of the payment it made.
pub(crate) fn charge(
    transaction: &mut Transaction,
    context: Context,
    (billing_key, body): (&str, &Value),
    twist: Option<&Twist>,
) -> Result<String, Refusal> {
    let Some(key) = transaction.state().billing.key(billing_key).cloned() else {
        return refuse(context.settings.unknown_billing_key_code);
    };
    if key.removed_at.is_some() {
        return refuse("ALREADY_REMOVED_BILLING_KEY");
    }
    let fields = Fields::of(body, context.settings.typing)?;
    if fields.required_text("customerKey")? != key.customer_key {
        return refuse("NOT_MATCHES_CUSTOMER_KEY");
    }
    if fields.amount("cardInstallmentPlan")?.unwrap_or(0) != 0 {
        return refuse("NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT");
    }
    let opening = Opening {
        order_id: fields.required_text("orderId")?,
        order_name: fields.required_text("orderName")?,
        amount: fields.required_amount("amount")?,
        tax_free: fields.amount("taxFreeAmount")?.unwrap_or(0),
        customer_key: Some(key.customer_key.clone()),
        metadata: fields.value("metadata").cloned(),
        partial_cancelable: key.test_card().is_none_or(|card| card.partial_cancelable),
        ..Opening::default()
    };
    admit(transaction, context, (&key, &opening))?;
    let asked = opening.amount;
    let code = match twist {
        Some(Twist::Refuse(code)) => Some(code.clone()),
        Some(Twist::Amount(_)) | None => key.test_card().and_then(|card| card.code.clone()),
    };
    if let Some(code) = code {
        return Err(fail(transaction, context, (&key, opening), &code));
    }
    let taken = match twist {
        Some(Twist::Amount(amount)) => *amount,
        Some(Twist::Refuse(_)) | None => asked,
    };
    let payment = begin(transaction, context, &key, opening);
    confirm::capture(transaction, context, &payment, taken);
    Ok(payment.payment_key)
}

/// `DELETE /v1/billing/{billingKey}`: the key is never charged again.
pub(crate) fn delete(
    transaction: &mut Transaction,
    context: Context,
    billing_key: &str,
) -> Result<(), Refusal> {
    match transaction.state().billing.key(billing_key) {
        Some(key) if key.removed_at.is_none() => {
            transaction.record(Fact::BillingRemoved {
                billing_key: billing_key.to_owned(),
                at: transaction.now(),
            });
            Ok(())
        }
        Some(_) | None => refuse(context.settings.deleted_billing_key_code),
    }
}

/// The refusals that no card has a part in.
fn admit(
    transaction: &Transaction,
    context: Context,
    (key, opening): (&BillingKey, &Opening),
) -> Result<(), Refusal> {
    create::check(opening, context.settings.order_id_characters)?;
    let least = create::least(key.method, context.settings);
    if opening.amount < least {
        return refuse("BELOW_MINIMUM_AMOUNT");
    }
    // The second guard against taking the money of one order twice.
    if transaction.state().is_used(&opening.order_id) {
        return refuse("DUPLICATED_ORDER_ID");
    }
    Ok(())
}

/// The payment as it is before its money is taken; nobody ever sees it so.
fn begin(
    transaction: &mut Transaction,
    context: Context,
    key: &BillingKey,
    opening: Opening,
) -> Payment {
    let at = transaction.now();
    let payment = Payment {
        status: Status::InProgress,
        kind: Kind::Billing,
        method: Some(key.method),
        authenticated_at: Some(at),
        secret: match context.settings.secret {
            Secret::Sent => Some(ids::payment_secret()),
            Secret::Null => None,
        },
        funding: Funding {
            card: key.card.clone(),
            ..Funding::default()
        },
        ..create::ready(transaction, context, opening)
    };
    transaction.record(Fact::Created {
        payment: Box::new(payment.clone()),
    });
    payment
}

/// The institution refuses; whether that leaves a payment behind is not published.
fn fail(
    transaction: &mut Transaction,
    context: Context,
    (key, opening): (&BillingKey, Opening),
    code: &str,
) -> Refusal {
    match context.settings.failed_charge {
        FailedCharge::LeavesNothing => Refusal::of(code),
        FailedCharge::LeavesAborted => {
            let payment = begin(transaction, context, key, opening);
            let refusal = Refusal::of(code);
            transaction.record(Fact::Aborted {
                payment_key: payment.payment_key,
                transaction_key: ids::transaction_key(transaction.now()),
                code: refusal.code.clone(),
            });
            refusal
        }
    }
}

fn check_customer_key(customer_key: &str) -> Result<(), Refusal> {
    let length = customer_key.chars().count();
    if CUSTOMER_KEY_CHARACTERS.contains(&length) {
        Ok(())
    } else if length > *CUSTOMER_KEY_CHARACTERS.end() {
        refuse("FAILED_DB_PROCESSING")
    } else {
        refuse("INVALID_CUSTOMER_KEY")
    }
}

/// Cards, and accounts since 2025 (`toss-api.md` §4.1).
fn check_method(method: Method) -> Result<(), Refusal> {
    match method {
        Method::Card | Method::Transfer => Ok(()),
        Method::EasyPay
        | Method::VirtualAccount
        | Method::MobilePhone
        | Method::CultureGiftCertificate
        | Method::BookGiftCertificate
        | Method::GameGiftCertificate => refuse("NOT_SUPPORTED_METHOD"),
    }
}
