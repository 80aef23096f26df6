//! The program in a root folder of its own, as a container runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock};

use anyhow::{Context as _, Result, ensure};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tempfile::TempDir;

use super::Outcome;
use super::layout::program;

/// `chroot` is on no PATH of a plain user.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A process that is forked while another test writes the program has that open for writing until it runs something else, and
/// meanwhile nobody can run it (`ETXTBSY`): while one writes nobody forks.
static FORKS: RwLock<()> = RwLock::new(());

/// A folder that holds the image's files, and what a test adds that a runtime and kubelet bring.
pub(crate) struct Root {
    folder: TempDir,
    devices: Vec<PathBuf>,
}

impl Drop for Root {
    fn drop(&mut self) {
        for device in &self.devices {
            // Where it stays, the folder stays too, until the sandbox goes.
            _ = umount2(device, MntFlags::MNT_DETACH);
        }
    }
}

impl Root {
    pub(crate) fn new() -> Result<Self> {
        let root = Self {
            folder: TempDir::new()?,
            devices: Vec::new(),
        };
        {
            let _alone = FORKS.write().unwrap_or_else(PoisonError::into_inner);
            root.file("tiklb", &program()?)?;
        }
        let program = root.folder.path().join("tiklb");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755))?;
        Ok(root)
    }

    pub(crate) fn file(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.folder.path().join(path);
        let folder = file.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))
    }

    /// A device that every OCI runtime makes: the machine's own, mounted as one file.
    pub(crate) fn device(&mut self, name: &str) -> Result<()> {
        let path = format!("dev/{name}");
        self.file(&path, b"")?;
        let place = self.folder.path().join(&path);
        let machine = Path::new("/").join(&path);
        let none = None::<&str>;
        mount(Some(&machine), &place, none, MsFlags::MS_BIND, none)
            .with_context(|| format!("mounting {}", machine.display()))?;
        self.devices.push(place);
        Ok(())
    }

    /// Runs it there, with nothing of the surroundings.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("chroot");
        command
            .arg(self.folder.path())
            .arg("/tiklb")
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = {
            let _nobody_writes = FORKS.read().unwrap_or_else(PoisonError::into_inner);
            command.spawn()
        };
        let output = child.and_then(Child::wait_with_output);
        output.context("running chroot")
    }
}

pub(crate) fn it_runs_in_an_empty_root() -> Outcome {
    let root = Root::new()?;
    let output = root.run(&["--help"])?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{output:?}");
    for verb in ["allocator", "speaker", "release", "doctor"] {
        ensure!(said.contains(verb), "{said}");
    }
    let version = root.run(&["--version"])?;
    let said = String::from_utf8_lossy(&version.stdout);
    ensure!(
        said.trim() == concat!("tiklb ", env!("CARGO_PKG_VERSION")),
        "{said}"
    );
    Ok(())
}
