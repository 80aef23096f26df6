//! The checks, run on the embedded server over loopback HTTPS.

use futures::future::join_all;

use super::{CHECKS, REAL_ONLY};
use crate::apiserver::{ApiServer, Config};
use crate::kube::Kube;

#[tokio::test]
async fn the_embedded_server_conforms() {
    let server = ApiServer::start("127.0.0.1:0".parse().unwrap(), Config::default())
        .await
        .unwrap();
    let kube = Kube::new(server.admin()).unwrap();
    let runs = CHECKS
        .iter()
        .map(async |(name, check)| (*name, check(&kube).await));
    let failed: Vec<String> = join_all(runs)
        .await
        .into_iter()
        .filter_map(|(name, result)| result.err().map(|why| format!("{name}: {why:#}")))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} checks failed:\n{}",
        failed.len(),
        CHECKS.len(),
        failed.join("\n")
    );
    assert_eq!(
        server.unsupported(),
        Vec::<String>::new(),
        "the checks asked for what is not spoken here"
    );
}

#[test]
fn every_check_has_its_own_name() {
    let mut names: Vec<&str> = CHECKS.iter().chain(REAL_ONLY).map(|(name, _)| *name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
