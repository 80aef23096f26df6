//! The state machine against a router on paper.

mod arp;
mod book;
mod brakes;
mod condition;
mod consumer;
mod eviction;
mod exclusion;
mod first_sync;
mod held;
mod heritage;
mod kept;
mod marker;
mod pace;
pub(crate) mod paper;
mod release;
mod rows;
mod site;
mod trust;
mod uses;
mod words;
