//! Owns what gateways differ in, beside how they are called: what each is able to do.

/// Something that not every gateway can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ability {
    /// It answers questions about payments, and lists its movements. One that does not is mute:
    /// it must answer a key once, and repeat that answer whenever the key comes again.
    Answers,
    /// It gives money back.
    GivesBack,
    /// It keeps cards, and charges them by billing key.
    KeepsCards,
    /// It issues accounts that buyers deposit to.
    IssuesAccounts,
    /// It has payments authenticated in a window of its own, and names each authentication. At
    /// one that does not a payment is known by its gateway order alone.
    NamesPayments,
}

impl Ability {
    const fn bit(self) -> u8 {
        match self {
            Self::Answers => 1,
            Self::GivesBack => 1 << 1,
            Self::KeepsCards => 1 << 2,
            Self::IssuesAccounts => 1 << 3,
            Self::NamesPayments => 1 << 4,
        }
    }
}

/// What a gateway is able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Abilities(u8);

impl Abilities {
    /// It takes money, and no more than that.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self::NONE
        .with(Ability::Answers)
        .with(Ability::GivesBack)
        .with(Ability::KeepsCards)
        .with(Ability::IssuesAccounts)
        .with(Ability::NamesPayments);

    /// These, and this one.
    #[must_use]
    pub const fn with(self, ability: Ability) -> Self {
        Self(self.0 | ability.bit())
    }

    /// Whether this is one of them.
    #[must_use]
    pub const fn has(self, ability: Ability) -> bool {
        self.0 & ability.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_are_had_one_by_one() {
        for ability in [
            Ability::Answers,
            Ability::GivesBack,
            Ability::KeepsCards,
            Ability::IssuesAccounts,
            Ability::NamesPayments,
        ] {
            assert!(Abilities::ALL.has(ability));
            assert!(!Abilities::NONE.has(ability));
            let only = Abilities::NONE.with(ability);
            assert!(only.has(ability));
            assert_eq!(
                only == Abilities::NONE.with(Ability::Answers),
                ability == Ability::Answers
            );
        }
    }
}
