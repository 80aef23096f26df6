//! The design's arrows and the house rules that a test can hold: it reads manifests and sources, and runs none of them.

#[cfg(test)]
mod crates;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod rooms;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod source;
