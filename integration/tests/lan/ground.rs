//! What the tests stand on.

use std::future::Future;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use anyhow::Context as _;
use ipnet::Ipv4Net;
use lab::lan::{Builder, Host, HostPlan, Lan, Mac};
use lab::sandbox;
use libtest_mimic::{Arguments, Trial};

pub(crate) type Outcome = anyhow::Result<()>;

/// Runs the tests inside of a sandbox called `tag`; without one where they are only listed, or cannot run.
pub(crate) fn run(tag: &str, trials: impl Fn() -> Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials()).exit_code();
    }
    match sandbox::enter(tag) {
        Ok(_) => libtest_mimic::run(&arguments, trials()).exit_code(),
        Err(sandbox::Error::Impossible(obstacle)) if std::env::var("CI").as_deref() != Ok("true") => {
            eprintln!("all of these tests are ignored: {obstacle}");
            let ignored = trials().into_iter().map(|trial| trial.with_ignored_flag(true));
            libtest_mimic::run(&arguments, ignored.collect()).exit_code()
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// A test that runs on a runtime of its own.
pub(crate) fn trial<F>(name: &str, test: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = Outcome>,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime
            .block_on(test())
            .map_err(|error| format!("{error:#}").into())
    })
}

/// The tests of one file, named after it and themselves.
macro_rules! trials {
    ($file:ident: $($test:ident),* $(,)?) => {
        vec![$($crate::ground::trial(concat!(stringify!($file), "::", stringify!($test)), $test)),*]
    };
}
pub(crate) use trials;

/// A LAN with its switch in a namespace of its own, so that the tests do not meet.
pub(crate) fn apart() -> anyhow::Result<Builder> {
    Ok(Lan::builder().switch_in(Host::create("switch", "switch")?))
}

/// A LAN of a router, two nodes and a client.
pub(crate) async fn small_lan() -> anyhow::Result<Lan> {
    apart()?
        .host(HostPlan::router("router", net("192.168.1.1/24")))
        .host(HostPlan::node("node1", net("192.168.1.11/24")))
        .host(HostPlan::node("node2", net("192.168.1.12/24")))
        .host(HostPlan::client("client", net("192.168.1.50/24")))
        .build()
        .await
        .context("build a LAN")
}

pub(crate) fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

pub(crate) fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// The MAC address of the host with this number.
pub(crate) fn mac(number: u8) -> Mac {
    Mac([2, 0, 0, 0, 1, number])
}
