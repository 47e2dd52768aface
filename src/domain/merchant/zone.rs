//! Owns in which time zone a merchant's days begin and end.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;

/// A time zone of the IANA database, by the name that it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone of the IANA database, such as Asia/Seoul")]
pub struct UnknownZone(String);

impl Zone {
    /// Where the first gateway's merchants are.
    pub const SEOUL: Self = Self(Tz::Asia__Seoul);

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What its clocks show when.
    pub(crate) const fn tz(self) -> Tz {
        self.0
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        let zone = text.parse().map(Self);
        zone.map_err(|_| UnknownZone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_iana_database_are_zones() {
        assert_eq!("Asia/Seoul".parse(), Ok(Zone::SEOUL));
        for name in [
            "UTC",
            "Etc/GMT+9",
            "America/Argentina/ComodRivadavia",
            "America/Port-au-Prince",
        ] {
            assert_eq!(name.parse::<Zone>().unwrap().name(), name);
        }
        for wrong in [
            "",
            "asia/seoul",
            "Asia/Pyeongchang",
            "Asia/Seoul ",
            "+09:00",
            "KST",
            "../../etc/localtime",
        ] {
            let refused = wrong.parse::<Zone>();
            assert_eq!(refused, Err(UnknownZone(wrong.to_owned())));
        }
    }
}
