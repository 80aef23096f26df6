//! Silence after a 401.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower::Service;

use crate::client::Error;
use crate::client::call::{Answer, Call, Failure, Stage};
use crate::client::credentials::{CredentialStore, Generation};
use crate::client::transport::Response;

/// How long the first 401 silences us. One can be a mistake of the router's, right after an abandoned request.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long a 401 silences us at most: each writes a critical line into the router's log, and a person who mends the
/// user on the router should not have to wait longer.
const LONGEST: Duration = Duration::from_mins(5);

/// What the breaker knows, shared by all clones.
#[derive(Debug, Clone)]
pub(super) struct State {
    credentials: Arc<CredentialStore>,
    open: Arc<Mutex<Option<Open>>>,
}

/// An open breaker: these credentials were refused.
#[derive(Debug, Clone)]
struct Open {
    generation: Generation,
    /// What the router said: until then it would say it again.
    error: Error,
    until: Instant,
    wait: Duration,
}

impl State {
    pub(super) fn new(credentials: Arc<CredentialStore>) -> Self {
        Self {
            credentials,
            open: Arc::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a request with the credentials of `generation` would be refused with again.
    fn refusal(&self, generation: Generation, now: Instant) -> Option<Error> {
        let open = self.open();
        let open = open.as_ref()?;
        (open.generation == generation && now < open.until).then(|| open.error.clone())
    }

    /// Notes how a request with the credentials of `generation` ended.
    fn note(&self, generation: Generation, result: &Result<Answer, Failure>, now: Instant) {
        let mut open = self.open();
        let earlier = open
            .as_ref()
            .filter(|open| open.generation == generation)
            .map(|open| open.wait);
        match result {
            Err(Failure {
                error: error @ (Error::Unauthorized | Error::SourceRefused),
                ..
            }) => {
                let wait = earlier.map_or(SHORTEST, |wait| (wait * 2).min(LONGEST));
                tracing::warn!(?wait, "the router refuses our credentials");
                *open = Some(Open {
                    generation,
                    error: error.clone(),
                    until: now + wait,
                    wait,
                });
            }
            // Any answer shows that we were let in; no answer shows nothing.
            Ok(_)
            | Err(Failure {
                stage: Stage::Answered,
                ..
            }) if earlier.is_some() => {
                *open = None;
            }
            _ => {}
        }
    }
}

/// Fails requests at once while the router is known to refuse us. When the time is over the next request goes
/// through: with one in flight there is only one to try it.
#[derive(Debug, Clone)]
pub(super) struct Breaker<S> {
    inner: S,
    state: State,
}

impl<S> Breaker<S> {
    pub(super) fn new(inner: S, state: State) -> Self {
        Self { inner, state }
    }
}

impl<S> Service<Call> for Breaker<S>
where
    S: Service<Call, Response = Answer, Error = Failure, Future = Response>,
{
    type Response = Answer;
    type Error = Failure;
    type Future = Response;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Response {
        let state = self.state.clone();
        let generation = state.credentials.generation();
        if let Some(error) = state.refusal(generation, Instant::now()) {
            return Box::pin(std::future::ready(Err(Failure::unsent(error))));
        }
        let answer = self.inner.call(call);
        Box::pin(async move {
            let result = answer.await;
            state.note(generation, &result, Instant::now());
            result
        })
    }
}
