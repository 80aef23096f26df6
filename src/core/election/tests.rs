//! Several elections on one simulated segment.

mod faults;
mod isolation;
mod kernels;
mod offer;
mod random;
mod reach;
mod rest;
mod segment;
mod segments;
mod start;
mod talk;
mod told;
mod witness;
