//! Numbers from a seed, the same on every machine.

/// `SplitMix64` (Steele, Lea, Flood 2014): one word of state and no bad seed.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A small one, as addresses and nodes have.
    pub(super) fn byte(&mut self, first: u8, last: u8) -> u8 {
        first + u8::try_from(self.below(u64::from(last - first) + 1)).unwrap_or(0)
    }

    /// Once in so many.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        let len = u64::try_from(of.len()).unwrap_or(1);
        of[usize::try_from(self.below(len)).unwrap_or(0)]
    }
}
