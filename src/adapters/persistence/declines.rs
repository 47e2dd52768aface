//! Owns how a decline lies flat in four columns, all set or none.

use domain::decline::Decline;

use super::types::free_text;

/// Why a row is no valid domain value.
pub(super) type Why = Box<dyn std::error::Error + Send + Sync>;

/// Reason, class, code and message.
pub(super) type Columns = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The columns of a decline, or of none.
pub(super) fn columns_of(decline: Option<&Decline>) -> Columns {
    decline.map_or((None, None, None, None), |decline| {
        (
            Some(decline.reason.as_str().to_owned()),
            Some(decline.class.as_str().to_owned()),
            Some(free_text(&decline.code)),
            Some(free_text(&decline.message)),
        )
    })
}

/// The decline in these columns, where there is one.
pub(super) fn decline_in(columns: Columns) -> Result<Option<Decline>, Why> {
    match columns {
        (None, None, None, None) => Ok(None),
        (Some(reason), Some(class), Some(code), Some(message)) => {
            let (reason, class) = (reason.parse()?, class.parse()?);
            Ok(Some(Decline {
                reason,
                class,
                code,
                message,
            }))
        }
        (_, _, _, _) => Err("half a decline".into()),
    }
}
