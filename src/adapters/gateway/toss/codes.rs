//! Owns the facts about every known error code: for which calls it is listed, and who can mend it.

use domain::decline::{Class, Decline, Reason};

/// What a call is, as far as the lists of error codes care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// `POST /v1/payments/confirm`
    Confirm,
    /// `POST /v1/payments/{paymentKey}/cancel`
    Cancel,
    /// `POST /v1/billing/{billingKey}`
    Charge,
    /// `POST /v1/virtual-accounts`
    IssueAccount,
    /// `POST /v1/billing/authorizations/issue`
    IssueKey,
    /// `DELETE /v1/billing/{billingKey}`
    DeleteKey,
    /// Both ways of reading a payment.
    Question,
}

impl Call {
    /// Whether it asks and changes nothing.
    pub(super) const fn is_question(self) -> bool {
        matches!(self, Self::Question)
    }

    /// The letter under which the facts list the call.
    pub(super) const fn letter(self) -> char {
        match self {
            Self::Confirm => 'C',
            Self::Cancel => 'X',
            Self::Charge => 'B',
            Self::IssueAccount => 'V',
            Self::IssueKey => 'I',
            Self::DeleteKey => 'D',
            Self::Question => 'G',
        }
    }
}

/// What a code means (`toss-api.md §16.2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Class U: the buyer or the payment method.
    Buyer(Reason),
    /// Class M: the merchant's request, contract or set-up.
    Merchant(Reason),
    /// Class S: the payment is not in the state that the call needs.
    State,
    /// Class T: wait, ask, try again.
    Temporary,
}

/// One known code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// The gateway's word.
    pub(super) code: &'static str,
    /// The letters of the calls it is listed for.
    pub(super) calls: &'static str,
    /// What it means.
    pub(super) kind: Kind,
}

impl Fact {
    /// Whether the code is documented for `call`.
    pub(super) fn is_listed_for(self, call: Call) -> bool {
        self.calls.contains(call.letter())
    }
}

/// Credentials that are unknown, malformed, foreign or not allowed from here (`design.md §4`).
const CONFIGURATION: [&str; 4] = [
    "UNAUTHORIZED_KEY",
    "INVALID_API_KEY",
    "INCORRECT_BASIC_AUTH_FORMAT",
    "API_KEY_ACCESS_DENIED",
];

/// Whether the code says that our own credentials are at fault.
pub(super) fn is_configuration(code: &str) -> bool {
    CONFIGURATION.contains(&code)
}

/// What is known about a code; `None` for one that nobody has documented.
pub(super) fn fact(code: &str) -> Option<Fact> {
    FACTS.iter().copied().find(|fact| fact.code == code)
}

/// A refusal with this code, if the code is one of class U or M.
pub(super) fn decline(kind: Kind, code: &str, message: &str) -> Option<Decline> {
    let (class, reason) = match kind {
        Kind::Buyer(reason) => (Class::Buyer, reason),
        Kind::Merchant(reason) => (Class::Merchant, reason),
        Kind::State | Kind::Temporary => return None,
    };
    Some(Decline {
        reason,
        class,
        code: code.to_owned(),
        message: cut(message),
    })
}

/// Why a payment that is shown as refused was refused. The status is the evidence here, so a code
/// that nobody has documented is a refusal too.
pub(super) fn failure(code: &str, message: &str) -> Decline {
    if let Some(known) = fact(code).and_then(|fact| decline(fact.kind, code, message)) {
        return known;
    }
    let lapsed = code == "EXPIRED_PAYMENT" || code == "NOT_FOUND_PAYMENT_SESSION";
    let reason = if lapsed {
        Reason::SessionExpired
    } else {
        Reason::Other
    };
    Decline {
        reason,
        class: Class::Buyer,
        code: code.to_owned(),
        message: cut(message),
    }
}

fn cut(message: &str) -> String {
    message.chars().take(Decline::MESSAGE_CHARS_MAX).collect()
}

macro_rules! facts {
    ($($code:ident $calls:literal $kind:ident $(($reason:ident))?,)+) => {
        /// Every documented code.
        pub(super) static FACTS: &[Fact] = &[$(Fact {
            code: stringify!($code),
            calls: $calls,
            kind: Kind::$kind $((Reason::$reason))?,
        }),+];
    };
}

// One line a code: its name, the calls it is listed for, what it means.
facts! {
    ACCOUNT_OWNER_CHECK_FAILED "" Buyer(AccountRefused),
    ALREADY_CLOSE_ACCOUNT "" Buyer(AccountRefused),
    EXCEEDS_TRANSFER_AMOUNT_MAXIMUM "" Buyer(LimitExceeded),
    EXCEED_CANCEL_LIMIT "X" Buyer(LimitExceeded),
    EXCEED_MAX_AMOUNT "C" Buyer(LimitExceeded),
    EXCEED_MAX_AUTH_COUNT "CKIB" Buyer(TooManyTries),
    EXCEED_MAX_DAILY_PAYMENT_COUNT "C" Buyer(LimitExceeded),
    EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT "C" Buyer(LimitExceeded),
    EXCEED_MAX_ONE_DAY_AMOUNT "C" Buyer(LimitExceeded),
    EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT "C" Buyer(LimitExceeded),
    EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT "C" Buyer(LimitExceeded),
    EXCEED_MAX_PAYMENT_AMOUNT "C" Buyer(LimitExceeded),
    EXCEED_MAX_REFUND_AMOUNT "" Buyer(LimitExceeded),
    EXCEED_MAX_REFUND_DUE "X" Buyer(Other),
    EXCEED_UNKNOWN_CASE "" Buyer(LimitExceeded),
    FAILED_CLOSED_ACCOUNT_REFUND "X" Buyer(AccountRefused),
    FAILED_PARTIAL_REFUND "X" Buyer(AccountRefused),
    FDS_ERROR "C" Buyer(FraudSuspected),
    FORBIDDEN_BANK_REFUND_REQUEST "X" Buyer(AccountRefused),
    INVALID_ACCOUNT_INFO_RE_REGISTER "C" Buyer(AccountRefused),
    INVALID_ACCOUNT_NOT_CORRECT_BANK "" Buyer(WrongDetails),
    INVALID_ACCOUNT_NUMBER "" Buyer(WrongDetails),
    INVALID_ACCOUNT_NUMBER_OR_UNAVAILABLE "" Buyer(AccountRefused),
    INVALID_BILLING_AUTH "I" Buyer(SessionExpired),
    INVALID_BILL_KEY_REQUEST "BD" Buyer(CardUnusable),
    INVALID_CARD "" Buyer(WrongDetails),
    INVALID_CARD_EXPIRATION "CKIB" Buyer(WrongDetails),
    INVALID_CARD_IDENTITY "KI" Buyer(WrongDetails),
    INVALID_CARD_LOST_OR_STOLEN "CB" Buyer(CardUnusable),
    INVALID_CARD_NUMBER "CKIB" Buyer(WrongDetails),
    INVALID_CARD_PASSWORD "KI" Buyer(WrongDetails),
    INVALID_PASSWORD "C" Buyer(WrongDetails),
    INVALID_REFUND_ACCOUNT_INFO "X" Buyer(WrongDetails),
    INVALID_REFUND_ACCOUNT_NUMBER "X" Buyer(WrongDetails),
    INVALID_REJECT_CARD "CKIB" Buyer(CardRefused),
    INVALID_STOPPED_CARD "CKIB" Buyer(CardUnusable),
    NOT_ALLOWED_INSTALLMENT_BELOW_AMOUNT "" Buyer(MethodUnsupported),
    NOT_ALLOWED_POINT_USE "CK" Buyer(MethodUnsupported),
    NOT_ALLOWED_REFUND_BANK "" Buyer(AccountRefused),
    NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER "X" Buyer(AccountRefused),
    NOT_ENOUGH_AMOUNT "" Buyer(InsufficientFunds),
    NOT_MATCH_PAYEE_NAME "" Buyer(WrongDetails),
    NOT_REGISTERED_CARD_COMPANY "KIB" Buyer(CardUnusable),
    NOT_SUPPORTED_CARD_TYPE "KIB" Buyer(MethodUnsupported),
    NOT_SUPPORTED_CARRIER "" Buyer(MethodUnsupported),
    NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT "CKB" Buyer(MethodUnsupported),
    NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN "CKB" Buyer(MethodUnsupported),
    PAY_PROCESS_ABORTED "" Buyer(Other),
    PAY_PROCESS_CANCELED "" Buyer(Other),
    REFUND_REJECTED "X" Buyer(Other),
    REJECT_ACCOUNT_PAYMENT "CKIB" Buyer(InsufficientFunds),
    REJECT_CARD_COMPANY "CKIB" Buyer(CardRefused),
    REJECT_CARD_PAYMENT "CKB" Buyer(InsufficientFunds),
    REJECT_TOSSPAY_INVALID_ACCOUNT "C" Buyer(AccountRefused),
    RESTRICTED_TRANSFER_ACCOUNT "C" Buyer(AccountRefused),
    USER_ACCOUNT_ON_HOLD "" Buyer(AccountRefused),
    ALREADY_EXIST_SUBMALL "" Merchant(MerchantSetup),
    API_KEY_ACCESS_DENIED "" Merchant(MerchantSetup),
    API_VERSION_UPDATE_NEEDED "" Merchant(MerchantSetup),
    BELOW_MINIMUM_AMOUNT "CKB" Merchant(MerchantSetup),
    BELOW_ZERO_AMOUNT "" Merchant(MerchantSetup),
    EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT "X" Merchant(MerchantSetup),
    EXCEED_MAX_CARD_INSTALLMENT_PLAN "C" Merchant(MerchantSetup),
    EXCEED_MAX_DUE_DATE "V" Merchant(MerchantSetup),
    EXCEED_MAX_QUERY_LIMIT "" Merchant(MerchantSetup),
    EXCEED_MAX_VALID_HOURS "V" Merchant(MerchantSetup),
    EXCEED_MIN_CARD_INSTALLMENT_PLAN "" Merchant(MerchantSetup),
    FAILED_DB_PROCESSING "KVB" Merchant(MerchantSetup),
    FORBIDDEN_REQUEST "CX" Merchant(MerchantSetup),
    INCORRECT_BASIC_AUTH_FORMAT "CGXKVIBD" Merchant(MerchantSetup),
    INCORRECT_FAIL_URL_FORMAT "" Merchant(MerchantSetup),
    INCORRECT_SUCCESS_URL_FORMAT "" Merchant(MerchantSetup),
    INSECURE_KEY_USAGE "" Merchant(MerchantSetup),
    INVALID_API_KEY "C" Merchant(MerchantSetup),
    INVALID_AUTHORIZE_AUTH "C" Merchant(MerchantSetup),
    INVALID_AUTHORIZE_AUTH_TYPE_GIFT_CERTIFICATE "" Merchant(MerchantSetup),
    INVALID_BANK "XV" Merchant(MerchantSetup),
    INVALID_BIRTH_DAY_FORMAT "KI" Merchant(MerchantSetup),
    INVALID_BUSINESS_NUMBER "" Merchant(MerchantSetup),
    INVALID_CARD_COMPANY "" Merchant(MerchantSetup),
    INVALID_CARD_INSTALLMENT_AMOUNT "" Merchant(MerchantSetup),
    INVALID_CARD_INSTALLMENT_PLAN "CKB" Merchant(MerchantSetup),
    INVALID_CARD_INSTALLMENT_PLANS_WITH_MAX_AND_SINGLE "" Merchant(MerchantSetup),
    INVALID_CASH_RECEIPT_INFO "" Merchant(MerchantSetup),
    INVALID_CLIENT_KEY "" Merchant(MerchantSetup),
    INVALID_CURRENCY "" Merchant(MerchantSetup),
    INVALID_CUSTOMER_KEY "I" Merchant(MerchantSetup),
    INVALID_DATE "V" Merchant(MerchantSetup),
    INVALID_EASY_PAY "" Merchant(MerchantSetup),
    INVALID_EMAIL "KI" Merchant(MerchantSetup),
    INVALID_FLOW_MODE_PARAMETERS "" Merchant(MerchantSetup),
    INVALID_IDEMPOTENCY_KEY "" Merchant(MerchantSetup),
    INVALID_IDENTIFICATION_TYPE "" Merchant(MerchantSetup),
    INVALID_ISO_DATE_FORMAT "" Merchant(MerchantSetup),
    INVALID_ORDER_ID "K" Merchant(MerchantSetup),
    INVALID_ORDER_NAME "" Merchant(MerchantSetup),
    INVALID_PAGING_KEY "" Merchant(MerchantSetup),
    INVALID_PAYABLE_DATE "" Merchant(MerchantSetup),
    INVALID_PAYMENT_KEY "" Merchant(MerchantSetup),
    INVALID_REFUND_AMOUNT "" Merchant(MerchantSetup),
    INVALID_REGISTRATION_NUMBER_TYPE "V" Merchant(MerchantSetup),
    INVALID_REQUEST "CXKVIBD" Merchant(MerchantSetup),
    INVALID_REQUIRED_PARAM "K" Merchant(MerchantSetup),
    INVALID_SUBMALL_ID "" Merchant(MerchantSetup),
    INVALID_SUCCESS_URL "" Merchant(MerchantSetup),
    INVALID_TEST_CODE "" Merchant(MerchantSetup),
    INVALID_UNREGISTERED_SUBMALL "C" Merchant(MerchantSetup),
    INVALID_URL "" Merchant(MerchantSetup),
    INVALID_URL_FORMAT "" Merchant(MerchantSetup),
    INVALID_VALID_HOURS_WITH_DUE_DATE_AND_SINGLE "V" Merchant(MerchantSetup),
    INVALID_VIRTUAL_ACCOUNT_TYPE "V" Merchant(MerchantSetup),
    NOT_ALLOWED_HOLIDAY "" Merchant(MerchantSetup),
    NOT_ALLOWED_PARTIAL_REFUND "X" Merchant(MerchantSetup),
    NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT "X" Merchant(MerchantSetup),
    NOT_FOUND "G" Merchant(MerchantSetup),
    NOT_FOUND_HTTP_METHOD "" Merchant(MerchantSetup),
    NOT_FOUND_MERCHANT "" Merchant(MerchantSetup),
    NOT_FOUND_MERCHANT_INTEGRATION "" Merchant(MerchantSetup),
    NOT_FOUND_METHOD "" Merchant(MerchantSetup),
    NOT_FOUND_METHOD_IN_GROUP "" Merchant(MerchantSetup),
    NOT_FOUND_METHOD_OWNERSHIP "" Merchant(MerchantSetup),
    NOT_FOUND_SUBMALL "" Merchant(MerchantSetup),
    NOT_FOUND_TERMINAL_ID "C" Merchant(MerchantSetup),
    NOT_MATCHES_CUSTOMER_KEY "B" Merchant(MerchantSetup),
    NOT_REGISTERED_BUSINESS "C" Merchant(MerchantSetup),
    NOT_REGISTERED_SUBMALL "" Merchant(MerchantSetup),
    NOT_SUPPORTED_METHOD "VI" Merchant(MethodUnsupported),
    NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN_BELOW_AMOUNT "GK" Merchant(MethodUnsupported),
    NOT_SUPPORTED_PROCESS "" Merchant(MerchantSetup),
    NOT_SUPPORTED_REFUND "" Merchant(MerchantSetup),
    NOT_SUPPORTED_USD "" Merchant(MethodUnsupported),
    PAYOUT_NOT_FOUND "" Merchant(MerchantSetup),
    REQUIRED_ACCOUNT_KEY "V" Merchant(MerchantSetup),
    REQUIRED_AMOUNT "" Merchant(MerchantSetup),
    UNAUTHORIZED_KEY "CGXKVIBD" Merchant(MerchantSetup),
    ALREADY_CANCELED_PAYMENT "X" State,
    ALREADY_COMPLETED_PAYMENT "" State,
    ALREADY_PROCESSED_PAYMENT "C" State,
    ALREADY_REFUNDING_PAYMENT "" State,
    ALREADY_REFUND_PAYMENT "X" State,
    ALREADY_REMOVED_BILLING_KEY "B" State,
    BILLING_KEY_NOT_FOUND "D" State,
    DUPLICATED_CASH_RECEIPT "" State,
    DUPLICATED_ORDER_ID "KVB" State,
    DUPLICATED_REQUEST "" State,
    NOT_ALLOWED_CHANGING_ACCOUNT "" State,
    NOT_CANCELABLE_AMOUNT "X" State,
    NOT_CANCELABLE_PAYMENT "X" State,
    NOT_FOUND_BILLING "D" State,
    NOT_FOUND_PAYMENT "CGX" State,
    NOT_FOUND_PAYMENT_SESSION "C" State,
    NOT_MATCHES_REFUNDABLE_AMOUNT "X" State,
    UNAPPROVED_ORDER_ID "C" State,
    CARD_PROCESSING_ERROR "C" Temporary,
    COMMON_ERROR "XI" Temporary,
    FAILED_BILLING_AUTO_CANCEL "" Temporary,
    FAILED_BILL_KEY_AUTH_CREATION "I" Temporary,
    FAILED_CARD_COMPANY_RESPONSE "KB" Temporary,
    FAILED_HASH_DATA_CREATION "" Temporary,
    FAILED_INTERNAL_SYSTEM_PROCESSING "CXKVB" Temporary,
    FAILED_METHOD_HANDLING "" Temporary,
    FAILED_METHOD_HANDLING_CANCEL "X" Temporary,
    FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING "CGXK" Temporary,
    FAILED_REFUND_PROCESS "X" Temporary,
    FORBIDDEN_CONSECUTIVE_REQUEST "GX" Temporary,
    IDEMPOTENT_REQUEST_PROCESSING "" Temporary,
    MAINTAINED_METHOD "" Temporary,
    NOT_AVAILABLE_BANK "CX" Temporary,
    NOT_AVAILABLE_PAYMENT "C" Temporary,
    PROVIDER_ERROR "CX" Temporary,
    UNKNOWN_ERROR "" Temporary,
    UNKNOWN_PAYMENT_ERROR "C" Temporary,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Documented {
        code: String,
        calls: String,
        class: String,
    }

    /// The table against the file of facts, both ways.
    #[test]
    fn is_exactly_what_is_documented() {
        let file = include_str!("../../../../tests/toss/error-codes.json");
        let documented: Vec<Documented> = serde_json::from_str(file).unwrap();
        assert_eq!(documented.len(), FACTS.len());
        for row in documented {
            let fact = fact(&row.code).unwrap_or_else(|| panic!("{} is missing", row.code));
            let class = match fact.kind {
                Kind::Buyer(_) => "U",
                Kind::Merchant(_) => "M",
                Kind::State => "S",
                Kind::Temporary => "T",
            };
            assert_eq!(
                (fact.calls, class),
                (&*row.calls, &*row.class),
                "{}",
                row.code
            );
        }
    }

    #[test]
    fn configuration_codes_are_documented() {
        for code in CONFIGURATION {
            assert!(fact(code).is_some(), "{code}");
        }
    }

    #[test]
    fn a_shown_failure_is_believed_whatever_its_code() {
        let known = failure("REJECT_CARD_PAYMENT", "한도초과");
        assert_eq!(
            (known.reason, known.class),
            (Reason::InsufficientFunds, Class::Buyer)
        );
        let merchant = failure("INVALID_REQUEST", "");
        assert_eq!(
            (merchant.reason, merchant.class),
            (Reason::MerchantSetup, Class::Merchant)
        );
        assert_eq!(
            failure("EXPIRED_PAYMENT", "").reason,
            Reason::SessionExpired
        );
        for code in ["NEVER_SEEN", "PROVIDER_ERROR"] {
            let decline = failure(code, "");
            assert_eq!(
                (decline.reason, decline.class),
                (Reason::Other, Class::Buyer),
                "{code}"
            );
        }
    }

    #[test]
    fn messages_are_cut_at_a_character() {
        let message = failure("REJECT_CARD_PAYMENT", &"한".repeat(600)).message;
        assert_eq!(message.chars().count(), Decline::MESSAGE_CHARS_MAX);
    }
}
