//! The judge's threads go before everybody else's: on a busy machine a late judge would look like an outage.

use thread_priority::{RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
use thread_priority::{set_thread_priority_and_policy, thread_native_id};

/// Puts the calling thread into the real-time class, at its lowest priority; whether that was allowed (to root it is,
/// in a user namespace it is not). For threads that mostly sleep, and start neither threads nor processes: those would
/// inherit it.
pub(crate) fn raise() -> bool {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).is_ok()
}
