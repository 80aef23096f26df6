//! What is known of any process: its version, memory and time on the processor.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::info::Info;

use super::family::Family;
use super::{Reading, Registry};
use crate::observe::log::Log;

const MEMORY: Family = Family::gauge("process_resident_memory_bytes", "Resident memory in bytes.");
const PROCESSOR: Family = Family::counter(
    "process_cpu_seconds",
    "Time on the processor, for itself and in the kernel, in seconds.",
);
const LOG_LINES_DROPPED: Family = Family::counter(
    "tiklb_log_lines_dropped",
    "Log lines that were dropped because standard output was too slow.",
);

/// Ticks of `/proc/self/stat` in a second: the kernel's `USER_HZ`, 100 on every architecture that tiklb is built for.
const TICKS: f64 = 100.0;

/// Registers what every process shows.
pub fn register(registry: &mut Registry, log: Log) {
    registry.register(
        "tiklb_build",
        "The version of tiklb",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
    let log_lines_dropped = Reading::new(move || log.dropped());
    registry.register_collector(Box::new(Process { log_lines_dropped }));
}

#[derive(Debug)]
struct Process {
    log_lines_dropped: Reading<u64>,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(bytes) = read("/proc/self/status").as_deref().and_then(resident_bytes) {
            MEMORY.write(&mut encoder, bytes)?;
        }
        if let Some(seconds) = read("/proc/self/stat").as_deref().and_then(processor_seconds) {
            PROCESSOR.write(&mut encoder, seconds)?;
        }
        LOG_LINES_DROPPED.write(&mut encoder, self.log_lines_dropped.now())
    }
}

/// The kernel makes these files up when they are read: no disk is waited for.
fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// `VmRSS` of `/proc/self/status`: the number of `statm`, but in kB, not in pages, whose size nothing in `/proc` tells.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

/// `utime` and `stime` of `/proc/self/stat`, fields 14 and 15 in proc(5). The second field is the program's name in
/// brackets and may hold anything, further brackets included.
fn processor_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let kernel: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(kernel)) / TICKS)
}

#[cfg(test)]
mod tests;
