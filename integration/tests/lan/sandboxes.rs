//! The sandbox, looked at from outside. (All other tests run in one.)

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::ground::{Outcome, trials};
use crate::parts;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    trials![sandboxes:
        exit_codes_pass_through,
        the_place_is_fresh,
        orphans_are_reaped,
        a_killed_outer_process_leaves_nothing,
        killed_at_any_moment_it_leaves_nothing,
        init_without_its_outer_process_starts_nothing,
        signals_reach_the_work,
        ctrl_c_at_a_terminal_reaches_the_work,
        work_that_does_not_end_is_killed,
        a_second_signal_ends_it_at_once,
        one_that_runs_is_found_and_joined,
        an_obstacle_is_named,
        entering_with_threads_is_a_fault_not_an_obstacle,
        possible_says_so_without_entering,
    ]
}

/// A part that runs; killed when dropped.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(child.stdout.take().context("stdout")?);
        Ok(Self { child, output })
    }

    fn ready(command: Command) -> anyhow::Result<Self> {
        let mut running = Self::start(command)?;
        let line = running.line()?;
        ensure!(line == "ready", "{line:?}");
        Ok(running)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn signal(&self, signal: Signal) -> Outcome {
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), signal)?)
    }

    /// Its exit code and the rest of what it says. (A part that hangs is the sandbox's to end; the harness's timeout
    /// is for a sandbox that does not.)
    fn end(&mut self) -> anyhow::Result<(Option<i32>, String)> {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        Ok((self.child.wait()?.code(), rest))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(name: &str, arguments: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    Running::start(parts::command(name, arguments))?.end()
}

/// How many processes have `marker` among their arguments.
fn marked(marker: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        if name.to_string_lossy().parse::<u32>().is_err() {
            continue;
        }
        let path = format!("/proc/{}/cmdline", name.to_string_lossy());
        // It may end while we look.
        let arguments = std::fs::read(path).unwrap_or_default();
        count += usize::from(
            arguments
                .split(|byte| *byte == 0)
                .any(|argument| argument == marker.as_bytes()),
        );
    }
    Ok(count)
}

async fn all_gone(marker: &str) -> Outcome {
    until("all are gone", || Ok(marked(marker)? == 0)).await
}

async fn until(what: &str, reached: impl Fn() -> anyhow::Result<bool>) -> Outcome {
    let wait = async {
        while !reached()? {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(BOUND, wait)
        .await
        .with_context(|| format!("waited for: {what}"))?
}

fn mounts() -> anyhow::Result<Vec<String>> {
    // Without the LANs of the tests beside this one, which mount nothing.
    Ok(std::fs::read_to_string("/proc/self/mountinfo")?
        .lines()
        .map(str::to_owned)
        .collect())
}

async fn exit_codes_pass_through() -> Outcome {
    for code in [0, 1, 5, 255] {
        ensure!(run("exit", &[&code.to_string()])?.0 == Some(code), "{code}");
    }
    let (code, _) = run("die", &[])?;
    ensure!(code == Some(128 + 9), "{code:?}");
    Ok(())
}

async fn the_place_is_fresh() -> Outcome {
    let (code, text) = run("look", &[])?;
    ensure!(code == Some(0), "{code:?} {text}");
    ensure!(text.contains("links [\"lo\"] processes 2 uid 0\n"), "{text}");
    // Nothing of the outer process's signal handling is inherited.
    ensure!(text.contains("SigBlk: 0000000000000000"), "{text}");
    // What the machine alone can say is carried in; a container with a network of its own does not show it.
    let room = std::fs::read_to_string("/proc/sys/net/ipv4/neigh/default/gc_thresh3").ok();
    let room = room.and_then(|room| room.trim().parse::<usize>().ok());
    ensure!(text.contains(&format!("neighbors {room:?}\n")), "{text}");
    Ok(())
}

async fn orphans_are_reaped() -> Outcome {
    let (code, text) = run("orphans", &[])?;
    ensure!(code == Some(0), "{code:?} {text}");
    Ok(())
}

async fn a_killed_outer_process_leaves_nothing() -> Outcome {
    let marker = "killed-outer";
    let before = mounts()?;
    let mut running = Running::ready(parts::command("hold", &[marker]))?;
    // Outer, PID 1, the work, its child, an orphan.
    until("all run", || Ok(marked(marker)? >= 5)).await?;
    ensure!(mounts()? == before, "its mounts are seen outside");
    running.signal(Signal::SIGKILL)?;
    running.child.wait()?;
    all_gone(marker).await?;
    ensure!(mounts()? == before);
    Ok(())
}

async fn killed_at_any_moment_it_leaves_nothing() -> Outcome {
    let marker = "killed-early";
    for step in 0..30 {
        let mut running = Running::start(parts::command("hold", &[marker]))?;
        // Not a wait for anything: the moments at which it is struck.
        tokio::time::sleep(Duration::from_micros(step * 700)).await;
        running.signal(Signal::SIGKILL)?;
        running.child.wait()?;
    }
    all_gone(marker).await
}

async fn init_without_its_outer_process_starts_nothing() -> Outcome {
    let accompanied = run("accompanied", &[])?;
    ensure!(
        accompanied == (Some(7), "told \"ready\\n\"\n".to_owned()),
        "{accompanied:?}"
    );
    let abandoned = run("abandoned", &[])?;
    ensure!(abandoned == (Some(1), "told \"\"\n".to_owned()), "{abandoned:?}");
    Ok(())
}

async fn signals_reach_the_work() -> Outcome {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut running = Running::ready(parts::as_job(parts::command("polite", &[])))?;
        running.signal(signal)?;
        let (code, rest) = running.end()?;
        ensure!(
            rest == format!("heard {signal}\n") && code == Some(5),
            "{signal}: {code:?} {rest:?}"
        );
    }
    Ok(())
}

async fn ctrl_c_at_a_terminal_reaches_the_work() -> Outcome {
    let (code, text) = run("terminal", &[])?;
    ensure!(
        text == "ready\nheard SIGINT\n" && code == Some(5),
        "{code:?} {text:?}"
    );
    Ok(())
}

async fn work_that_does_not_end_is_killed() -> Outcome {
    let mut running = Running::ready(parts::as_job(parts::command("stubborn", &[])))?;
    let asked = Instant::now();
    running.signal(Signal::SIGTERM)?;
    let (code, _) = running.end()?;
    ensure!(code == Some(128 + 15), "{code:?}");
    ensure!(
        asked.elapsed() >= Duration::from_secs(3),
        "it has three seconds: {:?}",
        asked.elapsed()
    );
    Ok(())
}

async fn a_second_signal_ends_it_at_once() -> Outcome {
    let mut running = Running::ready(parts::as_job(parts::command("stubborn", &[])))?;
    let asked = Instant::now();
    running.signal(Signal::SIGINT)?;
    tokio::time::sleep(Duration::from_millis(600)).await;
    running.signal(Signal::SIGINT)?;
    let (code, _) = running.end()?;
    ensure!(code == Some(128 + 2), "{code:?}");
    ensure!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    Ok(())
}

async fn one_that_runs_is_found_and_joined() -> Outcome {
    let tag = "to-be-joined";
    ensure!(run("join", &[tag, "box"])?.0 == Some(99), "none runs yet");
    let running = Running::ready(parts::command("hold", &[tag]))?;
    let (code, text) = run("join", &[tag, "box"])?;
    ensure!(code == Some(0), "{code:?} {text}");
    let lines: Vec<&str> = text.lines().collect();
    ensure!(lines[..3] == ["hosts [\"box\"]", "first 1", tag], "{text}");
    let ours = std::fs::read_link("/proc/self/ns/net")?.display().to_string();
    let theirs = std::fs::read_link(format!("/proc/{}/ns/net", running.child.id()))?
        .display()
        .to_string();
    ensure!(
        lines[3].starts_with("net:[") && lines[3] != ours && lines[3] != theirs,
        "it is the host's: {text}"
    );
    ensure!(run("join", &[tag, "nobody"])?.0 == Some(1), "no such host");
    Ok(())
}

async fn an_obstacle_is_named() -> Outcome {
    let output = parts::command("limited", &[]).output()?;
    let text = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2), "{} {text}", output.status);
    ensure!(
        text.contains("sudo sysctl -w user.max_net_namespaces=15000"),
        "{text}"
    );
    ensure!(text.lines().count() == 2, "{text}");
    Ok(())
}

async fn entering_with_threads_is_a_fault_not_an_obstacle() -> Outcome {
    let output = parts::command("late", &[]).output()?;
    let text = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(1) && text.contains("before any is started"),
        "{} {text}",
        output.status
    );
    Ok(())
}

async fn possible_says_so_without_entering() -> Outcome {
    let (code, text) = run("possible", &[])?;
    ensure!(code == Some(0) && text == "possible\n", "{code:?} {text:?}");
    let output = parts::command("impossible", &[]).output()?;
    let text = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(2) && text.contains("user.max_net_namespaces=15000"),
        "{} {text}",
        output.status
    );
    Ok(())
}
