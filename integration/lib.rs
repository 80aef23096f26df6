//! A LAN of network namespaces, an API server, a router: where tiklb is shown, judged and measured.

pub mod apiserver;
pub mod bench;
pub mod binary;
pub mod chart;
pub mod cli;
pub mod cluster;
pub mod demo;
pub mod home;
pub mod image;
pub mod installation;
mod installed;
pub mod kube;
pub mod lan;
pub mod page;
pub mod peers;
mod readiness;
pub mod rights;
pub mod sandbox;
mod screen;
pub mod story;
mod table;
pub mod trace;
pub mod wait;
pub mod wire;
