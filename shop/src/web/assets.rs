//! Owns the files that pages load: the style sheet, the script, the pictures.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};

use crate::catalogue;

const STYLE: &str = include_str!("../../assets/shop.css");
const SCRIPT: &str = include_str!("../../assets/shop.js");
const DOWN: &str = include_str!("../../assets/down.svg");
const CARD: &str = include_str!("../../assets/card.js");
const LIVE: &str = include_str!("../../assets/live.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// A file by its name.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let picture = |slug| catalogue::product(slug).map(|product| product.picture);
    let found = match name.as_str() {
        "shop.css" => Some((STYLE, "text/css; charset=utf-8")),
        "shop.js" => Some((SCRIPT, "text/javascript; charset=utf-8")),
        "card.js" => Some((CARD, "text/javascript; charset=utf-8")),
        "live.js" => Some((LIVE, "text/javascript; charset=utf-8")),
        "down.svg" => Some((DOWN, "image/svg+xml")),
        "icon.svg" => Some((ICON, "image/svg+xml")),
        name => name
            .strip_suffix(".svg")
            .and_then(picture)
            .map(|picture| (picture, "image/svg+xml")),
    };
    let Some((text, kind)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, text).into_response()
}
