//! Owns how payments come to be: a window opens, and the buyer authenticates.

use serde_json::Value;

use super::fields::Fields;
use super::{Context, account, current, refuse};
use crate::cards::TestCard;
use crate::catalogue::Refusal;
use crate::clock::Timestamp;
use crate::config::{OrderIdCharacters, Secret, Settings};
use crate::ids;
use crate::redirect;
use crate::state::account::Wish;
use crate::state::fact::{Authentication, Fact};
use crate::state::payment::{CashReceipt, Funding, Kind, Method, Payment, Status};
use crate::store::Transaction;

const ORDER_NAME_CHARACTERS_MAX: usize = 100;

/// The most that one bank transfer takes, in won.
const TRANSFER_AMOUNT_MAX: i64 = 10_000_000;

/// What a window is opened with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opening {
    pub(crate) order_id: String,
    pub(crate) order_name: String,
    pub(crate) amount: i64,
    pub(crate) tax_free: i64,
    pub(crate) customer_key: Option<String>,
    pub(crate) metadata: Option<Value>,
    pub(crate) success_url: Option<String>,
    pub(crate) fail_url: Option<String>,
    pub(crate) partial_cancelable: bool,
    /// What a virtual account is to be like, if the buyer chooses one.
    pub(crate) account: Option<Wish>,
}

/// What the buyer does in the window.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    pub(crate) method: Method,
    pub(crate) scenario: Option<String>,
    pub(crate) customer_key: Option<String>,
    pub(crate) card: Option<&'static TestCard>,
    /// Points used, where the easy-pay service's own money pays.
    pub(crate) points: Option<i64>,
    /// The type of cash receipt asked for.
    pub(crate) cash_receipt: Option<String>,
}

/// Whose receipts are, where nobody asked: the number of the captured examples.
const IDENTITY: &str = "01000000000";

pub(super) const CASH_RECEIPTS: [&str; 2] = ["소득공제", "지출증빙"];

impl Opening {
    /// The body of `POST /v1/payments`, which the window's query resembles.
    pub(crate) fn read(context: Context, body: &Value, now: Timestamp) -> Result<Self, Refusal> {
        let fields = Fields::of(body, context.settings.typing)?;
        let method = match fields.text("method")? {
            None => None,
            Some(name) => match Method::named(&name) {
                None => return refuse("NOT_SUPPORTED_METHOD"),
                named => named,
            },
        };
        if fields
            .text("currency")?
            .is_some_and(|currency| currency != "KRW")
        {
            return refuse("INVALID_CURRENCY");
        }
        Ok(Self {
            order_id: fields.required_text("orderId")?,
            order_name: fields.required_text("orderName")?,
            amount: fields.required_amount("amount")?,
            tax_free: fields.amount("taxFreeAmount")?.unwrap_or(0),
            customer_key: fields.text("customerKey")?,
            metadata: fields.value("metadata").cloned(),
            success_url: Some(fields.required_text("successUrl")?),
            fail_url: Some(fields.required_text("failUrl")?),
            partial_cancelable: true,
            account: match method {
                None | Some(Method::VirtualAccount) => Some(account::wish(fields, now, false)?),
                // Banks and dates are another method's; the buyer may choose an account still.
                Some(_) => None,
            },
        })
    }
}

/// Opens a window: the payment is ready.
pub(crate) fn open(
    transaction: &mut Transaction,
    context: Context,
    opening: Opening,
) -> Result<String, Refusal> {
    check(&opening, context.settings.order_id_characters)?;
    let payment = ready(transaction, context, opening);
    let payment_key = payment.payment_key.clone();
    transaction.record(Fact::Created {
        payment: Box::new(payment),
    });
    Ok(payment_key)
}

/// A payment as its opening leaves it, with a key of its own; not recorded yet.
pub(super) fn ready(transaction: &Transaction, context: Context, opening: Opening) -> Payment {
    let at = transaction.now();
    let payment_key = loop {
        let drawn = ids::payment_key(context.merchant_id, at);
        if transaction.state().payment(&drawn).is_none() {
            break drawn;
        }
    };
    Payment {
        payment_key,
        order_id: opening.order_id,
        order_name: opening.order_name,
        status: Status::Ready,
        kind: Kind::Normal,
        method: None,
        total: opening.amount,
        balance: opening.amount,
        tax_free: opening.tax_free,
        requested_at: at,
        authenticated_at: None,
        approved_at: None,
        last_transaction_key: None,
        secret: None,
        customer_key: opening.customer_key,
        scenario: None,
        funding: Funding {
            account: opening.account,
            ..Funding::default()
        },
        virtual_account: None,
        failure_code: None,
        metadata: opening.metadata,
        success_url: opening.success_url,
        fail_url: opening.fail_url,
        partial_cancelable: opening.partial_cancelable,
        cancels: Vec::new(),
    }
}

/// The buyer passes authentication: the payment is in progress and waits for its confirm. Some
/// cards are refused here, and leave the window open.
pub(crate) fn authenticate(
    transaction: &mut Transaction,
    context: Context,
    payment_key: &str,
    pass: Pass,
) -> Result<(), Refusal> {
    if let Some(code) = &pass.scenario
        && Refusal::documented(code).is_none()
    {
        return refuse("INVALID_TEST_CODE");
    }
    if let Some(code) = pass.card.and_then(|card| card.window.as_deref())
        && pass.method == Method::Card
    {
        return refuse(code);
    }
    let Some(payment) = current(transaction, context, payment_key) else {
        return refuse("NOT_FOUND_PAYMENT");
    };
    check_open(payment)?;
    if payment.total < least(pass.method, context.settings) {
        return refuse("BELOW_MINIMUM_AMOUNT");
    }
    if pass.method == Method::Transfer && payment.total > TRANSFER_AMOUNT_MAX {
        return refuse("EXCEEDS_TRANSFER_AMOUNT_MAXIMUM");
    }
    let secret = match context.settings.secret {
        Secret::Sent => Some(ids::payment_secret()),
        Secret::Null => None,
    };
    let funding = funding(payment, &pass)?;
    let card = funding.card.as_ref().and(pass.card);
    let authentication = Authentication {
        at: transaction.now(),
        method: pass.method,
        secret,
        scenario: pass.scenario.or(card.and_then(|card| card.code.clone())),
        customer_key: pass.customer_key,
        funding,
    };
    transaction.record(Fact::Authenticated {
        payment_key: payment_key.to_owned(),
        authentication,
    });
    Ok(())
}

/// The least amount in won: an account takes no less than twice what a card does (100 and 200).
pub(super) fn least(method: Method, settings: &Settings) -> i64 {
    match method {
        Method::Transfer | Method::VirtualAccount => settings.card_amount_min.saturating_mul(2),
        Method::Card
        | Method::EasyPay
        | Method::MobilePhone
        | Method::CultureGiftCertificate
        | Method::BookGiftCertificate
        | Method::GameGiftCertificate => settings.card_amount_min,
    }
}

/// What fits the method; the rest must not be asked for.
fn funding(payment: &Payment, pass: &Pass) -> Result<Funding, Refusal> {
    let points_fit = pass.points.is_none_or(|points| {
        pass.method == Method::EasyPay && (0..=payment.total).contains(&points)
    });
    let with_receipt = matches!(pass.method, Method::Transfer | Method::VirtualAccount);
    let receipt_fits = pass
        .cash_receipt
        .as_deref()
        .is_none_or(|kind| with_receipt && CASH_RECEIPTS.contains(&kind));
    if !points_fit || !receipt_fits {
        return refuse("INVALID_REQUEST");
    }
    let card = pass.card.filter(|_| pass.method == Method::Card);
    Ok(Funding {
        card: card.map(TestCard::masked),
        points: pass.points,
        cash_receipt: pass.cash_receipt.clone().map(|kind| CashReceipt {
            kind,
            receipt_key: ids::receipt_key(),
            issue_number: ids::issue_number(),
            identity: Some(IDENTITY.to_owned()),
        }),
        account: match pass.method {
            Method::VirtualAccount => {
                let opened = payment.funding.account.clone();
                Some(opened.unwrap_or_default())
            }
            Method::Card
            | Method::EasyPay
            | Method::Transfer
            | Method::MobilePhone
            | Method::CultureGiftCertificate
            | Method::BookGiftCertificate
            | Method::GameGiftCertificate => None,
        },
    })
}

/// Whether the buyer can still do something in the window.
pub(crate) fn check_open(payment: &Payment) -> Result<(), Refusal> {
    match payment.status {
        Status::Ready => Ok(()),
        Status::Expired => refuse("NOT_FOUND_PAYMENT_SESSION"),
        Status::InProgress
        | Status::WaitingForDeposit
        | Status::Done
        | Status::PartialCanceled
        | Status::Canceled
        | Status::Aborted => refuse("ALREADY_PROCESSED_PAYMENT"),
    }
}

pub(super) fn check(opening: &Opening, characters: OrderIdCharacters) -> Result<(), Refusal> {
    if !is_order_id(&opening.order_id, characters) {
        return refuse("INVALID_ORDER_ID");
    }
    let name_length = opening.order_name.chars().count();
    if name_length == 0 || name_length > ORDER_NAME_CHARACTERS_MAX {
        return refuse("INVALID_ORDER_NAME");
    }
    if opening.amount <= 0 {
        return refuse("BELOW_ZERO_AMOUNT");
    }
    if opening.tax_free < 0 || opening.tax_free > opening.amount {
        return refuse("INVALID_REQUEST");
    }
    if opening
        .success_url
        .as_deref()
        .is_some_and(|url| !redirect::is_absolute(url))
    {
        return refuse("INCORRECT_SUCCESS_URL_FORMAT");
    }
    if opening
        .fail_url
        .as_deref()
        .is_some_and(|url| !redirect::is_absolute(url))
    {
        return refuse("INCORRECT_FAIL_URL_FORMAT");
    }
    Ok(())
}

/// 6 to 64 letters, digits, `-`, `_`, and what else is taken.
fn is_order_id(text: &str, characters: OrderIdCharacters) -> bool {
    let further = match characters {
        OrderIdCharacters::Documented => "",
        OrderIdCharacters::Equals => "=",
        OrderIdCharacters::EqualsAndDot => "=.",
    };
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_')
            || further.contains(char::from(byte))
    };
    (6..=64).contains(&text.len()) && text.bytes().all(allowed)
}
