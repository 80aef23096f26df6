//! An API server that asks for patience gets it.
//!
//! A server that has too much to do answers 429, or 503, and says in `Retry-After` when to come back. The library hands
//! on the code and drops the header; here the answer itself is kept back until then. Whoever waits for it keeps its place
//! among the few requests under way, so that nothing else is sent in its stead.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use tower::{Layer, Service};

/// The longest that an answer is kept back: below the time after which a writer gives up on its request.
const LONGEST: Duration = Duration::from_secs(8);
/// An election cannot wait: API servers serve it before anything else, and it asks every two seconds at most.
const ELECTION: &str = "/leases/";

/// Keeps back answers that ask for patience.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience;

impl<S> Layer<S> for Patience {
    type Service = Patient<S>;

    fn layer(&self, inner: S) -> Patient<S> {
        Patient(inner)
    }
}

/// The service below.
#[derive(Debug, Clone)]
pub(super) struct Patient<S>(S);

impl<S, A, B> Service<Request<A>> for Patient<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: Send,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let urgent = request.uri().path().contains(ELECTION);
        let answer = self.0.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if let Some(wait) = asked_for(&answer).filter(|_| !urgent) {
                tokio::time::sleep(wait).await;
            }
            Ok(answer)
        })
    }
}

/// For how long the answer asks to be left alone; a date instead of a number is not what API servers write.
fn asked_for<B>(answer: &Response<B>) -> Option<Duration> {
    let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    let text = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = text.trim().parse().ok()?;
    busy.contains(&answer.status())
        .then(|| Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests;
