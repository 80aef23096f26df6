//! What a person is told while the cluster is not ready.

use super::*;

#[test]
fn only_the_failing_checks_are_told() {
    let text = "[+]ping ok\n[-]poststarthook/rbac/bootstrap-roles failed: not finished\n[+]etcd ok\nreadyz check failed";
    assert_eq!(
        unready(text),
        "poststarthook/rbac/bootstrap-roles failed: not finished"
    );
    assert_eq!(unready("shutting down\n"), "shutting down");
}
