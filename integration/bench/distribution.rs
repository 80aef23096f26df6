//! The samples of one measure in their order. A run that failed has a place among them: the last.

/// Samples, the smallest first. `None` is a run in which it never happened, which is longer than all others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Distribution(Vec<Option<f64>>);

impl Distribution {
    pub(super) fn of(samples: &[Option<f64>]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(|a, b| {
            let key = |sample: &Option<f64>| sample.unwrap_or(f64::INFINITY);
            key(a).total_cmp(&key(b))
        });
        Self(sorted)
    }

    /// How many there are, with the failed ones.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many failed.
    pub(super) fn failed(&self) -> usize {
        self.0.iter().filter(|sample| sample.is_none()).count()
    }

    /// The smallest sample.
    pub(super) fn min(&self) -> Option<f64> {
        self.0.first().copied().flatten()
    }

    /// The largest sample; nothing if one failed.
    pub(super) fn max(&self) -> Option<f64> {
        self.0.last().copied().flatten()
    }

    /// The mean; nothing if one failed, or if there is none.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a bench has far fewer than 2^52 samples"
    )]
    pub(super) fn mean(&self) -> Option<f64> {
        let sum: f64 = self.0.iter().copied().sum::<Option<f64>>()?;
        (!self.0.is_empty()).then(|| sum / self.0.len() as f64)
    }

    /// The smallest sample that at least `percent` of all do not exceed (nearest rank): always one that was measured,
    /// never a mean of two. Nothing if that one failed, or if there is none.
    pub(super) fn percentile(&self, percent: usize) -> Option<f64> {
        self.ranked((percent * self.0.len()).div_ceil(100))
    }

    /// What the true percentile is not above, with 95 % confidence: the sample whose rank lies 1.645 standard deviations of
    /// the binomial distribution higher. Another system is slower only if its own percentile is above this one.
    pub(super) fn percentile_at_most(&self, percent: usize) -> Option<f64> {
        // 2.706 is the square of 1.645.
        let deviation = (2_706 * self.0.len() * percent * (100 - percent) / 10_000_000).isqrt() + 1;
        let rank = (percent * self.0.len()).div_ceil(100) + deviation;
        self.ranked(rank.min(self.0.len()))
    }

    fn ranked(&self, rank: usize) -> Option<f64> {
        self.0.get(rank.max(1) - 1).copied().flatten()
    }
}

#[cfg(test)]
mod tests;
