//! Several elections on one simulated segment.

mod endpoint;
mod faults;
mod impairment;
mod isolation;
mod judge;
mod kernels;
mod listed;
mod offer;
mod random;
mod reach;
mod rest;
mod segment;
mod segments;
mod start;
mod table;
mod talk;
mod told;
mod transitions;
mod waking;
mod witness;
