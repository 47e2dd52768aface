//! Owns how the rows of the catalogue become codes.

macro_rules! catalogue {
    ($($word:ident => $name:ident, $status:ident, $korean:literal, $english:literal;)+) => {
        /// A stable code of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $english] $name),+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($word)),+
                }
            }

            /// The status of an answer that carries it as its code.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status),+
                }
            }

            /// The page that explains it; a code without one does not compile.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!(
                        "../../docs/errors/", stringify!($word), ".md"
                    ))),+
                }
            }

            /// The message for people.
            #[must_use]
            pub const fn message(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Korean) => $korean,
                      (Self::$name, Language::English) => $english),+
                }
            }
        }
    };
}

pub(super) use catalogue;
