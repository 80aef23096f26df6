//! A LAN of network namespaces, an API server, a router: where tiklb is shown, judged and measured.

pub mod apiserver;
pub mod cli;
pub mod cluster;
pub mod demo;
pub mod home;
pub mod kube;
pub mod lan;
pub mod product;
pub mod sandbox;
pub mod shell;
pub mod wire;
