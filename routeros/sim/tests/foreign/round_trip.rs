//! One client's script against one router, judged by its checks and by the router's journal.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use routeros_sim::{Config, Lease, Menu, PASSWORD, Pace, Router, raw};

/// A script, how many checks it makes, and the writes that it must cause: method, path and status.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    script: &'static str,
    checks: usize,
    writes: &'static [&'static str],
}

pub(crate) const ROSRESTPY: Client = Client {
    name: "rosrestpy",
    script: "rosrestpy_client.py",
    checks: 27,
    writes: &[
        "PUT ip/pool 201",
        "PATCH ip/pool 200",
        "PUT ip/pool 400",
        "PATCH ip/pool 400",
        "DELETE ip/pool 204",
        "PATCH ip/pool 404",
        "PUT ip/dhcp-server/lease 201",
        "PATCH ip/dhcp-server/lease 200",
        "PATCH ip/dhcp-server/lease 200",
        "PATCH ip/dhcp-server/lease 200",
        "PUT ip/dhcp-server/lease 400",
        "PUT ip/dhcp-server/lease 400",
        "PATCH ip/dhcp-server/lease 400",
        "DELETE ip/dhcp-server/lease 204",
        "PUT ip/arp 201",
        "PATCH ip/arp 200",
        "PATCH ip/arp 400",
        "DELETE ip/arp 204",
    ],
};
pub(crate) const MCP: Client = Client {
    name: "mikrotik_rest_mcp_server",
    script: "mcp_client.py",
    checks: 20,
    writes: &[
        "PUT ip/pool 201",
        "PATCH ip/pool 200",
        "DELETE ip/pool 204",
        "DELETE ip/pool 404",
        "POST ip/dhcp-server/lease/add 200",
        "POST ip/dhcp-server/lease/comment 200",
        "POST ip/dhcp-server/lease/make-static 200",
        "PATCH ip/dhcp-server/lease 400",
        "POST ip/dhcp-server/lease/remove 200",
        "PUT ip/arp 201",
        "POST ip/arp/enable 200",
        "DELETE ip/arp 204",
    ],
};

/// A router with a client's lease, a neighbour, and a comment that is no UTF-8.
async fn router(version: &str) -> Router {
    let phone = Lease::bound(
        "192.168.1.205".parse().unwrap(),
        "AA:BB:CC:00:00:50".parse().unwrap(),
    );
    let config = Config {
        version: version.parse().unwrap(),
        pace: Pace::Stopped,
        certificate: None,
        ..Config::default()
    };
    let router = Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap();
    let comment = raw(b"B\xFCro");
    let person = router.person();
    person
        .set(
            Menu::Network,
            ("comment", "defconf"),
            [("comment", comment.as_str())],
        )
        .unwrap();
    // Ids are those of the scripts: the lease that they add comes first.
    let placeholder = [("address", "192.168.1.2"), ("mac-address", "02:00:00:00:00:02")];
    router.switch(|switches| switches.reuse_ids = true);
    person.add(Menu::Lease, placeholder).unwrap();
    router.lease(&phone).unwrap();
    person.remove(Menu::Lease, (".id", "*1")).unwrap();
    person
        .add(Menu::Arp, [("address", "192.168.1.2"), ("interface", "bridge")])
        .unwrap();
    router.meet(
        "192.168.1.50".parse().unwrap(),
        "AA:BB:CC:00:00:50".parse().unwrap(),
    );
    person.remove(Menu::Arp, (".id", "*1")).unwrap();
    router
}

/// Runs a client's script in `python` against a router of this version.
pub(crate) fn run(python: &Path, client: &Client, version: &str) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let router = runtime.block_on(router(version));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
    let output = Command::new(python)
        .args(["-I", "-B", "-c", "import sys, runpy; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"])
        .arg(&folder)
        .arg(folder.join(client.script))
        .args([&router.url(), version, PASSWORD])
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY")
        .env("NO_PROXY", "127.0.0.1")
        .output()?;
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let checks = said.lines().filter(|line| line.starts_with("ok ")).count();
    if !output.status.success() || checks != client.checks {
        return Err(format!(
            "{}: {checks} of {} checks\n{said}{errors}",
            output.status, client.checks
        )
        .into());
    }
    let journal = router.journal();
    let writes: Vec<String> = journal
        .writes
        .iter()
        .map(|write| format!("{} {} {}", write.method, write.path, write.status))
        .collect();
    if writes != client.writes {
        return Err(format!("the router saw {writes:#?}").into());
    }
    match &router.violations()[..] {
        [] => Ok(()),
        violations => Err(format!("{violations:?}").into()),
    }
}
