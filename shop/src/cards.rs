//! Owns the card companies by the gateway's codes (`toss-api.md` §17.3), as people know them.

use crate::language::Language;

const COMPANIES: [(&str, &str, &str); 24] = [
    ("3K", "기업BC", "IBK BC"),
    ("46", "광주", "Kwangju"),
    ("71", "롯데", "Lotte"),
    ("30", "산업", "KDB"),
    ("31", "BC", "BC"),
    ("51", "삼성", "Samsung"),
    ("38", "새마을", "Saemaul"),
    ("41", "신한", "Shinhan"),
    ("62", "신협", "Shinhyup"),
    ("36", "씨티", "Citi"),
    ("33", "우리BC", "Woori BC"),
    ("W1", "우리", "Woori"),
    ("37", "우체국", "Korea Post"),
    ("39", "저축은행", "Savings Bank"),
    ("35", "전북", "Jeonbuk"),
    ("42", "제주", "Jeju"),
    ("15", "카카오뱅크", "KakaoBank"),
    ("3A", "케이뱅크", "K Bank"),
    ("24", "토스뱅크", "Toss Bank"),
    ("21", "하나", "Hana"),
    ("61", "현대", "Hyundai"),
    ("11", "국민", "KB Kookmin"),
    ("91", "농협", "NongHyup"),
    ("34", "수협", "Suhyup"),
];

/// What people call a card company; its code where nobody knows it.
pub(crate) fn company(code: &str, language: Language) -> &str {
    let known = COMPANIES.iter().find(|(theirs, ..)| *theirs == code);
    known.map_or(code, |(_, korean, english)| match language {
        Language::Korean => korean,
        Language::English => english,
    })
}
