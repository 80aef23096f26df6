//! The questions that are asked on a terminal, typed answers to them, and what becomes of each.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use routeros_sim::{Config, Menu};

use super::object::Scene;
use super::shell::{Desk, PATIENCE, Said, held};

/// What `consent::ask` ends its questions with.
const PROMPT: &str = "Type yes to go on: ";
/// Ctrl-D at the beginning of a line: the end of the input, as a terminal knows it.
const END_OF_INPUT: &str = "\u{4}";
/// Everything that is no yes, as a person may type it.
const NO: [&str; 4] = ["no\n", "\n", "y\n", END_OF_INPUT];

/// A terminal's two ends: where a person types and reads, and what a program gets.
fn terminal() -> (File, File) {
    // Neither end may become a stranger's: other tests start programs at the same time.
    let ours = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let theirs = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(ptsname_r(&ours).unwrap())
        .unwrap();
    (File::from(OwnedFd::from(ours)), theirs)
}

/// What a stream brings, piece by piece, until its other end is gone.
fn pieces(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, pieces) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal whose last program is gone fails with EIO.
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            _ = sender.send(buffer[..count].to_vec());
        }
    });
    pieces
}

/// Adds the next piece to `text`; false where the stream has ended.
fn read_on(pieces: &Receiver<Vec<u8>>, text: &mut Vec<u8>, deadline: Instant) -> bool {
    match pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(piece) => {
            text.extend(piece);
            true
        }
        Err(RecvTimeoutError::Disconnected) => false,
        Err(RecvTimeoutError::Timeout) => {
            panic!("no end within {PATIENCE:?}: {}", String::from_utf8_lossy(text))
        }
    }
}

fn read_to_end(pieces: &Receiver<Vec<u8>>, text: &mut Vec<u8>, deadline: Instant) {
    while read_on(pieces, text, deadline) {}
}

/// Whether `wanted` came before the stream ended.
fn read_until(pieces: &Receiver<Vec<u8>>, text: &mut Vec<u8>, wanted: &str, deadline: Instant) -> bool {
    while !String::from_utf8_lossy(text).contains(wanted) {
        if !read_on(pieces, text, deadline) {
            return false;
        }
    }
    true
}

/// Ended with its handle, whatever became of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended and was waited for is not killed again.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A verb on a terminal, where `typed` answers the question. Standard error is what the terminal showed.
async fn typed(desk: &Desk, arguments: &[String], typed: &'static str) -> Said {
    let (mut ours, theirs) = terminal();
    let mut command = desk.command(arguments);
    command
        .stdin(theirs.try_clone().unwrap())
        .stderr(theirs)
        .stdout(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    // With it goes our copy of the program's end: a terminal ends where nobody has that any more.
    drop(command);
    let conversation = tokio::task::spawn_blocking(move || {
        let deadline = Instant::now() + PATIENCE;
        let printed = pieces(running.0.stdout.take().unwrap());
        let shown = pieces(ours.try_clone().unwrap());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let asked = read_until(&shown, &mut err, PROMPT, deadline);
        if asked {
            ours.write_all(typed.as_bytes()).unwrap();
            read_to_end(&shown, &mut err, deadline);
        }
        read_to_end(&printed, &mut out, deadline);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let said = Said {
            code: running.0.wait().unwrap().code(),
            out: text(out),
            err: text(err).replace("\r\n", "\n"),
        };
        assert!(asked, "nobody was asked: {said:?}");
        said
    });
    conversation.await.unwrap()
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// What enrolls a router whose certificate nothing vouches for.
fn enrolling(desk: &Desk) -> Vec<String> {
    let (url, password) = (desk.router.url(), desk.path("password"));
    words(&format!(
        "router enroll {url} --username tiklb --password-file {password}"
    ))
}

/// What gives a router back by the marks on it.
fn releasing(desk: &Desk) -> Vec<String> {
    let mut arguments = words(&format!("release --router {}", desk.router.url()));
    arguments.extend(desk.account());
    arguments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_yes_trusts_the_certificate_and_its_pin_is_printed() {
    let desk = Desk::start("typed-enroll", Config::default()).await;
    let said = typed(&desk, &enrolling(&desk), "yes\n").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let pin = said.err.split("key ").nth(1).unwrap().lines().next().unwrap();
    assert!(pin.starts_with("sha256/"), "{said:?}");
    assert!(said.out.contains("kind: MikrotikRouter"), "{said:?}");
    assert!(said.out.contains(pin), "{said:?}");
    // The fingerprint stands on the screen before the question about it.
    let (before, _) = said.err.split_once(PROMPT).unwrap();
    assert!(before.contains("certificate: fingerprint "), "{said:?}");
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_typed_yes_no_password_is_sent_and_nothing_is_printed_for_git() {
    let desk = Desk::start("typed-stranger", Config::default()).await;
    for no in NO {
        let said = typed(&desk, &enrolling(&desk), no).await;
        assert_eq!(said.code, Some(1), "{no:?}: {said:?}");
        assert_eq!(said.out, "", "{no:?}");
        assert!(
            said.err
                .contains("the certificate is not trusted, and no password was sent"),
            "{no:?}: {said:?}"
        );
    }
    assert!(desk.router.journal().reads.is_empty(), "somebody logged in");
    assert!(desk.router.log().is_empty(), "{:?}", desk.router.log());
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_yes_gives_the_router_back() {
    let desk = Desk::start("typed-release", held()).await;
    let said = typed(&desk, &releasing(&desk), "yes\n").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("5 writes to be made"), "{said:?}");
    assert!(
        said.out.contains("everything was given back, and read back"),
        "{said:?}"
    );
    assert_eq!(desk.router.journal().writes.len(), 5, "{said:?}");
    let pools = desk.router.rows(Menu::Pool);
    assert_eq!(pools[0].get("ranges"), Some("192.168.1.100-192.168.1.254"));
    desk.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_typed_yes_the_plan_is_shown_and_the_router_stays_as_it_is() {
    let desk = Desk::start("typed-no", held()).await;
    for no in NO {
        let said = typed(&desk, &releasing(&desk), no).await;
        assert_eq!(said.code, Some(1), "{no:?}: {said:?}");
        assert!(said.out.contains("5 writes to be made"), "{no:?}: {said:?}");
        assert!(said.err.contains("nothing was written"), "{no:?}: {said:?}");
        desk.assert_untouched();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_yes_deletes_the_object_and_gives_its_router_back() {
    let scene = Scene::start("typed-object").await;
    let said = typed(&scene.desk, &scene.words("release router"), "yes\n").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    scene.assert_released(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_typed_yes_the_object_stays_and_so_does_its_router() {
    let scene = Scene::start("typed-object-no").await;
    for no in NO {
        let said = typed(&scene.desk, &scene.words("release router"), no).await;
        assert_eq!(said.code, Some(1), "{no:?}: {said:?}");
        assert!(said.out.contains("5 writes to be made"), "{no:?}: {said:?}");
        assert!(said.err.contains("nothing was written"), "{no:?}: {said:?}");
        scene.assert_kept().await;
    }
    let nobody = scene.ask("release router").await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.out.contains("5 writes to be made"), "{nobody:?}");
    assert!(nobody.err.contains("give --yes"), "{nobody:?}");
    scene.assert_kept().await;
}
