//! What on a machine forbids the sandbox, and what a person can do about it.

use std::fmt;

use nix::errno::Errno;

/// The machine does not allow the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What was being done, as in "cannot …".
    pub(super) doing: String,
    /// What the kernel said.
    pub(super) errno: Errno,
    facts: Facts,
}

impl Obstacle {
    /// An obstacle, if `errno` is one that a machine's rules (and not a fault of the lab) give.
    pub(super) fn of(doing: &str, errno: Errno) -> Option<Self> {
        const RULES: [Errno; 8] = [
            Errno::EPERM,
            Errno::EACCES,
            Errno::EROFS,
            Errno::ENOSPC,
            Errno::EUSERS,
            Errno::EINVAL,
            Errno::ENOSYS,
            Errno::EOPNOTSUPP,
        ];
        RULES.contains(&errno).then(|| Self {
            doing: doing.to_owned(),
            errno,
            facts: Facts::read(),
        })
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doing, errno, facts } = self;
        write!(
            f,
            "the lab needs namespaces of its own, and this machine does not allow them: cannot {doing} ({}).\n{}",
            errno.desc(),
            facts.advice(*errno)
        )
    }
}

impl std::error::Error for Obstacle {}

/// The switches by which machines forbid namespaces to a user; `None` where the kernel has no such switch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    /// `/proc/sys/kernel/unprivileged_userns_clone` (Debian and Arch kernels).
    userns_clone: Option<u64>,
    /// `/proc/sys/kernel/apparmor_restrict_unprivileged_userns` (Ubuntu 23.10 and later).
    apparmor_restricts: Option<u64>,
    /// The first of `/proc/sys/user/max_{user,pid,mnt,net}_namespaces` that is 0.
    exhausted: Option<&'static str>,
    /// Signs of a container engine: its seccomp profile and its masked /proc are the usual reasons there.
    container: bool,
}

impl Facts {
    fn read() -> Self {
        let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
        let limits = [
            "max_user_namespaces",
            "max_pid_namespaces",
            "max_mnt_namespaces",
            "max_net_namespaces",
        ];
        Self {
            userns_clone: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restricts: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            exhausted: limits
                .into_iter()
                .find(|limit| number(&format!("/proc/sys/user/{limit}")) == Some(0)),
            container: ["/.dockerenv", "/run/.containerenv"]
                .iter()
                .any(|path| std::path::Path::new(path).exists())
                || std::env::var_os("container").is_some(),
        }
    }

    fn advice(&self, errno: Errno) -> String {
        if let Some(limit) = self.exhausted {
            return format!("Allow it with: sudo sysctl -w user.{limit}=15000");
        }
        if errno == Errno::ENOSPC || errno == Errno::EUSERS {
            return "Too many namespaces exist already, or they are nested too deeply: see the limits with \
                    `sysctl user`, raise them, or end what holds them."
                .to_owned();
        }
        if self.userns_clone == Some(0) {
            return "Allow it with: sudo sysctl -w kernel.unprivileged_userns_clone=1\nor run this as root."
                .to_owned();
        }
        if self.apparmor_restricts.is_some_and(|value| value != 0) {
            return "AppArmor keeps it from programs of ordinary users. Allow it with: \
                    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\nor run this as root."
                .to_owned();
        }
        if self.container {
            return "This is a container. Start it with --privileged, or with --security-opt seccomp=unconfined \
                    --security-opt apparmor=unconfined --security-opt systempaths=unconfined."
                .to_owned();
        }
        "Run this as root, or on a kernel with user namespaces (CONFIG_USER_NS) that its rules (seccomp, a security \
         module, a chroot) do not forbid."
            .to_owned()
    }
}

#[cfg(test)]
mod tests;
