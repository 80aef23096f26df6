//! How long answers are kept back, in paused time.

use std::convert::Infallible;

use tokio::time::Instant;
use tower::{ServiceExt, service_fn};

use super::*;

async fn waited(path: &str, status: u16, retry_after: Option<&'static str>) -> Duration {
    let service = service_fn(move |_: Request<()>| {
        let mut answer = Response::builder().status(status);
        if let Some(text) = retry_after {
            answer = answer.header(header::RETRY_AFTER, text);
        }
        std::future::ready(Ok::<_, Infallible>(answer.body(()).unwrap()))
    });
    let began = Instant::now();
    let request = Request::get(path).body(()).unwrap();
    let answer = Patience.layer(service).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), status, "the answer itself is not changed");
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_asks_for_patience_comes_when_the_time_is_over() {
    let services = "/api/v1/namespaces/default/services/web/status";
    assert_eq!(waited(services, 429, Some("3")).await, Duration::from_secs(3));
    assert_eq!(waited(services, 503, Some("1")).await, Duration::from_secs(1));
    assert_eq!(waited(services, 429, Some("86400")).await, LONGEST);
    assert_eq!(waited(services, 429, None).await, Duration::ZERO);
    assert_eq!(waited(services, 429, Some("soon")).await, Duration::ZERO);
    assert_eq!(waited(services, 200, Some("3")).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_election_does_not_wait() {
    let lease = "/apis/coordination.k8s.io/v1/namespaces/metallb-system/leases/tiklb-allocator";
    assert_eq!(waited(lease, 429, Some("3")).await, Duration::ZERO);
}
