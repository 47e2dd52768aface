//! Owns the catalogue of stable codes: each with its status and its Korean and English message.
//!
//! A code never changes its meaning; `docs/errors/` has a page for each.

use axum::http::StatusCode;

use super::codes::catalogue;

/// In which language a caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// 한국어, also for who does not say.
    Korean,
    /// English.
    English,
}

catalogue! {
    PAYMENT_PENDING => PaymentPending, ACCEPTED,
        "결제 결과를 확인하고 있습니다.",
        "The outcome of the payment is being established.";
    PAYMENT_DECLINED => PaymentDeclined, PAYMENT_REQUIRED,
        "결제가 거절되었습니다.",
        "The payment was declined.";

    CANCEL_DECLINED => CancelDeclined, UNPROCESSABLE_ENTITY,
        "결제대행사가 취소를 거절했습니다.",
        "The payment gateway refused to give the money back.";

    INVALID_REQUEST => InvalidRequest, BAD_REQUEST,
        "요청 값이 올바르지 않습니다.",
        "The request has invalid values.";
    MALFORMED_JSON => MalformedJson, BAD_REQUEST,
        "JSON 형식이 올바르지 않습니다.",
        "The body is not well-formed JSON.";
    DUPLICATE_JSON_KEY => DuplicateJsonKey, BAD_REQUEST,
        "JSON 객체에 같은 키가 두 번 이상 있습니다.",
        "A JSON object has the same key more than once.";
    MALFORMED_BODY => MalformedBody, BAD_REQUEST,
        "요청 본문을 읽을 수 없습니다.",
        "The body could not be read.";
    HEADER_REPEATED => HeaderRepeated, BAD_REQUEST,
        "한 번만 보낼 수 있는 헤더가 반복되었습니다.",
        "A header that may come once was repeated.";
    HOST_INVALID => HostInvalid, BAD_REQUEST,
        "Host 헤더가 없거나 올바르지 않습니다.",
        "The request does not name its host, or not in one way.";
    REQUEST_MALFORMED => RequestMalformed, BAD_REQUEST,
        "HTTP 요청 형식이 올바르지 않습니다.",
        "The bytes are not an HTTP/1.1 request.";
    HEAD_TOO_LARGE => HeadTooLarge, REQUEST_HEADER_FIELDS_TOO_LARGE,
        "요청 주소와 헤더가 너무 많거나 너무 깁니다.",
        "The target and the headers are too many or too long.";
    LENGTH_REQUIRED => LengthRequired, LENGTH_REQUIRED,
        "Transfer-Encoding 대신 Content-Length가 필요합니다.",
        "Bodies need a Content-Length; Transfer-Encoding is refused.";
    BODY_TIMEOUT => BodyTimeout, REQUEST_TIMEOUT,
        "요청 본문이 제한 시간 안에 도착하지 않았습니다.",
        "The body did not arrive in time.";
    BODY_TOO_LARGE => BodyTooLarge, PAYLOAD_TOO_LARGE,
        "요청 본문이 너무 큽니다.",
        "The body is too large.";
    UNSUPPORTED_MEDIA_TYPE => UnsupportedMediaType, UNSUPPORTED_MEDIA_TYPE,
        "Content-Type은 압축되지 않은 application/json이어야 합니다.",
        "The body must be application/json, not compressed.";
    ROUTE_NOT_FOUND => RouteNotFound, NOT_FOUND,
        "존재하지 않는 경로입니다.",
        "There is no such path.";
    METHOD_NOT_ALLOWED => MethodNotAllowed, METHOD_NOT_ALLOWED,
        "이 경로에서 지원하지 않는 메서드입니다.",
        "The path does not take this method.";

    FIELD_REQUIRED => FieldRequired, BAD_REQUEST,
        "필수 값입니다.",
        "A value is required.";
    FIELD_UNKNOWN => FieldUnknown, BAD_REQUEST,
        "알 수 없는 항목입니다.",
        "The field is not known.";
    FIELD_REPEATED => FieldRepeated, BAD_REQUEST,
        "한 번만 보낼 수 있는 항목입니다.",
        "The field may come only once.";
    FIELD_TYPE => FieldType, BAD_REQUEST,
        "값의 형식이 올바르지 않습니다.",
        "The value is of the wrong type.";
    FIELD_LENGTH => FieldLength, BAD_REQUEST,
        "값의 길이가 허용 범위를 벗어났습니다.",
        "The value is too short or too long.";
    FIELD_CHARACTER => FieldCharacter, BAD_REQUEST,
        "허용되지 않는 문자가 있습니다.",
        "The value has a character that is not allowed.";
    FIELD_RANGE => FieldRange, BAD_REQUEST,
        "값이 허용 범위를 벗어났습니다.",
        "The value is out of range.";
    FIELD_WORD => FieldWord, BAD_REQUEST,
        "허용된 값 중 하나가 아닙니다.",
        "The value is not one of the allowed words.";
    ID_MALFORMED => IdMalformed, BAD_REQUEST,
        "식별자 형식이 올바르지 않습니다.",
        "The value is not an identifier of this kind.";
    INSTANT_MALFORMED => InstantMalformed, BAD_REQUEST,
        "시간대가 있는 ISO 8601 시각이어야 합니다.",
        "The value must be an ISO 8601 instant with an offset.";
    CARD_NUMBER_REFUSED => CardNumberRefused, BAD_REQUEST,
        "카드 번호는 보낼 수 없습니다.",
        "Card numbers are not accepted.";
    AMOUNT_NOT_INTEGER => AmountNotInteger, BAD_REQUEST,
        "금액은 최소 화폐 단위의 정수여야 합니다.",
        "An amount is an integer of minor units.";
    AMOUNT_NEGATIVE => AmountNegative, BAD_REQUEST,
        "금액은 음수일 수 없습니다.",
        "An amount cannot be negative.";
    AMOUNT_ZERO => AmountZero, BAD_REQUEST,
        "금액은 0보다 커야 합니다.",
        "An amount must be above zero.";
    AMOUNT_OVER_LIMIT => AmountOverLimit, BAD_REQUEST,
        "금액이 한도를 초과했습니다.",
        "The amount is over the limit.";
    TAX_FREE_OVER_AMOUNT => TaxFreeOverAmount, BAD_REQUEST,
        "면세 금액이 결제 금액보다 큽니다.",
        "The tax-free part is larger than the amount.";
    CURRENCY_UNKNOWN => CurrencyUnknown, BAD_REQUEST,
        "알 수 없는 통화입니다.",
        "The currency is not known.";
    CURRENCY_DISABLED => CurrencyDisabled, BAD_REQUEST,
        "이 가맹점에서 사용하도록 설정되지 않은 통화입니다.",
        "The currency is not enabled for this merchant.";
    CURSOR_EXPIRED => CursorExpired, GONE,
        "더 이상 유효하지 않은 커서입니다.",
        "The cursor is no longer valid.";
    CURSOR_INVALID => CursorInvalid, BAD_REQUEST,
        "커서가 올바르지 않습니다.",
        "The cursor is not one we handed out.";
    MEMBER_MISMATCH => MemberMismatch, BAD_REQUEST,
        "다른 회원의 결제나 결제수단은 이용할 수 없습니다.",
        "A member has to do with their own payments and cards only.";
    FILTER_COMBINATION => FilterCombination, BAD_REQUEST,
        "함께 사용할 수 없는 검색 조건입니다.",
        "These filters cannot be combined.";

    CREDENTIALS_MISSING => CredentialsMissing, UNAUTHORIZED,
        "시크릿 키 또는 회원 토큰으로 인증해야 합니다.",
        "Authenticate with a secret key or a member's token.";
    CREDENTIALS_MALFORMED => CredentialsMalformed, UNAUTHORIZED,
        "Authorization 헤더 형식이 올바르지 않습니다.",
        "The Authorization header is malformed.";
    API_KEY_UNKNOWN => ApiKeyUnknown, UNAUTHORIZED,
        "유효하지 않은 API 키입니다.",
        "The API key is not valid.";
    API_KEY_EXPIRED => ApiKeyExpired, UNAUTHORIZED,
        "폐기되었거나 만료된 API 키입니다.",
        "The API key was revoked or has expired.";
    API_KEY_PUBLISHABLE => ApiKeyPublishable, FORBIDDEN,
        "공개 키로는 호출할 수 없습니다. 시크릿 키를 사용하세요.",
        "A publishable key cannot do this; use the secret key.";
    TOKEN_EXPIRED => TokenExpired, UNAUTHORIZED,
        "회원 토큰이 만료되었습니다.",
        "The member's token has expired.";
    TOKEN_INVALID => TokenInvalid, UNAUTHORIZED,
        "유효하지 않은 회원 토큰입니다.",
        "The member's token is not valid.";
    IDENTITY_UNAVAILABLE => IdentityUnavailable, SERVICE_UNAVAILABLE,
        "회원 토큰을 확인할 수 없습니다. 잠시 후 다시 시도하세요.",
        "Members' tokens cannot be checked now; try again later.";
    MEMBER_FORBIDDEN => MemberForbidden, FORBIDDEN,
        "회원 토큰으로는 호출할 수 없습니다. 가맹점 서버에서 시크릿 키로 호출하세요.",
        "A member cannot do this; only the merchant's server can, with its secret key.";
    MEMBER_REQUIRED => MemberRequired, FORBIDDEN,
        "회원만 호출할 수 있습니다. 회원 토큰으로 호출하세요.",
        "Only a member can do this, with their token.";
    STEP_UP_REQUIRED => StepUpRequired, UNAUTHORIZED,
        "등록되지 않은 기기입니다. 본인 인증이 필요합니다.",
        "The person has to prove themselves on this device first.";
    STEP_UP_PROOF_INVALID => StepUpProofInvalid, UNAUTHORIZED,
        "이 요청에 유효하지 않은 본인 인증입니다.",
        "The proof does not prove this person for this request.";
    STEP_UP_PROOF_EXPIRED => StepUpProofExpired, UNAUTHORIZED,
        "본인 인증이 만료되었습니다. 다시 인증해 주세요.",
        "The proof, or the challenge it answers, has expired.";
    STEP_UP_PROOF_SPENT => StepUpProofSpent, UNAUTHORIZED,
        "이미 사용된 본인 인증입니다. 다시 인증해 주세요.",
        "The proof was used already.";
    DEVICE_ID_MALFORMED => DeviceIdMalformed, BAD_REQUEST,
        "Device-Id는 16-128자의 공백 없는 ASCII여야 합니다.",
        "A Device-Id is 16-128 visible ASCII characters.";
    MERCHANT_SUSPENDED => MerchantSuspended, FORBIDDEN,
        "이용이 정지된 가맹점입니다.",
        "The merchant is suspended.";
    API_KEY_NOT_FOUND => ApiKeyNotFound, NOT_FOUND,
        "API 키를 찾을 수 없습니다.",
        "There is no such API key.";
    API_KEY_ENDING => ApiKeyEnding, CONFLICT,
        "이미 교체되었거나 폐기된 API 키입니다.",
        "The API key was rotated or revoked already.";
    API_KEY_LAST => ApiKeyLast, CONFLICT,
        "마지막 시크릿 키는 폐기할 수 없습니다.",
        "The last secret key cannot be revoked.";
    API_KEY_LIMIT => ApiKeyLimit, CONFLICT,
        "API 키를 더 발급할 수 없습니다.",
        "There are as many API keys as there may be.";
    HOOK_UNKNOWN => HookUnknown, NOT_FOUND,
        "알림을 받는 주소가 아닙니다.",
        "Nothing is told at this address.";
    WEBHOOK_ENDPOINT_NOT_FOUND => WebhookEndpointNotFound, NOT_FOUND,
        "웹훅 엔드포인트를 찾을 수 없습니다.",
        "There is no such webhook endpoint.";
    WEBHOOK_DELIVERY_NOT_FOUND => WebhookDeliveryNotFound, NOT_FOUND,
        "이 엔드포인트로 보낸 적이 없는 이벤트입니다.",
        "The endpoint was not sent this event.";
    WEBHOOK_ENDPOINT_DISABLED => WebhookEndpointDisabled, CONFLICT,
        "사용이 중지된 웹훅 엔드포인트입니다.",
        "The webhook endpoint is not enabled.";
    WEBHOOK_ENDPOINT_LIMIT => WebhookEndpointLimit, CONFLICT,
        "웹훅 엔드포인트를 더 만들 수 없습니다.",
        "There are as many webhook endpoints as there may be.";
    WEBHOOK_SECRET_LIMIT => WebhookSecretLimit, CONFLICT,
        "아직 유효한 이전 웹훅 서명 키가 너무 많습니다.",
        "As many old secrets of the webhook endpoint are in use as may be.";
    WEBHOOK_URL_REFUSED => WebhookUrlRefused, BAD_REQUEST,
        "웹훅을 보낼 수 없는 주소입니다.",
        "Webhooks cannot be sent to this address.";

    IDEMPOTENCY_KEY_MISSING => IdempotencyKeyMissing, BAD_REQUEST,
        "Idempotency-Key 헤더가 필요합니다.",
        "The Idempotency-Key header is required.";
    IDEMPOTENCY_KEY_MALFORMED => IdempotencyKeyMalformed, BAD_REQUEST,
        "Idempotency-Key는 1-255자의 공백 없는 ASCII여야 합니다.",
        "An Idempotency-Key is 1-255 visible ASCII characters.";
    IDEMPOTENCY_KEY_NOT_ISSUED => IdempotencyKeyNotIssued, BAD_REQUEST,
        "발급되지 않았거나 만료된 멱등 키입니다.",
        "The idempotency key was not issued to you, or it expired.";
    IDEMPOTENCY_KEY_REUSED => IdempotencyKeyReused, UNPROCESSABLE_ENTITY,
        "이미 다른 요청에 사용된 멱등 키입니다.",
        "The idempotency key was used for another request.";
    IDEMPOTENCY_KEY_IN_PROGRESS => IdempotencyKeyInProgress, CONFLICT,
        "같은 멱등 키의 첫 요청을 처리하고 있습니다.",
        "The first request with this idempotency key is under way.";

    PAYMENT_NOT_FOUND => PaymentNotFound, NOT_FOUND,
        "결제를 찾을 수 없습니다.",
        "There is no such payment.";
    ORDER_TAKEN => OrderTaken, CONFLICT,
        "이미 결제가 등록된 주문입니다.",
        "The order has a payment already.";
    GATEWAY_ORDER_MISMATCH => GatewayOrderMismatch, BAD_REQUEST,
        "결제창의 주문번호가 이 결제의 것이 아닙니다.",
        "The gateway order does not belong to this payment.";
    AMOUNT_MISMATCH => AmountMismatch, BAD_REQUEST,
        "결제 금액이 등록된 금액과 다릅니다.",
        "The amount is not the one that was prepared.";
    PAYMENT_IN_PROGRESS => PaymentInProgress, CONFLICT,
        "이 결제의 다른 요청을 처리하고 있습니다.",
        "Another attempt at this payment is unresolved.";
    PAYMENT_ALREADY_APPROVED => PaymentAlreadyApproved, CONFLICT,
        "이미 승인된 결제입니다.",
        "The payment is approved already.";
    PAYMENT_CLOSED => PaymentClosed, CONFLICT,
        "더 이상 결제할 수 없는 상태입니다.",
        "The payment can no longer be paid.";
    PAYMENT_KEY_NOT_ORDER => PaymentKeyNotOrder, BAD_REQUEST,
        "이 결제대행사에서는 paymentKey가 gatewayOrderId와 같아야 합니다.",
        "At this gateway the paymentKey is the gatewayOrderId.";
    PAYMENT_KEY_SPENT => PaymentKeySpent, CONFLICT,
        "이 인증으로 뒤늦게 승인된 금액은 환불됩니다. 결제창에서 다시 결제해 주세요.",
        "What this authentication took too late is given back; the buyer has to pay anew.";
    PAYMENT_EXPIRED => PaymentExpired, CONFLICT,
        "결제 유효 시간이 지났습니다.",
        "The time to pay is over.";
    PAYMENT_KIND_MISMATCH => PaymentKindMismatch, CONFLICT,
        "이 종류의 결제에는 사용할 수 없는 방법입니다.",
        "This kind of payment does not take this.";

    PAYMENT_NOT_CANCELABLE => PaymentNotCancelable, UNPROCESSABLE_ENTITY,
        "취소할 수 있는 금액이 없는 결제입니다.",
        "The payment holds nothing that could be given back.";
    CANCEL_OVER_BALANCE => CancelOverBalance, UNPROCESSABLE_ENTITY,
        "취소 금액이 남은 금액보다 큽니다.",
        "The amount is more than what is left to give back.";
    CANCEL_TAX_FREE_MISMATCH => CancelTaxFreeMismatch, UNPROCESSABLE_ENTITY,
        "취소할 면세 금액이 남은 금액과 맞지 않습니다.",
        "The tax-free part does not fit what is left.";
    CANCEL_PART_OF_UNPAID => CancelPartOfUnpaid, UNPROCESSABLE_ENTITY,
        "결제 전에는 부분 취소를 할 수 없습니다.",
        "Before it is paid, a payment is cancelled as a whole.";
    REFUND_ACCOUNT_REQUIRED => RefundAccountRequired, UNPROCESSABLE_ENTITY,
        "입금된 가상계좌 결제를 취소하려면 환불 계좌가 필요합니다.",
        "A deposit is given back to an account of the buyer's, which has to be named.";
    REFUND_ACCOUNT_NOT_TAKEN => RefundAccountNotTaken, UNPROCESSABLE_ENTITY,
        "가상계좌 결제가 아니면 환불 계좌를 받지 않습니다.",
        "Only a deposit is given back to an account that is named.";

    BILLING_KEY_PENDING => BillingKeyPending, ACCEPTED,
        "결제수단의 처리 결과를 확인하고 있습니다.",
        "What becomes of the billing key is being established.";
    BILLING_KEY_DECLINED => BillingKeyDeclined, UNPROCESSABLE_ENTITY,
        "결제수단을 등록할 수 없습니다.",
        "The payment gateway issued no billing key.";
    BILLING_KEY_NOT_FOUND => BillingKeyNotFound, NOT_FOUND,
        "결제수단을 찾을 수 없습니다.",
        "There is no such billing key.";
    BILLING_KEY_UNUSABLE => BillingKeyUnusable, CONFLICT,
        "지금 상태에서는 사용할 수 없는 결제수단입니다.",
        "The billing key does not take this as it is now.";
    BILLING_KEY_IN_USE => BillingKeyInUse, CONFLICT,
        "이 결제수단으로 결제가 진행 중입니다.",
        "A charge with the billing key is unresolved.";
    CUSTOMER_KEY_MISMATCH => CustomerKeyMismatch, BAD_REQUEST,
        "이 결제수단 등록의 고객 키가 아닙니다.",
        "The customer key was not handed out for this billing key.";

    PLAN_NOT_FOUND => PlanNotFound, NOT_FOUND,
        "제공 중인 요금제를 찾을 수 없습니다.",
        "No plan of this code is offered.";
    SUBSCRIPTION_NOT_FOUND => SubscriptionNotFound, NOT_FOUND,
        "구독을 찾을 수 없습니다.",
        "There is no such subscription.";
    SUBSCRIPTION_CLOSED => SubscriptionClosed, CONFLICT,
        "이미 종료되었거나 종료가 예약된 구독입니다.",
        "The subscription has ended, or runs out already.";
    SUBSCRIPTION_CHARGING => SubscriptionCharging, CONFLICT,
        "구독 결제의 결과를 확인하고 있습니다.",
        "A charge of the subscription is unresolved.";

    GATEWAY_UNAVAILABLE => GatewayUnavailable, SERVICE_UNAVAILABLE,
        "결제대행사에 장애가 있습니다. 잠시 후 다시 시도하세요.",
        "The payment gateway is failing; try again later.";
    GATEWAY_BUSY => GatewayBusy, SERVICE_UNAVAILABLE,
        "결제대행사 호출이 몰려 있습니다. 잠시 후 다시 시도하세요.",
        "Too many calls to the payment gateway are under way; try again.";
    GATEWAY_NOT_CONFIGURED => GatewayNotConfigured, SERVICE_UNAVAILABLE,
        "결제대행사 계정이 설정되지 않았습니다.",
        "No payment gateway is configured for this merchant.";
    GATEWAY_ACCOUNT_DISABLED => GatewayAccountDisabled, CONFLICT,
        "사용 중지된 결제대행사 계정입니다.",
        "The payment gateway account takes no new payments.";
    GATEWAY_CANNOT_CANCEL => GatewayCannotCancel, UNPROCESSABLE_ENTITY,
        "이 결제대행사는 결제 취소를 지원하지 않습니다.",
        "The gateway that took this payment gives no money back.";
    METHOD_NOT_TAKEN => MethodNotTaken, UNPROCESSABLE_ENTITY,
        "이 결제 수단을 받는 결제대행사 계정이 없습니다.",
        "None of the merchant's gateway accounts takes such a payment.";
    OPERATION_PAUSED => OperationPaused, SERVICE_UNAVAILABLE,
        "일시 중지된 작업입니다. 잠시 후 다시 시도하세요.",
        "This operation is paused; try again later.";
    SWITCH_NOT_FOUND => SwitchNotFound, NOT_FOUND,
        "존재하지 않는 스위치입니다.",
        "There is no such switch.";
    TOO_MANY_CONFLICTS => TooManyConflicts, SERVICE_UNAVAILABLE,
        "동시 요청이 많아 처리하지 못했습니다. 다시 시도하세요.",
        "Others were first, again and again; try again.";
    STORE_UNAVAILABLE => StoreUnavailable, SERVICE_UNAVAILABLE,
        "저장소에 연결할 수 없습니다. 잠시 후 다시 시도하세요.",
        "The store is unavailable; try again later.";
    EVENT_UNREADABLE => EventUnreadable, SERVICE_UNAVAILABLE,
        "다음 이벤트를 읽을 수 없습니다. 잠시 후 다시 시도하세요.",
        "The next event cannot be read; try again later.";
    SHUTTING_DOWN => ShuttingDown, SERVICE_UNAVAILABLE,
        "서비스가 종료되고 있습니다. 다시 시도하세요.",
        "The service is shutting down; try again.";
    RATE_LIMITED => RateLimited, TOO_MANY_REQUESTS,
        "허용된 요청 횟수를 초과했습니다. 잠시 후 다시 시도하세요.",
        "You send more requests than you may; try again later.";
    STREAM_LIMIT => StreamLimit, TOO_MANY_REQUESTS,
        "열 수 있는 실시간 스트림 수를 초과했습니다.",
        "Too many streams are open already.";
    OVERLOADED => Overloaded, SERVICE_UNAVAILABLE,
        "요청이 너무 많습니다. 잠시 후 다시 시도하세요.",
        "Too many requests are waiting; try again.";
    INTERNAL_ERROR => InternalError, INTERNAL_SERVER_ERROR,
        "내부 오류가 발생했습니다.",
        "An internal error occurred.";
}
