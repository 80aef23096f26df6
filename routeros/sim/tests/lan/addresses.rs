//! The router at its LAN address.

use std::time::Duration;

use reqwest::{Certificate, Client};
use routeros_sim::{Config, PASSWORD, Router, StartError};

use crate::segment::{BRIDGE, ROUTER, Segment, lan, with};

async fn identity(segment: &Segment, router: Router) {
    let host = segment.plug("port9").await;
    host.address(lan(60)).await;
    let (url, ca) = (format!("{}/rest/system/identity", router.url()), router.ca_pem());
    let status = host
        .run(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let _ = rustls::crypto::ring::default_provider().install_default();
                let builder = Client::builder().timeout(Duration::from_secs(10)).no_proxy();
                let ca = ca.map(|pem| Certificate::from_pem(pem.as_bytes()).unwrap());
                let http = builder.tls_certs_only(ca).build().unwrap();
                let request = http.get(url).basic_auth("tiklb", Some(PASSWORD));
                request.send().await.unwrap().status().as_u16()
            })
        })
        .await;
    assert_eq!(status, 200);
}

pub(crate) fn https() {
    with(async |segment| {
        let router = Router::start(Config::default(), (ROUTER, 443).into(), Some(BRIDGE))
            .await
            .unwrap();
        assert_eq!(router.url(), "https://192.168.1.1:443");
        identity(&segment, router.clone()).await;
        router.stop();
    });
}

pub(crate) fn restart() {
    with(async |segment| {
        let config = || Config {
            certificate: None,
            ..Config::default()
        };
        let first = Router::start(config(), (ROUTER, 80).into(), Some(BRIDGE))
            .await
            .unwrap();
        first.stop();
        let second = Router::start(config(), (ROUTER, 80).into(), Some(BRIDGE))
            .await
            .unwrap();
        identity(&segment, second.clone()).await;
        second.stop();
    });
}

pub(crate) fn no_interface() {
    with(async |segment| {
        drop(segment);
        let started = Router::start(Config::default(), (ROUTER, 0).into(), Some("eth9")).await;
        let error = started.err().expect("no such interface");
        assert!(matches!(&error, StartError::NoInterface(name) if name == "eth9"));
        assert!(error.to_string().contains("eth9"), "{error}");
    });
}
