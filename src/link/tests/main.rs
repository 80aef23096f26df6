//! `link` against the kernel: real interfaces, in network namespaces that each test makes for itself.
//!
//! The first thing this program does, before any thread exists, is to leave the machine's network: everything
//! below happens in namespaces of its own, so that no frame can reach anything else. As root that needs
//! `CAP_SYS_ADMIN`, otherwise user namespaces. Where neither is allowed the tests are reported as ignored, with
//! the reason; under `CI=true` they fail.

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

mod datagram;
mod discovery;
mod echo;
mod lan;
mod packet;
mod ports;
mod watch;

/// A test's body, run in a fresh LAN.
type Body = fn(lan::Lan) -> lan::Running;

fn main() {
    let arguments = Arguments::from_args();
    let isolation = lan::isolate().map_err(|error| format!("{error:#}"));
    let bodies = [
        packet::TESTS,
        ports::TESTS,
        discovery::TESTS,
        echo::TESTS,
        watch::TESTS,
        datagram::TESTS,
    ]
    .concat();
    let trials = bodies.into_iter().map(|(name, body)| {
        let isolation = isolation.clone();
        Trial::ignorable_test(name, move || match isolation {
            Ok(()) => run(body).map(|()| Completion::Completed),
            Err(reason) if std::env::var("CI").is_ok_and(|ci| ci == "true") => Err(reason.into()),
            Err(reason) => Ok(Completion::ignored_with(reason)),
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn run(body: Body) -> Result<(), Failed> {
    lan::Lan::with(body).map_err(|error| Failed::from(format!("{error:?}")))
}
