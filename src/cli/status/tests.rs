//! What the speakers said, as a person reads it.

use serde_json::json;

use super::*;

fn heard() -> Heard {
    let one = json!({
        "announces": {"192.168.1.210": {"addresses": ["192.168.1.210", "fd00::10"], "because": "first of 3 candidates"}},
        "heard": ["node2"], "missing": ["node3"],
        "disputed": {"192.168.1.210": {"stranger": "aa:bb:cc:00:00:01", "nodes": ["node2"]}},
        "moves": [{"at": "2026-01-01T08:00:00Z", "address": "192.168.1.210", "began": true, "because": "first of 3 candidates"}],
    });
    let two = json!({
        "heard": ["node1"],
        "standsInFor": {"192.168.1.211": "node3", "192.168.1.212": "node3"},
        "detectionMilliseconds": {"node1": 36, "node3": 150},
        "moves": [{"at": "2026-01-01T09:00:00Z", "address": "192.168.1.213", "began": false, "because": "no Service has it any more"}],
    });
    let said = |state| -> Result<Said, String> { Ok(serde_json::from_value(state).unwrap()) };
    let speakers = [
        ("node1", said(one)),
        ("node2", said(two)),
        ("node3", Err("192.168.1.13:7472 did not answer".to_owned())),
    ];
    Heard {
        speakers: speakers.map(|(node, said)| (node.to_owned(), said)).into(),
        nobody: None,
    }
}

#[test]
fn speakers_moves_and_disputes_as_a_person_reads_them() {
    let heard = heard();
    let page = [speakers(&heard), moves(&heard), disputes(&heard)].map(|table| table.to_string());
    let expected = "\
NODE    ANNOUNCES     HEARS   DOES NOT HEAR   STANDS IN FOR         ITS END IS NOTICED
node1   2 addresses   node2   node3           -                     36 ms by node2
node2   0 addresses   node1   -               node3 (2 addresses)   -

WHEN                   ADDRESS         NODE    WHAT     BECAUSE
2026-01-01T09:00:00Z   192.168.1.213   node2   ceased   no Service has it any more
2026-01-01T08:00:00Z   192.168.1.210   node1   began    first of 3 candidates

ADDRESS         ANNOUNCED BY   AND ANSWERED BY
192.168.1.210   node1          the device aa:bb:cc:00:00:01, node node2
";
    assert_eq!(page.join("\n"), expected);
    let unheard = heard.unheard().unwrap();
    assert_eq!(
        unheard,
        "not heard from here: node3 (192.168.1.13:7472 did not answer)"
    );
}

#[test]
fn where_nobody_was_asked_nothing_is_shown_but_why() {
    let heard = Heard {
        nobody: Some("--speaker-port is 0".to_owned()),
        ..Heard::default()
    };
    assert!(speakers(&heard).is_empty() && moves(&heard).is_empty() && disputes(&heard).is_empty());
    let unheard = heard.unheard().unwrap();
    assert_eq!(unheard, "speakers were not asked: --speaker-port is 0");
}
