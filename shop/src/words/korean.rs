//! Owns the Korean words.

use super::{Account, Declines, Notices, Saying, Words};
use crate::language::Language;

const fn saying(heading: &'static str, lead: &'static str) -> Saying {
    Saying { heading, lead }
}

pub(super) const KOREAN: Words = Words {
    shop: "하루상점",
    skip: "본문으로 건너뛰기",
    demo: "데모 상점이에요. 실제로 결제되거나 배송되지 않아요.",
    orders: "주문",
    plans: "정기배송",
    own_subscription: "내 구독",
    cart: "장바구니",
    other_language: Language::English,
    other_language_name: "English",
    foot: "결제는 Payflow가 맡습니다.",

    hero: "하루를 조금 더 다정하게",
    hero_lead: "오래 두고 쓰는 물건을 조금씩, 정성껏 고릅니다.",
    products: "상품",
    back_to_shop: "상품 보러 가기",

    quantity: "수량",
    add: "장바구니에 담기",
    replaces: "장바구니에는 한 가지만 담겨요. 담으면 지금 있는 상품과 바뀝니다.",
    delivery: "배송",
    delivery_free: "무료",
    returns: "환불",
    returns_any: "언제든 전액 또는 일부",

    cart_empty: saying("장바구니가 비어 있어요", "마음에 드는 물건을 담아 보세요."),
    remove: "삭제",
    more: "하나 더",
    fewer: "하나 빼기",
    subtotal: "상품 금액",
    total: "결제 금액",
    place: "주문하기",
    place_hint: "결제는 다음 화면에서 진행해요.",

    orders_empty: saying(
        "아직 주문이 없어요",
        "주문하면 여기에서 결제와 환불을 확인할 수 있어요.",
    ),
    order_number: "주문번호",
    ordered_at: "주문 일시",
    paid_at: "결제 일시",
    method: "결제 수단",
    methods: [
        ("카드", "카드"),
        ("간편결제", "간편결제"),
        ("계좌이체", "계좌이체"),
        ("휴대폰", "휴대폰 결제"),
        ("가상계좌", "가상계좌"),
    ],
    receipt: "영수증 보기",
    summary: "주문 정보",
    steps: ["주문", "결제", "확정"],

    pay: "결제하기",
    pay_hint: "결제창이 열립니다. 카드 정보는 상점에 저장되지 않아요.",
    pay_opening: "결제창을 여는 중…",
    pay_unavailable: "지금은 결제창을 열 수 없어요. 잠시 후 다시 시도해 주세요.",
    no_script: "결제창을 열려면 브라우저의 JavaScript를 켜 주세요.",
    withdraw: "주문 취소",
    refreshes: "이 화면은 자동으로 새로 고쳐져요.",
    not_again: "다시 결제하지 마세요.",
    not_fresh: "결제 서버에 연결할 수 없어 마지막으로 확인한 상태를 보여 드려요.",

    refund: "환불",
    refund_lead: "전액 또는 일부를 결제한 수단으로 돌려드려요.",
    refund_amount: "환불할 금액",
    refund_part: "일부 환불",
    refund_all: "전액 환불",
    refundable: "환불 가능 금액",
    refunded: "환불 금액",
    refunds: "환불 내역",
    order_again: "다시 주문하기",

    scenes: [
        saying(
            "결제를 기다리고 있어요",
            "아래 버튼을 눌러 결제를 마쳐 주세요.",
        ),
        saying(
            "결제를 확인하고 있어요",
            "카드사의 응답을 기다리는 중이에요. 보통 몇 초면 끝납니다.",
        ),
        saying("주문을 취소하고 있어요", "잠시만 기다려 주세요."),
        saying("주문이 확정됐어요", "결제가 완료됐습니다. 고맙습니다!"),
        saying(
            "환불하고 있어요",
            "카드사의 응답을 기다리는 중이에요. 보통 몇 초면 끝납니다.",
        ),
        saying(
            "일부 환불됐어요",
            "나머지 금액은 결제된 상태로 남아 있어요.",
        ),
        saying("전액 환불됐어요", "결제한 수단으로 모두 돌려드렸습니다."),
        saying("주문이 취소됐어요", "결제된 금액은 없습니다."),
        saying(
            "결제하지 못했어요",
            "이 주문으로는 결제할 수 없어요. 청구된 금액은 없습니다.",
        ),
        saying(
            "결제 시간이 지났어요",
            "시간 안에 결제되지 않아 주문이 닫혔어요.",
        ),
        saying(
            "입금 계좌를 발급받고 있어요",
            "은행의 응답을 기다리는 중이에요. 보통 몇 초면 끝납니다.",
        ),
        saying(
            "입금을 기다리고 있어요",
            "아래 계좌로 기한 안에 입금해 주세요.",
        ),
        saying(
            "은행이 입금을 취소했어요",
            "결제된 금액이 없어 주문이 다시 입금 대기로 돌아갔어요. 같은 계좌로 다시 입금하면 확정됩니다.",
        ),
    ],
    chips: [
        "결제 대기",
        "결제 확인 중",
        "취소 중",
        "주문 확정",
        "환불 중",
        "일부 환불",
        "전액 환불",
        "주문 취소",
        "결제 실패",
        "기한 만료",
        "계좌 발급 중",
        "입금 대기",
        "입금 취소됨",
    ],
    account: Account {
        heading: "가상계좌로 결제",
        lead: "이 주문만을 위한 계좌를 받아 이체해요.",
        bank: "은행",
        holder: "예금주",
        holder_hint: "주문하는 분의 이름",
        ask: "계좌 받고 주문하기",
        number: "계좌번호",
        copy: "복사",
        copied: "복사했어요",
        amount: "입금할 금액",
        due: "입금 기한",
        exact: "금액이 정확히 맞아야 입금돼요.",
        live: "입금되면 이 화면이 바로 바뀝니다.",
        unknown: "지금은 확인할 수 없어요",
        no_refund: "가상계좌로 결제한 주문의 환불은 고객센터로 문의해 주세요.",
    },
    notices: Notices {
        abandoned: "결제창을 닫으셨어요. 주문은 그대로 있으니 언제든 다시 결제할 수 있어요.",
        refused: "카드사에서 결제를 거절했어요. 다른 결제 수단으로 다시 시도해 주세요.",
        wrong: "결제 정보가 주문과 맞지 않아 승인하지 않았어요. 청구된 금액은 없습니다.",
        second: "이미 결제 중이거나 결제된 주문이에요. 두 번째 결제는 청구되지 않았습니다.",
        closed: "이미 닫힌 주문이라 결제하지 않았어요. 청구된 금액은 없습니다.",
        no_account: "이 은행에서 계좌를 받지 못했어요. 다른 은행으로 다시 시도해 주세요.",
        refund_refused: "환불이 거절됐어요. 금액은 그대로입니다. 잠시 후 다시 시도해 주세요.",
        amount: "환불할 수 있는 금액을 입력해 주세요.",
        stale: "그사이 주문 상태가 바뀌었어요. 지금 상태를 확인하고 다시 시도해 주세요.",
        turned_away: "지금은 이 가게의 결제가 중지되어 있어요. 다시 열리면 주문이 이어서 처리돼요.",
    },
    declines: Declines {
        insufficient_funds: "잔액이나 한도가 부족해요. 다른 결제 수단으로 다시 시도해 주세요.",
        limit_exceeded: "결제 한도를 넘었어요. 다른 결제 수단으로 다시 시도해 주세요.",
        card_unusable: "사용할 수 없는 카드예요. 다른 카드로 다시 시도해 주세요.",
        wrong_details: "입력한 카드 정보가 맞지 않아요. 확인하고 다시 시도해 주세요.",
        session_expired: "결제 인증 시간이 지났어요. 다시 결제해 주세요.",
        other: "결제가 거절됐어요. 청구된 금액은 없으니 다시 시도해 주세요.",
    },

    not_found: saying(
        "페이지를 찾을 수 없어요",
        "주소가 바뀌었거나, 다른 브라우저에서 한 주문일 수 있어요.",
    ),
    forged: saying(
        "다시 시도해 주세요",
        "화면이 오래되어 요청을 처리하지 않았어요. 새로 고친 뒤 다시 눌러 주세요.",
    ),
    senseless: saying("요청을 이해하지 못했어요", "입력한 값을 확인해 주세요."),
    broken: saying(
        "잠시 문제가 생겼어요",
        "조금 뒤에 다시 시도해 주세요. 이미 한 결제는 안전합니다.",
    ),
};
