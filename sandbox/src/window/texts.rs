//! Owns the words on the pages, in Korean and in English.

use crate::catalogue::Language;

/// All words of one language.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) language: &'static str,
    pub(super) other_language: &'static str,
    pub(super) other_language_name: &'static str,
    pub(super) test: &'static str,
    pub(super) payment: &'static str,
    pub(super) won: &'static str,
    pub(super) order: &'static str,
    pub(super) merchant: &'static str,
    pub(super) method: &'static str,
    /// Card, easy pay, transfer, mobile phone.
    pub(super) methods: [&'static str; 4],
    pub(super) card_number: &'static str,
    pub(super) card_hint: &'static str,
    pub(super) card_problem: &'static str,
    pub(super) scenario: &'static str,
    pub(super) scenario_hint: &'static str,
    pub(super) approved: &'static str,
    pub(super) approve: &'static str,
    pub(super) refuse: &'static str,
    pub(super) abandon: &'static str,
    pub(super) no_money: &'static str,
    pub(super) stopped: &'static str,
    pub(super) success: &'static str,
    pub(super) success_lead: &'static str,
    pub(super) failed: &'static str,
    pub(super) landing_foot: &'static str,
    pub(super) home: &'static str,
    pub(super) home_lead: &'static str,
    /// Confirm, read, cancel, lists, window, card company, records, controls.
    pub(super) home_rows: [&'static str; 8],
}

const KOREAN: Texts = Texts {
    language: "ko",
    other_language: "en",
    other_language_name: "English",
    test: "테스트",
    payment: "결제",
    won: "원",
    order: "주문번호",
    merchant: "상점",
    method: "결제수단",
    methods: ["카드", "간편결제", "계좌이체", "휴대폰"],
    card_number: "테스트 카드번호 (선택)",
    card_hint: "목록의 번호마다 결과가 정해져 있습니다. 비워 두면 승인됩니다.",
    card_problem: "테스트 카드번호가 아닙니다. 실제 카드번호는 입력하지 마세요.",
    scenario: "승인 결과 (테스트)",
    scenario_hint: "인증 뒤 상점이 승인을 요청하면 이 결과로 응답합니다.",
    approved: "승인",
    approve: "결제하기",
    refuse: "카드사 거절",
    abandon: "결제창 닫기",
    no_money: "샌드박스 결제창입니다. 실제로 결제되지 않습니다.",
    stopped: "결제를 진행할 수 없습니다",
    success: "인증이 끝났습니다",
    success_lead: "상점이 이 값으로 결제 승인을 요청하면 결제가 완료됩니다.",
    failed: "결제하지 못했습니다",
    landing_foot: "상점이 없을 때 샌드박스가 대신 보여 주는 화면입니다.",
    home: "토스페이먼츠 샌드박스",
    home_lead: "토스페이먼츠 API와 결제창을 대신하는 테스트 서버입니다. 실제 돈은 움직이지 않습니다.",
    home_rows: [
        "결제 승인",
        "결제 조회",
        "결제 취소",
        "거래와 정산 조회",
        "결제창과 SDK",
        "카드사 승인",
        "움직인 돈과 도착한 호출의 기록",
        "장애, 시나리오, 시계, 인증 제어와 테스트 카드",
    ],
};

const ENGLISH: Texts = Texts {
    language: "en",
    other_language: "ko",
    other_language_name: "한국어",
    test: "Test",
    payment: "Payment",
    won: " KRW",
    order: "Order",
    merchant: "Merchant",
    method: "Pay with",
    methods: ["Card", "Easy pay", "Bank transfer", "Mobile phone"],
    card_number: "Test card number (optional)",
    card_hint: "Each number of the list leads to its own result. Empty: approved.",
    card_problem: "This is no test card number. Never type the number of a real card.",
    scenario: "Result of the approval (test)",
    scenario_hint: "What the gateway answers when the merchant asks for the approval.",
    approved: "Approved",
    approve: "Pay",
    refuse: "Card refused",
    abandon: "Close window",
    no_money: "This is a sandbox. No money moves.",
    stopped: "This payment cannot go on",
    success: "Authentication is complete",
    success_lead: "The payment is made once the merchant asks for its approval with these values.",
    failed: "The payment was not made",
    landing_foot: "The sandbox shows this page where no shop does.",
    home: "Toss Payments sandbox",
    home_lead: "A test server in place of the Toss Payments API and its window. No money moves.",
    home_rows: [
        "approve a payment",
        "read a payment",
        "cancel a payment",
        "list transactions and settlements",
        "payment window and SDK",
        "authorise as the card company",
        "the money that moved, and the calls that arrived",
        "control faults, scenarios, clock and authentication; list test cards and settings",
    ],
};

impl Texts {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::Korean => &KOREAN,
            Language::English => &ENGLISH,
        }
    }
}
