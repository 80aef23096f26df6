//! Pools under MetalLB's names.

use super::*;
use crate::observe::metrics::tests::samples;
use crate::observe::metrics::text;

fn lan() -> PoolUse {
    PoolUse {
        pool: "lan".to_owned(),
        ipv4_total: 20,
        ipv4_in_use: 3,
        ipv6_total: 100,
        ipv6_in_use: 1,
    }
}

#[test]
fn pools_are_shown_as_in_metallb() {
    let (publish, pools) = watch::channel(Arc::from([lan()]));
    let (lead, leads) = watch::channel(false);
    let mut registry = Registry::default();
    register(&mut registry, pools, Reading::new(move || *leads.borrow()));
    let expected = [
        "tiklb_allocator_leader 0",
        "metallb_allocator_addresses_total{pool=\"lan\"} 120",
        "metallb_allocator_addresses_in_use_total{pool=\"lan\"} 4",
        "metallb_allocator_ipv4_addresses_total{pool=\"lan\"} 20",
        "metallb_allocator_ipv4_addresses_in_use_total{pool=\"lan\"} 3",
        "metallb_allocator_ipv6_addresses_total{pool=\"lan\"} 100",
        "metallb_allocator_ipv6_addresses_in_use_total{pool=\"lan\"} 1",
    ];
    assert_eq!(samples(&registry), expected);
    let types = text(&registry).unwrap();
    assert!(
        types.contains("# TYPE metallb_allocator_addresses_total gauge\n"),
        "{types}"
    );

    lead.send_replace(true);
    publish.send_replace(Arc::from([]));
    assert_eq!(samples(&registry), ["tiklb_allocator_leader 1"]);
}

#[test]
fn what_core_counted_is_added_up_without_an_overflow() {
    let counts = PoolCounts {
        assigned_v4: 3,
        assigned_v6: 1,
        available_v4: 17,
        available_v6: i64::MAX,
    };
    let most = u64::try_from(i64::MAX).unwrap();
    let use_of = PoolUse::new("lan", counts);
    assert_eq!(
        use_of,
        PoolUse {
            ipv6_total: most,
            ..lan()
        }
    );
    let (_publish, pools) = watch::channel(Arc::from([PoolUse {
        ipv4_total: u64::MAX,
        ..use_of
    }]));
    let mut registry = Registry::default();
    register(&mut registry, pools, Reading::new(|| true));
    let sum = format!("metallb_allocator_addresses_total{{pool=\"lan\"}} {}", u64::MAX);
    assert!(samples(&registry).contains(&sum));
}
