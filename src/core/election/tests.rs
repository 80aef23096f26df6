//! Several elections on one simulated segment.

mod faults;
mod random;
mod segment;
mod start;
