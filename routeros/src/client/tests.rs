//! The whole client against a fake on loopback that answers with bytes of the test's choice.

use std::sync::Arc;
use std::time::Duration;

use super::*;

mod fake;
mod http;
mod reading;
mod tls;

use fake::{Fake, Reply};

/// Short, so that failures are quick; every verdict is about order or a lower bound, none about speed.
pub(super) fn quick() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(5),
        read: Duration::from_secs(5),
        write: Duration::from_secs(5),
        settle: Duration::from_millis(20),
        backoff: Duration::from_millis(1),
    }
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        trust: Trust::new(None, vec![]).unwrap(),
        server_name: None,
        credentials: Credentials::new("tiklb", "hunter2"),
        allow_plain_http: true,
        timeouts: quick(),
    }
}

fn client(fake: &Fake) -> Client {
    Client::new(endpoint(&fake.url())).unwrap()
}
