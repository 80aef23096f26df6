//! What a router should hold against what it holds.
//!
//! [`Router`] is the state machine for one MikrotikRouter: it says when to read, which single write comes next, what
//! the object's status should say, and whether an address is proven free. [`plan`] is the pure difference that it
//! works off, write by write, each computed on what was read back after the one before.
//!
//! **Invariant:** a row without exactly our marker is never changed, with two exceptions: `ranges` of a DHCP pool, by
//! taking our range out of it or giving back what we took; and, where `spec.dhcp.evict` is `OnRequest`, the removal of a
//! client's dynamic lease for a Service that names its address. [`write::Write`] can express nothing else.
//!
//! **Invariant:** no write before two readings in a row agree on identity, serial, pool ranges and marked rows, and
//! none that takes addresses before the record of it stands in the object's status.

pub mod brake;
pub mod condition;
pub mod consumer;
pub mod held;
pub mod marker;
pub mod observed;
pub mod plan;
pub mod record;
pub mod router;
pub mod site;
pub mod survey;
pub mod uses;
pub mod write;

pub use condition::{ConditionKind, Conditions, RouterStatus};
pub use marker::{Marker, Owner};
pub use observed::Reading;
pub use plan::Plan;
pub use router::{Depth, Failure, FailureKind, Landscape, Router, Standing, Twins, Work};
pub use survey::Surveys;
pub use write::{Outcome, Planned, Write};

#[cfg(test)]
pub(crate) mod tests;
