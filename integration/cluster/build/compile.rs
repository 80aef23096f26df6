//! Runs the go command: its version, and one build, watched and bounded.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::program::Program;
use super::BuildError;
use super::module::{FLAGS, Modules};

/// How long one build may take, and how often it is spoken of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// One program at most.
    pub limit: Duration,
    /// Silence up to here is not worth a line.
    pub quiet: Duration,
    /// Between two lines afterwards.
    pub between: Duration,
}

impl Default for Patience {
    /// Cold, on 2 cores with other builds beside it, the API server took 7 minutes, which makes 26 lines; there are
    /// boards that are five times slower.
    fn default() -> Self {
        Self {
            limit: Duration::from_mins(45),
            quiet: Duration::from_secs(2),
            between: Duration::from_secs(15),
        }
    }
}

/// `go env` reads a few files; a first start may fetch a toolchain.
const VERSION_LIMIT: Duration = Duration::from_mins(5);

/// How long an interrupted go command has to end its compilers.
const INTERRUPT: Duration = Duration::from_secs(5);

/// How much of a failed build's output an error repeats, in bytes.
const TAIL: u64 = 4096;

/// Errs unless the go command is there and new enough.
pub(super) async fn check_go(go: &Path, modules: &Modules, program: Program) -> Result<(), BuildError> {
    let wanted = modules.go.clone();
    // Asked from within the module, so that GOTOOLCHAIN=auto answers with what it would switch to.
    let mut command = Command::new(go);
    command
        .args(["env", "GOVERSION"])
        .current_dir(modules.folder(program))
        .kill_on_drop(true);
    let output = match timeout(VERSION_LIMIT, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => return Err(BuildError::NoGo { wanted }),
        Ok(Err(source)) => return Err(BuildError::io("running", go)(source)),
        Err(_) => {
            return Err(BuildError::io("waiting for the version of", go)(
                ErrorKind::TimedOut.into(),
            ));
        }
    };
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // A development build has no number; its owner knows.
    if found.starts_with("devel") || version(&found).is_some_and(|has| Some(has) >= version(&wanted)) {
        return Ok(());
    }
    // Before 1.16 `go env` knows no GOVERSION; where a newer one may not be fetched, the reason is on stderr.
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let found = if found.is_empty() { reason } else { found };
    Err(BuildError::OldGo {
        found: if found.is_empty() {
            "older than 1.16".to_owned()
        } else {
            found
        },
        wanted,
    })
}

/// `go1.26.8` or `1.26.0` as (1, 26, 8); a release candidate counts as its release.
pub(super) fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.trim_start_matches("go").split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    let major = parts.next().flatten()?;
    Some((
        major,
        parts.next().flatten()?,
        parts.next().flatten().unwrap_or(0),
    ))
}

/// Builds one program to `output`. An interrupted build leaves no half program there.
pub(super) async fn compile(
    go: &Path,
    modules: &Modules,
    program: Program,
    output: &Path,
    patience: Patience,
    progress: &mut (dyn Write + Send),
) -> Result<(), BuildError> {
    let log = output.with_extension("log");
    let partial = output.with_extension("partial");
    let said = File::create(&log).map_err(BuildError::io("making the log", &log))?;
    let child = Command::new(go)
        .args(FLAGS)
        .args(["-ldflags", &modules.linker_flags(program)])
        .arg("-o")
        .arg(&partial)
        .arg(program.package())
        .current_dir(modules.folder(program))
        // Static programs that run in any namespace, and a workspace of the user's has no say.
        .envs([("CGO_ENABLED", "0"), ("GOWORK", "off")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .kill_on_drop(true)
        .spawn()
        .map_err(BuildError::io("running", go))?;
    let status = wait(child, program, patience, progress).await?;
    if !status.success() {
        return Err(BuildError::Compile {
            program,
            status,
            tail: tail(&log),
            log,
        });
    }
    fs::rename(&partial, output).map_err(BuildError::io("moving into place", output))
}

async fn wait(
    mut child: Child,
    program: Program,
    Patience {
        limit,
        quiet,
        between,
    }: Patience,
    progress: &mut (dyn Write + Send),
) -> Result<ExitStatus, BuildError> {
    let began = Instant::now();
    let mut next = began + quiet;
    loop {
        tokio::select! {
            ended = child.wait() => {
                if began.elapsed() > quiet {
                    say(progress, &format!("{program}: done after {} s", began.elapsed().as_secs()));
                }
                return ended.map_err(BuildError::io("waiting for the build of", Path::new(program.name())));
            }
            () = sleep_until(next.min(began + limit)) => {}
        }
        if began.elapsed() >= limit {
            interrupt(&mut child).await;
            return Err(BuildError::TooSlow {
                program,
                after: limit,
            });
        }
        let hint = if next == began + quiet {
            " (cold: minutes; cached: seconds)"
        } else {
            ""
        };
        say(
            progress,
            &format!("{program}: building for {} s{hint}", began.elapsed().as_secs()),
        );
        next += between;
    }
}

/// SIGINT lets the go command end the compilers it started; SIGKILL would leave them running.
async fn interrupt(child: &mut Child) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .map(Pid::from_raw);
    if let Some(pid) = pid
        && kill(pid, Signal::SIGINT).is_ok()
        && timeout(INTERRUPT, child.wait()).await.is_ok()
    {
        return;
    }
    // Already gone is as good as killed.
    let _ = child.kill().await;
}

fn tail(log: &PathBuf) -> String {
    let read = || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        std::io::Result::Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_else(|error| format!("(unreadable: {error})"))
}

/// One line of progress. A closed terminal is no reason to stop building.
pub(super) fn say(progress: &mut (dyn Write + Send), line: &str) {
    let _ = writeln!(progress, "cluster build: {line}");
}
