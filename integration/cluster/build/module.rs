//! The Go modules that name the programs: which versions they pin, and the hash that stands for their state.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::program::Program;
use super::BuildError;

/// What the go command is told besides the package: part of the hash, since another recipe makes other programs.
/// `-buildvcs=false`: the programs say their own version, not this repository's commit.
pub(super) const FLAGS: [&str; 4] = ["build", "-trimpath", "-mod=readonly", "-buildvcs=false"];

/// Modules in `go/` that are built together.
#[derive(Debug)]
pub(super) struct Modules {
    root: PathBuf,
    /// 16 hex digits over each go.mod and go.sum and the build's flags.
    pub hash: String,
    /// For example `v1.36.3`; of the cluster's modules.
    pub kubernetes: Option<String>,
    /// The `go` directive, for example `1.26.0`.
    pub go: String,
}

impl Modules {
    /// Those of the cluster.
    pub(super) fn read(root: &Path) -> Result<Self, BuildError> {
        let kubernetes = named(
            &root.join("kubernetes/go.mod"),
            "k8s.io/kubernetes",
            "version of k8s.io/kubernetes",
        )?;
        Ok(Self {
            kubernetes: Some(kubernetes),
            ..Self::of(root, &["etcd", "kubernetes"])?
        })
    }

    /// `MetalLB`'s.
    pub(super) fn metallb(root: &Path) -> Result<Self, BuildError> {
        Self::of(root, &["metallb"])
    }

    /// Helm's.
    pub(super) fn helm(root: &Path) -> Result<Self, BuildError> {
        Self::of(root, &["helm"])
    }

    /// The modules in these folders, the last of which says which Go they want.
    fn of(root: &Path, folders: &[&str]) -> Result<Self, BuildError> {
        let mut digest = Sha256::new();
        digest.update(FLAGS.join(" "));
        for folder in folders {
            for file in ["go.mod", "go.sum"] {
                digest.update(read(&root.join(folder).join(file))?);
            }
        }
        let hash = format!(
            "{:016x}",
            digest
                .finalize()
                .iter()
                .take(8)
                .fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte))
        );
        let last = folders.last().copied().unwrap_or_default();
        Ok(Self {
            root: root.to_owned(),
            hash,
            kubernetes: None,
            go: named(&root.join(last).join("go.mod"), "go", "go directive")?,
        })
    }

    /// The module that a program is built in.
    pub(super) fn folder(&self, program: Program) -> PathBuf {
        match program {
            Program::Etcd => self.root.join("etcd"),
            Program::MetallbController | Program::MetallbSpeaker => self.root.join("metallb"),
            Program::Helm => self.root.join("helm"),
            Program::KubeApiserver
            | Program::KubeProxy
            | Program::Kubectl
            | Program::Kubelet
            | Program::KubeScheduler
            | Program::KubeControllerManager => self.root.join("kubernetes"),
        }
    }

    /// What the linker writes into a program. Kubernetes takes its version from here alone: without it an API server
    /// is v0.0.0, and refuses to emulate itself.
    pub(super) fn linker_flags(&self, program: Program) -> String {
        let version_of = match program {
            Program::Etcd | Program::MetallbController | Program::MetallbSpeaker | Program::Helm => None,
            Program::KubeApiserver
            | Program::KubeProxy
            | Program::Kubectl
            | Program::Kubelet
            | Program::KubeScheduler
            | Program::KubeControllerManager => self.kubernetes.as_deref(),
        };
        let Some(kubernetes) = version_of else {
            return "-s -w".to_owned();
        };
        let version = "k8s.io/component-base/version";
        let mut parts = kubernetes.trim_start_matches('v').split('.');
        let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!(
            "-s -w -X {version}.gitVersion={kubernetes} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
        )
    }
}

fn read(file: &Path) -> Result<String, BuildError> {
    fs::read_to_string(file).map_err(BuildError::io("reading", file))
}

/// What a go.mod says behind `name`.
fn named(file: &Path, name: &str, what: &'static str) -> Result<String, BuildError> {
    word_after(&read(file)?, name).ok_or_else(|| BuildError::Module {
        file: file.to_owned(),
        what,
    })
}

/// The second word of the first line whose first word is `name`, with or without `require` before it.
fn word_after(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|&word| word == "require");
        (words.next()? == name)
            .then(|| words.next())
            .flatten()
            .map(str::to_owned)
    })
}
