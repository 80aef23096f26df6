//! What a person sees.

use routeros_sim::{Config, Lease, Router};

use super::*;

#[tokio::test]
async fn rows_stand_under_their_headings_with_flags() {
    let phone = Lease::bound(
        "192.168.1.201".parse().unwrap(),
        routeros_sim::Mac([2, 0, 0, 0, 0, 9]),
    );
    let config = Config::default().lease(phone.host_name("annas-phone"));
    let router = Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap();
    let text = windows(|menu| router.rows(menu));
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_eq!(lines[0], "IP > Pool");
    assert!(lines[1].trim_start().starts_with("Name"), "{text}");
    assert!(
        lines[2].contains("dhcp_pool  192.168.1.100-192.168.1.254"),
        "{text}"
    );
    let phone = lines.iter().find(|line| line.contains("annas-phone")).unwrap();
    assert!(phone.trim_start().starts_with("D  192.168.1.201"), "{text}");
}
