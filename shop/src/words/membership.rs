//! Owns the words about subscriptions, in both languages.

use super::Saying;
use crate::language::Language;

/// All of one language.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) plans: Saying,
    pub(crate) no_plans: Saying,
    pub(crate) own: &'static str,
    pub(crate) none: Saying,
    pub(crate) away: Saying,
    pub(crate) choose: &'static str,
    pub(crate) subscribed: &'static str,
    pub(crate) subscribe: &'static str,
    pub(crate) opening: &'static str,
    pub(crate) unavailable: &'static str,
    pub(crate) card_hint: &'static str,
    /// Monthly, quarterly, yearly.
    pub(crate) each: [&'static str; 3],
    pub(crate) entitled: &'static str,
    pub(crate) not_entitled: &'static str,
    pub(crate) next: &'static str,
    pub(crate) no_next: &'static str,
    pub(crate) more: &'static str,
    pub(crate) card: &'static str,
    pub(crate) change_card: &'static str,
    pub(crate) history: &'static str,
    pub(crate) end: &'static str,
    pub(crate) end_now: &'static str,
    pub(crate) refund_until: &'static str,
    pub(crate) end_later: &'static str,
    pub(crate) end_unpaid: &'static str,
    pub(crate) runs_out: &'static str,
    statuses: [(&'static str, &'static str); 6],
    cycles: [(&'static str, &'static str); 9],
    notices: [(&'static str, &'static str); 7],
    pub(crate) refused: &'static str,
    pub(crate) already: &'static str,
    pub(crate) held: &'static str,
    pub(crate) pending: &'static str,
}

impl Membership {
    /// The words of a language.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Korean => &KOREAN,
            Language::English => &ENGLISH,
        }
    }

    /// A subscription's state; in Payflow's word where there is none of ours.
    pub(crate) fn status<'a>(&self, status: &'a str) -> &'a str {
        found(&self.statuses, status).unwrap_or(status)
    }

    /// A cycle's state.
    pub(crate) fn cycle<'a>(&self, status: &'a str) -> &'a str {
        found(&self.cycles, status).unwrap_or(status)
    }

    /// What an address tells besides, if that is anything of ours.
    pub(crate) fn notice(&self, notice: &str) -> Option<&'static str> {
        found(&self.notices, notice)
    }

    /// How often a plan is paid for.
    pub(crate) fn each(&self, period: &str) -> &'static str {
        let [monthly, quarterly, yearly] = self.each;
        match period {
            "QUARTERLY" => quarterly,
            "YEARLY" => yearly,
            _ => monthly,
        }
    }
}

fn found(words: &[(&'static str, &'static str)], theirs: &str) -> Option<&'static str> {
    let known = words.iter().find(|(word, _)| *word == theirs);
    known.map(|(_, ours)| *ours)
}

const fn saying(heading: &'static str, lead: &'static str) -> Saying {
    Saying { heading, lead }
}

const KOREAN: Membership = Membership {
    plans: saying(
        "정기배송",
        "카드를 한 번 등록하면 날짜에 맞춰 결제하고 보내드려요.",
    ),
    no_plans: saying(
        "아직 정기배송이 없어요",
        "상점이 요금제를 올리면 여기에서 구독할 수 있어요.",
    ),
    own: "내 구독",
    none: saying(
        "구독 중인 정기배송이 없어요",
        "정기배송을 구독하면 다음 결제일과 내역을 여기에서 볼 수 있어요.",
    ),
    away: saying(
        "지금은 구독을 보여 드릴 수 없어요",
        "결제 서버에 연결할 수 없어요. 잠시 후 다시 시도해 주세요.",
    ),
    choose: "정기배송 보러 가기",
    subscribed: "구독 중",
    subscribe: "카드 등록하고 구독",
    opening: "카드 등록창을 여는 중…",
    unavailable: "지금은 카드 등록창을 열 수 없어요. 잠시 후 다시 시도해 주세요.",
    card_hint: "등록하면 첫 결제가 바로 진행돼요. 카드 정보는 상점에 저장되지 않아요.",
    each: ["매달", "3개월마다", "매년"],
    entitled: "지금 이용할 수 있어요",
    not_entitled: "지금은 이용할 수 없어요",
    next: "다음 결제",
    no_next: "예정된 결제가 없어요.",
    more: "이후 결제일 모두 보기",
    card: "결제 카드",
    change_card: "카드 변경",
    history: "결제 내역",
    end: "구독 해지",
    end_now: "해지하기",
    refund_until: "까지 해지하면 이번 결제를 전액 환불하고 바로 끝나요.",
    end_later: "그 뒤에 해지하면 환불 없이 결제한 기간까지 이용하고, 다음 결제는 하지 않아요.",
    end_unpaid: "아직 결제된 금액이 없어 해지하면 바로 끝나요.",
    runs_out: "해지했어요. 결제한 기간까지 이용할 수 있고, 다음 결제는 없어요.",
    statuses: [
        ("PENDING", "첫 결제 대기"),
        ("ACTIVE", "구독 중"),
        ("PAST_DUE", "결제 실패"),
        ("CANCEL_SCHEDULED", "해지 예정"),
        ("CANCELED", "해지됨"),
        ("EXPIRED", "만료됨"),
    ],
    cycles: [
        ("WAITING", "결제 예정"),
        ("CHARGING", "결제 확인 중"),
        ("HELD", "카드 변경 필요"),
        ("CLOSING", "결제 안 함"),
        ("PAID", "결제 완료"),
        ("REFUNDED", "환불됨"),
        ("FAILED", "결제 실패"),
        ("SKIPPED", "건너뜀"),
        ("VOID", "취소됨"),
    ],
    notices: [
        ("abandoned", "카드 등록창을 닫으셨어요. 바뀐 것은 없어요."),
        (
            "refused",
            "카드를 등록하지 못했어요. 다른 카드로 다시 시도해 주세요.",
        ),
        (
            "not-ended",
            "결제를 확인하는 중이라 아직 해지할 수 없어요. 잠시 후 다시 시도해 주세요.",
        ),
        ("ended-before", "이미 해지한 구독이에요."),
        (
            "ended-unrefunded",
            "해지했지만 이번 결제는 환불되지 않았어요. 상점에 문의해 주세요.",
        ),
        (
            "not-refunded",
            "이번 결제를 환불할 수 없어 해지하지 못했어요. 상점에 문의해 주세요.",
        ),
        (
            "end-again",
            "해지하지 못했어요. 잠시 후 다시 시도해 주세요.",
        ),
    ],
    refused: "등록한 카드로 진행하지 못했어요. 다른 카드로 다시 시도해 주세요.",
    already: "이미 구독 중이에요. 나중에 등록한 카드로는 결제하지 않았어요.",
    held: "이 카드로는 결제할 수 없어요. 카드를 변경하면 바로 다시 결제해요.",
    pending: "결제를 확인하고 있어요. 이 화면은 자동으로 새로 고쳐져요.",
};

const ENGLISH: Membership = Membership {
    plans: saying(
        "Subscriptions",
        "Register a card once; we charge it and deliver when it is time.",
    ),
    no_plans: saying(
        "No subscriptions yet",
        "Plans will be here as soon as the shop offers some.",
    ),
    own: "My subscription",
    none: saying(
        "You have no subscription",
        "Its next dates and its payments will be here.",
    ),
    away: saying(
        "Subscriptions cannot be shown now",
        "The payment service cannot be reached. Please try again in a moment.",
    ),
    choose: "See subscriptions",
    subscribed: "Subscribed",
    subscribe: "Register a card and subscribe",
    opening: "Opening the window for your card…",
    unavailable: "The window for cards cannot be opened now. Please try again in a moment.",
    card_hint: "The first payment is taken at once. The shop never sees your card.",
    each: ["every month", "every 3 months", "every year"],
    entitled: "Yours to use now",
    not_entitled: "Not in use now",
    next: "Next payment",
    no_next: "Nothing will be charged.",
    more: "Show all later dates",
    card: "Card",
    change_card: "Change card",
    history: "Payments",
    end: "End subscription",
    end_now: "End it",
    refund_until: " is until when this payment is refunded in full, and it ends at once.",
    end_later: "Later nothing is refunded: you keep what is paid, and nothing more is charged.",
    end_unpaid: "Nothing is paid yet, so it ends at once.",
    runs_out: "It has been ended. You keep what is paid, and nothing more is charged.",
    statuses: [
        ("PENDING", "Awaiting payment"),
        ("ACTIVE", "Active"),
        ("PAST_DUE", "Payment failed"),
        ("CANCEL_SCHEDULED", "Ending"),
        ("CANCELED", "Ended"),
        ("EXPIRED", "Expired"),
    ],
    cycles: [
        ("WAITING", "To come"),
        ("CHARGING", "Confirming"),
        ("HELD", "Needs another card"),
        ("CLOSING", "Not charged"),
        ("PAID", "Paid"),
        ("REFUNDED", "Refunded"),
        ("FAILED", "Failed"),
        ("SKIPPED", "Skipped"),
        ("VOID", "Cancelled"),
    ],
    notices: [
        ("abandoned", "You closed the window. Nothing has changed."),
        (
            "refused",
            "The card was not registered. Please try another one.",
        ),
        (
            "not-ended",
            "A payment is being confirmed, so it cannot end yet. Please try again soon.",
        ),
        ("ended-before", "It has been ended before."),
        (
            "ended-unrefunded",
            "It has ended, but this payment was not refunded. Please ask the shop.",
        ),
        (
            "not-refunded",
            "This payment cannot be refunded, so it has not ended. Please ask the shop.",
        ),
        (
            "end-again",
            "It has not ended. Please try again in a moment.",
        ),
    ],
    refused: "That card cannot be used for this. Please try another one.",
    already: "You are subscribed already. The card of the second window was not charged.",
    held: "This card cannot be charged. With another one it is tried again at once.",
    pending: "The payment is being confirmed. This page refreshes by itself.",
};
