//! Programs on hosts.

use std::time::Duration;

use anyhow::ensure;
use lab::lan::{Error, Host};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::ground::{Outcome, trials};

const BOUND: Duration = Duration::from_secs(10);

pub(crate) fn trials() -> Vec<Trial> {
    trials![processes:
        output_is_kept_line_by_line,
        all_output_is_there_when_the_end_is,
        the_end_of_the_host_ends_it,
        an_endless_line_is_cut,
        output_held_by_others_does_not_hide_the_end,
        a_program_runs_in_the_host_s_network,
        signals_stop_resume_and_end_it,
        one_that_ignores_sigterm_is_killed,
        dropping_it_kills_it,
        what_cannot_start_says_so,
        what_does_not_come_is_told_with_the_last_lines,
    ]
}

fn shell(host: &Host, script: &str) -> lab::lan::HostCommand {
    host.command("/bin/sh").args(["-c", script])
}

async fn output_is_kept_line_by_line() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let process = shell(&host, "echo one; echo two >&2; printf 'no end'; exit 7")
        .spawn()
        .await?;
    ensure!(process.wait(BOUND).await?.code() == Some(7));
    // All of it, once the end is known.
    ensure!(process.logs().len() == 3, "{:?}", process.logs());
    Ok(())
}

async fn all_output_is_there_when_the_end_is() -> Outcome {
    let host = Host::create("box", "eth0")?;
    for _ in 0..20 {
        let process = shell(&host, "seq 1 30000").spawn().await?;
        process.wait(BOUND).await?;
        ensure!(
            process.logs().last().is_some_and(|line| line.text == "30000"),
            "{:?}",
            process.logs().last()
        );
    }
    Ok(())
}

async fn the_end_of_the_host_ends_it() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let process = shell(&host, "exec sleep 1000").spawn().await?;
    drop(host);
    let error = process.wait(BOUND).await.unwrap_err();
    ensure!(matches!(error, Error::Gone { .. }), "{error}");
    let path = format!("/proc/{}/cmdline", process.pid());
    let gone = async {
        // A zombie has no arguments; nobody is left to reap it but the sandbox's end.
        while std::fs::read(&path).is_ok_and(|arguments| !arguments.is_empty()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(BOUND, gone).await?;
    Ok(())
}

async fn an_endless_line_is_cut() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let process = shell(&host, "head -c 100000 /dev/zero | tr '\\0' x")
        .spawn()
        .await?;
    ensure!(process.wait(BOUND).await?.success());
    let lengths: Vec<usize> = process.logs().iter().map(|line| line.text.len()).collect();
    ensure!(
        lengths.iter().sum::<usize>() == 100_000 && lengths.iter().all(|length| *length < 40_000),
        "{lengths:?}"
    );
    Ok(())
}

async fn output_held_by_others_does_not_hide_the_end() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let process = shell(&host, "sleep 1000 & echo gone").spawn().await?;
    ensure!(process.wait(BOUND).await?.success() && process.logs()[0].text == "gone");
    Ok(())
}

async fn a_program_runs_in_the_host_s_network() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let namespace = host.run(|| std::fs::read_link("/proc/thread-self/ns/net"))??;
    let process = host
        .command("/bin/sh")
        .args(["-c", "readlink /proc/self/ns/net; echo $GREETING"])
        .env("GREETING", "hello");
    let process = process.spawn().await?;
    process.wait_for_log(|line| line == "hello", BOUND).await?;
    ensure!(
        process.logs()[0].text == namespace.display().to_string(),
        "{:?}",
        process.logs()
    );
    Ok(())
}

async fn signals_stop_resume_and_end_it() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let process = shell(
        &host,
        "trap 'echo heard; exit 3' TERM; echo ready; while :; do sleep 0.01; done",
    )
    .spawn()
    .await?;
    process.wait_for_log(|line| line == "ready", BOUND).await?;
    ensure!(process.rss_kib()? > 100);
    process.stop().await?;
    process.kill(Signal::SIGTERM)?;
    ensure!(
        matches!(
            process.wait(Duration::from_millis(100)).await,
            Err(Error::TooLate { .. })
        ),
        "it is stopped"
    );
    process.resume()?;
    process.wait_for_log(|line| line == "heard", BOUND).await?;
    ensure!(process.wait(BOUND).await?.code() == Some(3));
    ensure!(process.rss_kib().is_err());
    process.kill(Signal::SIGTERM)?;
    Ok(())
}

async fn one_that_ignores_sigterm_is_killed() -> Outcome {
    use std::os::unix::process::ExitStatusExt as _;
    let host = Host::create("box", "eth0")?;
    let process = shell(&host, "trap '' TERM; echo ready; while :; do sleep 0.01; done")
        .spawn()
        .await?;
    process.wait_for_log(|line| line == "ready", BOUND).await?;
    ensure!(process.end(Duration::from_millis(50)).await?.signal() == Some(9));
    Ok(())
}

async fn dropping_it_kills_it() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let process = shell(&host, "exec sleep 1000").spawn().await?;
    let path = format!("/proc/{}", process.pid());
    ensure!(std::path::Path::new(&path).exists());
    drop(process);
    let gone = async {
        while std::path::Path::new(&path).exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(BOUND, gone).await?;
    Ok(())
}

async fn what_cannot_start_says_so() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let error = host.command("/no/such/program").spawn().await.unwrap_err();
    ensure!(
        error.to_string() == "box: cannot start /no/such/program",
        "{error}"
    );
    Ok(())
}

async fn what_does_not_come_is_told_with_the_last_lines() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let process = shell(&host, "echo a reason; exit 4").spawn().await?;
    process.wait(BOUND).await?;
    let error = process
        .wait_for_log(|line| line == "ready", Duration::from_millis(20))
        .await
        .unwrap_err()
        .to_string();
    ensure!(
        error.contains("the line waited for of sh")
            && error.contains("exit status: 4")
            && error.contains("a reason"),
        "{error}"
    );
    Ok(())
}
