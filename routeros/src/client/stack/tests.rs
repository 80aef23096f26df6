//! The layers over a transport of the test's own, in paused time: no verdict depends on the machine's speed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;
use tower::ServiceExt;

use super::*;
use crate::client::{Credentials, Error, RequestReport};
use crate::menu::{Lease, Pool};

type Handler = dyn Fn(usize, Call) -> Response + Send + Sync;

/// Answers the n-th call as the handler says, and keeps when each came.
#[derive(Clone)]
struct Script {
    handler: Arc<Handler>,
    times: Arc<Mutex<Vec<Instant>>>,
}

impl Script {
    fn new<F, R>(handler: F) -> Self
    where
        F: Fn(usize, Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answer, Failure>> + Send + 'static,
    {
        Self {
            handler: Arc::new(move |at, call| Box::pin(handler(at, call))),
            times: Arc::default(),
        }
    }

    /// Milliseconds from the first call to each.
    fn milliseconds(&self) -> Vec<u128> {
        let times = self.times.lock().unwrap();
        times.iter().map(|time| (*time - times[0]).as_millis()).collect()
    }
}

impl Service<Call> for Script {
    type Response = Answer;
    type Error = Failure;
    type Future = Response;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Response {
        let at = {
            let mut times = self.times.lock().unwrap();
            times.push(Instant::now());
            times.len() - 1
        };
        (self.handler)(at, call)
    }
}

/// Keeps the outcomes.
#[derive(Default)]
struct Outcomes(Mutex<Vec<(&'static str, &'static str, u128)>>);

impl Observer for Outcomes {
    fn request(&self, report: RequestReport) {
        let entry = (report.kind.as_str(), report.outcome, report.duration.as_millis());
        self.0.lock().unwrap().push(entry);
    }
}

struct Bench {
    script: Script,
    stack: Stack,
    credentials: Arc<CredentialStore>,
    permits: PermitStore,
    outcomes: Arc<Outcomes>,
}

const SETTLE: u128 = 3_000;

impl Bench {
    fn new(script: Script) -> Self {
        let timeouts = Timeouts {
            settle: Duration::from_millis(u64::try_from(SETTLE).unwrap()),
            read: Duration::from_secs(20),
            ..Timeouts::default()
        };
        let credentials = Arc::new(CredentialStore::new(Credentials::new("tiklb", "old")));
        let outcomes = Arc::new(Outcomes::default());
        let permits = PermitStore::default();
        let stack = build(
            script.clone(),
            &timeouts,
            &credentials,
            &permits,
            Arc::clone(&outcomes) as Arc<dyn Observer>,
        );
        Self {
            script,
            stack,
            credentials,
            permits,
            outcomes,
        }
    }

    async fn send(&self, call: Call) -> Result<Answer, Failure> {
        self.stack.clone().oneshot(call).await
    }

    async fn category(&self, call: Call) -> &'static str {
        self.send(call)
            .await
            .map_or_else(|failure| failure.error.category(), |_| "Ok")
    }
}

fn read() -> Call {
    Call::list::<Lease>(None)
}

fn write() -> Call {
    Call::remove::<Pool>("*1".parse().unwrap())
}

fn ok() -> Answer {
    Answer { body: json!([]) }
}

fn broken() -> Result<Answer, Failure> {
    Err(Failure::interrupted(Error::Busy {
        why: "the connection broke".into(),
    }))
}

fn busy() -> Result<Answer, Failure> {
    Err(Failure::answered(Error::Busy { why: "500".into() }))
}

fn unauthorized() -> Result<Answer, Failure> {
    Err(Failure::answered(Error::Unauthorized))
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated_a_few_times_with_growing_pauses() {
    let bench = Bench::new(Script::new(|_, _| async { busy() }));
    assert_eq!(bench.category(read()).await, "Busy");
    let times = bench.script.milliseconds();
    assert_eq!(times.len(), 3, "{times:?}");
    let (first, second) = (times[1], times[2] - times[1]);
    assert!((500..=760).contains(&first), "{times:?}");
    assert!((1_000..=1_510).contains(&second), "{times:?}");
    let reports = bench.outcomes.0.lock().unwrap();
    assert_eq!(reports.as_slice(), [("read", "Busy", 0); 3]);
}

#[tokio::test(start_paused = true)]
async fn clients_that_fail_together_do_not_come_back_together() {
    let mut pauses = std::collections::BTreeSet::new();
    for _ in 0..16 {
        let bench = Bench::new(Script::new(|_, _| async { busy() }));
        assert_eq!(bench.category(read()).await, "Busy");
        pauses.insert(bench.script.milliseconds()[1]);
    }
    // Each of 250 milliseconds is as likely: that all sixteen are one of two does not happen.
    assert!(pauses.len() > 2, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_recovers_is_an_answer() {
    let bench = Bench::new(Script::new(|at, _| async move {
        if at < 2 { broken() } else { Ok(ok()) }
    }));
    assert_eq!(bench.category(read()).await, "Ok");
    assert_eq!(bench.script.milliseconds().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_but_reads_and_passing_errors_is_repeated() {
    let bench = Bench::new(Script::new(|_, _| async { broken() }));
    assert_eq!(bench.category(write()).await, "Busy");
    assert_eq!(bench.script.milliseconds().len(), 1, "a write is never repeated");

    for error in [
        Error::Unauthorized,
        Error::NotFound {
            menu: "ip/pool",
            id: "*1".parse().unwrap(),
        },
        Error::Refused {
            menu: "ip/pool",
            status: 400,
            detail: String::new(),
        },
        Error::Malformed {
            menu: "ip/pool",
            why: String::new(),
        },
        Error::PolicyMissing(crate::client::Permission::Read),
    ] {
        let category = error.category();
        let bench = Bench::new(Script::new(move |_, _| {
            std::future::ready(Err(Failure::answered(error.clone())))
        }));
        assert_eq!(bench.category(read()).await, category);
        assert_eq!(bench.script.milliseconds().len(), 1, "{category}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_transport_error_the_next_request_waits() {
    let bench = Bench::new(Script::new(|at, _| async move {
        if at == 0 { broken() } else { Ok(ok()) }
    }));
    assert_eq!(bench.category(write()).await, "Busy");
    assert_eq!(bench.category(write()).await, "Ok");
    assert_eq!(bench.category(write()).await, "Ok");
    assert_eq!(bench.script.milliseconds(), [0, SETTLE, SETTLE]);

    let bench = Bench::new(Script::new(|at, _| async move {
        if at == 0 { busy() } else { Ok(ok()) }
    }));
    assert_eq!(bench.category(write()).await, "Busy");
    assert_eq!(bench.category(write()).await, "Ok");
    assert_eq!(
        bench.script.milliseconds(),
        [0, 0],
        "a whole answer, even a 500, needs no pause"
    );
}

#[tokio::test(start_paused = true)]
async fn one_request_is_in_flight() {
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (in_handler, peak) = (Arc::clone(&now), Arc::clone(&most));
    let bench = Bench::new(Script::new(move |_, _| {
        let (now, most) = (Arc::clone(&in_handler), Arc::clone(&peak));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(ok())
        }
    }));
    let all = tokio::join!(
        bench.category(read()),
        bench.category(write()),
        bench.category(read())
    );
    assert_eq!(all, ("Ok", "Ok", "Ok"));
    assert_eq!(most.load(Ordering::SeqCst), 1);
    assert_eq!(bench.script.milliseconds(), [0, 100, 200]);
    let reports = bench.outcomes.0.lock().unwrap();
    assert!(
        reports.iter().all(|report| report.2 == 100),
        "waiting for others is not in the duration: {reports:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_outlives_its_caller() {
    let ended = Arc::new(Notify::new());
    let signal = Arc::clone(&ended);
    let bench = Bench::new(Script::new(move |_, _| {
        let signal = Arc::clone(&signal);
        async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            signal.notify_one();
            Ok(ok())
        }
    }));
    let patience = Duration::from_millis(50);
    assert!(
        tokio::time::timeout(patience, bench.send(write())).await.is_err(),
        "the caller gives up"
    );
    let waiting = tokio::time::timeout(patience, bench.send(read())).await;
    assert!(waiting.is_err(), "the abandoned request still has its place");
    tokio::time::timeout(Duration::from_secs(20), ended.notified())
        .await
        .unwrap();
    assert_eq!(bench.category(read()).await, "Ok");
    assert_eq!(
        bench.script.milliseconds(),
        [0, 10_000],
        "the caller that gave up waiting never sent"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_not_tried_again_and_again() {
    let bench = Bench::new(Script::new(|_, _| async { unauthorized() }));
    let start = Instant::now();
    while start.elapsed() < Duration::from_mins(30) {
        assert_eq!(bench.category(read()).await, "Unauthorized");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let times = bench.script.milliseconds();
    let pauses: Vec<u128> = times.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000).collect();
    assert_eq!(pauses[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    assert!(pauses[10..].iter().all(|pause| *pause == 300), "{pauses:?}");
    assert_eq!(
        bench.outcomes.0.lock().unwrap().len(),
        times.len(),
        "what was not sent is not reported"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_let_in_asks_as_seldom() {
    let refused = || async { Err(Failure::answered(Error::SourceRefused)) };
    let bench = Bench::new(Script::new(move |_, _| refused()));
    for _ in 0..3 {
        assert_eq!(bench.category(read()).await, "SourceRefused");
    }
    assert_eq!(
        bench.script.milliseconds(),
        [0],
        "the same is said without asking"
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(bench.category(read()).await, "SourceRefused");
    assert_eq!(bench.script.milliseconds().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn new_credentials_are_tried_at_once() {
    let bench = Bench::new(Script::new(|at, _| async move {
        if at < 3 || at == 5 {
            unauthorized()
        } else {
            Ok(ok())
        }
    }));
    for (sent, category) in [(1, "Unauthorized"), (1, "Unauthorized")] {
        assert_eq!(bench.category(read()).await, category);
        assert_eq!(bench.script.milliseconds().len(), sent);
    }
    bench.credentials.replace(Credentials::new("tiklb", "also wrong"));
    assert_eq!(bench.category(read()).await, "Unauthorized");
    assert_eq!(bench.script.milliseconds().len(), 2);
    assert_eq!(bench.category(read()).await, "Unauthorized");
    assert_eq!(bench.script.milliseconds().len(), 2);
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    assert_eq!(
        bench.category(read()).await,
        "Unauthorized",
        "the first pause is short again"
    );
    assert_eq!(bench.script.milliseconds().len(), 3);
    tokio::time::sleep(Duration::from_millis(2_001)).await;
    assert_eq!(bench.category(read()).await, "Ok");
    assert_eq!(bench.category(read()).await, "Ok", "and then it is over");
    assert_eq!(bench.category(read()).await, "Unauthorized");
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    let again = bench.category(read()).await;
    assert_eq!(again, "Ok", "a later refusal starts with a short pause again");
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_of_the_old_credentials_does_not_count_against_the_new() {
    let bench = Bench::new(Script::new(|at, _| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if at == 0 { unauthorized() } else { Ok(ok()) }
    }));
    let replace = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.credentials.replace(Credentials::new("tiklb", "new"));
    };
    let (first, ()) = tokio::join!(bench.category(read()), replace);
    assert_eq!(first, "Unauthorized");
    assert_eq!(bench.category(read()).await, "Ok");
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_have_their_own_time_limits() {
    let bench = Bench::new(Script::new(|_, _| std::future::pending()));
    let start = Instant::now();
    let failure = bench.send(write()).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(65));
    assert_eq!(
        failure.error,
        Error::Timeout {
            menu: "ip/pool",
            after: Duration::from_secs(65)
        }
    );
    assert_eq!(failure.stage, crate::client::call::Stage::Interrupted);
    assert_eq!(
        failure.error.to_string(),
        "ip/pool gave no answer within 1m5s: check the router's load and the network to it"
    );
    assert_eq!(bench.category(read()).await, "Timeout");
    let times = bench.script.milliseconds();
    assert_eq!(times.len(), 4, "one write, three reads");
    assert_eq!(times[1], 65_000 + SETTLE);
    assert_eq!(
        times[2] - times[1],
        20_000 + SETTLE,
        "the longer of back-off and pause"
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_that_waited_is_sent_only_if_it_is_still_permitted() {
    let script = Script::new(|at, _| async move { if at == 0 { broken() } else { Ok(ok()) } });
    let bench = Bench::new(script);
    let until = Instant::now() + Duration::from_secs(1);
    bench.permits.replace(Arc::new(move || Instant::now() < until));
    assert_eq!(bench.category(write()).await, "Busy");
    // It waits for the router to settle, and its permit ends meanwhile.
    assert_eq!(bench.category(write()).await, "Forbidden");
    assert_eq!(bench.category(read()).await, "Ok");
    assert_eq!(
        bench.script.times.lock().unwrap().len(),
        2,
        "the second write was not sent"
    );
    let outcomes = bench.outcomes.0.lock().unwrap();
    assert!(
        outcomes.iter().all(|(_, outcome, _)| *outcome != "Forbidden"),
        "{outcomes:?}"
    );
}
