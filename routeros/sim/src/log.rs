//! The router's log, as far as REST writes to it: log-ins and refused passwords.
//!
//! One log-in per connection, not per request (measured on 7.23.7): a client that reconnects for each request
//! floods it, which a test can see here.

use std::collections::VecDeque;
use std::time::SystemTime;

/// How many lines are kept: RouterOS keeps 1,000 in memory by default.
const LINES: usize = 1_000;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Time of day.
    pub at: SystemTime,
    /// Comma-separated topics, such as `system,error,critical`.
    pub topics: &'static str,
    /// The text.
    pub message: String,
}

/// The lines, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Log(VecDeque<LogLine>);

impl Log {
    pub(crate) fn add(&mut self, at: SystemTime, topics: &'static str, message: String) {
        if self.0.len() == LINES {
            self.0.pop_front();
        }
        self.0.push_back(LogLine { at, topics, message });
    }

    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.0.iter().cloned().collect()
    }
}
