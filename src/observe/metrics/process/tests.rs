//! The kernel's files, and this very process.

use super::*;
use crate::observe::metrics::tests::{samples, samples_of};
use crate::observe::metrics::text;

#[test]
fn the_kernels_files_are_read() {
    let status = "Name:\ttiklb\nVmHWM:\t   9000 kB\nVmRSS:\t    8416 kB\nRssAnon:\t 1 kB\n";
    assert_eq!(resident_bytes(status), Some(8_416 * 1_024));
    assert_eq!(resident_bytes("Name:\tkthreadd\n"), None);
    assert_eq!(resident_bytes("VmRSS:\tmany kB\n"), None);
    let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 900 0 3 0 150 25 0 0 20 0 4 0 100 1 2\n";
    assert_eq!(processor_seconds(stat), Some(1.75));
    assert_eq!(processor_seconds("7 (tiklb) S 1 7"), None);
    assert_eq!(processor_seconds(""), None);
}

#[test]
fn every_process_shows_itself() {
    let (_dispatch, log) = crate::observe::log::tests::to_nowhere();
    let mut registry = Registry::default();
    register(&mut registry, log);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        samples_of(&registry, "tiklb_"),
        [
            format!("tiklb_build_info{{version=\"{version}\"}} 1"),
            "tiklb_log_lines_dropped_total 0".to_owned()
        ]
    );
    let value = |name: &str| -> f64 {
        let samples = samples(&registry);
        let sample = samples.iter().find_map(|line| line.strip_prefix(name));
        sample.unwrap().trim().parse().unwrap()
    };
    // A test binary has between 1 MB and 1 GB, and has not run for a day.
    let memory = value("process_resident_memory_bytes");
    assert!(memory > 1e6 && memory < 1e9, "{memory}");
    let processor = value("process_cpu_seconds_total");
    assert!((0.0..86_400.0).contains(&processor), "{processor}");
    let text = text(&registry).unwrap();
    assert!(text.contains("# TYPE process_cpu_seconds counter\n"), "{text}");
    assert!(text.contains("# TYPE tiklb_build info\n"), "{text}");
}
