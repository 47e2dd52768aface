//! Owns the columns of the table of routes that say who may call, what a path names, and whose
//! objects a caller reaches.

use super::catalogue::Code;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Everybody.
    Anybody,
    /// A merchant's server, by secret key; it sees its own objects only.
    MerchantServer,
    /// A merchant's page in a browser, by publishable key, which everybody can read there. Where it
    /// may call, the merchant's server may, too.
    MerchantPage,
    /// A merchant's member, by token; they see their own payments, cards and subscriptions only.
    Member,
    /// A gateway, by the token in the path; it is told nothing.
    Gateway,
}

/// Whose objects somebody reaches. All others are not there for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nobody's.
    Nothing,
    /// Those of their merchant, in their mode.
    Merchant,
    /// Of these, the payments, billing keys and subscriptions that name them as their member.
    Member,
}

impl Principal {
    /// Everybody who may call something.
    pub const ALL: [Self; 5] = [
        Self::Anybody,
        Self::MerchantServer,
        Self::MerchantPage,
        Self::Member,
        Self::Gateway,
    ];

    /// Whose objects it reaches, on every route that it may call.
    #[must_use]
    pub const fn reach(self) -> Reach {
        match self {
            Self::Anybody | Self::Gateway => Reach::Nothing,
            Self::MerchantServer | Self::MerchantPage => Reach::Merchant,
            Self::Member => Reach::Member,
        }
    }
}

/// What the path of a route names, and so what has to be within the caller's reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Nothing: the answer is about the service, or about all that the caller reaches.
    Nothing,
    /// A payment.
    Payment,
    /// An API key.
    ApiKey,
    /// A webhook endpoint.
    Endpoint,
    /// A stored payment method of a member.
    BillingKey,
    /// A subscription.
    Subscription,
    /// A member of the caller's, by the merchant's own id: everything that can be one is.
    Member,
    /// A safety switch, by a word that is everybody's: each caller turns its own.
    Switch,
    /// What lets a gateway's notifications in, and is the credential at once.
    HookToken,
}

impl Named {
    /// Where the path has it.
    #[must_use]
    pub const fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Payment => Some("{paymentId}"),
            Self::ApiKey => Some("{apiKeyId}"),
            Self::Endpoint => Some("{endpointId}"),
            Self::BillingKey => Some("{billingKeyId}"),
            Self::Subscription => Some("{subscriptionId}"),
            Self::Member => Some("{memberId}"),
            Self::Switch => Some("{operation}"),
            Self::HookToken => Some("{hookToken}"),
        }
    }

    /// The refusal where there is none, or none within the caller's reach: both are told alike.
    #[must_use]
    pub const fn missing(self) -> Option<Code> {
        match self {
            Self::Nothing | Self::Member => None,
            Self::Payment => Some(Code::PaymentNotFound),
            Self::ApiKey => Some(Code::ApiKeyNotFound),
            Self::Endpoint => Some(Code::WebhookEndpointNotFound),
            Self::BillingKey => Some(Code::BillingKeyNotFound),
            Self::Subscription => Some(Code::SubscriptionNotFound),
            Self::Switch => Some(Code::SwitchNotFound),
            Self::HookToken => Some(Code::HookUnknown),
        }
    }
}
