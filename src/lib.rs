//! tiklb: a layer-2 load balancer for bare-metal Kubernetes that makes the MikroTik router agree.

pub mod allocator;
pub mod api;
pub mod clock;
pub mod cluster;
pub mod link;
pub mod speaker;
pub mod tasks;
