//! The Go modules that name the programs: which versions they pin, and the hash that stands for their state.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::program::Program;
use super::BuildError;

/// What the go command is told besides the package: part of the hash, since another recipe makes other programs.
/// `-buildvcs=false`: the programs say their own version, not this repository's commit.
pub(super) const FLAGS: [&str; 4] = ["build", "-trimpath", "-mod=readonly", "-buildvcs=false"];

/// The two modules in `go/`.
#[derive(Debug)]
pub(super) struct Modules {
    root: PathBuf,
    /// 16 hex digits over both go.mod and go.sum and the build's flags.
    pub hash: String,
    /// For example `v1.36.3`.
    pub kubernetes: String,
    /// The `go` directive, for example `1.26.0`.
    pub go: String,
}

impl Modules {
    pub(super) fn read(root: &Path) -> Result<Self, BuildError> {
        let mut digest = Sha256::new();
        digest.update(FLAGS.join(" "));
        for file in [
            "etcd/go.mod",
            "etcd/go.sum",
            "kubernetes/go.mod",
            "kubernetes/go.sum",
        ] {
            digest.update(read(&root.join(file))?);
        }
        let hash = format!(
            "{:016x}",
            digest
                .finalize()
                .iter()
                .take(8)
                .fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte))
        );
        let file = root.join("kubernetes/go.mod");
        let text = read(&file)?;
        let named = |name: &str, what| {
            word_after(&text, name).ok_or_else(|| BuildError::Module {
                file: file.clone(),
                what,
            })
        };
        Ok(Self {
            root: root.to_owned(),
            hash,
            kubernetes: named("k8s.io/kubernetes", "version of k8s.io/kubernetes")?,
            go: named("go", "go directive")?,
        })
    }

    /// The module that a program is built in.
    pub(super) fn folder(&self, program: Program) -> PathBuf {
        match program {
            Program::Etcd => self.root.join("etcd"),
            Program::KubeApiserver | Program::KubeProxy | Program::Kubectl => self.root.join("kubernetes"),
        }
    }

    /// What the linker writes into a program. Kubernetes takes its version from here alone: without it an API server
    /// is v0.0.0, and refuses to emulate itself.
    pub(super) fn linker_flags(&self, program: Program) -> String {
        if program == Program::Etcd {
            return "-s -w".to_owned();
        }
        let version = "k8s.io/component-base/version";
        let mut parts = self.kubernetes.trim_start_matches('v').split('.');
        let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!(
            "-s -w -X {version}.gitVersion={} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}",
            self.kubernetes
        )
    }
}

fn read(file: &Path) -> Result<String, BuildError> {
    fs::read_to_string(file).map_err(BuildError::io("reading", file))
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
