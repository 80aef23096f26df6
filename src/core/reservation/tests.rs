//! The state machine against a router on paper.

mod arp;
mod brakes;
mod eviction;
mod first_sync;
mod held;
mod heritage;
mod marker;
mod paper;
mod release;
mod site;
mod trust;
mod uses;
