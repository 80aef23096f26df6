//! The datagram's bytes: literal, round trip, hostile.

use proptest::prelude::*;

use super::*;

fn key() -> Key {
    Key::new(b"0123456789abcdef0123456789abcdef").unwrap()
}

/// With the signature behind them.
fn signed(bytes: &[u8]) -> Vec<u8> {
    let mut mac = key().mac().unwrap();
    mac.update(bytes);
    [bytes, &mac.finalize().into_bytes()].concat()
}

fn heartbeat() -> Datagram {
    Datagram {
        boot: BootId([7; 16]),
        sequence: 258,
        node: NodeName::from("node1"),
        body: Body::Heartbeat(Heartbeat {
            leaving: true,
            resting: false,
            settled: false,
            serving: Serving::Proven,
            failback: 600,
            claims: ClaimsVersion {
                version: 3,
                digest: [9; 8],
            },
            interfaces: vec![WireInterface {
                mac: MacAddr(2, 0, 0, 0, 1, 0x11),
                network: "192.168.1.11/24".parse().unwrap(),
            }],
            networks_v6: vec![],
            echoes: [([5; 8], 77)].into(),
        }),
    }
}

#[test]
fn a_heartbeat_is_these_bytes() {
    let bytes = heartbeat().encode(&key(), 0);
    let expected: Vec<u8> = [
        b"TKLB".as_slice(),
        &[1, 1, 0, 0],
        &key().id,
        &[7; 16],
        &[0, 0, 0, 0, 0, 0, 1, 2],
        &[5],
        b"node1",
        &[1 + 8, 0, 0, 2, 88],
        &[0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9, 9, 9, 9, 9, 9],
        &[1, 2, 0, 0, 0, 1, 0x11, 192, 168, 1, 11, 24],
        &[1, 5, 5, 5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 77],
    ]
    .concat();
    assert_eq!(bytes[..bytes.len() - 32], expected);
    assert_eq!(Datagram::decode(&bytes, &key()), Ok(heartbeat()));
}

/// Behind what every version reads, and not at all where there are none: heartbeats of a cluster without IPv6 are the same
/// in all versions.
#[test]
fn ipv6_networks_stand_at_the_end() {
    let mut datagram = heartbeat();
    let without = datagram.encode(&key(), 0);
    let Body::Heartbeat(body) = &mut datagram.body else {
        unreachable!()
    };
    body.networks_v6 = vec!["fd00:0:0:1::11/64".parse().unwrap()];
    let bytes = datagram.encode(&key(), 0);
    let expected = [1, 0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x11, 64];
    assert_eq!(bytes[..bytes.len() - 50], without[..without.len() - 32]);
    assert_eq!(bytes[bytes.len() - 50..bytes.len() - 32], expected);
    assert_eq!(Datagram::decode(&bytes, &key()), Ok(datagram));
}

#[test]
fn of_boots_at_rest_as_many_are_told_as_one_datagram_names() {
    let at_rest = |boots: u8| Datagram {
        body: Body::AtRest((0..boots).map(|n| [n; 8]).collect()),
        ..heartbeat()
    };
    let bytes = at_rest(2).encode(&key(), 0);
    let expected = [[2].as_slice(), &[0; 8], &[1; 8]].concat();
    assert_eq!(bytes[bytes.len() - 32 - 17..bytes.len() - 32], expected);
    assert_eq!(Datagram::decode(&bytes, &key()), Ok(at_rest(2)));
    let most = u8::try_from(MAX_AT_REST).unwrap();
    let bytes = at_rest(most + 5).encode(&key(), 0);
    assert_eq!(Datagram::decode(&bytes, &key()), Ok(at_rest(most)));
}

#[test]
fn what_a_later_version_adds_to_a_heartbeat_is_passed_over_and_nothing_else_is() {
    let longer = |datagram: &Datagram| {
        let bytes = datagram.encode(&key(), 0);
        let bytes = [&bytes[..bytes.len() - 32], &[0, 0, 7, 7, 7]].concat();
        Datagram::decode(&signed(&bytes), &key())
    };
    assert_eq!(longer(&heartbeat()), Ok(heartbeat()));
    let fetch = Datagram {
        body: Body::Fetch,
        ..heartbeat()
    };
    assert_eq!(longer(&fetch), Err(WireError::Malformed));
}

#[test]
fn every_changed_bit_is_noticed() {
    let bytes = heartbeat().encode(&key(), 0);
    for i in 0..bytes.len() {
        for bit in 0..8 {
            let mut forged = bytes.clone();
            forged[i] ^= 1 << bit;
            assert!(Datagram::decode(&forged, &key()).is_err(), "byte {i} bit {bit}");
        }
    }
}

#[test]
fn what_is_not_ours_is_told_apart() {
    let bytes = heartbeat().encode(&key(), 0);
    let other = Key::new(b"another key, as long as it must be").unwrap();
    assert!(matches!(
        Datagram::decode(&bytes, &other),
        Err(WireError::OtherKey(_))
    ));
    assert_eq!(
        Datagram::decode(b"GET / HTTP/1.1\r\n\r\n............................", &key()),
        Err(WireError::Foreign)
    );
    assert_eq!(Datagram::decode(&bytes[..40], &key()), Err(WireError::Foreign));
    let mut later = bytes.clone();
    later[4] = 2;
    assert_eq!(Datagram::decode(&later, &key()), Err(WireError::Version(2)));
    let mut forged = bytes;
    forged[20] ^= 1;
    assert_eq!(Datagram::decode(&forged, &key()), Err(WireError::Signature));
    assert!(Key::new(b"short").is_none());
    assert_eq!(
        format!("{:?}", key()).len(),
        "Key(00000000)".len(),
        "a key never shows itself"
    );
}

#[test]
fn fifty_nodes_fit_and_the_rest_takes_turns() {
    let mut datagram = heartbeat();
    datagram.node = NodeName("n".repeat(253).into());
    let Body::Heartbeat(body) = &mut datagram.body else {
        unreachable!()
    };
    body.interfaces = vec![body.interfaces[0]; MAX_INTERFACES];
    body.networks_v6 = vec!["fd00::1/64".parse().unwrap(); MAX_NETWORKS_V6];
    body.echoes = (0u64..100).map(|i| (i.to_be_bytes(), i)).collect();
    let mut seen = BTreeSet::new();
    for rotate in [0, 30, 60, 90] {
        let bytes = datagram.encode(&key(), rotate);
        assert!(bytes.len() <= MAX_LENGTH, "{}", bytes.len());
        let Body::Heartbeat(read) = Datagram::decode(&bytes, &key()).unwrap().body else {
            unreachable!()
        };
        assert!(read.echoes.len() >= 32, "{}", read.echoes.len());
        seen.extend(read.echoes.into_keys());
    }
    assert_eq!(seen.len(), 100);
}

/// What else there is to say leaves fewer of them, and loses none of it itself.
#[test]
fn a_heartbeat_is_filled_with_echoes() {
    let sizes = (0..=MAX_NETWORKS_V6).flat_map(|networks| (0..=4).map(move |v6| (networks, v6)));
    for (networks, v6) in sizes {
        let mut datagram = heartbeat();
        let Body::Heartbeat(body) = &mut datagram.body else {
            unreachable!()
        };
        let with = |network: &str| WireInterface {
            mac: MacAddr(2, 0, 0, 0, 1, 0x12),
            network: network.parse().unwrap(),
        };
        body.interfaces.extend(vec![with("fd00::12/64"); v6]);
        body.networks_v6 = vec!["fd00::1/64".parse().unwrap(); networks];
        body.echoes = (0u64..100).map(|i| (i.to_be_bytes(), i)).collect();
        let said = body.clone();
        let bytes = datagram.encode(&key(), 0);
        assert!(bytes.len() <= MAX_LENGTH, "{networks}, {v6}: {}", bytes.len());
        // Room is kept for the counts of what comes behind.
        assert!(
            bytes.len() + 16 + 2 > MAX_LENGTH,
            "{networks}, {v6}: {}",
            bytes.len()
        );
        let Body::Heartbeat(mut read) = Datagram::decode(&bytes, &key()).unwrap().body else {
            unreachable!()
        };
        read.echoes = said.echoes.clone();
        assert_eq!(read, said, "{networks}, {v6}");
    }
}

#[test]
fn a_header_alone_is_malformed_and_what_is_shorter_is_foreign() {
    let header = [b"TKLB".as_slice(), &[1, 1, 0, 0], &key().id].concat();
    let read = |bytes: &[u8]| Datagram::decode(bytes, &key());
    assert_eq!(read(&signed(&header)), Err(WireError::Malformed));
    assert_eq!(read(&signed(&header[..11])), Err(WireError::Foreign));
}

#[test]
fn the_longest_datagram_is_read_and_one_byte_more_is_foreign() {
    let mut bytes = heartbeat().encode(&key(), 0);
    bytes.truncate(bytes.len() - 32);
    // What a later version may have to say.
    bytes.resize(MAX_LENGTH - 32, 0);
    assert_eq!(Datagram::decode(&signed(&bytes), &key()), Ok(heartbeat()));
    bytes.push(0);
    assert_eq!(Datagram::decode(&signed(&bytes), &key()), Err(WireError::Foreign));
}

#[test]
fn a_part_behind_the_last_one_and_an_epoch_at_the_end_of_all_are_malformed() {
    let part = |part, epoch| Datagram {
        body: Body::Claims(ClaimsPart {
            claims: ClaimsVersion::default(),
            part,
            parts: 2,
            entries: vec![("192.168.1.200".parse().unwrap(), epoch)],
        }),
        ..heartbeat()
    };
    let read = |datagram: &Datagram| Datagram::decode(&datagram.encode(&key(), 0), &key());
    assert_eq!(read(&part(1, 3)), Ok(part(1, 3)));
    assert_eq!(read(&part(2, 3)), Err(WireError::Malformed));
    assert_eq!(read(&part(1, u64::MAX - 1)), Err(WireError::Malformed));
}

/// Nobody has asked for a range that ends before it begins.
#[test]
fn a_range_of_a_survey_may_be_of_one_address() {
    let survey = |first: u8, last: u8| Datagram {
        body: Body::Survey(SurveyReport {
            subnet: "192.168.1.0/24".parse().unwrap(),
            age_ms: 7,
            covered: vec![([192, 168, 1, first].into(), [192, 168, 1, last].into())],
            occupied: vec![],
        }),
        ..heartbeat()
    };
    let read = |datagram: &Datagram| Datagram::decode(&datagram.encode(&key(), 0), &key());
    assert_eq!(read(&survey(5, 5)), Ok(survey(5, 5)));
    assert_eq!(read(&survey(6, 5)), Err(WireError::Malformed));
}

/// Logs tell keys and starts apart by these, and nothing of the key is in them.
#[test]
fn a_key_and_a_start_are_shown_in_short() {
    let shown = key().to_string();
    assert_eq!(
        u32::from_str_radix(&shown, 16).map(u32::to_be_bytes),
        Ok(key().id)
    );
    assert_eq!(format!("{:?}", key()), format!("Key({shown})"));
    let boot = BootId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    assert_eq!(format!("{boot:?}"), "0102030405060708");
}

fn networks() -> impl Strategy<Value = Ipv4Net> {
    (any::<u32>(), 0u8..=32).prop_map(|(a, p)| Ipv4Net::new(Ipv4Addr::from_bits(a), p).unwrap())
}

fn networks_v6() -> impl Strategy<Value = Ipv6Net> {
    (any::<u128>(), 0u8..=128).prop_map(|(a, p)| Ipv6Net::new(std::net::Ipv6Addr::from_bits(a), p).unwrap())
}

fn surveys() -> impl Strategy<Value = Body> {
    let mac = any::<[u8; 6]>().prop_map(MacAddr::from);
    let range = (any::<u32>(), any::<u32>())
        .prop_map(|(a, b)| (Ipv4Addr::from_bits(a.min(b)), Ipv4Addr::from_bits(a.max(b))));
    let occupied = (any::<u32>().prop_map(Ipv4Addr::from_bits), mac);
    (
        networks(),
        any::<u32>(),
        proptest::collection::vec(range, 0..=MAX_RANGES),
        proptest::collection::vec(occupied, 0..=MAX_OCCUPIED),
    )
        .prop_map(|(subnet, age_ms, covered, occupied)| {
            Body::Survey(SurveyReport {
                subnet,
                age_ms,
                covered,
                occupied,
            })
        })
}

fn offers() -> impl Strategy<Value = Body> {
    let cause = prop_oneof![
        Just(Cause::Leaving),
        Just(Cause::NotCandidate),
        Just(Cause::NoLink),
        Just(Cause::Preferred),
        Just(Cause::Order)
    ];
    let entries = proptest::collection::vec((any::<IpAddr>(), any::<u64>()), 0..=CLAIMS_PER_PART);
    (cause, entries).prop_map(|(cause, entries)| Body::Offer(Offer { cause, entries }))
}

/// Another speaker, in a network of either family.
fn mentions() -> impl Strategy<Value = Mention> {
    let network = prop_oneof![networks().prop_map(IpNet::V4), networks_v6().prop_map(IpNet::V6)];
    let node = "[a-z0-9.-]{1,253}".prop_map(|node| NodeName(node.into()));
    (node, any::<[u8; 8]>(), network).prop_map(|(node, boot, on)| Mention {
        node,
        boot,
        on: on.trunc(),
    })
}

fn verdicts() -> impl Strategy<Value = Body> {
    let silence = any::<u32>().prop_map(|silence| Duration::from_micros(silence.into()));
    (mentions(), silence).prop_map(|(about, silence)| Body::Gone(Verdict { about, silence }))
}

fn versions() -> impl Strategy<Value = ClaimsVersion> {
    (any::<u64>(), any::<[u8; 8]>()).prop_map(|(version, digest)| ClaimsVersion { version, digest })
}

fn claims() -> impl Strategy<Value = Body> {
    let entry = (any::<IpAddr>(), any::<u64>());
    let claims = (
        versions(),
        0u16..4,
        proptest::collection::vec(entry, 0..=CLAIMS_PER_PART),
    );
    claims.prop_map(|(claims, part, entries)| {
        Body::Claims(ClaimsPart {
            claims,
            part,
            parts: 4,
            entries,
        })
    })
}

fn bodies() -> impl Strategy<Value = Body> {
    let mac = any::<[u8; 6]>().prop_map(MacAddr::from);
    let network = prop_oneof![networks().prop_map(IpNet::V4), networks_v6().prop_map(IpNet::V6)];
    let interface = (mac, network).prop_map(|(mac, network)| WireInterface { mac, network });
    // IPv6's are the last on the wire.
    let interfaces = proptest::collection::vec(interface, 0..=MAX_INTERFACES).prop_map(|mut interfaces| {
        interfaces.sort_by_key(|interface| interface.network.addr().is_ipv6());
        interfaces
    });
    let serving = prop_oneof![
        Just(Serving::Unknown),
        Just(Serving::Proven),
        Just(Serving::Failing)
    ];
    let heartbeat = (
        any::<bool>(),
        (serving, any::<u32>()),
        versions(),
        (
            interfaces,
            proptest::collection::vec(networks_v6(), 0..=MAX_NETWORKS_V6),
        ),
        proptest::collection::btree_map(any::<[u8; 8]>(), any::<u64>(), 0..32),
    )
        .prop_map(
            |(leaving, (serving, failback), claims, (interfaces, networks_v6), echoes)| {
                Body::Heartbeat(Heartbeat {
                    leaving,
                    resting: !leaving,
                    settled: leaving,
                    serving,
                    failback,
                    claims,
                    interfaces,
                    networks_v6,
                    echoes,
                })
            },
        );
    let at_rest = proptest::collection::btree_set(any::<[u8; 8]>(), 0..=MAX_AT_REST).prop_map(Body::AtRest);
    prop_oneof![
        heartbeat,
        Just(Body::Fetch),
        claims(),
        surveys(),
        offers(),
        at_rest,
        mentions().prop_map(Body::Poll),
        mentions().prop_map(Body::Contact),
        verdicts(),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(body in bodies(), node in "[a-z0-9.-]{1,253}", sequence in any::<u64>(), boot in any::<[u8; 16]>()) {
        let datagram = Datagram { boot: BootId(boot), sequence, node: NodeName(node.into()), body };
        let bytes = datagram.encode(&key(), 0);
        prop_assert!(bytes.len() <= MAX_LENGTH);
        prop_assert_eq!(Datagram::decode(&bytes, &key()), Ok(datagram));
    }

    #[test]
    fn no_signed_nonsense_panics(kind in any::<u8>(), content in proptest::collection::vec(any::<u8>(), 0..600)) {
        let bytes = [b"TKLB".as_slice(), &[1, kind, 0, 0], &key().id, &content].concat();
        let _ = Datagram::decode(&signed(&bytes), &key());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1400)) {
        let _ = Datagram::decode(&bytes, &key());
    }
}
