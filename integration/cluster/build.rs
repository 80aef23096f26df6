//! Builds the cluster's programs from the Go modules in `go/`, once for each state of those modules.
//!
//! The outcome is a folder `<cargo target>/cluster/<hash of go.mod and go.sum>/` that can itself serve as
//! `KUBEBUILDER_ASSETS`. The go command's own cache makes a rebuild after `cargo clean` a matter of linking.

mod compile;
mod module;

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep};

use super::program::{ASSETS, Binaries, Program};
use crate::installed::is_executable;
use compile::Patience;
use module::Modules;

/// The file that cargo writes into every target folder, and nobody else writes above one.
const TARGET_MARK: &str = "CACHEDIR.TAG";

/// How often a lock held by another build is tried again: a person does not notice half a second.
const LOCK_POLL: Duration = Duration::from_millis(500);

/// Why the programs could not be had. Each names what to do.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The go command is not installed.
    #[error(
        "building the cluster's programs needs Go {wanted} or newer and there is no `go` on PATH: install it \
         (go.dev/doc/install), or point {ASSETS} at a folder with etcd, kube-apiserver, kube-proxy and kubectl"
    )]
    NoGo {
        /// The version that go.mod asks for.
        wanted: String,
    },
    /// The go command is older than the modules allow.
    #[error(
        "the cluster's programs need Go {wanted} or newer and `go` is {found}: install a newer one (go.dev/doc/install), \
         or allow it to fetch one (GOTOOLCHAIN=auto)"
    )]
    OldGo {
        /// What the command says of itself.
        found: String,
        /// The version that go.mod asks for.
        wanted: String,
    },
    /// The ready-made folder lacks what it must hold.
    #[error("{ASSETS} is {} and holds no {missing} that can be run: add it, or unset {ASSETS}", folder.display())]
    Assets {
        /// The folder.
        folder: PathBuf,
        /// The first program that is missing.
        missing: Program,
    },
    /// The go command failed.
    #[error("building {program} failed ({status}); the end of {}:\n{tail}", log.display())]
    Compile {
        /// What was being built.
        program: Program,
        /// How the go command ended.
        status: ExitStatus,
        /// Where its whole output is.
        log: PathBuf,
        /// The end of its output.
        tail: String,
    },
    /// The build took longer than any machine that this lab suits.
    #[error(
        "building {program} was given up after {} min: run `lab -- cluster build` again, it continues where it stopped",
        after.as_secs() / 60
    )]
    TooSlow {
        /// What was being built.
        program: Program,
        /// The bound that passed.
        after: Duration,
    },
    /// Another process holds the build's lock and does not finish.
    #[error("another `lab -- cluster build` has held {} for {} min: end that process", lock.display(), after.as_secs() / 60)]
    Locked {
        /// The lock file.
        lock: PathBuf,
        /// How long it was waited for.
        after: Duration,
    },
    /// A go.mod of ours does not read as it should.
    #[error("{} names no {what}", file.display())]
    Module {
        /// The go.mod.
        file: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// The cargo target folder could not be told.
    #[error("{} lies in no cargo target folder: run the lab with cargo, or set CARGO_TARGET_DIR", executable.display())]
    NoTarget {
        /// The running program.
        executable: PathBuf,
    },
    /// A file or process of the build failed.
    #[error("{act} {}", path.display())]
    Io {
        /// What was being done.
        act: &'static str,
        /// To which file.
        path: PathBuf,
        /// How it failed.
        #[source]
        source: io::Error,
    },
}

impl BuildError {
    fn io(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            act,
            path: path.to_owned(),
            source,
        }
    }
}

/// Where the programs are built from and where they stand.
#[derive(Debug)]
pub struct Workshop {
    modules: Modules,
    programs: &'static [Program],
    outputs: PathBuf,
    ready_made: Option<PathBuf>,
    go: PathBuf,
    patience: Patience,
}

impl Workshop {
    /// The modules of this checkout, this cargo target folder, the `go` on PATH and `KUBEBUILDER_ASSETS`.
    ///
    /// # Errors
    /// The modules cannot be read, or the program does not run from a cargo target folder.
    pub fn of_this_checkout() -> Result<Self, BuildError> {
        let modules = Modules::read(&modules_folder())?;
        let outputs = target_folder()?.join("cluster").join(&modules.hash);
        let ready_made = env::var_os(ASSETS)
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from);
        Ok(Self {
            modules,
            programs: &Program::ALL,
            outputs,
            ready_made,
            go: PathBuf::from("go"),
            patience: Patience::default(),
        })
    }

    /// The same for `MetalLB`'s controller and speaker, in a folder of its own: a new `MetalLB` builds no cluster anew.
    pub(crate) fn of_metallb() -> Result<Self, BuildError> {
        let modules = Modules::metallb(&modules_folder())?;
        Self::beside(
            "metallb",
            modules,
            &[Program::MetallbController, Program::MetallbSpeaker],
        )
    }

    /// The same for helm.
    pub(crate) fn of_helm() -> Result<Self, BuildError> {
        let modules = Modules::helm(&modules_folder())?;
        Self::beside("helm", modules, &[Program::Helm])
    }

    /// What no ready-made set holds.
    fn beside(folder: &str, modules: Modules, programs: &'static [Program]) -> Result<Self, BuildError> {
        Ok(Self {
            outputs: target_folder()?.join(folder).join(&modules.hash),
            modules,
            programs,
            ready_made: None,
            go: PathBuf::from("go"),
            patience: Patience::default(),
        })
    }

    /// Whether all of its programs stand ready.
    pub(crate) fn is_done(&self) -> bool {
        self.missing().is_empty()
    }

    /// The folder of the modules that a program is built from.
    pub(crate) fn module_of(&self, program: Program) -> PathBuf {
        self.modules.folder(program)
    }

    /// The programs, if all of them stand ready.
    ///
    /// # Errors
    /// `KUBEBUILDER_ASSETS` is set to a folder without etcd or kube-apiserver.
    pub fn found(&self) -> Result<Option<Binaries>, BuildError> {
        self.check_ready_made()?;
        let binaries = Binaries::at(|program| self.place(program));
        Ok(self.missing().is_empty().then_some(binaries))
    }

    /// Builds what is missing. `progress` hears of everything that takes more than two seconds.
    ///
    /// # Errors
    /// No Go, or one that is too old; a failed or endless build.
    pub async fn build(&self, progress: &mut (dyn Write + Send)) -> Result<Binaries, BuildError> {
        self.make(progress).await?;
        Ok(Binaries::at(|program| self.place(program)))
    }

    /// Builds what is missing.
    pub(crate) async fn make(&self, progress: &mut (dyn Write + Send)) -> Result<(), BuildError> {
        self.check_ready_made()?;
        if self.missing().is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.outputs).map_err(BuildError::io("making the folder", &self.outputs))?;
        let _lock = self.lock(progress).await?;
        for program in self.missing() {
            compile::check_go(&self.go, &self.modules, program).await?;
            let output = self.outputs.join(program.name());
            compile::compile(&self.go, &self.modules, program, &output, self.patience, progress).await?;
        }
        Ok(())
    }

    /// All but these two are no part of the usual ready-made sets and are built where they lack.
    fn check_ready_made(&self) -> Result<(), BuildError> {
        let Some(folder) = &self.ready_made else {
            return Ok(());
        };
        let missing = [Program::Etcd, Program::KubeApiserver]
            .into_iter()
            .find(|program| !is_executable(&folder.join(program.name())));
        match missing {
            Some(missing) => Err(BuildError::Assets {
                folder: folder.clone(),
                missing,
            }),
            None => Ok(()),
        }
    }

    /// Where a program stands once it is built.
    pub(crate) fn place(&self, program: Program) -> PathBuf {
        let ready_made = self.ready_made.as_ref().map(|folder| folder.join(program.name()));
        ready_made
            .filter(|file| is_executable(file))
            .unwrap_or_else(|| self.outputs.join(program.name()))
    }

    fn missing(&self) -> Vec<Program> {
        let programs = self.programs.iter().copied();
        programs
            .filter(|&program| !is_executable(&self.place(program)))
            .collect()
    }

    /// Two builds at once would only halve each other's speed.
    async fn lock(&self, progress: &mut (dyn Write + Send)) -> Result<File, BuildError> {
        let path = self.outputs.join(".lock");
        let file = File::create(&path).map_err(BuildError::io("making the lock", &path))?;
        let began = Instant::now();
        while let Err(error) = file.try_lock() {
            match error {
                fs::TryLockError::Error(source) => return Err(BuildError::io("locking", &path)(source)),
                fs::TryLockError::WouldBlock if began.elapsed() > self.patience.limit => {
                    return Err(BuildError::Locked {
                        lock: path,
                        after: self.patience.limit,
                    });
                }
                fs::TryLockError::WouldBlock if began.elapsed() < LOCK_POLL => {
                    compile::say(progress, "waiting for another build of the same programs");
                }
                fs::TryLockError::WouldBlock => {}
            }
            sleep(LOCK_POLL).await;
        }
        Ok(file)
    }
}

/// Where the modules of this checkout are.
fn modules_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("go")
}

/// What `lab -- cluster build` runs: see [`Workshop::build`].
///
/// # Errors
/// See [`Workshop::of_this_checkout`] and [`Workshop::build`].
pub async fn build(progress: &mut (dyn Write + Send)) -> Result<Binaries, BuildError> {
    Workshop::of_this_checkout()?.build(progress).await
}

/// Cargo tells its target folder to nobody at run time; the lab lies somewhere below it.
pub(crate) fn target_folder() -> Result<PathBuf, BuildError> {
    let executable =
        env::current_exe().map_err(BuildError::io("finding", Path::new("the running program")))?;
    let above = executable
        .ancestors()
        .filter(|folder| folder.join(TARGET_MARK).is_file())
        .last();
    let told = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    above
        .map(Path::to_owned)
        .or(told)
        .ok_or(BuildError::NoTarget { executable })
}

#[cfg(test)]
mod tests;
