//! What kubelets, containerd and network plugins would write on the machine lands in the sandbox.
//!
//! Some of their folders are no setting of theirs: containerd's shims listen below `/run/containerd`, network plugins keep
//! notes in `/var/lib/cni`, kubelets link logs in `/var/log/containers`. And a kubelet sets the kernel as it likes it,
//! unless it finds it so.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result};
use nix::mount::{MsFlags, mount};

/// A fresh, empty folder in memory in place of these.
const FRESH: [&str; 2] = ["/run", "/var/log"];
/// Read as they are, written elsewhere.
const COVERED: [&str; 1] = ["/var/lib"];
/// Sockets and notes, a few MiB; logs of Pods.
const SIZE: &str = "size=256m,mode=0755";

/// The settings that a kubelet insists on (`protectKernelDefaults`), for the eyes of the sandbox alone: they are the
/// machine's, and none is needed here.
const KERNEL: [(&str, &str); 6] = [
    ("/proc/sys/vm/overcommit_memory", "1"),
    ("/proc/sys/vm/panic_on_oom", "0"),
    ("/proc/sys/kernel/panic", "10"),
    ("/proc/sys/kernel/panic_on_oops", "1"),
    ("/proc/sys/kernel/keys/root_maxkeys", "1000000"),
    ("/proc/sys/kernel/keys/root_maxbytes", "25000000"),
];

/// Mounts all of that, once for each sandbox's cluster. `folder` is in memory and the cluster's own.
pub(super) fn raise(folder: &Path) -> Result<()> {
    let nothing = None::<&str>;
    let folder = folder.join("shield");
    for place in COVERED {
        let name = place.replace('/', "-");
        let (upper, work) = (
            folder.join(format!("upper{name}")),
            folder.join(format!("work{name}")),
        );
        for made in [&upper, &work] {
            fs::create_dir_all(made).with_context(|| format!("making {}", made.display()))?;
        }
        let options = format!(
            "lowerdir={place},upperdir={},workdir={}",
            upper.display(),
            work.display()
        );
        mount(
            Some("overlay"),
            place,
            Some("overlay"),
            MsFlags::empty(),
            Some(options.as_str()),
        )
        .with_context(|| format!("covering {place} with an overlay"))?;
    }
    for place in FRESH {
        mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::MS_NODEV, Some(SIZE))
            .with_context(|| format!("mounting a tmpfs on {place}"))?;
    }
    for (setting, value) in KERNEL {
        let file = folder.join(setting.replace('/', "-"));
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        fs::write(&file, value).with_context(|| format!("writing {}", file.display()))?;
        if File::open(setting).is_ok() {
            mount(Some(&file), setting, nothing, MsFlags::MS_BIND, nothing)
                .with_context(|| format!("covering {setting}"))?;
        }
    }
    Ok(())
}
