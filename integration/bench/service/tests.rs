//! What a Service of a bench asks for.

use super::*;

#[test]
fn a_service_asks_for_its_address_or_for_nothing() {
    let asks = service("one", Some(Ipv4Addr::new(192, 168, 1, 210)));
    assert_eq!(
        asks["metadata"]["annotations"],
        json!({"metallb.io/loadBalancerIPs": "192.168.1.210"})
    );
    let takes = service("two", None);
    assert!(takes["metadata"]["annotations"].is_null() && takes["spec"]["type"] == "LoadBalancer");
}
