//! tiklb: a layer-2 load balancer for bare-metal Kubernetes that makes the MikroTik router agree.

pub mod api;
pub mod cluster;
pub mod link;
