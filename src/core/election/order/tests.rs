//! MetalLB's own test vectors.

use super::*;

fn ordered(address: &str, nodes: &[&str]) -> Vec<String> {
    let names: Vec<NodeName> = nodes.iter().map(|n| NodeName::from(*n)).collect();
    order(names.iter().map(|n| (n, 0)), address.parse().unwrap())
        .into_iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_order_is_metallbs() {
    let abc = ["node-a", "node-b", "node-c"];
    assert_eq!(ordered("10.0.0.1", &abc), ["node-b", "node-a", "node-c"]);
    assert_eq!(ordered("10.0.0.2", &abc), ["node-b", "node-c", "node-a"]);
    let mixed = ["worker-a", "worker-b", "edge-a", "edge-b"];
    assert_eq!(
        ordered("10.20.30.1", &mixed),
        ["edge-b", "worker-a", "edge-a", "worker-b"]
    );
    assert_eq!(ordered("10.20.30.1", &["iris1", "iris2"]), ["iris2", "iris1"]);
}

#[test]
fn a_preferred_node_comes_before_any_hash() {
    let names: Vec<NodeName> = ["node-a", "node-b", "node-c"]
        .iter()
        .map(|n| NodeName::from(*n))
        .collect();
    let weights = [0, 0, 50];
    let first = order(names.iter().zip(weights), "10.0.0.1".parse().unwrap())[0];
    assert_eq!(&*first.0, "node-c");
}

#[test]
fn losing_a_node_moves_only_what_it_had() {
    let all = ["a", "b", "c", "d", "e"];
    for last in 1..=50 {
        let address = format!("192.168.1.{last}");
        let with = ordered(&address, &all);
        let without = ordered(&address, &all[..4]);
        if with[0] != "e" {
            assert_eq!(with[0], without[0], "{address}");
        }
    }
}
