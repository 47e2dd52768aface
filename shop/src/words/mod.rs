//! Owns the words on the pages, in both languages.

mod english;
mod korean;
pub(crate) mod membership;

use self::english::ENGLISH;
use self::korean::KOREAN;
use crate::language::Language;
use crate::scene::{Notice, Scene};

/// A heading and what is said below it.
#[derive(Debug)]
pub(crate) struct Saying {
    /// The heading.
    pub(crate) heading: &'static str,
    /// The lead.
    pub(crate) lead: &'static str,
}

/// All words of one language, by the page that shows them first.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) shop: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) demo: &'static str,
    pub(crate) orders: &'static str,
    pub(crate) plans: &'static str,
    pub(crate) own_subscription: &'static str,
    pub(crate) cart: &'static str,
    pub(crate) other_language: Language,
    pub(crate) other_language_name: &'static str,
    pub(crate) foot: &'static str,

    pub(crate) hero: &'static str,
    pub(crate) hero_lead: &'static str,
    pub(crate) products: &'static str,
    pub(crate) back_to_shop: &'static str,

    pub(crate) quantity: &'static str,
    pub(crate) add: &'static str,
    pub(crate) replaces: &'static str,
    pub(crate) delivery: &'static str,
    pub(crate) delivery_free: &'static str,
    pub(crate) returns: &'static str,
    pub(crate) returns_any: &'static str,

    pub(crate) cart_empty: Saying,
    pub(crate) remove: &'static str,
    pub(crate) more: &'static str,
    pub(crate) fewer: &'static str,
    pub(crate) subtotal: &'static str,
    pub(crate) total: &'static str,
    pub(crate) place: &'static str,
    pub(crate) place_hint: &'static str,

    pub(crate) orders_empty: Saying,
    pub(crate) order_number: &'static str,
    pub(crate) ordered_at: &'static str,
    pub(crate) paid_at: &'static str,
    pub(crate) method: &'static str,
    /// The gateway's word for a way to pay, and ours.
    methods: [(&'static str, &'static str); 5],
    pub(crate) receipt: &'static str,
    pub(crate) summary: &'static str,
    /// Order, payment, confirmed.
    pub(crate) steps: [&'static str; 3],

    pub(crate) pay: &'static str,
    pub(crate) pay_hint: &'static str,
    pub(crate) pay_opening: &'static str,
    pub(crate) pay_unavailable: &'static str,
    pub(crate) no_script: &'static str,
    pub(crate) withdraw: &'static str,
    pub(crate) refreshes: &'static str,
    pub(crate) not_again: &'static str,
    pub(crate) not_fresh: &'static str,

    pub(crate) refund: &'static str,
    pub(crate) refund_lead: &'static str,
    pub(crate) refund_amount: &'static str,
    pub(crate) refund_part: &'static str,
    pub(crate) refund_all: &'static str,
    pub(crate) refundable: &'static str,
    pub(crate) refunded: &'static str,
    pub(crate) refunds: &'static str,
    pub(crate) order_again: &'static str,

    /// To pay, confirming, withdrawing, paid, refunding, partly refunded, refunded, withdrawn,
    /// failed, expired, issuing an account, awaiting its deposit, deposit taken back.
    scenes: [Saying; 13],
    /// The same, in a word.
    chips: [&'static str; 13],
    pub(crate) account: Account,
    notices: Notices,
    declines: Declines,

    pub(crate) not_found: Saying,
    pub(crate) forged: Saying,
    pub(crate) senseless: Saying,
    pub(crate) broken: Saying,
}

/// The words about paying in to an account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) heading: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) bank: &'static str,
    pub(crate) holder: &'static str,
    pub(crate) holder_hint: &'static str,
    pub(crate) ask: &'static str,
    pub(crate) number: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) copied: &'static str,
    pub(crate) amount: &'static str,
    pub(crate) due: &'static str,
    pub(crate) exact: &'static str,
    pub(crate) live: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) no_refund: &'static str,
}

#[derive(Debug)]
struct Notices {
    abandoned: &'static str,
    refused: &'static str,
    wrong: &'static str,
    second: &'static str,
    closed: &'static str,
    no_account: &'static str,
    refund_refused: &'static str,
    amount: &'static str,
    stale: &'static str,
    turned_away: &'static str,
}

/// By Payflow's stable reasons.
#[derive(Debug)]
struct Declines {
    insufficient_funds: &'static str,
    limit_exceeded: &'static str,
    card_unusable: &'static str,
    wrong_details: &'static str,
    session_expired: &'static str,
    other: &'static str,
}

impl Words {
    /// The words of a language.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Korean => &KOREAN,
            Language::English => &ENGLISH,
        }
    }

    /// What a scene says.
    pub(crate) const fn saying(&self, scene: Scene) -> &Saying {
        let [
            to_pay,
            confirming,
            withdrawing,
            paid,
            refunding,
            partly,
            rest @ ..,
        ] = &self.scenes;
        let [
            refunded,
            withdrawn,
            failed,
            expired,
            issuing,
            awaiting,
            taken_back,
        ] = rest;
        match scene {
            Scene::ToPay => to_pay,
            Scene::Issuing => issuing,
            Scene::AwaitingDeposit => awaiting,
            Scene::DepositTakenBack => taken_back,
            Scene::Confirming => confirming,
            Scene::Withdrawing => withdrawing,
            Scene::Paid => paid,
            Scene::Refunding => refunding,
            Scene::PartlyRefunded => partly,
            Scene::Refunded => refunded,
            Scene::Withdrawn => withdrawn,
            Scene::Failed => failed,
            Scene::Expired => expired,
        }
    }

    /// A scene in a word.
    pub(crate) const fn chip(&self, scene: Scene) -> &'static str {
        let [
            to_pay,
            confirming,
            withdrawing,
            paid,
            refunding,
            partly,
            rest @ ..,
        ] = &self.chips;
        let [
            refunded,
            withdrawn,
            failed,
            expired,
            issuing,
            awaiting,
            taken_back,
        ] = rest;
        match scene {
            Scene::ToPay => to_pay,
            Scene::Issuing => issuing,
            Scene::AwaitingDeposit => awaiting,
            Scene::DepositTakenBack => taken_back,
            Scene::Confirming => confirming,
            Scene::Withdrawing => withdrawing,
            Scene::Paid => paid,
            Scene::Refunding => refunding,
            Scene::PartlyRefunded => partly,
            Scene::Refunded => refunded,
            Scene::Withdrawn => withdrawn,
            Scene::Failed => failed,
            Scene::Expired => expired,
        }
    }

    /// A way to pay; in the gateway's word where there is none of ours.
    pub(crate) fn way<'a>(&self, method: &'a str) -> &'a str {
        let known = self.methods.iter().find(|(theirs, _)| *theirs == method);
        known.map_or(method, |(_, ours)| ours)
    }

    /// What a notice says; a decline says why.
    pub(crate) fn notice(&self, notice: Notice, reason: Option<&str>) -> &'static str {
        match notice {
            Notice::Abandoned => self.notices.abandoned,
            Notice::Refused => self.notices.refused,
            Notice::Declined => self.decline(reason.unwrap_or_default()),
            Notice::Wrong => self.notices.wrong,
            Notice::Second => self.notices.second,
            Notice::Closed => self.notices.closed,
            Notice::NoAccount => self.notices.no_account,
            Notice::RefundRefused => self.notices.refund_refused,
            Notice::Amount => self.notices.amount,
            Notice::Stale => self.notices.stale,
            Notice::TurnedAway => self.notices.turned_away,
        }
    }

    fn decline(&self, reason: &str) -> &'static str {
        match reason {
            "INSUFFICIENT_FUNDS" => self.declines.insufficient_funds,
            "LIMIT_EXCEEDED" => self.declines.limit_exceeded,
            "CARD_UNUSABLE" => self.declines.card_unusable,
            "WRONG_DETAILS" | "TOO_MANY_TRIES" => self.declines.wrong_details,
            "SESSION_EXPIRED" => self.declines.session_expired,
            _ => self.declines.other,
        }
    }
}
