//! The speaker's process: tasks around [`tiklb_core::speaker`].
//!
//! ```text
//! API server ─watches→ desired ─wanted→ wire ─published→ record ─wishes→ writer → API server
//!                                      ▲   │                    ╰events, log
//!                     netlink, sockets ┘   ╰─ survey → Leases
//! ```

pub mod desired;
mod proxy;
pub mod record;
mod survey;
pub mod wire;

mod process;

pub use self::process::{Options, run};
