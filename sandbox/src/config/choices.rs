//! Owns the behaviours one can choose between, and the words for them in flags and records.

/// A behaviour with a word for each of its values.
pub(crate) trait Choice: Copy + Sized + 'static {
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];

    fn word(self) -> &'static str;

    fn named(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, value)| *value)
    }
}

macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$meaning])* $value,)+
        }

        impl Choice for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value),)+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }
    };
}

choice! {
    /// Whether one order id may be approved twice, with two payment keys.
    SecondApproval {
        /// The gateway takes the money a second time; the merchant has to notice.
        Allowed = "allowed",
        /// The gateway answers `DUPLICATED_ORDER_ID`.
        Refused = "refused",
    }
}

choice! {
    /// Whether `POST /v1/payments/{paymentKey}` still confirms, as before October 2022.
    OldConfirm {
        /// There is no such method.
        Absent = "absent",
        /// It does, with `orderId` and `amount` in the body.
        Served = "served",
    }
}

choice! {
    /// What a refusal for good does to the payment.
    Decline {
        /// It is over.
        Aborts = "aborts",
        /// It can be confirmed again.
        KeepsInProgress = "keepsInProgress",
    }
}

choice! {
    /// What a temporary error at confirm does to the payment.
    TemporaryError {
        /// It can be confirmed again.
        KeepsInProgress = "keepsInProgress",
        /// It is over.
        Aborts = "aborts",
    }
}

choice! {
    /// Whether 5xx answers are kept under their idempotency key.
    ServerErrors {
        /// A repeat gets the same 5xx.
        Stored = "stored",
        /// A repeat is executed again.
        Forgotten = "forgotten",
    }
}

choice! {
    /// Whether payments carry a `secret`.
    Secret {
        /// `ps_…` once authenticated.
        Sent = "sent",
        /// Always null.
        Null = "null",
    }
}

choice! {
    /// How strictly the JSON types of request fields are taken.
    Typing {
        /// `"1000"` is a number and `71` is a string.
        Lenient = "lenient",
        /// Only the documented type is accepted.
        Strict = "strict",
    }
}

choice! {
    /// Which characters an order id may have beside letters, digits, `-` and `_`.
    OrderIdCharacters {
        /// None, as the reference says.
        Documented = "documented",
        /// `=`, as the SDK says.
        Equals = "equals",
        /// `=` and `.`, as older documents say.
        EqualsAndDot = "equalsAndDot",
    }
}

choice! {
    /// Which payment an order id stands for when it has several.
    PaymentOfOrder {
        /// The one approved last, else the one opened last.
        NewestApproved = "newestApproved",
        /// The one opened last.
        Newest = "newest",
    }
}

choice! {
    /// Whether `refundableAmount` of a cancel is an optimistic lock.
    RefundableAmount {
        /// It must be the balance.
        Checked = "checked",
        /// It is not looked at: one source calls it deprecated.
        Ignored = "ignored",
    }
}

choice! {
    /// What happens to a cancel whose tax-free part does not fit what is left.
    TaxFreeMismatch {
        /// It is an invalid request.
        Refused = "refused",
        /// The nearest part that fits is taken.
        Adjusted = "adjusted",
    }
}

choice! {
    /// Whether Basic credentials may come without base64 padding.
    Padding {
        /// With and without.
        Optional = "optional",
        /// Only with.
        Required = "required",
    }
}

choice! {
    /// Whether the error object of an unauthorised call has a null `data`.
    ErrorData {
        /// As captured.
        OnUnauthorized = "onUnauthorized",
        /// As documented.
        Never = "never",
    }
}

choice! {
    /// What a 429 carries.
    TooManyRequests {
        /// An error object with a code.
        Code = "code",
        /// No body.
        Empty = "empty",
    }
}

choice! {
    /// Whether cancels show `cardDiscountAmount`.
    CardDiscount {
        /// As in the reference.
        Sent = "sent",
        /// As in captures of 2024 and 2025.
        Omitted = "omitted",
    }
}

choice! {
    /// Whether the way back to the shop carries `paymentType`.
    PaymentType {
        /// As the guides say.
        Sent = "sent",
        /// As the SDK's own text says.
        Omitted = "omitted",
    }
}

choice! {
    /// The sign of what was given back, in a list of transactions.
    CancelSign {
        /// As settlements show it.
        Negative = "negative",
        /// The status alone tells the direction.
        Positive = "positive",
    }
}

choice! {
    /// Whether the end of a range of instants belongs to it.
    RangeEnd {
        /// Ranges that touch share nothing.
        Excluded = "excluded",
        /// A transaction at that very second is in the range.
        Included = "included",
    }
}

choice! {
    /// Where settlements come from.
    Settlements {
        /// Every movement is settled by a fixed calendar and a fixed fee.
        FromLedger = "fromLedger",
        /// None: the real gateway settles live payments only.
        Empty = "empty",
    }
}

choice! {
    /// What the card company does when a `tid` comes again.
    RepeatedTid {
        /// It tells again what it told the first time.
        Replayed = "replayed",
        /// It authorises a second time; the caller has to notice.
        AuthorizedAgain = "authorizedAgain",
    }
}

choice! {
    /// What a charge that the institution refuses leaves behind.
    FailedCharge {
        /// No payment: the order id reads nothing.
        LeavesNothing = "leavesNothing",
        /// A payment that is aborted.
        LeavesAborted = "leavesAborted",
    }
}

choice! {
    /// Where webhooks may go.
    WebhookTargets {
        /// To this machine alone: a test must not tell strangers anything.
        Loopback = "loopback",
        /// Anywhere.
        Any = "any",
    }
}

choice! {
    /// Which answers to a webhook are a success.
    WebhookSuccess {
        /// 200 and no other, as the documents say.
        Only200 = "only200",
        /// Any 2xx, as a post of the gateway's own says.
        Any2xx = "any2xx",
    }
}

choice! {
    /// Which bytes of a security key sign webhooks.
    SecurityKeyForm {
        /// Those of its text.
        Text = "text",
        /// Those its hexadecimal digits stand for.
        Hex = "hex",
    }
}

choice! {
    /// What `refundStatus` is right after a deposit was given back.
    RefundBegins {
        /// As in captures.
        None = "none",
        /// As the reference's list of values suggests.
        Pending = "pending",
    }
}
