//! RouterOS v7 over its REST API: values and menus as plain data, and a careful client.

pub mod menu;
mod reading;
pub mod value;

pub use reading::{BadMenuRow, Reading};
