//! The folder of one cluster: keys, etcd's data, the audit log; in memory, and gone with the cluster.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use uuid::Uuid;

use crate::sandbox;

/// etcd allocates two log segments of 64 MB at its start and keeps one more while it rotates; two audit logs have 64 MiB
/// each; the store, which 10,000 Services fill to about 100 MB; the rest is what each of three containerds has unpacked. A tmpfs takes
/// what is used, not this.
const SIZE: &str = "size=2g,mode=0700";

/// A tmpfs of the cluster's own, so that clusters side by side cannot fill each other's.
#[derive(Debug)]
pub(super) struct State {
    folder: PathBuf,
}

impl State {
    /// Mounts it below the sandbox's folder.
    pub(super) fn mount() -> Result<Self> {
        let sandbox =
            sandbox::dir().context("a cluster lives in the lab's sandbox: call sandbox::enter first")?;
        let folder = sandbox.join(format!("cluster-{}", Uuid::new_v4().simple()));
        let doing = || format!("mounting a tmpfs for the cluster on {}", folder.display());
        fs::create_dir_all(&folder).with_context(doing)?;
        let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("tmpfs"), &folder, Some("tmpfs"), safe, Some(SIZE)).with_context(doing)?;
        Ok(Self { folder })
    }

    /// Where it is mounted.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // Detached: programs that were just killed may have files open for another moment.
        let removed = umount2(&self.folder, MntFlags::MNT_DETACH).map_err(std::io::Error::from);
        if let Err(error) = removed.and_then(|()| fs::remove_dir(&self.folder)) {
            tracing::warn!(folder = %self.folder.display(), %error, "the cluster's folder was left behind");
        }
    }
}
