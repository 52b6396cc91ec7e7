//! A tiny deterministic generator (splitmix64), so that a world is the same on every machine and toolchain.

/// Sebastiano Vigna's splitmix64; good enough to scatter durations, too weak for anything else.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// Seeds from several numbers, so that each pipeline has its own independent stream.
    pub(crate) fn of(parts: &[u64]) -> Self {
        let mut rng = Self(0x5EED_611A_B000_0001);
        for part in parts {
            rng.0 ^= *part;
            rng.next();
        }
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number in `low..high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).unwrap_or(1).max(1);
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// Returns 40 hexadecimal digits, as a commit id has.
    pub(crate) fn sha(&mut self) -> String {
        format!("{:016x}{:016x}{:08x}", self.next(), self.next(), self.next() >> 32)
    }
}
