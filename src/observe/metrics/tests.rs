//! What all metrics have in common: the whole text, and what tests read out of it.

mod deployed;
mod page;

use super::family::{Family, Seconds};
use super::*;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

/// The lines of a registry that carry values, without descriptions.
pub(super) fn samples(registry: &Registry) -> Vec<String> {
    let text = text(registry).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// The samples whose names begin so.
pub(super) fn samples_of(registry: &Registry, name: &str) -> Vec<String> {
    let mut samples = samples(registry);
    samples.retain(|line| line.starts_with(name));
    samples
}

#[derive(Debug)]
struct Everything;

impl Collector for Everything {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        Family::counter("tiklb_things", "Things that happened.").write(&mut encoder, 3_u64)?;
        Family::gauge("tiklb_level_total", "A gauge in spite of its name.").write(&mut encoder, 0.5_f64)?;
        let rows = [
            ([("ip", "192.0.2.1".to_owned()), ("kind", String::new())], 1_u64),
            (
                [
                    ("ip", "2001:db8::1".to_owned()),
                    ("kind", "a \"b\"\\\n{c}".to_owned()),
                ],
                u64::MAX,
            ),
        ];
        Family::untyped("metallb_things_sent", "MetalLB's name.").write_all(&mut encoder, rows)
    }
}

#[test]
fn the_text_is_openmetrics() {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Everything));
    assert_eq!(
        text(&registry).unwrap(),
        r#"# HELP tiklb_things Things that happened.
# TYPE tiklb_things counter
tiklb_things_total 3
# HELP tiklb_level_total A gauge in spite of its name.
# TYPE tiklb_level_total gauge
tiklb_level_total 0.5
# HELP metallb_things_sent MetalLB's name.
# TYPE metallb_things_sent unknown
metallb_things_sent{ip="192.0.2.1",kind=""} 1
metallb_things_sent{ip="2001:db8::1",kind="a \"b\"\\\n{c}"} 18446744073709551615
# EOF
"#
    );
}

#[derive(Debug)]
struct Timed(Seconds);

impl Collector for Timed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        family::write_seconds(&mut encoder, "tiklb_took", "How long.", [([("a", "b")], &self.0)])
    }
}

#[test]
fn a_duration_falls_into_the_bucket_that_holds_it() {
    let mut seconds = Seconds::default();
    for ms in [0, 5, 6, 1_000, 60_000, 61_000] {
        seconds.observe(std::time::Duration::from_millis(ms));
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Timed(seconds)));
    assert!(
        text(&registry)
            .unwrap()
            .contains("# UNIT tiklb_took_seconds seconds\n")
    );
    let counts = samples(&registry)
        .into_iter()
        .map(|line| line.rsplit_once(' ').map(|(_, n)| n.to_owned()).unwrap())
        .collect::<Vec<_>>();
    // The sum, the number, then all up to 5 ms, 10 ms, … 60 s and without end.
    assert_eq!(
        counts,
        [
            "122.011", "6", "2", "3", "3", "3", "3", "3", "3", "4", "4", "4", "4", "4", "5", "6"
        ]
    );
    assert_eq!(
        samples_of(&registry, "tiklb_took_seconds_bucket").last().unwrap(),
        "tiklb_took_seconds_bucket{le=\"+Inf\",a=\"b\"} 6"
    );
}
