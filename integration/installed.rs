//! Programs that the machine has installed.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where distributions put root's programs; a user who is not root has these on no PATH of theirs.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The person's PATH, and where root's programs are.
pub(crate) fn path() -> OsString {
    let own = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&own).chain(SYSTEM.map(PathBuf::from));
    // A folder with a colon in its name cannot have come out of PATH.
    env::join_paths(folders).unwrap_or(own)
}

/// Where a program stands on that.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&path())
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

/// Whether a file is there that the system would run.
pub(crate) fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
