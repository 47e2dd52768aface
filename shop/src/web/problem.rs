//! Owns what goes wrong with a request, and the page that says so.

use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::pages;
use super::visitor::Visitor;
use crate::{sales, store};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// There is no such page, or no such order of this visitor.
    NotFound,
    /// The form is not one that this visitor was shown.
    Forged,
    /// The form makes no sense.
    Senseless,
    /// The shop itself failed.
    Broken,
}

impl Problem {
    const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forged => StatusCode::FORBIDDEN,
            Self::Senseless => StatusCode::BAD_REQUEST,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The page for this visitor.
    pub(super) fn render(self, visitor: &Visitor) -> Response {
        (self.status(), pages::problem(visitor, self)).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        // The visitor's frame makes a page of it.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::Broken
    }
}

impl From<sales::Error> for Problem {
    fn from(error: sales::Error) -> Self {
        match error {
            sales::Error::NotFound => Self::NotFound,
            sales::Error::Store(error) => error.into(),
            sales::Error::NotPayable | sales::Error::Payflow(_) => {
                tracing::error!(%error, "an error that its caller should have handled");
                Self::Broken
            }
        }
    }
}

impl From<FormRejection> for Problem {
    fn from(_: FormRejection) -> Self {
        Self::Senseless
    }
}
