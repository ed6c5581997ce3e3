use ndarray::{Array2, ShapeBuilder};
use ndarray_rand::RandomExt;
use ndarray_rand::rand::{Rng, RngCore, SeedableRng};
use ndarray_rand::rand_distr::{Distribution, StandardNormal};
use rand_chacha::ChaCha8Rng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A random stream (`ChaCha8`) identified by a root seed and a name.
///
/// Streams of different names, or of different root seeds, are independent. The type
/// implements [`RngCore`], so every distribution of [`crate::rand_distr`] can draw from it.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
}

/// The complete state of a [`Stream`]: its key and its position.
///
/// Reading one whose position is not a number of the stream's range fails: continuing from
/// elsewhere would silently repeat numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    key: [u8; 32],
    /// Position in 32-bit words, below `PERIOD`.
    #[serde(serialize_with = "write_position", deserialize_with = "read_position")]
    position: u128,
}

/// 32-bit words of a stream: 2⁶⁴ blocks of 16.
const PERIOD: u128 = 1 << 68;

/// As text: JSON and TOML have no 128-bit integers.
fn write_position<S: Serializer>(position: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(position)
}

fn read_position<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().ok().filter(|&position| position < PERIOD).ok_or_else(|| {
        D::Error::custom(format!(
            "the position of a random stream is `{text}`: it must be a whole number below 2^68, as \
             saved"
        ))
    })
}

impl Stream {
    /// The stream called `name` under the root seed `seed`.
    pub fn new(seed: u64, name: &str) -> Self {
        Self { rng: ChaCha8Rng::from_seed(key(&seed.to_le_bytes(), name)) }
    }

    /// The stream called `name` below this one.
    ///
    /// It depends only on this stream's key, not on how many numbers were drawn from it.
    pub fn child(&self, name: &str) -> Self {
        Self { rng: ChaCha8Rng::from_seed(key(&self.rng.get_seed(), name)) }
    }

    /// The stream's state, to be saved.
    pub fn state(&self) -> StreamState {
        StreamState { key: self.rng.get_seed(), position: self.rng.get_word_pos() }
    }

    /// The stream whose state was saved.
    pub fn from_state(state: &StreamState) -> Self {
        let mut rng = ChaCha8Rng::from_seed(state.key);
        rng.set_word_pos(state.position);
        Self { rng }
    }

    /// A number drawn uniformly from [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.rng.random()
    }

    /// A standard normal number.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.rng)
    }

    /// A standard normal number, redrawn until it lies within ±`cut`: for small cuts about
    /// 1.25/`cut` times. Without drawing, 0 if `cut` is 0 or less, and NaN if it is NaN.
    pub fn truncated_normal(&mut self, cut: f64) -> f64 {
        // No draw would ever do.
        if cut.is_nan() || cut <= 0.0 {
            return if cut.is_nan() { cut } else { 0.0 };
        }
        loop {
            let z = self.normal();
            if z.abs() <= cut {
                return z;
            }
        }
    }

    /// An integer drawn uniformly from 0..`n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // u64 arithmetic on every platform: a usize draw would differ between 32 and 64 bits.
        if n == 0 { 0 } else { self.rng.random_range(0..n as u64) as usize }
    }

    /// Shuffles a slice in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }

    /// A random permutation of 0..`n`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut items: Vec<usize> = (0..n).collect();
        self.shuffle(&mut items);
        items
    }

    /// A matrix of independent draws, filled in row-major order.
    pub fn matrix<T>(
        &mut self,
        (rows, columns): (usize, usize),
        distribution: impl Distribution<T>,
    ) -> Array2<T> {
        Array2::random_using((rows, columns).set_f(false), distribution, &mut self.rng)
    }

    /// A matrix of independent standard normal numbers.
    pub fn normal_matrix(&mut self, shape: (usize, usize)) -> Array2<f64> {
        self.matrix(shape, StandardNormal)
    }
}

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        self.rng.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.rng.fill_bytes(bytes);
    }
}

/// A 256-bit key from a parent's bytes and a name: four lanes of FNV-1a, each finished by the
/// `SplitMix64` mixer (Steele, Lea and Flood, 2014). Not cryptographic, and need not be.
fn key(parent: &[u8], name: &str) -> [u8; 32] {
    let mut key = [0; 32];
    for (lane, chunk) in (0_u64..).zip(key.chunks_exact_mut(8)) {
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ (lane + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // 0xff never occurs in UTF-8, so a parent and a name cannot be confused.
        for &byte in parent.iter().chain(&[0xff]).chain(name.as_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(hash ^ (hash >> 31)).to_le_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_known_by_seed_and_name() {
        let draw = |seed, name: &str| Stream::new(seed, name).next_u64();
        assert_eq!(draw(1, "init"), draw(1, "init"));
        assert_ne!(draw(1, "init"), draw(2, "init"));
        assert_ne!(draw(1, "init"), draw(1, "noise"));
    }

    #[test]
    fn numbers_are_the_same_on_every_machine() {
        let mut stream = Stream::new(0, "golden");
        let drawn = (stream.next_u64(), stream.permutation(8), stream.below(1000));
        assert_eq!(drawn, (17_691_075_306_590_831_506, vec![5, 0, 3, 2, 1, 4, 7, 6], 893));
    }

    #[test]
    fn a_child_does_not_depend_on_the_parents_position() {
        let mut parent = Stream::new(3, "trial");
        let before = parent.child("init").next_u64();
        parent.uniform();
        assert_eq!(parent.child("init").next_u64(), before);
    }

    #[test]
    fn a_restored_stream_goes_on_with_the_same_bits() {
        let mut stream = Stream::new(5, "noise");
        stream.normal_matrix((3, 7));
        let text = serde_json::to_string(&stream.state()).unwrap();
        let expected = stream.permutation(100);
        let mut restored = Stream::from_state(&serde_json::from_str(&text).unwrap());
        assert_eq!(restored.permutation(100), expected);
    }

    #[test]
    fn a_state_without_a_position_is_refused() {
        let state = Stream::new(5, "noise").state();
        let text = serde_json::to_string(&state).unwrap();
        assert!(text.contains("\"position\":\"0\""), "{text}");
        let with = |position: &str| {
            let text = text.replace("\"position\":\"0\"", &format!("\"position\":{position}"));
            serde_json::from_str::<StreamState>(&text)
        };
        assert_eq!(with("\"0\"").unwrap(), state);
        // 2^68 − 1, the last word, and the number after it.
        assert!(with("\"295147905179352825855\"").is_ok());
        for bad in ["\"\"", "\"x\"", "\"-1\"", "\"1.5\"", "\"295147905179352825856\"", "null", "7"]
        {
            assert!(with(bad).is_err(), "{bad}");
        }
        let error = with("\"x\"").unwrap_err().to_string();
        assert!(error.contains("`x`") && error.contains("whole number"), "{error}");
    }

    #[test]
    fn a_cut_without_room_ends() {
        let mut stream = Stream::new(5, "cut");
        let before = stream.state();
        for cut in [0.0, -0.0, -1.0, f64::NEG_INFINITY] {
            assert_eq!(stream.truncated_normal(cut), 0.0);
        }
        assert!(stream.truncated_normal(f64::NAN).is_nan());
        assert_eq!(stream.state(), before, "nothing is drawn");
        assert!(stream.truncated_normal(1e-3).abs() <= 1e-3);
        assert!(stream.truncated_normal(f64::INFINITY).is_finite());
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut stream = Stream::new(11, "moments");
        let z = stream.normal_matrix((1000, 100));
        assert!(z.mean().unwrap().abs() < 0.02 && (z.std(0.0) - 1.0).abs() < 0.02);
        let cut: Vec<f64> = (0..10_000).map(|_| stream.truncated_normal(2.0)).collect();
        assert!(cut.iter().all(|z| z.abs() <= 2.0));
        // The variance of a standard normal cut at ±2 is 1 − 4φ(2)/(2Φ(2) − 1) = 0.7737.
        let variance = cut.iter().map(|z| z * z).sum::<f64>() / 10_000.0;
        assert!((variance - 0.7737).abs() < 0.03, "{variance}");
    }
}
