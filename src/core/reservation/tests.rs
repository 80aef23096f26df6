//! The state machine against a router on paper.

mod arp;
mod brakes;
mod first_sync;
mod held;
mod heritage;
mod kept;
mod marker;
mod paper;
mod release;
mod site;
mod trust;
