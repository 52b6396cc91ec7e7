//! The page that shows the group in a browser: static, without anything from elsewhere.

use super::http::constant;
use axum::response::Response;

pub(super) async fn index() -> Response {
    constant("text/html; charset=utf-8", include_str!("page/index.html"))
}

pub(super) async fn script() -> Response {
    constant("text/javascript; charset=utf-8", include_str!("page/page.js"))
}

pub(super) async fn style() -> Response {
    constant("text/css; charset=utf-8", include_str!("page/page.css"))
}
