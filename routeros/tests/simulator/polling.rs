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
    assert_eq!(reads(&router), 22);
    let same = client.pulse(&whole).await.unwrap();
    assert_eq!(reads(&router), 22 + 5);
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

/// Only a whole reading is a ground for a write, and it asks; a poll asks until somebody who had it is gone.
#[tokio::test]
async fn safe_mode_is_part_of_a_whole_reading_and_its_end_is_seen_by_polling() {
    let router = start(Config::default()).await;
    let client = client(&router);
    let held =
        |reading: &routeros::Reading| reading.safe_mode.as_ref().map(routeros::menu::SafeMode::is_held);
    let free = client.reading().await.unwrap();
    assert_eq!(held(&free), Some(false));

    router.person().take_safe_mode("admin").unwrap();
    assert_eq!(
        held(&client.pulse(&free).await.unwrap()),
        Some(false),
        "it is not asked"
    );
    let whole = client.reading().await.unwrap();
    assert_eq!(held(&whole), Some(true));
    let before = reads(&router);
    let pulse = client.pulse(&whole).await.unwrap();
    assert_eq!((held(&pulse), reads(&router) - before), (Some(true), 6));
    router.person().release_safe_mode().unwrap();
    assert_eq!(held(&client.pulse(&pulse).await.unwrap()), Some(false));
}
