//! How long a router that is gone may be restarting.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_router_may_restart_for_five_minutes() {
    let contact = Contact::default();
    assert!(contact.never());
    assert_eq!(
        contact.lately(),
        None,
        "one that never answered is not restarting"
    );
    contact.note();
    for (passed, lately) in [(0, Some(0)), (12, Some(12)), (287, Some(299)), (1, None)] {
        tokio::time::advance(std::time::Duration::from_secs(passed)).await;
        assert_eq!(contact.lately(), lately.map(Duration::from_secs), "{passed}");
    }
    assert!(!contact.never());
    contact.clone().note();
    assert_eq!(contact.lately(), Some(Duration::from_secs(0)), "clones are one");
}
