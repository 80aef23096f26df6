//! Answers, as they go out.

use std::convert::Infallible;

use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::header::{RETRY_AFTER, WARNING};
use serde_json::Value;

use super::status::Refusal;
use super::watch::Watch;

/// The body of every answer: whole, or a stream of lines.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An answer, and what the journal wants to know of it.
pub(crate) struct Answer {
    /// HTTP status code.
    pub(crate) code: u16,
    /// The version that a write made.
    pub(crate) version: Option<u64>,
    /// The name of a created object.
    pub(crate) name: Option<String>,
    media: String,
    warnings: Vec<String>,
    retry_after: bool,
    body: Body,
}

impl Answer {
    fn new(code: u16, media: &str, body: Body) -> Self {
        let media = media.to_owned();
        Self {
            code,
            version: None,
            name: None,
            media,
            warnings: Vec::new(),
            retry_after: false,
            body,
        }
    }

    /// A JSON document.
    pub(crate) fn json(code: u16, value: &Value) -> Self {
        let bytes = Bytes::from(value.to_string());
        Self::new(code, "application/json", Full::new(bytes).boxed_unsync())
    }

    /// A word.
    pub(crate) fn text(word: &'static str) -> Self {
        Self::new(
            200,
            "text/plain",
            Full::new(Bytes::from_static(word.as_bytes())).boxed_unsync(),
        )
    }

    /// A refusal, as a `Status`.
    pub(crate) fn refused(refusal: &Refusal) -> Self {
        let retry_after = !refusal.details["retryAfterSeconds"].is_null();
        Self {
            retry_after,
            ..Self::json(refusal.code, &refusal.to_status())
        }
    }

    /// The lines of a watch, as they come.
    pub(crate) fn watch(watch: Watch) -> Self {
        let lines = stream::unfold(watch, async |mut watch| {
            watch.next().await.map(|line| (Ok(line), watch))
        });
        Self::new(200, "application/json", StreamBody::new(lines).boxed_unsync())
    }

    /// The same under another media type.
    pub(crate) fn with_media(self, media: String) -> Self {
        Self { media, ..self }
    }

    /// The same, about a write that made a version, or none.
    pub(crate) fn with_write(self, name: &str, version: Option<u64>, warnings: Vec<String>) -> Self {
        Self {
            name: Some(name.to_owned()),
            version,
            warnings,
            ..self
        }
    }

    /// As hyper sends it.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        *response.status_mut() = hyper::StatusCode::from_u16(self.code).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        headers.extend(HeaderValue::from_str(&self.media).map(|media| (CONTENT_TYPE, media)));
        if self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        for warning in self.warnings {
            if let Ok(value) = HeaderValue::from_str(&format!("299 - {warning:?}")) {
                headers.append(WARNING, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests;
