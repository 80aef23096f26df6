//! One request from head to answer: faults, authentication, execution, journal.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::access::{User, Visitor};
use super::body::{self, Body};
use super::call::Call;
use super::execute::{Outcome, execute};
use super::pending::{Pending, Poison};
use super::target::{Target, target};
use crate::fault::{Reply, Verdict};
use crate::journal::{Violation, Write};
use crate::person::Person;
use crate::router::{Shared, locked};
use crate::trap::Trap;

/// How long a wrong password waits for its 401 (measured on 7.23.7).
const WRONG_PASSWORD: Duration = Duration::from_millis(125);
/// The largest body that is read; the router's own limit is not known and lower.
const BODY: usize = 1 << 20;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer is sent")]
pub(crate) struct HangUp;

/// Answers one request.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    request: Request<Incoming>,
) -> Result<Response<Body>, HangUp> {
    let _flight = shared.flight();
    if !shared.serves_rest() {
        return Ok(page_not_found());
    }
    let call = match read(request).await {
        Ok(call) => call,
        Err(trap) => return Ok(response(shared, &Outcome::refused(&trap))),
    };
    let poison = locked(&shared.faults).confusion.meet(shared.elapsed());
    if poison == Some(Poison::Reset) {
        shared.gate.reset(visitor.connection);
        return Err(HangUp);
    }
    let mut pending = Pending::new(shared);
    let limit = shared.device().switches.session_limit;
    let outcome = tokio::time::timeout(limit, work(shared, visitor, &call, &mut pending))
        .await
        .unwrap_or_else(|_| Outcome::refused(&Trap::session_closed()));
    let outcome = match poison {
        Some(Poison::Foreign(orphan)) => *orphan,
        _ => outcome,
    };
    pending.answered();
    if outcome.hang_up {
        return Err(HangUp);
    }
    Ok(response(shared, &outcome))
}

/// Authenticates a request, carries it out, and takes the time that faults make it take.
async fn work(shared: &Arc<Shared>, visitor: &Visitor, call: &Call, pending: &mut Pending<'_>) -> Outcome {
    let user = visitor.authenticate(&mut shared.device(), call.authorization.as_deref());
    let outcome = match user {
        Ok(user) => {
            let before = locked(&shared.faults).work();
            if before.is_zero() {
                carry_out(shared, call, &user)
            } else {
                // A task of its own: the router goes on when the client is gone.
                let (shared, call) = (Arc::clone(shared), call.clone());
                let late = tokio::spawn(async move {
                    tokio::time::sleep(before).await;
                    carry_out(&shared, &call, &user)
                });
                late.await
                    .unwrap_or_else(|_| Outcome::refused(&Trap::transient()))
            }
        }
        Err(trap) => {
            tokio::time::sleep(WRONG_PASSWORD).await;
            Outcome::refused(&trap)
        }
    };
    pending.carried_out(&outcome);
    let delay = locked(&shared.faults).delay(outcome.rows());
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    outcome
}

async fn read(request: Request<Incoming>) -> Result<Call, Trap> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY)
        .collect()
        .await
        .map_err(|_| Trap::failure("contents too long"))?;
    Ok(Call {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: head
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned),
        method: head.method,
        body: body.to_bytes(),
    })
}

/// Carries a request out. The journal is written under the device's lock, so that its order is the order of effect.
fn carry_out(shared: &Arc<Shared>, call: &Call, user: &User) -> Outcome {
    let target = target(&call.path);
    let menu = target.as_ref().ok().map(Target::menu);
    let mut verdict = Verdict::Sound;
    if call.writes() {
        let visitors = menu
            .map(|menu| locked(&shared.faults).visitors(menu))
            .unwrap_or_default();
        let person = Person {
            shared: Arc::clone(shared),
        };
        for visit in visitors {
            visit(&person);
        }
        verdict = locked(&shared.faults).judge(&call.method, menu);
    } else if locked(&shared.faults).read_fails() {
        verdict = Verdict::Refuse(Reply::transient());
    }
    let booting = shared.is_booting();
    let mut device = shared.device();
    let allowed = user.may(call.writes(), &device.switches.missing_write_text);
    let mut outcome = match (allowed, &target, &verdict) {
        (Err(trap), _, _) => Outcome::refused(&trap),
        (Ok(()), _, Verdict::Refuse(reply)) => Outcome::instead(reply),
        (Ok(()), Err(trap), _) => Outcome::outside(trap, "a path outside the simulated menus"),
        (Ok(()), Ok(_), _) if booting && call.writes() => Outcome::refused(&Trap::transient()),
        (Ok(()), Ok(target), _) if booting && target.menu().spec().comes_late() => {
            Outcome::not_there_yet(target)
        }
        (Ok(()), Ok(target), _) => execute(&mut device, call, target),
    };
    if let Verdict::Hide(reply) = &verdict {
        outcome = Outcome {
            row: outcome.row,
            violation: outcome.violation,
            ..Outcome::instead(reply)
        };
    }
    record(shared, call, user, target.ok().as_ref(), &outcome);
    outcome
}

fn record(shared: &Shared, call: &Call, user: &User, target: Option<&Target>, outcome: &Outcome) {
    let mut journal = locked(&shared.journal);
    if let Some(reason) = &outcome.violation {
        let path = if call.query.is_empty() {
            call.path.clone()
        } else {
            format!("{}?{}", call.path, call.query)
        };
        let reason = reason.clone();
        journal.violation(Violation {
            method: call.method.to_string(),
            path,
            reason,
            at: shared.elapsed(),
        });
    }
    if call.writes() {
        let (path, id) = split(call, target);
        journal.write(Write {
            method: call.method.to_string(),
            path,
            id,
            body: String::from_utf8_lossy(&call.body).into_owned(),
            user: user.name.clone(),
            status: outcome.status.as_u16(),
            row: outcome.row.clone(),
            at: shared.elapsed(),
            wall: shared.clock.wall(),
        });
    } else if let Some(menu) = target.map(Target::menu).filter(|_| outcome.status.is_success()) {
        journal.read(menu);
        locked(&shared.faults).note_read(menu);
    }
}

/// The path below `/rest/` and the id in it, as they were sent.
fn split(call: &Call, target: Option<&Target>) -> (String, Option<String>) {
    let path = call
        .path
        .strip_prefix("/rest")
        .unwrap_or(&call.path)
        .trim_matches('/');
    match (target, path.rsplit_once('/')) {
        (Some(Target::Row(..) | Target::BadId(_)), Some((menu, id))) => {
            (menu.to_owned(), Some(id.to_owned()))
        }
        (Some(Target::Word(..)), Some((menu, id))) if call.method != Method::POST => {
            (menu.to_owned(), Some(id.to_owned()))
        }
        _ => (path.to_owned(), None),
    }
}

fn response(shared: &Shared, outcome: &Outcome) -> Response<Body> {
    let (seed, chunked, close) = {
        let switches = &shared.device().switches;
        let seed = switches.shuffle_keys.then(|| shared.number());
        (seed, switches.chunked, switches.close_connections)
    };
    let json = outcome.body.as_ref().map(|value| body::json(value, seed));
    let has_body = json.is_some();
    let mut response = Response::new(body::body(json.unwrap_or_default(), chunked && has_body));
    *response.status_mut() = outcome.status;
    let headers = response.headers_mut();
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What the web server says of `/rest` where REST is not served: before 7.9 over plain HTTP, or switched off.
fn page_not_found() -> Response<Body> {
    let page = "<html><body>Error 404: Not Found</body></html>";
    let mut response = Response::new(body::body(page, false));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
