//! Other load balancers, which benches run beside tiklb: built from Go modules in `go/` as the
//! [cluster's programs](crate::cluster) are.

pub mod metallb;
