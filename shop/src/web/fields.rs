//! Owns the fields of a posted form: taken only from a page that this visitor was shown.

use axum::extract::{Form, FromRequest, Request};
use axum::http::HeaderMap;

use super::problem::Problem;
use super::visitor::Visitor;

/// The name of the hidden field that proves where a form comes from.
pub(crate) const TOKEN: &str = "token";

/// A form's fields.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field's text; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// A field's number; people write `5,000`.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        let digits: String = self.text(name).chars().filter(|c| *c != ',').collect();
        digits.parse().ok()
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let visitor = request.extensions().get::<Visitor>().cloned();
        let visitor = visitor.ok_or(Problem::Forged)?;
        if is_of_another_site(request.headers()) {
            return Err(Problem::Forged);
        }
        let Form(fields) = Form::from_request(request, state).await?;
        let fields = Self(fields);
        if !visitor.session.issued(fields.text(TOKEN)) {
            return Err(Problem::Forged);
        }
        Ok(fields)
    }
}

/// Browsers say where a request comes from, and pages cannot make them lie.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site.as_bytes() != b"same-origin")
}
