//! Small programs that enter a sandbox of their own, for the tests to look at from outside. They are this program,
//! started again with `--part`.

use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use lab::lan::Host;
use lab::sandbox;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal};

use crate::ground::Outcome;

const FLAG: &str = "--part";

/// This program as the part `name`.
pub(crate) fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(FLAG).arg(name).args(arguments);
    command
}

/// Plays the part that the arguments ask for, if they ask for one.
pub(crate) fn play() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flag, rest) = arguments.split_first()?;
    if flag != FLAG {
        return None;
    }
    Some(match part(rest) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            let impossible = error
                .downcast_ref::<sandbox::Error>()
                .map(sandbox::Error::exit_code);
            ExitCode::from(impossible.unwrap_or(99))
        }
    })
}

fn part(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["exit", code] => {
            sandbox::enter("exit")?;
            return Ok(ExitCode::from(code.parse::<u8>()?));
        }
        ["die"] => {
            sandbox::enter("die")?;
            nix::sys::signal::raise(Signal::SIGKILL)?;
        }
        ["hold", tag] => hold(tag)?,
        ["polite"] => return polite(),
        ["stubborn"] => stubborn()?,
        ["look"] => look()?,
        ["orphans"] => orphans()?,
        ["join", tag, host] => join(tag, host)?,
        ["terminal"] => return terminal(),
        ["limited"] => {
            limit()?;
            sandbox::enter("limited")?;
        }
        ["abandoned"] => return init_alone(false),
        ["accompanied"] => return init_alone(true),
        ["late"] => {
            let (_kept, other) = std::sync::mpsc::channel::<()>();
            std::thread::spawn(move || other.recv());
            sandbox::enter("late")?;
        }
        ["possible"] => {
            // The probe runs this same part; in it `enter` does not return.
            if sandbox::entered() {
                sandbox::enter("possible")?;
            }
            sandbox::possible()?;
            say("possible")?;
        }
        ["impossible"] => {
            if sandbox::entered() {
                sandbox::enter("impossible")?;
            }
            limit()?;
            sandbox::possible()?;
        }
        other => bail!("no such part: {other:?}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn say(line: &str) -> Outcome {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}

/// Waits for the end that others make.
fn stay() -> Outcome {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    loop {
        std::thread::park();
    }
}

/// Stays, with a host that can be entered, a child and an orphan.
fn hold(tag: &str) -> Outcome {
    let inside = sandbox::enter(tag)?;
    let host = Host::create("box", "eth0")?;
    host.mount_below(inside.dir())?;
    std::fs::write(inside.dir().join("note"), tag)?;
    let script = "(sh -c 'sleep 1000; :' \"$0\" &); sleep 1000; :";
    let mut child = Command::new("/bin/sh")
        .args(["-c", script, tag])
        .stdin(Stdio::null())
        .spawn()?;
    say("ready")?;
    child.wait()?;
    stay()
}

/// Ends by itself when it is asked to.
fn polite() -> anyhow::Result<ExitCode> {
    sandbox::enter("polite")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        say("ready")?;
        let heard = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hangup.recv() => "SIGHUP",
        };
        say(&format!("heard {heard}"))?;
        Ok(ExitCode::from(5))
    })
}

/// Does not end when it is asked to.
fn stubborn() -> Outcome {
    sandbox::enter("stubborn")?;
    let mut deaf = SigSet::empty();
    deaf.add(Signal::SIGTERM);
    deaf.add(Signal::SIGINT);
    deaf.thread_block()?;
    say("ready")?;
    stay()
}

/// Tells what the place looks like.
fn look() -> Outcome {
    let inside = sandbox::enter("look")?;
    let links: Vec<String> = std::fs::read_to_string("/proc/net/dev")?
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
        .collect();
    let mut processes = 0;
    for entry in std::fs::read_dir("/proc")? {
        processes += usize::from(entry?.file_name().to_string_lossy().parse::<u32>().is_ok());
    }
    ensure!(sandbox::entered() && sandbox::dir().as_deref() == Some(inside.dir()));
    ensure!(
        std::fs::read_dir(inside.dir())?.next().is_none(),
        "a fresh directory is empty"
    );
    std::net::TcpListener::bind("127.0.0.1:0").context("lo is up")?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let masks = status.lines().filter(|line| line.starts_with("SigBlk"));
    say(&format!(
        "links {links:?} processes {processes} uid {}",
        nix::unistd::getuid()
    ))?;
    say(&format!("neighbors {:?}", sandbox::neighbor_room()))?;
    masks
        .map(|mask| mask.split_whitespace().collect::<Vec<_>>().join(" "))
        .try_for_each(|mask| say(&mask))?;
    // What is started inside and starts the lab again is outside of *its* sandbox, whatever it inherits.
    let nested = command("exit", &["33"]).status()?;
    ensure!(nested.code() == Some(33), "{nested}");
    Ok(())
}

/// Leaves orphans behind and sees them reaped while the work goes on.
fn orphans() -> Outcome {
    sandbox::enter("orphans")?;
    for _ in 0..20 {
        // The inner shell outlives the outer one by a moment and ends as PID 1's child.
        ensure!(
            Command::new("/bin/sh")
                .args(["-c", "(sleep 0.01; exit 3) &"])
                .status()?
                .success()
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let reaped = async {
            while processes()? > 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(10), reaped)
            .await
            .context("orphans stay as zombies")?
    })
}

fn processes() -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir("/proc")? {
        count += usize::from(entry?.file_name().to_string_lossy().parse::<u32>().is_ok());
    }
    Ok(count)
}

/// Enters a running sandbox and looks around.
fn join(tag: &str, host: &str) -> Outcome {
    let running = sandbox::find_running(tag)?.context("no such sandbox")?;
    say(&format!("hosts {:?}", running.hosts()))?;
    sandbox::join(&running, Some(host))?;
    let script =
        "read pid rest < /proc/1/stat; echo first $pid; cat \"$0/note\"; echo; readlink /proc/self/ns/net";
    let status = Command::new("/bin/sh")
        .args(["-c", script])
        .arg(&running.dir)
        .status()?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// PID 1 of a sandbox, started as the outer process starts it, which then dies at once unless it keeps its end of the
/// gate.
fn init_alone(accompanied: bool) -> anyhow::Result<ExitCode> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)?;
    let (reader, writer) = std::io::pipe()?;
    let (mut told, report) = std::io::pipe()?;
    fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty()))?;
    fcntl(&report, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let gate = accompanied.then_some(writer);
    let pipes = format!("{},{}", reader.as_raw_fd(), report.as_raw_fd());
    let mut init = command("exit", &["7"])
        .env("LAB_SANDBOX_STAGE", "init")
        .env("LAB_SANDBOX_PIPES", pipes)
        .spawn()?;
    drop(report);
    let mut text = String::new();
    told.read_to_string(&mut text)?;
    let code = init.wait()?.code().context("killed")?;
    drop(gate);
    say(&format!("told {text:?}"))?;
    Ok(ExitCode::from(u8::try_from(code)?))
}

/// A session with a terminal: what a person's shell is to the lab. Types Ctrl-C when the part inside is ready.
fn terminal() -> anyhow::Result<ExitCode> {
    use nix::fcntl::OFlag;
    use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
    let mut master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    nix::unistd::setsid()?;
    // The first terminal that a session's leader opens becomes the session's own.
    let slave = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(ptsname_r(&master)?)?;
    let mut polite = command("polite", &[])
        .stdin(slave.as_fd().try_clone_to_owned()?)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = polite.stdout.take().context("stdout")?;
    let mut deaf = SigSet::empty();
    deaf.add(Signal::SIGINT);
    // What the terminal sends when it goes, at our end.
    deaf.add(Signal::SIGHUP);
    deaf.thread_block()?;
    let mut heard = String::new();
    let mut byte = [0];
    while output.read(&mut byte)? == 1 {
        heard.push(char::from(byte[0]));
        if heard == "ready\n" {
            master.write_all(b"\x03")?;
        }
    }
    print!("{heard}");
    Ok(ExitCode::from(u8::try_from(
        polite.wait()?.code().context("killed")?,
    )?))
}

/// Makes this a process that may have no network namespaces, as on a machine whose owner allows none.
fn limit() -> Outcome {
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    std::fs::write("/proc/sys/user/max_net_namespaces", "0")?;
    Ok(())
}

/// Puts a part into a process group of its own, as a shell does with a job.
pub(crate) fn as_job(mut command: Command) -> Command {
    command.process_group(0);
    command
}
