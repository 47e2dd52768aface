//! Owns the banks that issue accounts to pay in to, as people know them.

use crate::language::Language;

/// A bank that issues virtual accounts.
#[derive(Debug)]
pub(crate) struct Bank {
    /// Its code.
    pub(crate) code: &'static str,
    korean: &'static str,
    english: &'static str,
}

impl Bank {
    /// What people call it.
    pub(crate) const fn name(&self, language: Language) -> &'static str {
        match language {
            Language::Korean => self.korean,
            Language::English => self.english,
        }
    }
}

const fn bank(code: &'static str, korean: &'static str, english: &'static str) -> Bank {
    Bank {
        code,
        korean,
        english,
    }
}

/// Those with the most customers first.
pub(crate) const BANKS: [Bank; 13] = [
    bank("06", "KB국민은행", "KB Kookmin"),
    bank("88", "신한은행", "Shinhan"),
    bank("20", "우리은행", "Woori"),
    bank("81", "하나은행", "Hana"),
    bank("11", "NH농협은행", "NH NongHyup"),
    bank("03", "IBK기업은행", "IBK"),
    bank("45", "새마을금고", "MG Saemaul"),
    bank("71", "우체국", "Korea Post"),
    bank("07", "수협은행", "Suhyup"),
    bank("31", "iM뱅크", "iM Bank"),
    bank("32", "부산은행", "Busan Bank"),
    bank("34", "광주은행", "Kwangju Bank"),
    bank("39", "경남은행", "Kyongnam Bank"),
];

/// The bank of this code.
pub(crate) fn bank_of(code: &str) -> Option<&'static Bank> {
    BANKS.iter().find(|bank| bank.code == code)
}
