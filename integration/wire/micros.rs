//! Durations as the whole microseconds of a record.

use std::time::Duration;

/// Whole microseconds. Half a million years of them fit.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The same for serde's `serialize_with`.
pub(crate) fn as_micros<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(micros(*duration))
}
