//! One look at a whole router.

use std::sync::Mutex;

use super::*;

/// A small router, by path.
fn menu(path: &str) -> Option<&'static str> {
    Some(match path {
        "system/resource" => r#"{"version":"7.23.7 (long-term)","uptime":"1w2d","board-name":"RB5009UG+S+"}"#,
        "system/identity" => r#"{"name":"router"}"#,
        "system/routerboard" => r#"{"routerboard":"true","serial-number":"HE508"}"#,
        "safe-mode" => r#"{"enabled":"false"}"#,
        "ip/address" => {
            r#"[{".id":"*1","address":"192.168.1.1/24","network":"192.168.1.0","interface":"bridge"}]"#
        }
        "interface" => r#"[{".id":"*1","name":"bridge","type":"bridge","running":"true"},{".id":"*2"}]"#,
        "interface/bridge" => r#"[{".id":"*1","name":"bridge","arp":"enabled"}]"#,
        "ip/pool" => r#"[{".id":"*1","name":"dhcp_pool","ranges":"192.168.1.100-192.168.1.254"}]"#,
        "ip/dhcp-server" => {
            r#"[{".id":"*1","name":"defconf","interface":"bridge","address-pool":"dhcp_pool"}]"#
        }
        "ip/dhcp-server/network" => r#"[{".id":"*1","address":"192.168.1.0/24","gateway":"192.168.1.1"}]"#,
        "ip/dhcp-server/lease" => {
            r#"[{".id":"*1","address":"192.168.1.300"},{".id":"*2","address":"192.168.1.9"}]"#
        }
        "ip/arp" => r#"[{".id":"*1","address":"192.168.1.9","interface":"bridge","dynamic":"true"}]"#,
        _ => return None,
    })
}

fn path(line: &str) -> &str {
    line.strip_prefix("GET /rest/")
        .unwrap()
        .split(['?', ' '])
        .next()
        .unwrap()
}

async fn router(replace: &'static str, with: Reply) -> Fake {
    Fake::http(move |request| match path(&request.line) {
        path if path == replace => with.clone(),
        path => menu(path).map_or_else(no_such, |body| Reply::Json(200, body.to_owned())),
    })
    .await
}

fn no_such() -> Reply {
    Reply::Json(
        400,
        r#"{"error":400,"message":"Bad Request","detail":"no such command or directory (x)"}"#.into(),
    )
}

/// The menus of a whole reading, in their order.
const WHOLE: [&str; 22] = [
    "system/resource",
    "system/identity",
    "system/routerboard",
    "safe-mode",
    "ip/address",
    "interface",
    "interface/bridge",
    "ip/pool",
    "ip/dhcp-server",
    "ip/dhcp-server/network",
    "ip/dhcp-server/lease",
    "ip/arp",
    "ip/pool/used",
    "ip/dhcp-server/matcher",
    "interface/vlan",
    "interface/veth",
    "ppp/profile",
    "ppp/secret",
    "ip/hotspot",
    "ip/hotspot/user/profile",
    "ip/ipsec/mode-config",
    "ip/firewall/nat",
];

#[tokio::test]
async fn reads_every_menu_once_in_order() {
    let fake = router("", Reply::Never).await;
    let reading = client(&fake).reading().await.unwrap();
    assert_eq!(reading.uptime().to_string(), "1w2d");
    assert_eq!(reading.serial_number(), Some("HE508"));
    assert_eq!(reading.identity.name, "router");
    assert_eq!(
        (
            reading.addresses.len(),
            reading.interfaces.len(),
            reading.bridges.len()
        ),
        (1, 1, 1)
    );
    assert_eq!(
        (reading.pools.len(), reading.servers.len(), reading.networks.len()),
        (1, 1, 1)
    );
    assert_eq!((reading.leases.len(), reading.arp.len()), (1, 1));
    let bad: Vec<_> = reading
        .bad
        .iter()
        .map(|bad| (bad.menu, bad.row.id.unwrap().to_string()))
        .collect();
    assert_eq!(
        bad,
        [
            ("interface", "*2".to_owned()),
            ("ip/dhcp-server/lease", "*1".to_owned())
        ]
    );
    let lines = fake.lines();
    let paths: Vec<_> = lines.iter().map(|line| path(line)).collect();
    assert_eq!(paths, WHOLE);
    assert_eq!(
        reading.uses,
        crate::OtherUses::default(),
        "this router has none of them"
    );
}

#[tokio::test]
async fn a_virtual_router_has_no_board() {
    let no_such =
        r#"{"error":400,"message":"Bad Request","detail":"no such command or directory (routerboard)"}"#;
    let fake = router("system/routerboard", Reply::Json(400, no_such.into())).await;
    let reading = client(&fake).reading().await.unwrap();
    assert_eq!(reading.routerboard, None);
    assert_eq!(reading.serial_number(), None);
}

#[tokio::test]
async fn too_old_a_router_is_asked_nothing_else() {
    let fake = router(
        "system/resource",
        Reply::Json(200, r#"{"version":"7.11.2 (stable)","uptime":"1d"}"#.into()),
    )
    .await;
    let error = client(&fake).reading().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the router runs RouterOS 7.11.2 (stable); 7.12 or newer is needed: update it"
    );
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_menu_that_cannot_be_read_fails_the_whole_reading() {
    let refused = r#"{"error":400,"message":"Bad Request","detail":"no such command or directory (arp)"}"#;
    let fake = router("ip/arp", Reply::Json(400, refused.into())).await;
    assert_eq!(client(&fake).reading().await.unwrap_err().category(), "Refused");
    // A router that boots answers, but not with what it is.
    let fake = router("system/resource", Reply::Json(200, "{}".into())).await;
    assert_eq!(client(&fake).reading().await.unwrap_err().category(), "Rebooting");
}

#[derive(Default)]
struct Reports(Mutex<Vec<RequestReport>>);

impl Observer for Reports {
    fn request(&self, report: RequestReport) {
        self.0.lock().unwrap().push(report);
    }
}

#[tokio::test]
async fn each_request_is_reported() {
    let fake = router("ip/arp", Reply::Json(500, String::new())).await;
    let reports = Arc::new(Reports::default());
    let client = Client::observed(endpoint(&fake.url()), Arc::clone(&reports) as Arc<dyn Observer>).unwrap();
    assert!(client.reading().await.is_err());
    let reports = reports.0.lock().unwrap();
    assert_eq!(reports.len(), fake.requests().len());
    assert!(
        reports[..11]
            .iter()
            .all(|report| report.outcome == "Ok" && report.kind == RequestKind::Read)
    );
    assert!(
        reports[11..]
            .iter()
            .all(|report| (report.menu, report.outcome) == ("ip/arp", "Busy"))
    );
}

/// A router of a version whose other menus are these, by path; all that are missing are refused.
async fn of_version(version: &'static str, menus: &'static [(&'static str, &'static str)]) -> Fake {
    Fake::http(move |request| {
        let path = path(&request.line);
        if path == "system/resource" {
            let body = format!(r#"{{"version":"{version}","uptime":"1d"}}"#);
            return Reply::Json(200, body);
        }
        match menus.iter().find(|(menu, _)| *menu == path) {
            Some((_, body)) => Reply::Json(200, (*body).to_owned()),
            None => no_such(),
        }
    })
    .await
}

#[tokio::test]
async fn safe_mode_is_asked_of_those_who_have_it() {
    const HELD: &[(&str, &str)] = &[(
        "safe-mode",
        r#"{"enabled":"true","current":"false","owner":"winbox","user":"admin"}"#,
    )];
    let fake = of_version("7.17.2 (stable)", HELD).await;
    assert_eq!(client(&fake).safe_mode().await, Ok(None));
    assert_eq!(fake.requests().len(), 1, "the version alone is asked");

    let fake = of_version("7.18 (stable)", HELD).await;
    let client_of_18 = client(&fake);
    for _ in 0..2 {
        let state = client_of_18.safe_mode().await.unwrap().unwrap();
        assert!(state.is_held());
        assert_eq!(state.holder(), "admin");
    }
    let lines = fake.lines();
    let paths: Vec<_> = lines.iter().map(|line| path(line)).collect();
    assert_eq!(
        paths,
        ["system/resource", "safe-mode", "safe-mode"],
        "it is asked anew each time"
    );

    let fake = of_version("7.18 (stable)", &[]).await;
    assert_eq!(
        client(&fake).safe_mode().await,
        Ok(None),
        "a menu that is not there"
    );
    let hidden = Fake::http(|request| match path(&request.line) {
        "system/resource" => Reply::Json(200, r#"{"version":"7.18 (stable)","uptime":"1h"}"#.into()),
        _ => Reply::Json(
            500,
            r#"{"error":500,"message":"Internal Server Error","detail":"not enough permissions (9)"}"#.into(),
        ),
    })
    .await;
    assert_eq!(
        client(&hidden).safe_mode().await,
        Ok(None),
        "a menu that the account may not see"
    );
    let fake = of_version("7.11 (stable)", HELD).await;
    assert_eq!(client(&fake).safe_mode().await.unwrap_err().category(), "TooOld");
}

#[tokio::test]
async fn other_uses_are_read_from_the_menus_that_are_there() {
    let fake = of_version(
        "7.23.7 (long-term)",
        &[
            (
                "ip/pool/used",
                r#"[{"pool":"vpn","address":"192.168.1.90","owner":"l2tp","info":"anna"}]"#,
            ),
            (
                "ip/dhcp-server/matcher",
                r#"[{".id":"*1","name":"m"},{"name":"without an id"}]"#,
            ),
            ("ppp/secret", r#"[{".id":"*1","remote-address":"192.168.1.91"}]"#),
        ],
    )
    .await;
    let uses = client(&fake).other_uses().await.unwrap();
    assert_eq!(
        (uses.used.len(), uses.matchers.len(), uses.secrets.len()),
        (1, 1, 1)
    );
    assert_eq!(
        (uses.vlans.len(), uses.containers.len(), uses.translations.len()),
        (0, 0, 0)
    );
    assert_eq!(
        uses.bad.iter().map(|bad| bad.menu).collect::<Vec<_>>(),
        ["ip/dhcp-server/matcher"]
    );
    assert_eq!(uses.used[0].owner, "l2tp");
    assert_eq!(uses.unread, []);
}

/// A router that keeps one of these menus to itself is read all the same, and what could not be seen is said.
#[tokio::test]
async fn a_menu_that_the_account_may_not_read_is_told_and_costs_nothing_else() {
    let denied = r#"{"error":500,"message":"Internal Server Error","detail":"not enough permissions (9)"}"#;
    let fake = router("ppp/secret", Reply::Json(500, denied.into())).await;
    let reading = client(&fake).reading().await.unwrap();
    let [unread] = &reading.uses.unread[..] else {
        panic!("{:?}", reading.uses.unread)
    };
    assert_eq!(unread.menu, "ppp/secret");
    assert!(unread.why.contains("lacks the policy read"), "{}", unread.why);
    // A menu without which nothing can be decided is another matter.
    let fake = router("ip/pool", Reply::Json(500, denied.into())).await;
    assert_eq!(
        client(&fake).reading().await.unwrap_err().category(),
        "PolicyMissing"
    );
    // So is one of these that fails for another reason: what it holds may be as before.
    let fake = router("ppp/secret", Reply::Json(500, String::new())).await;
    assert_eq!(client(&fake).reading().await.unwrap_err().category(), "Busy");
}
