//! The program `lab`, from a person's side: what it says, and what it leaves behind.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lab::binary::GIVEN;
use lab::sandbox;
use lab::wait::until;
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::ground::{Outcome, trials};

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    trials![program:
        help_teaches,
        a_program_that_is_not_there_is_told_before_anything_starts,
        a_failed_demo_says_why_and_one_that_runs_can_be_joined,
    ]
}

fn lab(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command
        .args(line.split_whitespace())
        .env_remove(GIVEN)
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn help_teaches() -> Outcome {
    for (line, wanted) in [
        (
            "--help",
            "demo --keep the same, and it stays up to look around in",
        ),
        ("demo --help", "100-199 is one that a person has shrunk by hand"),
        ("shell --help", "lab shell client -- kubectl get services -A"),
        ("bench --help", "p50 60 ms at most"),
        ("cluster --help", "from their Go modules"),
    ] {
        let output = lab(line).output()?;
        // Wrapped at the width of the terminal.
        let help = text(&output.stdout)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        ensure!(
            output.status.success() && help.contains(wanted),
            "lab {line}: {help}"
        );
    }
    Ok(())
}

/// One after the other: a shell joins the youngest demo that runs.
async fn a_failed_demo_says_why_and_one_that_runs_can_be_joined() -> Outcome {
    a_failed_demo_names_the_step_and_what_was_expected()?;
    a_shell_joins_the_demo_that_runs_and_nothing_outlives_it().await
}

fn a_failed_demo_names_the_step_and_what_was_expected() -> Outcome {
    let output = lab("demo").env(GIVEN, "/bin/true").output()?;
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    ensure!(output.status.code() == Some(1), "{}: {err}", output.status);
    ensure!(
        out.contains("phone      192.168.1.201"),
        "it shows what it has built: {out}"
    );
    for wanted in [
        "the demo failed: step 2 (tiklb: one allocator, and a speaker on each node)",
        "tiklb allocator has ended before it was ready (exit status: 0)",
    ] {
        ensure!(err.contains(wanted), "no {wanted:?} in {err}");
    }
    Ok(())
}

async fn a_program_that_is_not_there_is_told_before_anything_starts() -> Outcome {
    let output = lab("demo").env(GIVEN, "/no/such/tiklb").output()?;
    let err = text(&output.stderr);
    ensure!(
        output.status.code() == Some(1)
            && output.stdout.is_empty()
            && err.contains("TIKLB_BINARY is /no/such/tiklb, and no such file is there"),
        "{err}"
    );
    Ok(())
}

/// A program that starts and never becomes ready, so that the demo stays where it is.
fn sluggish() -> anyhow::Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir_in(sandbox::dir().context("the sandbox")?)?;
    let program = folder.path().join("tiklb");
    std::fs::write(&program, "#!/bin/sh\nexec sleep 1000\n")?;
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok((folder, program))
}

/// A demo that runs; killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One command on a host of the demo.
fn on_host(line: &str) -> std::io::Result<Output> {
    lab(&format!("shell {line}")).output()
}

async fn a_shell_joins_the_demo_that_runs_and_nothing_outlives_it() -> Outcome {
    let none = on_host("client -- true")?;
    ensure!(
        none.status.code() == Some(1) && text(&none.stderr).contains("no demo of yours is running"),
        "{none:?}"
    );
    let (_folder, program) = sluggish()?;
    let demo = lab("demo").env(GIVEN, &program).stdout(Stdio::piped()).spawn()?;
    let mut demo = Running(demo);
    let lines = BufReader::new(demo.0.stdout.take().context("stdout")?).lines();
    let mut lines = lines.map_while(Result::ok);
    lines
        .find(|line| line.starts_with("2."))
        .context("step 2 never came")?;

    let devices = on_host("router -- cat /proc/net/dev")?;
    ensure!(text(&devices.stdout).contains("bridge:"), "{devices:?}");
    let config = lab("shell")
        .args(["--", "sh", "-c", "cat \"$KUBECONFIG\"; exit 7"])
        .output()?;
    ensure!(
        config.status.code() == Some(7) && text(&config.stdout).contains("https://192.168.1.10:6443"),
        "{config:?}"
    );
    let nobody = on_host("nobody -- true")?;
    ensure!(
        text(&nobody.stderr).contains("no host \"nobody\"; it has client, control, newcomer, node1"),
        "{nobody:?}"
    );
    // It tells what it is waiting for, on a line of its own where nobody looks at a terminal.
    let waiting = lines.find(|line| line.contains("waiting"));
    let waiting = waiting.context("it does not say that it waits")?;
    ensure!(
        waiting == "   … waiting for the allocator to be ready (2 s)",
        "{waiting}"
    );

    let runs = |program: &Path| Ok::<_, anyhow::Error>(running(program)? > 0);
    ensure!(runs(&program)?, "the allocator runs");
    demo.0.kill()?;
    demo.0.wait()?;
    until("all to be gone", BOUND, async || {
        ensure!(!runs(&program)?, "tiklb outlives the demo that was killed");
        ensure!(
            sandbox::find_running("demo")?.is_none(),
            "the sandbox outlives it"
        );
        Ok(())
    })
    .await
}

/// How many processes were started from a script.
fn running(script: &Path) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir("/proc")? {
        // It may end while we look.
        let environment = std::fs::read(entry?.path().join("environ")).unwrap_or_default();
        let given = format!("{GIVEN}={}", script.display());
        count += usize::from(
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == given.as_bytes()),
        );
    }
    Ok(count)
}
