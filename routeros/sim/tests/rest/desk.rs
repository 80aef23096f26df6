//! A foreign client with a router of its own.

use std::ops::Deref;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, Response};
use routeros_sim::{Config, PASSWORD, Pace, Router, Version};
use serde_json::Value;

/// No request here takes longer, unless the router is unreachable.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A router, and a client that is logged in.
pub(crate) struct Desk {
    pub(crate) router: Router,
    pub(crate) http: Client,
}

impl Deref for Desk {
    type Target = Router;

    fn deref(&self) -> &Router {
        &self.router
    }
}

/// A client without trust in anybody yet.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    // A second call finds the provider installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(PATIENCE).no_proxy()
}

/// A client that trusts the router's CA and no other.
pub(crate) fn client(router: &Router) -> Client {
    let builder = builder();
    match router.ca_pem() {
        None => builder.build().unwrap(),
        Some(pem) => {
            let ca = Certificate::from_pem(pem.as_bytes()).unwrap();
            builder.tls_certs_only([ca]).build().unwrap()
        }
    }
}

/// Starts a router on a free port, over plain HTTP unless a certificate is the point of the test.
pub(crate) async fn desk(config: Config) -> Desk {
    let config = Config {
        certificate: None,
        ..config
    };
    let router = Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap();
    let http = client(&router);
    Desk { router, http }
}

/// The default router.
pub(crate) async fn default_desk() -> Desk {
    desk(Config::default()).await
}

/// The default router with another RouterOS and a stopped clock.
pub(crate) async fn desk_of(version: &str) -> Desk {
    let version: Version = version.parse().unwrap();
    desk(Config {
        version,
        pace: Pace::Stopped,
        ..Config::default()
    })
    .await
}

impl Desk {
    /// Sends one request and gives the whole response.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&str>) -> Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.router.url()))
            .basic_auth("tiklb", Some(PASSWORD));
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_owned());
        }
        request.send().await.unwrap()
    }

    /// Sends one request and gives status and JSON body; an empty body is null.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        };
        (status, value)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask("PUT", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask("PATCH", path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask("POST", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.ask("DELETE", path, None).await
    }

    /// The `detail` of a refused write, which must be a 400.
    pub(crate) async fn refusal(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = self.ask(method, path, Some(body)).await;
        assert_eq!(status, 400, "{method} {path} {body}: {answer}");
        assert_eq!(answer["error"], 400);
        assert_eq!(answer["message"], "Bad Request");
        answer["detail"].as_str().expect("a detail").to_owned()
    }
}
