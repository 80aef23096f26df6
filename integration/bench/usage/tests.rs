//! What the kernel says of a process.

use super::*;

impl Usage {
    /// Of which half is anonymous.
    pub(in super::super) fn of(role: &'static str, moment: &'static str, resident_kib: u64) -> Self {
        Self {
            run: 1,
            moment,
            role,
            host: "node1".to_owned(),
            resident_kib,
            anonymous_kib: resident_kib / 2,
            peak_kib: resident_kib,
        }
    }
}

#[test]
fn a_status_is_read_and_that_of_a_dead_process_is_none() {
    let status = "Name:\ttiklb\nVmHWM:\t   18000 kB\nVmRSS:\t   16384 kB\nRssAnon:\t    4096 kB\n";
    let usage = Usage::read(status).unwrap();
    assert_eq!(
        (usage.resident_kib, usage.anonymous_kib, usage.peak_kib),
        (16_384, 4_096, 18_000)
    );
    assert!((usage.resident_mib() - 16.0).abs() < 1e-9);
    assert_eq!(Usage::read("Name:\ttiklb\nState:\tZ (zombie)\n"), None);
}

#[test]
fn the_processor_time_of_a_process_is_that_of_user_and_system_together() {
    let stat = "42 (a) b) S 1 42 42 0 -1 4194560 2531 0 3 0 123 45 0 0 20 0 5 0 9000 1 2 3";
    assert_eq!(ticks(stat), Some(Duration::from_millis(1_680)));
    assert_eq!(ticks("42 (a) S 1"), None);
}

#[test]
fn a_thread_has_run_for_the_first_number_of_its_schedstat() {
    assert_eq!(ran("877101 994737 7\n"), Some(Duration::from_nanos(877_101)));
    assert_eq!((ran(""), ran("none")), (None, None));
}
