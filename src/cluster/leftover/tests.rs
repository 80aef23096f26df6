//! What is asked of discovery, and how often.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use serde_json::json;

use super::*;

/// An API server with these versions of the group, and the kinds of each; `None`: it fails.
type Definitions = Option<&'static [(&'static str, &'static [&'static str])]>;

fn answer(path: &str, definitions: Definitions) -> (u16, serde_json::Value) {
    let Some(definitions) = definitions else {
        return (
            500,
            json!({"kind": "Status", "status": "Failure", "message": "down", "reason": "InternalError", "code": 500}),
        );
    };
    if path == "/apis" {
        let version =
            |version: &str| json!({"groupVersion": format!("metallb.io/{version}"), "version": version});
        let versions: Vec<_> = definitions.iter().map(|(name, _)| version(name)).collect();
        let mut groups =
            vec![json!({"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]})];
        if let Some(first) = versions.first() {
            groups.push(json!({"name": "metallb.io", "versions": versions, "preferredVersion": first}));
        }
        return (
            200,
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}),
        );
    }
    let version = path.strip_prefix("/apis/metallb.io/").expect(path);
    let (_, kinds) = definitions.iter().find(|(name, _)| *name == version).expect(path);
    let resource = |kind: &&str| json!({"name": kind.to_lowercase(), "singularName": "", "namespaced": true, "kind": kind, "verbs": []});
    let resources: Vec<_> = kinds.iter().map(resource).collect();
    (
        200,
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("metallb.io/{version}"), "resources": resources}),
    )
}

/// A client of it, and the paths that were asked for.
fn client(
    definitions: impl Fn(usize) -> Definitions + Send + Sync + 'static,
) -> (Client, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let paths = asked.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let path = request.uri().path().to_owned();
        paths.lock().unwrap().push(path.clone());
        let looks = paths
            .lock()
            .unwrap()
            .iter()
            .filter(|path| *path == "/apis")
            .count();
        let (code, body) = answer(&path, definitions(looks));
        let body = kube::client::Body::from(serde_json::to_vec(&body).unwrap());
        let answer = http::Response::builder().status(code).body(body).unwrap();
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    (Client::new(service, "default"), asked)
}

#[tokio::test(start_paused = true)]
async fn kinds_that_are_not_read_are_found_in_every_version_and_others_are_not() {
    let (client, asked) = client(|_| {
        Some(&[
            ("v1alpha1", &["AddressPool"]),
            (
                "v1beta1",
                &["AddressPool", "IPAddressPool", "BGPPeer", "Community"],
            ),
            ("v1beta2", &["BGPPeer"]),
        ])
    });
    let found = Box::pin(presence(client)).next().await.unwrap();
    assert_eq!(
        found,
        ["AddressPool", "BGPPeer", "Community"].map(str::to_owned).into()
    );
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "/apis",
            "/apis/metallb.io/v1alpha1",
            "/apis/metallb.io/v1beta1",
            "/apis/metallb.io/v1beta2"
        ]
    );
    let [bgp, earlier] = sentences(&found).try_into().unwrap();
    assert!(
        bgp.starts_with("BGPPeer, Community: defined in this cluster and not read"),
        "{bgp}"
    );
    assert!(
        earlier.starts_with("AddressPool: defined in this cluster and not read")
            && earlier.contains("Write its objects as IPAddressPools"),
        "{earlier}"
    );
    assert_eq!(sentences(&["BGPPeer".to_owned()].into()).len(), 1);
    assert_eq!(sentences(&["AddressPool".to_owned()].into()), [earlier]);
    assert!(sentences(&BTreeSet::new()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_is_looked_for_every_ten_minutes_and_after_a_failure_in_one() {
    let (client, asked) = client(|look| match look {
        1 | 2 => None,
        3 => Some(&[]),
        _ => Some(&[("v1beta1", &["BGPPeer"])]),
    });
    let began = tokio::time::Instant::now();
    let mut found = Box::pin(presence(client));
    assert!(found.next().await.unwrap().is_empty());
    assert_eq!(began.elapsed().as_secs(), 120, "two looks failed");
    assert_eq!(found.next().await.unwrap().len(), 1);
    assert_eq!(began.elapsed().as_secs(), 720);
    assert_eq!(asked.lock().unwrap().len(), 5);
}
