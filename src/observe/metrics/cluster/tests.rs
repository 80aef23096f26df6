//! The API server's side: counts, and the configuration's two flags.

use super::*;
use std::sync::atomic::AtomicU64;

use crate::observe::metrics::tests::samples;

fn cluster(updates: &Arc<AtomicU64>) -> Cluster {
    let updates = Arc::clone(updates);
    Cluster {
        updates: Reading::new(move || updates.load(Ordering::Relaxed)),
        update_errors: Reading::new(|| 2),
        events_dropped: Reading::new(|| 3),
        configuration: Configuration::default(),
    }
}

#[test]
fn numbers_are_read_at_each_scrape() {
    let updates = Arc::new(AtomicU64::new(1));
    let cluster = cluster(&updates);
    let configuration = cluster.configuration.clone();
    let mut registry = Registry::default();
    cluster.register(&mut registry);
    let shown = |updates: u64, loaded: u8, stale: u8| {
        let expected = [
            format!("metallb_k8s_client_updates_total {updates}"),
            "metallb_k8s_client_update_errors_total 2".to_owned(),
            format!("metallb_k8s_client_config_loaded_bool {loaded}"),
            format!("metallb_k8s_client_config_stale_bool {stale}"),
            "tiklb_events_dropped_total 3".to_owned(),
        ];
        assert_eq!(samples(&registry), expected);
    };
    shown(1, 0, 0);
    updates.store(5, Ordering::Relaxed);
    configuration.read(false);
    shown(5, 1, 1);
    configuration.read(true);
    shown(5, 1, 0);
}
