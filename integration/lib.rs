//! A LAN of network namespaces, an API server, a router: where tiklb is shown, judged and measured.

pub mod apiserver;
pub mod cluster;
pub mod kube;
pub mod lan;
pub mod sandbox;
pub mod wire;
