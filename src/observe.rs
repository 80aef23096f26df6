//! How a process is seen from outside: its log, and a small HTTP server for probes, metrics and questions.

pub mod admin;
pub mod log;
