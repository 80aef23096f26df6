//! Item 40: whatever lies outside the menus and commands that a client of this router should use.

use crate::desk::default_desk;

#[tokio::test]
async fn item_40_other_menus_other_commands_and_execute_are_refused_and_remembered() {
    let desk = default_desk().await;
    for (method, path, status) in [
        ("POST", "/rest/execute", 400),
        ("GET", "/rest/ip/firewall/filter", 400),
        ("POST", "/rest/system/reboot", 400),
        ("POST", "/rest/ip/pool/reset", 400),
        ("GET", "/rest/ip/dhcp-server/alert", 400),
        ("POST", "/rest/safe-mode/take", 400),
        ("POST", "/rest/ip/dns/set", 400),
        ("POST", "/rest/user/add", 400),
        ("DELETE", "/rest/ip/service/*0", 406),
        ("PATCH", "/rest/ip/pool/used/*1", 406),
        ("GET", "/webfig", 404),
    ] {
        let before = desk.violations().len();
        assert_eq!(
            desk.ask(method, path, Some("{}")).await.0,
            status,
            "{method} {path}"
        );
        let violations = desk.violations();
        assert_eq!(violations.len(), before + 1, "{method} {path}");
        let last = violations.last().unwrap();
        assert_eq!((last.method.as_str(), last.path.as_str()), (method, path));
    }
    let execute = desk
        .ask(
            "POST",
            "/rest/execute",
            Some(r#"{"script":":put 1","as-string":""}"#),
        )
        .await;
    assert_eq!(execute.1["detail"], "no such command or directory (execute)");
}

#[tokio::test]
async fn item_40_a_write_to_a_menu_outside_the_allowed_ones_is_carried_out_and_remembered() {
    let desk = default_desk().await;
    for (method, path, body) in [
        ("PATCH", "/rest/ip/dhcp-server/*1", r#"{"comment":"x"}"#),
        (
            "PUT",
            "/rest/ip/dns/static",
            r#"{"name":"a","address":"10.0.0.1"}"#,
        ),
        ("POST", "/rest/system/identity/set", r#"{"name":"x"}"#),
    ] {
        let before = desk.violations().len();
        assert!(desk.ask(method, path, Some(body)).await.0 < 300);
        assert_eq!(desk.violations().len(), before + 1, "{method} {path}");
    }
    desk.switch(|switches| switches.allowed.push(routeros_sim::Menu::DnsStatic));
    let before = desk.violations().len();
    desk.delete("/rest/ip/dns/static/*1").await;
    assert_eq!(desk.violations().len(), before);
}

#[tokio::test]
async fn item_40_ordinary_work_and_its_refusals_are_no_violations() {
    let desk = default_desk().await;
    for menu in routeros_sim::Menu::ALL {
        desk.get(&format!("/rest/{}", menu.path())).await;
    }
    desk.get("/rest/ip/pool/*99").await;
    desk.put("/rest/ip/pool", r#"{"name":"p","ranges":"x"}"#).await;
    desk.patch("/rest/ip/pool/*1", r#"{"nonsense":"x"}"#).await;
    desk.post("/rest/ip/dhcp-server/lease/add", "{}").await;
    desk.delete("/rest/ip/arp/*99").await;
    assert_eq!(desk.violations(), []);
}
