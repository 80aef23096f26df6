//! `tiklb release` by the marks on the router alone.

use routeros_sim::{Change, Config, FailingWrites, Menu, PASSWORD, diff};

use super::shell::{Desk, OWNER, assert_golden, held};

/// What differs between two moments of the router's configuration, a line each.
fn changes(before: &routeros_sim::Snapshot, desk: &Desk) -> Vec<String> {
    let after = desk.router.snapshot().configured();
    let title = |row: &routeros_sim::Row| {
        let keys = ["name", "address", "comment"];
        let words: Vec<&str> = keys.iter().filter_map(|key| row.get(key)).collect();
        words.join(" ")
    };
    diff(before, &after)
        .changes()
        .iter()
        .map(|change| match change {
            Change::Added(menu, row) => format!("+ {menu} {}", title(row)),
            Change::Removed(menu, row) => format!("- {menu} {}", title(row)),
            Change::Changed(menu, row, keys) => {
                let keys: Vec<&str> = keys.iter().map(|(key, ..)| key.as_str()).collect();
                format!("~ {menu} {}: {}", title(row), keys.join(" "))
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_of_ours_goes_and_nothing_else_is_touched() {
    let config = held().row(
        Menu::Arp,
        [
            ("address", "192.168.1.31"),
            ("mac-address", "48:A9:8A:01:00:02"),
            ("interface", "bridge"),
            ("disabled", "yes"),
            // Not exactly a mark of ours: somebody's words.
            ("comment", "tiklb/v1 home/1a2b default/web"),
        ],
    );
    let desk = Desk::start("release", config).await;
    let before = desk.router.snapshot().configured();
    let said = desk.ask("release --yes --router URL").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_golden("release.txt", &desk.plain(&said.out));
    assert_eq!(
        changes(&before, &desk),
        [
            "~ /ip/pool dhcp_pool: ranges",
            &format!(
                "- /ip/pool tiklb-home-lan {OWNER} holds lan; took 192.168.1.200-192.168.1.220 from dhcp_pool"
            ),
            &format!("- /ip/dhcp-server/lease 192.168.1.200 {OWNER} default/web | Anna's \"tv\""),
            &format!("- /ip/dhcp-server/lease 192.168.1.201 {OWNER} media/photos"),
            &format!("- /ip/arp 192.168.1.200 {OWNER} default/web"),
        ]
    );
    let pools = desk.router.rows(Menu::Pool);
    assert_eq!(pools[0].get("ranges"), Some("192.168.1.100-192.168.1.254"));
    let journal = desk.router.journal();
    assert_eq!(journal.writes.len(), 5, "one write a row: {:#?}", journal.writes);
    assert_eq!(journal.most_in_flight, 1);
    desk.assert_no_violation();

    let again = desk.ask("release --yes --router URL").await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(
        again.out.contains("holds no row of tiklb's: nothing to be done"),
        "{again:?}"
    );
    assert_eq!(desk.router.journal().writes.len(), 5, "the second one wrote");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_yes_the_plan_is_shown_and_nothing_is_written() {
    let desk = Desk::start("no-yes", held()).await;
    let said = desk.ask("release --router URL").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("5 writes to be made"), "{said:?}");
    assert!(said.err.contains("give --yes"), "{said:?}");
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_clusters_only_the_named_one_is_released() {
    let config = held().row(
        Menu::Pool,
        [
            ("name", "tiklb-office-lan"),
            ("ranges", "192.168.1.90-192.168.1.95"),
            ("comment", "tiklb/v1 office/55667788 holds lan; took nothing"),
        ],
    );
    let desk = Desk::start("several", config).await;
    let said = desk.ask("release --yes --router URL").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("home/1a2b3c4d, office/55667788") && said.err.contains("--cluster-name"),
        "{said:?}"
    );
    desk.assert_untouched();
    let before = desk.router.snapshot().configured();
    let said = desk.ask("release --yes --router URL --cluster-name office").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        changes(&before, &desk),
        ["- /ip/pool tiklb-office-lan tiklb/v1 office/55667788 holds lan; took nothing"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_given_back_is_printed_as_commands() {
    let desk = Desk::start("refused", held()).await;
    // Everything but the pool's own removal works.
    let refusing = FailingWrites::before_applying()
        .method(http::Method::DELETE)
        .menu(Menu::Pool)
        .times(1_000);
    desk.router.faults().fail_writes(refusing);
    let said = desk.ask("release --yes --router URL --timeout 15").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out
            .contains("\n/ip pool remove [find where name=\"tiklb-home-lan\" and comment="),
        "{said:?}"
    );
    assert!(said.err.contains("stands above as console commands"), "{said:?}");
    assert!(!said.out.contains(PASSWORD));
    desk.router.faults().mend_writes();
    let said = desk.ask("release --yes --router URL").await;
    assert_eq!(said.code, Some(0), "what is left goes the next time: {said:?}");
    assert_eq!(desk.router.rows(Menu::Pool).len(), 1);
    assert_eq!(
        desk.router.rows(Menu::Pool)[0].get("ranges"),
        Some("192.168.1.100-192.168.1.254")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_not_write_ends_it_with_the_fix() {
    let config = held()
        .row(
            Menu::UserGroup,
            [("name", "looker"), ("policy", "read,api,rest-api")],
        )
        .user("anna", PASSWORD, "looker");
    let desk = Desk::start("may-not", config).await;
    let (url, password, ca) = (desk.router.url(), desk.path("password"), desk.path("ca.crt"));
    let line = format!(
        "release --yes --timeout 20 --router {url} --username anna --password-file {password} --ca-file {ca}"
    );
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let before = desk.router.snapshot().configured();
    let said = desk.run(&words, &[]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("policy write"), "{said:?}");
    assert_eq!(changes(&before, &desk), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_was_lost_is_settled_by_reading() {
    let desk = Desk::start("lost", held()).await;
    let lost = FailingWrites::after_applying().menu(Menu::Pool).times(1);
    desk.router.faults().fail_writes(lost);
    let said = desk.ask("release --yes --router URL").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        desk.router.rows(Menu::Pool)[0].get("ranges"),
        Some("192.168.1.100-192.168.1.254")
    );
    let journal = desk.router.journal();
    assert_eq!(
        journal.writes.len(),
        5,
        "a write was repeated: {:#?}",
        journal.writes
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_without_our_rows_is_left_as_it_is() {
    let desk = Desk::start("nothing", Config::default()).await;
    let said = desk.ask("release --yes --router URL").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    desk.assert_untouched();
}
