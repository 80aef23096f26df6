//! One metric with all its labels, written at a scrape.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// A metric's name and what it tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    /// Grows like a counter, but under a name without `_total`: `OpenMetrics` has no counters of such a name.
    Untyped,
}

/// Labels and the value under them.
pub(super) type Row<V, const N: usize> = ([(&'static str, String); N], V);

impl Family {
    /// Its name on the wire ends in `_total`, which is not written here.
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        let kind = Kind::Counter;
        Self { name, help, kind }
    }

    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        let kind = Kind::Gauge;
        Self { name, help, kind }
    }

    pub(super) const fn untyped(name: &'static str, help: &'static str) -> Self {
        let kind = Kind::Untyped;
        Self { name, help, kind }
    }

    /// One value without labels.
    pub(super) fn write(
        self,
        encoder: &mut DescriptorEncoder<'_>,
        value: impl EncodeCounterValue + EncodeGaugeValue + Copy,
    ) -> fmt::Result {
        self.value(&mut self.describe(encoder)?, &value)
    }

    /// Any number of values, each under its labels.
    pub(super) fn write_all<V: EncodeCounterValue + EncodeGaugeValue, const N: usize>(
        self,
        encoder: &mut DescriptorEncoder<'_>,
        rows: impl IntoIterator<Item = Row<V, N>>,
    ) -> fmt::Result {
        let mut encoder = self.describe(encoder)?;
        for (labels, value) in rows {
            self.value(&mut encoder.encode_family(&labels)?, &value)?;
        }
        Ok(())
    }

    fn describe<'a>(self, encoder: &'a mut DescriptorEncoder<'_>) -> Result<MetricEncoder<'a>, fmt::Error> {
        let kind = match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Untyped => MetricType::Unknown,
        };
        encoder.encode_descriptor(self.name, self.help, None, kind)
    }

    fn value(
        self,
        encoder: &mut MetricEncoder<'_>,
        value: &(impl EncodeCounterValue + EncodeGaugeValue),
    ) -> fmt::Result {
        match self.kind {
            Kind::Counter => encoder.encode_counter::<NoLabelSet, _, u64>(value, None),
            Kind::Gauge | Kind::Untyped => encoder.encode_gauge(value),
        }
    }
}

/// A histogram of seconds under each of its labels; `_seconds` is appended to the name.
pub(super) fn write_seconds<'a, L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    rows: impl IntoIterator<Item = (L, &'a Seconds)>,
) -> fmt::Result {
    let mut encoder = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for (labels, seconds) in rows {
        seconds.encode(encoder.encode_family(&labels)?)?;
    }
    Ok(())
}

/// The same without labels.
pub(super) fn write_seconds_of_all(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    seconds: &Seconds,
) -> fmt::Result {
    let encoder = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    seconds.encode(encoder)
}

/// How long something took, many times.
#[derive(Debug, Clone, Default)]
pub(super) struct Seconds {
    sum: f64,
    /// One for each bound, and one for what is above all.
    counts: [u64; 14],
}

impl Seconds {
    /// From an answer out of a LAN to a write that lives as long as RouterOS lets it, 60 s.
    const BOUNDS: [f64; 13] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ];

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let buckets: Vec<(f64, u64)> = Self::BOUNDS
            .into_iter()
            .chain([f64::INFINITY])
            .zip(self.counts)
            .collect();
        let count = self.counts.iter().sum();
        encoder.encode_histogram::<NoLabelSet>(self.sum, count, &buckets, None)
    }

    pub(super) fn observe(&mut self, took: std::time::Duration) {
        let took = took.as_secs_f64();
        self.sum += took;
        let at = Self::BOUNDS
            .iter()
            .position(|bound| took <= *bound)
            .unwrap_or(Self::BOUNDS.len());
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
    }
}
