//! tiklb: a layer-2 load balancer for bare-metal Kubernetes that makes the MikroTik router agree.

pub mod allocator;
pub mod api;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod link;
pub mod observe;
pub mod speaker;
pub mod tasks;
