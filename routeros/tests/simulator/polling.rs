//! Looking again in few requests.

use routeros_sim::Menu;

use super::*;

/// How many reads `router` has answered.
fn reads(router: &Router) -> u64 {
    router.journal().reads.values().sum()
}

#[tokio::test]
async fn five_reads_show_what_changes_by_itself() {
    let router = start(Config::default()).await;
    let client = client(&router);
    let whole = client.reading().await.unwrap();
    assert_eq!(reads(&router), 21);
    let same = client.pulse(&whole).await.unwrap();
    assert_eq!(reads(&router), 21 + 5);
    assert_eq!(
        routeros::Reading {
            resource: whole.resource.clone(),
            ..same
        },
        whole
    );

    let person = router.person();
    let shrunk = "192.168.1.100-192.168.1.199";
    person
        .set(Menu::Pool, ("name", "dhcp_pool"), [("ranges", shrunk)])
        .unwrap();
    person
        .set(Menu::DhcpServer, ("name", "defconf"), [("disabled", "yes")])
        .unwrap();
    let pulse = client.pulse(&whole).await.unwrap();
    assert_eq!(pulse.pools[0].ranges, ranges(shrunk));
    assert!(
        !pulse.servers[0].disabled,
        "what a person changes shows in a whole reading"
    );
    assert!(client.reading().await.unwrap().servers[0].disabled);
    assert!(router.journal().writes.is_empty());
    assert_eq!(router.violations(), []);
}
