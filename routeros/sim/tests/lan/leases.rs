//! DHCP as clients see it.

use std::time::{Duration, Instant};

use dhcproto::Encodable as _;
use dhcproto::v4::{DhcpOption, MessageType, OptionCode};
use routeros_sim::{Config, Menu, Renewal};

use crate::dhcp_client::DhcpClient;
use crate::segment::{ROUTER, lan, row, shown, until, until_row, with};

pub(crate) fn whole_life() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        let router = segment.router(Config::default()).await;
        let client = DhcpClient::of(&host).await;
        let asked = Instant::now();
        let (address, ack) = client.lease(&host).await;
        assert_eq!(address, lan(254), "the highest address of the pool");
        assert!(
            asked.elapsed() >= Duration::from_millis(500),
            "it was probed first: {:?}",
            asked.elapsed()
        );
        assert_eq!(
            ack.opts().get(OptionCode::Router),
            Some(&DhcpOption::Router(vec![ROUTER]))
        );
        let mac = shown(host.mac().await);
        let bound = [
            ("status", Some("bound")),
            ("mac-address", Some(mac.as_str())),
            ("active-address", Some("192.168.1.254")),
            ("host-name", Some("phone")),
            ("server", Some("defconf")),
            ("dynamic", Some("true")),
        ];
        until_row(&router, Menu::Lease, address, &bound).await;

        host.address(address).await;
        let left = || {
            let row = row(&router, Menu::Lease, address);
            row.and_then(|row| row.get("expires-after").map(ToOwned::to_owned))
                .unwrap_or_default()
        };
        router.clock().advance(Duration::from_mins(20));
        assert!(left() == "10m" || left().starts_with("9m"), "{}", left());
        assert_eq!(client.renew(&host, address).await, Some(MessageType::Ack));
        assert!(left() == "30m" || left().starts_with("29m"), "{}", left());

        let mut release = client.message(MessageType::Release);
        release.set_ciaddr(address);
        client.send(&host, vec![release.to_vec().unwrap()]).await;
        until("the row is gone", || router.rows(Menu::Lease).is_empty()).await;
        router.stop();
    });
}

pub(crate) fn conflict() {
    with(async |segment| {
        let (device, phone) = (segment.plug("port1").await, segment.plug("port2").await);
        device.address(lan(254)).await;
        let router = segment.router(Config::default()).await;
        let (address, _) = DhcpClient::of(&phone).await.lease(&phone).await;
        assert_eq!(address, lan(253), "the device's address was not handed out");
        let statuses = |router: &routeros_sim::Router| {
            let rows = router.rows(Menu::Lease).into_iter();
            rows.map(|row| {
                (
                    row.get("address").unwrap().to_owned(),
                    row.get("status").unwrap().to_owned(),
                )
            })
            .collect::<Vec<_>>()
        };
        let expected = [("192.168.1.254", "conflict"), ("192.168.1.253", "bound")];
        assert_eq!(
            statuses(&router),
            expected.map(|(address, status)| (address.to_owned(), status.to_owned()))
        );
        router.stop();
    });
}

pub(crate) fn expiry() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        let router = segment.router(Config::default()).await;
        let (address, _) = DhcpClient::of(&host).await.lease(&host).await;
        router.clock().advance(Duration::from_mins(30));
        assert_eq!(row(&router, Menu::Lease, address), None);
        assert_eq!(router.rows(Menu::PoolUsed), []);
        router.stop();
    });
}

pub(crate) fn shrunk_pool() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        let router = segment.router(Config::default()).await;
        let client = DhcpClient::of(&host).await;
        let (address, _) = client.lease(&host).await;
        host.address(address).await;
        let ranges = [("ranges", "192.168.1.100-192.168.1.199")];
        router
            .person()
            .set(Menu::Pool, ("name", "dhcp_pool"), ranges)
            .unwrap();
        for (renewal, answer) in [
            (Renewal::Ack, Some(MessageType::Ack)),
            (Renewal::Silent, None),
            (Renewal::Nak, Some(MessageType::Nak)),
        ] {
            router.switch(|switches| switches.renewal_outside_pool = renewal);
            assert_eq!(
                row(&router, Menu::Lease, address).and_then(|row| row.get("status").map(str::to_owned)),
                Some("bound".into())
            );
            assert_eq!(client.renew(&host, address).await, answer, "{renewal:?}");
        }
        assert_eq!(
            row(&router, Menu::Lease, address),
            None,
            "refused, the client must start over"
        );
        assert_eq!(client.lease(&host).await.0, lan(199));
        router.stop();
    });
}

pub(crate) fn malformed() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        let router = segment.router(Config::default()).await;
        let client = DhcpClient::of(&host).await;
        let whole = client.message(MessageType::Discover).to_vec().unwrap();
        let mut datagrams: Vec<Vec<u8>> = (0..whole.len())
            .step_by(7)
            .map(|length| whole[..length].to_vec())
            .collect();
        for (at, value) in [
            (0, 9),
            (1, 255),
            (2, 0),
            (2, 17),
            (2, 255),
            (236, 0),
            (241, 255),
            (242, 200),
        ] {
            let mut bad = whole.clone();
            bad[at] = value;
            datagrams.push(bad);
        }
        // A classless route with a prefix of 40 bits, on which the parser panics.
        datagrams.push([&whole[..243], &[121, 8, 40, 10, 0, 0, 0, 192, 168, 1, 255]].concat());
        client.send(&host, datagrams).await;
        assert_eq!(client.lease(&host).await.0, lan(254), "the server goes on");
        router.stop();
    });
}
