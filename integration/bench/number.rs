//! Counts and times as the numbers of a measure.

use std::time::Duration;

/// Milliseconds of so many microseconds.
pub(super) fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1e3
}

/// What is counted here is far below 2^52, from where on an f64 is no longer exact.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(super) const fn figure(number: u64) -> f64 {
    number as f64
}

/// As a limit: tenths of a unit are more than such a figure is worth.
pub(super) fn tenths_up(figure: f64) -> f64 {
    (figure * 10.0).ceil() / 10.0
}

/// Which part of the whole; none of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    figure(part) / figure(whole)
}
