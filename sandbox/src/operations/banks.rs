//! Owns the banks by their code and names (`toss-api.md` §17.1), and which of them issue accounts.

/// Code, Korean name, English name.
type Bank = (&'static str, &'static str, &'static str);

const BANKS: [Bank; 26] = [
    ("02", "산업", "KDBBANK"),
    ("03", "기업", "IBK"),
    ("06", "국민", "KOOKMIN"),
    ("07", "수협", "SUHYEOP"),
    ("11", "농협", "NONGHYEOP"),
    ("12", "단위농협", "LOCALNONGHYEOP"),
    ("20", "우리", "WOORI"),
    ("23", "SC제일", "SC"),
    ("27", "씨티", "CITI"),
    ("31", "대구", "DAEGUBANK"),
    ("32", "부산", "BUSANBANK"),
    ("34", "광주", "GWANGJUBANK"),
    ("35", "제주", "JEJUBANK"),
    ("37", "전북", "JEONBUKBANK"),
    ("39", "경남", "KYONGNAMBANK"),
    ("45", "새마을", "SAEMAUL"),
    ("48", "신협", "SHINHYEOP"),
    ("50", "저축", "SAVINGBANK"),
    ("54", "HSBC", "HSBC"),
    ("64", "산림", "SANLIM"),
    ("71", "우체국", "POST"),
    ("81", "하나", "HANA"),
    ("88", "신한", "SHINHAN"),
    ("89", "케이", "KBANK"),
    ("90", "카카오", "KAKAOBANK"),
    ("92", "토스", "TOSSBANK"),
];

/// Those that issue virtual accounts (`toss-api.md` §10).
const ISSUING: [&str; 13] = [
    "39", "34", "06", "03", "11", "31", "32", "45", "07", "88", "20", "71", "81",
];

/// The code of the bank that is meant by a code, a Korean or an English name.
pub(crate) fn code_of(named: &str) -> Option<&'static str> {
    let bank = BANKS
        .iter()
        .find(|(code, korean, english)| [code, korean, english].contains(&&named));
    bank.map(|(code, _, _)| *code)
}

/// The same, among those that issue virtual accounts.
pub(crate) fn issuing(named: &str) -> Option<&'static str> {
    code_of(named).filter(|code| ISSUING.contains(code))
}

#[cfg(test)]
mod tests {
    use super::{BANKS, ISSUING, code_of, issuing};

    #[test]
    fn banks_are_known_by_each_of_their_names() {
        for (code, korean, english) in BANKS {
            for name in [code, korean, english] {
                assert_eq!(code_of(name), Some(code), "{name}");
            }
        }
        assert!(ISSUING.iter().all(|code| issuing(code) == Some(code)));
        assert_eq!((code_of("토스"), issuing("토스")), (Some("92"), None));
        assert_eq!(code_of("004"), None);
    }
}
