//! The state machine against a router on paper.

mod first_sync;
mod held;
mod marker;
mod paper;
mod release;
mod site;
mod trust;
