//! From a request to its answer: who asks, what for, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::answer::Answer;
use super::fault::Faults;
use super::journal::{Journal, Request, Verb};
use super::query::Query;
use super::resource::{Resource, built_in_group};
use super::route::{self, Route, Target};
use super::status::{Refusal, qualified};
use super::store::Store;
use super::tls::Identity;
use super::{access::Access, discovery, media};

/// Largest request body (`MaxRequestBodyBytes` of a real API server).
const BODY_LIMIT: usize = 3 << 20;
/// Longest body that the journal keeps: a judge reads no longer one, and what tiklb writes has hundreds of bytes.
const BODY_KEPT: usize = 16 << 10;

/// What every connection works on.
pub(crate) struct Server {
    pub(crate) identity: Identity,
    pub(crate) access: Access,
    pub(crate) store: Arc<Store>,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) bookmark_every: Duration,
    /// Address and port that clients are told.
    pub(crate) authority: String,
}

/// A request, read as far as the objects that it names.
pub(crate) struct Call {
    pub(crate) verb: Verb,
    pub(crate) target: Target,
    pub(crate) query: Query,
    pub(crate) accept: String,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Server {
    /// Answers one request and writes it down.
    pub(crate) async fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> hyper::Response<super::answer::Body> {
        let (parts, body) = request.into_parts();
        let route = Route::parse(parts.uri.path());
        let user = self.access.user(header(&parts.headers, &AUTHORIZATION));
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let mut record = record(&parts, &route, &query, user.clone().unwrap_or_default());
        let open = matches!(route, Route::Health | Route::Version);
        let answer = if user.is_none() && !open {
            Err(Refusal::unauthorized())
        } else {
            self.handle(&parts, route, query, body, &mut record).await
        };
        let answer = answer.unwrap_or_else(|refusal| Answer::refused(&refusal));
        record.code = answer.code;
        record.version = answer.version;
        if let Some(name) = answer.name.clone() {
            record.name = name;
        }
        self.journal.record(record);
        answer.into_response()
    }

    async fn handle(
        &self,
        parts: &Parts,
        route: Route,
        query: Query,
        body: Incoming,
        record: &mut Request,
    ) -> Result<Answer, Refusal> {
        if let Some(delay) = self.faults.delay_of(record) {
            tokio::time::sleep(delay).await;
        }
        if let Some(code) = self.faults.failure_of(record) {
            return Err(Refusal::injected(code));
        }
        let accept = header(&parts.headers, &ACCEPT).unwrap_or_default().to_owned();
        if let Route::Objects(target) = route {
            let content_type = header(&parts.headers, &CONTENT_TYPE)
                .unwrap_or_default()
                .to_owned();
            let body = read(body).await?;
            record.body = remembered(record, &body);
            return self.objects(&Call {
                verb: record.verb,
                target,
                query,
                accept,
                content_type,
                body,
            });
        }
        if parts.method != hyper::Method::GET {
            return Err(Refusal::unsupported(format!(
                "{} {}",
                parts.method,
                parts.uri.path()
            )));
        }
        self.describe(&route, &accept, parts.uri.path())
    }

    /// Everything about the server itself.
    fn describe(&self, route: &Route, accept: &str, path: &str) -> Result<Answer, Refusal> {
        let resources = self.store.read(|state| state.resources().to_vec());
        let found = match route {
            Route::Health => return Ok(Answer::text("ok")),
            Route::Version => Some(version()),
            Route::CoreVersions | Route::Groups => {
                let core = *route == Route::CoreVersions;
                if let Some(media) = media::aggregated_discovery(accept) {
                    return Ok(Answer::json(200, &discovery::aggregated(&resources, core)).with_media(media));
                }
                let list = || discovery::group_list(&resources);
                Some(if core {
                    discovery::core_versions(&self.authority)
                } else {
                    list()
                })
            }
            Route::Group(group) => discovery::group(&resources, group),
            Route::Resources(group, version) => discovery::resource_list(&resources, group, version),
            Route::OpenApiV2 => None,
            Route::OpenApiIndex => Some(discovery::index(&resources)),
            Route::OpenApi(root) => discovery::document(&resources, root),
            Route::Objects(_) | Route::Unknown => return Err(Refusal::unsupported(path)),
        };
        found
            .map(|value| Answer::json(200, &value))
            .ok_or_else(Refusal::no_such_resource)
    }

    /// The resource of a target; 501 where a real API server would have it and 404 where nobody has.
    pub(crate) fn resource(&self, target: &Target) -> Result<Arc<Resource>, Refusal> {
        let found = self
            .store
            .read(|state| state.resource(&target.group, &target.version, &target.plural));
        if found
            .as_ref()
            .is_some_and(|resource| !resource.namespaced && target.namespace.is_some())
        {
            return Err(Refusal::no_such_resource());
        }
        found.ok_or_else(|| {
            if built_in_group(&target.group) {
                Refusal::unsupported(format!(
                    "the resource {}",
                    qualified(&target.group, &target.plural)
                ))
            } else {
                Refusal::no_such_resource()
            }
        })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &hyper::header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What is known of a request before it is answered.
fn record(parts: &Parts, route: &Route, query: &Query, user: String) -> Request {
    let path = parts
        .uri
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let target = if let Route::Objects(target) = route {
        target.clone()
    } else {
        Target::default()
    };
    let verb = match route {
        Route::Objects(target) => route::verb(&parts.method, target, query.flag("watch")),
        _ => Verb::Other,
    };
    Request {
        number: 0,
        at: Duration::ZERO,
        user,
        verb,
        path,
        resource: qualified(&target.group, &target.plural),
        subresource: target.subresource.unwrap_or_default(),
        namespace: target.namespace.unwrap_or_default(),
        name: target.name.unwrap_or_default(),
        body: String::new(),
        code: 0,
        version: None,
    }
}

/// What the journal keeps of a body.
fn remembered(record: &Request, body: &Bytes) -> String {
    if record.resource == "secrets" || body.len() > BODY_KEPT {
        return String::new();
    }
    String::from_utf8_lossy(body).into_owned()
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let limited = Limited::new(body, BODY_LIMIT).collect().await;
    limited.map(http_body_util::Collected::to_bytes).map_err(|why| {
        if why.is::<http_body_util::LengthLimitError>() {
            Refusal::too_large(BODY_LIMIT)
        } else {
            Refusal::bad_request(format!("reading the request's body: {why}"))
        }
    })
}

/// The version whose behaviour is followed; `+lab` tells a reader what answered.
fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "gitVersion": "v1.36.3+lab",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": "linux",
    })
}
