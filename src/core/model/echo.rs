//! A question to a kernel, as ICMP echo carries it (RFC 792).

/// What tells one question from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The process that asks.
    pub id: u16,
    /// Counts a process's questions.
    pub sequence: u16,
    /// Random.
    pub token: u64,
}
