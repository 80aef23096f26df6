//! Which ports endpoints have.

use super::*;

#[test]
fn endpoints_have_the_targets_of_their_service() {
    let service = json!({"spec": {"ports": [
        {"name": "web", "port": 80, "targetPort": 8080, "protocol": "TCP"},
        {"port": 53, "targetPort": "dns", "protocol": "UDP"},
    ]}});
    let ports = target_ports(&service);
    assert_eq!(
        ports,
        [
            json!({"name": "web", "port": 8080, "protocol": "TCP"}),
            json!({"name": "", "port": 53, "protocol": "UDP"}),
        ]
    );
    assert_eq!(
        ports.iter().filter_map(target_number).collect::<Vec<_>>(),
        [8080, 53]
    );
    assert_eq!(target_ports(&json!({})), Vec::<Value>::new());
}
