//! Several elections on one simulated segment.

mod faults;
mod offer;
mod random;
mod reach;
mod rest;
mod segment;
mod segments;
mod start;
