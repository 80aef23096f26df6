//! The allocator's process: tasks around [`tiklb_core::allocator`].
//!
//! ```text
//! API server ─watches→ desk (core::allocator) ─wishes→ writer, Service statuses, events → API server
//!                       ▲            │
//!                       │            ╰─ reads, writes → sessions → routers
//!                       ╰──────────── readings, outcomes ──╯
//! ```
//!
//! | module | does |
//! |---|---|
//! | [`router`] | core's wishes about routers and the RouterOS client, joined |
//! | [`status`] | core's values as the statuses that people read |

mod process;
pub mod router;
pub mod status;

pub use self::process::{LEASE, Options, run};
