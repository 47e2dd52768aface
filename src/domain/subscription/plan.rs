//! Owns what a merchant offers: for how much, how often, and how it deals with what goes wrong.

use std::time::Duration;

use super::Dunning;
use crate::Timestamp;
use crate::calendar::Period;
use crate::money::Money;
use crate::principal::Scope;
use crate::text::{Benefits, PlanCode, PlanName};

words! {
    /// Whether it renews.
    PlanKind {
        /// Paid once, for one period.
        OneTime => "ONE_TIME",
        /// Paid every period until somebody ends it.
        Subscription => "SUBSCRIPTION",
    }
}

words! {
    /// What happens to cycles that came due while nothing could be charged.
    Missed {
        /// Each of them is charged, one after the other.
        ChargeEach => "CHARGE_EACH",
        /// The newest is charged; those before it are skipped.
        ChargeNewest => "CHARGE_NEWEST",
    }
}

/// What is paid, how often. It never changes: who subscribed to it would be charged otherwise
/// than they agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    kind: PlanKind,
    period: Period,
    price: Money,
    tax_free: Money,
}

/// Why terms are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Nothing can be charged.
    #[error("a price is more than nothing")]
    Free,
    /// More without VAT than there is, or in another currency.
    #[error("the tax-free part is no part of the price")]
    TaxFree,
}

impl Terms {
    /// What is paid, how often; `tax_free` is the part of the price without VAT.
    ///
    /// # Errors
    /// The price is nothing, or the part is none of it.
    pub fn new(
        kind: PlanKind,
        period: Period,
        price: Money,
        tax_free: Money,
    ) -> Result<Self, TermsError> {
        if price.is_zero() {
            return Err(TermsError::Free);
        }
        price.minus(tax_free).map_err(|_| TermsError::TaxFree)?;
        Ok(Self {
            kind,
            period,
            price,
            tax_free,
        })
    }

    /// Whether it renews.
    #[must_use]
    pub const fn kind(&self) -> PlanKind {
        self.kind
    }

    /// How long a cycle is.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// What a cycle costs.
    #[must_use]
    pub const fn price(&self) -> Money {
        self.price
    }

    /// The part of it without VAT.
    #[must_use]
    pub const fn tax_free(&self) -> Money {
        self.tax_free
    }
}

/// What may change about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// What members read.
    pub name: PlanName,
    /// What it gives, as members read it.
    pub benefits: Option<Benefits>,
    /// Whether anybody can still subscribe. Who did stays with it.
    pub offered: bool,
    /// What happens to cycles that came due while nothing could be charged.
    pub missed: Missed,
    /// What follows a decline.
    pub dunning: Dunning,
}

/// What a merchant offers in one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose, and in which mode.
    pub scope: Scope,
    /// What its merchant calls it.
    pub code: PlanCode,
    /// What is paid, how often.
    pub terms: Terms,
    /// Everything else.
    pub manner: Manner,
    /// Raised by every change.
    pub version: i64,
    /// Since when.
    pub created_at: Timestamp,
}

/// The plan has been offered on other terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kind, period and price of a plan do not change; offer another plan instead")]
pub struct OtherTerms;

impl Plan {
    /// The same plan in this manner from now on; none when it is so already.
    ///
    /// # Errors
    /// The terms are others.
    pub fn revised(&self, terms: &Terms, manner: &Manner) -> Result<Option<Self>, OtherTerms> {
        if self.terms != *terms {
            return Err(OtherTerms);
        }
        Ok((self.manner != *manner).then(|| Self {
            manner: manner.clone(),
            version: self.version.saturating_add(1),
            ..self.clone()
        }))
    }
}

impl Dunning {
    /// What a plan has that says nothing else.
    pub const USUAL: Self = Self {
        first: Duration::from_hours(1),
        cap: Duration::from_hours(24),
        tries_max: 5,
        card_grace: Duration::from_hours(7 * 24),
    };
}
