//! A RouterOS simulator over real HTTP(S), with a DHCP server and an ARP table on a real interface.
//!
//! It exists so that a program which edits a router can be tested against something that answers as a router does,
//! its traps included: row shapes, refusals word for word, ids that come to mean other rows, values that read back
//! in another form. It depends on nothing of ours, so that it cannot share a client's misreadings.
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use routeros_sim::{Config, Menu, Router, diff};
//!
//! let router = Router::start(Config::default(), "127.0.0.1:0".parse()?, None).await?;
//! let before = router.snapshot();
//! // … a client does its work on router.url() and takes it back …
//! assert!(router.violations().is_empty());
//! assert!(diff(&before.settled(), &router.snapshot().settled()).is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Codemap
//! - [`Config`] describes a router, [`Router`] is a running one and the handle to it.
//! - `device` holds every menu's rows; `menu/` has one file per menu with its properties and rules; `value/` reads
//!   and normalises values; `table` numbers rows.
//! - `http/` answers requests, `tls` makes certificates, `fault` is everything that can go wrong.
//! - `dhcp/` and `neighbor/` are the DHCP server and the ARP table: decisions first, one file each for the wire;
//!   `lan` opens the interface for both.
//! - `journal` and `snapshot` are what tests ask; `person` edits as somebody in Winbox does.
//! - `switch` and `fault/name` give switches and faults their names, `file` reads rows, `admin/` is all of it over HTTP
//!   for programs that are not written in Rust; `raw` holds what is no text.
//!
//! # Invariants
//! - No network, no menu: a router without an interface answers the same REST requests.
//! - The journal's order is the order in which writes took effect: both happen under one lock.
//! - Time is read from [`Clock`] alone, so a lease can expire within a test.

mod admin;
mod clock;
mod config;
mod device;
mod dhcp;
mod fault;
mod file;
mod http;
mod journal;
mod lan;
mod log;
mod menu;
mod neighbor;
mod person;
mod property;
mod raw;
mod router;
mod row;
mod seed;
mod snapshot;
mod switch;
mod table;
mod tls;
mod trap;
mod value;
mod version;

pub use clock::{Clock, Pace};
pub use config::{Config, Lease, PASSWORD, Renewal, SeedRow, Switches};
pub use fault::{FailingWrites, Faults};
pub use file::FileError;
pub use journal::{Edit, Journal, Violation, Write};
pub use log::LogLine;
pub use menu::{Menu, MenuError};
pub use person::{EditError, Person};
pub use raw::raw;
pub use router::{Router, StartError};
pub use row::Row;
pub use seed::SeedError;
pub use snapshot::{Change, Difference, Snapshot, diff};
pub use switch::{NameError, Named};
pub use table::{Id, IdError};
pub use tls::{Certificate, TlsError};
pub use value::mac::{Mac, MacError};
pub use value::ranges::RangeForm;
pub use version::{Version, VersionError};
