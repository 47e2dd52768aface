//! Owns the choice of the account that a new payment is taken at: by merchant, kind and method.

use domain::account::Status;
use domain::id::GatewayAccountId;
use domain::payment::{Kind, Method, Methods};
use domain::principal::Scope;

use super::prepare::PrepareError;
use crate::App;
use crate::ports::gateway::{Ability, Terms};

/// What is to be taken, as far as it decides where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taking {
    /// How the money is taken.
    pub(crate) kind: Kind,
    /// What the buyer pays with, where that is known.
    pub(crate) method: Option<Method>,
}

/// How well an account fits; the best comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is there for a few methods, and for this one.
    Special,
    /// It takes whatever the buyer chooses.
    General,
}

impl Taking {
    /// How an account of these terms fits, if it does.
    fn fit(self, terms: &Terms) -> Option<Fit> {
        let able = match self.kind {
            Kind::OneOff => true,
            Kind::Billing => terms.abilities.has(Ability::KeepsCards),
            Kind::VirtualAccount => terms.abilities.has(Ability::IssuesAccounts),
        };
        let general = terms.methods == Methods::ALL;
        let fit = match self.method {
            Some(method) if !terms.methods.has(method) => None,
            Some(_) if !general => Some(Fit::Special),
            Some(_) => Some(Fit::General),
            // The buyer has yet to choose; a stored card or an account leaves no choice.
            None => (general || self.kind != Kind::OneOff).then_some(Fit::General),
        };
        fit.filter(|_| able)
    }
}

impl App {
    /// Where a new payment is taken: of the merchant's accounts that are active, served and take
    /// it, at one that is there for its method, and at the oldest of those.
    pub(crate) async fn account_for(
        &self,
        scope: Scope,
        taking: Taking,
    ) -> Result<GatewayAccountId, PrepareError> {
        let accounts = self.parts.store.gateway_accounts(scope).await?;
        let mut active = accounts
            .iter()
            .filter(|account| account.status == Status::Active)
            .map(|account| account.id)
            .peekable();
        if active.peek().is_none() && !accounts.is_empty() {
            return Err(PrepareError::AccountDisabled);
        }
        let served = active.filter_map(|account| {
            let gateway = self.parts.gateways.of(account)?;
            Some((account, gateway.terms()))
        });
        let mut served = served.peekable();
        served.peek().ok_or(PrepareError::NoGateway)?;
        // Of those that fit alike the first stays, which is the oldest.
        let fitting = served.filter_map(|(id, terms)| Some((taking.fit(&terms)?, id)));
        let best = fitting.min_by_key(|(fit, _)| *fit);
        best.map(|(_, id)| id).ok_or(PrepareError::NotTaken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::gateway::Abilities;

    fn terms(methods: &str, abilities: Abilities) -> Terms {
        Terms {
            methods: methods.parse().unwrap_or(Methods::ALL),
            abilities,
            ..Terms::default()
        }
    }

    fn fit(kind: Kind, method: Option<Method>, terms: &Terms) -> Option<Fit> {
        Taking { kind, method }.fit(terms)
    }

    #[test]
    fn a_method_prefers_who_is_there_for_it() {
        let cards = terms("CARD", Abilities::NONE);
        let all = terms("", Abilities::ALL);
        let by = |method| {
            (
                fit(Kind::OneOff, method, &cards),
                fit(Kind::OneOff, method, &all),
            )
        };
        assert_eq!(
            by(Some(Method::Card)),
            (Some(Fit::Special), Some(Fit::General))
        );
        assert_eq!(by(Some(Method::Transfer)), (None, Some(Fit::General)));
        assert_eq!(by(None), (None, Some(Fit::General)), "chosen in the window");
        assert!(Fit::Special < Fit::General);
    }

    #[test]
    fn a_kind_needs_who_can_do_it() {
        let plain = terms("", Abilities::NONE);
        let wallets = terms("EASY_PAY", Abilities::ALL);
        for kind in [Kind::Billing, Kind::VirtualAccount] {
            assert_eq!(fit(kind, None, &plain), None, "{kind}");
            // The oldest of those that can: no choice is left to the buyer.
            assert_eq!(fit(kind, None, &wallets), Some(Fit::General), "{kind}");
            assert_eq!(fit(kind, Some(Method::Card), &wallets), None, "{kind}");
        }
        assert_eq!(fit(Kind::OneOff, None, &plain), Some(Fit::General));
    }
}
