//! Everything in a world that looks random is a pure function of its seed: no state, so that any moment can be
//! computed without those before it.

/// Mixes a number into another (the finalizer of splitmix64).
#[must_use]
pub fn mix(seed: u64, value: u64) -> u64 {
    let mut z = seed ^ value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number for a name (FNV-1a).
#[must_use]
pub fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Uniform in `-1..1`.
#[must_use]
pub fn signed(seed: u64, value: u64) -> f64 {
    (mix(seed, value) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A smooth wander in about `-1..1` whose shortest wave is `period` ms: three sines of unrelated lengths.
#[must_use]
pub fn wander(seed: u64, at: i64, period: i64) -> f64 {
    let turns = at as f64 / period as f64;
    let phase = |n: u64| signed(seed, n) * std::f64::consts::PI;
    0.5 * (turns * std::f64::consts::TAU + phase(1)).sin()
        + 0.3 * (turns * std::f64::consts::TAU / 2.7 + phase(2)).sin()
        + 0.2 * (turns * std::f64::consts::TAU / 7.3 + phase(3)).sin()
}

const ALPHABET: [char; 27] = [
    'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z', '2', '4', '5',
    '6', '7', '8', '9',
];

/// A suffix of `length` characters of the alphabet that Kubernetes names use (apimachinery `util/rand`).
#[must_use]
pub fn suffix(seed: u64, length: usize) -> String {
    (0..length).filter_map(|n| ALPHABET.get((mix(seed, n as u64) % ALPHABET.len() as u64) as usize)).collect()
}

/// A version-4 UUID that belongs to a name.
#[must_use]
pub fn uid(seed: u64, name: &str) -> String {
    let (high, low) = (mix(seed, digest(name)), mix(digest(name), seed.wrapping_add(7)));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}
