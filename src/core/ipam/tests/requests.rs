//! What Services ask for and what they get.

use super::*;
use crate::model::service::FamilyPolicy;

#[test]
fn addresses_are_handed_out_lowest_first() {
    let mut world = home();
    assert_eq!(world.address(&service("a")).as_deref(), Some("192.168.1.200"));
    assert_eq!(world.address(&service("b")).as_deref(), Some("192.168.1.201"));
    assert_eq!(
        world.address(&service("a")).as_deref(),
        Some("192.168.1.200"),
        "a second look changes nothing"
    );
}

#[test]
fn an_explicit_request_is_met_under_both_prefixes_and_the_field() {
    let mut field = service("c");
    field.load_balancer_ip = Some("192.168.1.202".to_owned());
    for wish in [
        asking("a", "metallb.io/loadBalancerIPs", "192.168.1.202"),
        asking("b", "metallb.universe.tf/loadBalancerIPs", " 192.168.1.202 "),
        field,
    ] {
        assert_eq!(home().decide(&wish).because, Because::Requested);
        assert_eq!(
            home().address(&wish).as_deref(),
            Some("192.168.1.202"),
            "{}",
            wish.key
        );
    }
}

#[test]
fn the_new_prefix_wins() {
    let mut both = asking("a", "metallb.io/loadBalancerIPs", "192.168.1.202");
    both.annotations.insert(
        "metallb.universe.tf/loadBalancerIPs".to_owned(),
        "192.168.1.203".to_owned(),
    );
    assert_eq!(home().address(&both).as_deref(), Some("192.168.1.202"));
}

#[test]
fn an_empty_annotation_asks_for_nothing() {
    for annotation in ["loadBalancerIPs", "address-pool", "allow-shared-ip"] {
        for prefix in [request::PREFIX, request::DEPRECATED_PREFIX] {
            let empty = asking("a", &format!("{prefix}{annotation}"), "");
            assert_eq!(
                home().address(&empty).as_deref(),
                Some("192.168.1.200"),
                "{prefix}{annotation}"
            );
            assert!(!Request::of(&empty).unwrap().deprecated);
        }
    }
    let mut field = asking("a", "metallb.io/loadBalancerIPs", "");
    field.load_balancer_ip = Some("192.168.1.202".to_owned());
    assert_eq!(home().address(&field).as_deref(), Some("192.168.1.202"));
}

/// Of either annotation: a person is told to write the new one.
#[test]
fn an_old_prefix_is_noticed_on_each_annotation() {
    for (annotation, value, old) in [
        ("metallb.universe.tf/loadBalancerIPs", "192.168.1.202", true),
        ("metallb.universe.tf/address-pool", "home", true),
        ("metallb.io/loadBalancerIPs", "192.168.1.202", false),
        ("metallb.io/address-pool", "home", false),
    ] {
        let request = Request::of(&asking("a", annotation, value)).unwrap();
        assert_eq!(request.deprecated, old, "{annotation}");
    }
}

#[test]
fn what_cannot_be_understood_is_said_and_not_guessed() {
    let mut twice = asking("a", "metallb.io/loadBalancerIPs", "192.168.1.202");
    twice.load_balancer_ip = Some("192.168.1.202".to_owned());
    let mut ipv6 = service("b");
    ipv6.cluster_ips = vec![ip("fd00::1")];
    let mut one_cluster_ip = service("c");
    one_cluster_ip.family_policy = Some(FamilyPolicy::RequireDualStack);
    for (wish, words) in [
        (
            asking("a", "metallb.io/loadBalancerIPs", "192.168.1.2O2"),
            "\"192.168.1.2O2\", which is not an IP address",
        ),
        (
            asking("a", "metallb.io/loadBalancerIPs", "192.168.1.202,192.168.1.203"),
            "two addresses of one family",
        ),
        (
            asking("a", "metallb.io/loadBalancerIPs", "192.168.1.202,fd00::1"),
            "asks for IPv4 and IPv6, and the Service has IPv4",
        ),
        (
            asking("a", "metallb.io/loadBalancerIPs", "fd00::5"),
            "asks for IPv6, and the Service has IPv4",
        ),
        (twice, "remove one of the two"),
        (ipv6, "no free IPv6 address is left in home"),
        (
            one_cluster_ip,
            "RequireDualStack and the Service has one cluster IP",
        ),
        (
            asking("a", "metallb.io/address-pool", "nowhere"),
            "\"nowhere\" does not exist",
        ),
        (
            asking("a", "metallb.io/loadBalancerIPs", "192.168.9.9"),
            "192.168.9.9 is in no usable IPAddressPool",
        ),
    ] {
        let decision = home().decide(&wish);
        assert_eq!(decision.outcome, Outcome::Pending);
        assert!(
            decision.because.to_string().contains(words),
            "{}",
            decision.because
        );
    }
}

#[test]
fn an_annotation_of_any_size_makes_a_short_reason() {
    let long = "x".repeat(256 * 1024);
    assert!(
        home()
            .reason(&asking("a", "metallb.io/loadBalancerIPs", &long))
            .len()
            < 300
    );
}

#[test]
fn of_two_that_ask_for_one_address_the_second_waits_and_names_the_first() {
    let mut world = home();
    world.decide(&asking("first", "metallb.io/loadBalancerIPs", "192.168.1.202"));
    let second = asking("second", "metallb.io/loadBalancerIPs", "192.168.1.202");
    assert!(
        world
            .reason(&second)
            .starts_with("192.168.1.202 belongs to Service default/first")
    );
    world.ledger.release(&ObjectKey::new("default", "first"));
    assert_eq!(world.address(&second).as_deref(), Some("192.168.1.202"));
}

#[test]
fn held_addresses_are_passed_over_and_named() {
    let mut world = home();
    world.hold("192.168.1.200", "phone");
    let decision = world.decide(&service("a"));
    assert!(
        decision
            .because
            .to_string()
            .contains("192.168.1.200 phone (DHCP lease on MikroTik)"),
        "{}",
        decision.because
    );
    assert_eq!(world.address(&service("a")).as_deref(), Some("192.168.1.201"));
    let wish = asking("b", "metallb.io/loadBalancerIPs", "192.168.1.200");
    assert!(
        world.reason(&wish).contains("in use by phone"),
        "{}",
        world.reason(&wish)
    );
}

#[test]
fn an_assigned_address_asks_nothing_of_the_network() {
    let mut world = home();
    world.decide(&service("a"));
    world.hold("192.168.1.200", "a liar");
    assert_eq!(world.address(&service("a")).as_deref(), Some("192.168.1.200"));
}

#[test]
fn nothing_is_handed_out_before_it_is_proven() {
    let mut world = home();
    for last in 200..=203 {
        world.net.0.insert(
            ip(&format!("192.168.1.{last}")),
            Availability::Unproven("the router was not read yet".to_owned()),
        );
    }
    assert_eq!(
        world.reason(&service("a")),
        "192.168.1.200 is not proven free yet: the router was not read yet"
    );
    world.net = Net::default();
    assert_eq!(world.address(&service("a")).as_deref(), Some("192.168.1.200"));
}

#[test]
fn an_exhausted_pool_says_so() {
    let mut world = World::new(&[pool("tiny", &["10.0.0.4/31"])]);
    world.hold("10.0.0.4", "printer");
    world.decide(&service("a"));
    assert!(
        world
            .reason(&service("b"))
            .starts_with("no free address is left in tiny (1 are in use by others)")
    );
    assert_eq!(World::new(&[]).decide(&service("a")).because, Because::NoPools);
}

#[test]
fn addresses_that_end_in_0_and_255_are_avoided_on_request() {
    let mut object = pool("buggy", &["10.0.0.255-10.0.1.1"]);
    if let Ok(spec) = &mut object.spec {
        spec.avoid_buggy_ips = true;
    }
    assert_eq!(
        World::new(&[object]).address(&service("a")).as_deref(),
        Some("10.0.1.1")
    );
}

#[test]
fn a_service_stays_when_its_new_wish_cannot_be_had() {
    let mut world = home();
    world.decide(&service("a"));
    world.decide(&asking("b", "metallb.io/loadBalancerIPs", "192.168.1.203"));
    for wish in ["garbage", "192.168.9.9", "192.168.1.203"] {
        let decision = world.decide(&asking("a", "metallb.io/loadBalancerIPs", wish));
        assert!(
            matches!(decision.because, Because::Stays(_)),
            "{wish}: {}",
            decision.because
        );
        assert!(
            matches!(decision.outcome, Outcome::Assigned { addresses, .. } if addresses == [ip("192.168.1.200")])
        );
    }
    let moved = asking("a", "metallb.io/loadBalancerIPs", "192.168.1.202");
    assert_eq!(
        world.address(&moved).as_deref(),
        Some("192.168.1.202"),
        "the user moves it"
    );
}

#[test]
fn what_a_dual_stack_service_has_stays_when_its_new_wish_cannot_be_had() {
    for (policy, pools, has) in [
        (
            FamilyPolicy::RequireDualStack,
            &["10.0.0.1", "fd00::1"][..],
            &["10.0.0.1", "fd00::1"][..],
        ),
        (FamilyPolicy::PreferDualStack, &["10.0.0.1"], &["10.0.0.1"]),
    ] {
        let ranges: Vec<String> = pools
            .iter()
            .map(|address| format!("{address}-{address}"))
            .collect();
        let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
        let mut world = World::new(&[pool("home", &ranges)]);
        let mut dual = service("a");
        dual.cluster_ips.push(ip("fd00:43::1"));
        dual.family_policy = Some(policy);
        world.decide(&dual);
        let annotation = "metallb.io/address-pool".to_owned();
        dual.annotations.insert(annotation, "nowhere".to_owned());
        let decision = world.decide(&dual);
        let has: Vec<IpAddr> = has.iter().map(|address| ip(address)).collect();
        assert!(
            matches!(&decision.outcome, Outcome::Assigned { addresses, .. } if *addresses == has),
            "{policy:?}: {decision:?}"
        );
    }
}

#[test]
fn a_service_of_another_class_or_type_is_left_alone() {
    let mut other = service("a");
    other.class = Some("example.com/cloud".to_owned());
    other.ingress = vec![ip("203.0.113.7")];
    assert_eq!(home().decide(&other).outcome, Outcome::NotOurs);
    let mut cluster_ip = service("b");
    cluster_ip.is_load_balancer = false;
    assert_eq!(home().decide(&cluster_ip).outcome, Outcome::NotOurs);
    let mut world = home();
    world.decide(&service("b"));
    assert_eq!(
        world.decide(&cluster_ip).outcome,
        Outcome::Pending,
        "its status is emptied"
    );
    assert_eq!(
        world.address(&service("c")).as_deref(),
        Some("192.168.1.200"),
        "and its address is free"
    );
}

#[test]
fn an_address_is_shared_by_the_sharing_rules_only() {
    let shared = |name: &str, port: u16, key: &str| {
        let mut s = asking(name, "metallb.io/allow-shared-ip", key);
        s.ports = [("TCP".to_owned(), port)].into();
        s
    };
    let mut world = home();
    assert_eq!(
        world.address(&shared("a", 80, "web")).as_deref(),
        Some("192.168.1.200")
    );
    assert_eq!(
        world.address(&shared("b", 443, "web")).as_deref(),
        Some("192.168.1.200")
    );
    assert_eq!(
        world.address(&shared("c", 443, "web")).as_deref(),
        Some("192.168.1.201"),
        "the port is taken"
    );
    assert_eq!(
        world.address(&shared("d", 25, "mail")).as_deref(),
        Some("192.168.1.202"),
        "another key"
    );
    let mut local = shared("e", 8080, "web");
    local.local_traffic_only = true;
    local.selector.insert("app".to_owned(), "e".to_owned());
    assert_eq!(
        world.address(&local).as_deref(),
        Some("192.168.1.203"),
        "another backend"
    );
}

#[test]
fn at_a_restart_a_waiting_wish_takes_nothing_from_a_service_read_later() {
    let mut waiting = asking("a", "metallb.io/loadBalancerIPs", "192.168.1.201");
    waiting.ingress = vec![ip("192.168.1.200")];
    let mut settled = service("b");
    settled.ingress = vec![ip("192.168.1.201")];
    let mut world = home();
    let ground = Ground::new(&world.config, &world.net, None, &world.namespaces);
    world.ledger.adopt([&waiting, &settled], &ground);
    assert_eq!(world.address(&waiting).as_deref(), Some("192.168.1.200"));
    assert_eq!(world.address(&settled).as_deref(), Some("192.168.1.201"));
}

/// Somebody's static lease is no free address, but for the one Service that says it is meant for it.
#[test]
fn a_reserved_address_is_for_who_names_it_and_says_so() {
    let holder = Holder {
        name: Some("nas".to_owned()),
        mac: None,
        evidence: "static DHCP lease on MikroTik".to_owned(),
    };
    let mut world = home();
    let reserved = Availability::Reserved(holder);
    world.net.0.insert(ip("192.168.1.200"), reserved);
    let says = |mut service: Service, value: &str| {
        let annotation = request::USE_EXISTING_LEASE.to_owned();
        service.annotations.insert(annotation, value.to_owned());
        service
    };
    assert_eq!(
        world.address(&says(service("any"), "true")).as_deref(),
        Some("192.168.1.201"),
        "it names no address"
    );
    let named = asking("nas", "metallb.io/loadBalancerIPs", "192.168.1.200");
    for refused in [named.clone(), says(named.clone(), "false")] {
        let because = world.decide(&refused).because;
        assert!(matches!(because, Because::Held { .. }), "{because:?}");
    }
    assert_eq!(
        world.address(&says(named, "true")).as_deref(),
        Some("192.168.1.200")
    );
}

/// A DNS server in the cluster: clients are told its address before its Service is there.
#[test]
fn an_address_that_the_router_points_others_to_is_for_who_names_it() {
    let role = Holder {
        name: Some("the router hands it out as DNS server".to_owned()),
        mac: None,
        evidence: "configured on MikroTik".to_owned(),
    };
    let first = ip("192.168.1.200");
    let mut world = home();
    world.net.0.insert(first, Availability::OnRequest(role.clone()));
    assert_eq!(world.address(&service("any")).as_deref(), Some("192.168.1.201"));
    let why = world.reason(&service("another"));
    assert_eq!(
        why,
        "it is the first free one; passed over: 192.168.1.200 the router hands it out as DNS server (configured on MikroTik)"
    );
    let dns = asking("dns", "metallb.io/loadBalancerIPs", "192.168.1.200");
    assert_eq!(world.address(&dns).as_deref(), Some("192.168.1.200"));
}
