//! Owns how an error of another library is told: with everything that led to it.

use std::error::Error;

/// An error and its causes; libraries show only the outermost.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
