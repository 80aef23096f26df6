//! The sandbox, from inside and from outside.

use std::process::ExitCode;

use libtest_mimic::Trial;

pub(crate) fn part() -> Option<ExitCode> {
    None
}

pub(crate) fn trials() -> Vec<Trial> {
    Vec::new()
}
