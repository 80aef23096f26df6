//! Who is alive, and which node announces which address.

pub mod order;
pub mod wire;
