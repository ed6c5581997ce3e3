use super::{Kernel, Simd};

/// Eight lanes in plain Rust: the fallback on every processor, and the reference for tests.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

const LANES: usize = 8;
type V = [f32; LANES];

impl Portable {
    /// Runs a kernel, compiled with the features that the compilation target always has.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

/// Lane by lane, from two vectors.
fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

impl Simd for Portable {
    type V = V;
    type M = [bool; LANES];
    const LANES: usize = LANES;
    const FMA: bool = false;
    const TILE_ROWS: usize = 0;

    fn splat(self, x: f32) -> V {
        [x; LANES]
    }

    fn load(self, x: &[f32]) -> V {
        std::array::from_fn(|lane| x[lane])
    }

    fn load_part(self, x: &[f32], fill: f32) -> V {
        std::array::from_fn(|lane| x.get(lane).copied().unwrap_or(fill))
    }

    fn store(self, x: &mut [f32], v: V) {
        x[..LANES].copy_from_slice(&v);
    }

    fn store_part(self, x: &mut [f32], v: V) {
        x.copy_from_slice(&v[..x.len()]);
    }

    fn transpose(self, sources: &[&[f32]; 16], first: usize, to: &mut [f32], stride: usize) {
        for (row, to) in to.chunks_mut(stride).take(LANES).enumerate() {
            for (to, source) in to.iter_mut().zip(&sources[..LANES]) {
                *to = source[first + row];
            }
        }
    }

    fn add(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }

    fn sub(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }

    fn mul(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }

    fn div(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }

    fn mul_add(self, a: V, b: V, c: V) -> V {
        // Two roundings: without the instruction, `f32::mul_add` is a slow call.
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    fn max(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    fn min(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    fn greater(self, a: V, b: V) -> [bool; LANES] {
        std::array::from_fn(|lane| a[lane] > b[lane])
    }

    fn add_where(self, mask: [bool; LANES], a: V, b: V) -> V {
        std::array::from_fn(|lane| if mask[lane] { a[lane] + b[lane] } else { a[lane] })
    }

    fn select(self, mask: [bool; LANES], a: V, b: V) -> V {
        std::array::from_fn(|lane| if mask[lane] { a[lane] } else { b[lane] })
    }

    fn round(self, v: V) -> V {
        // Above 2²³ floats are integers, so the addition rounds and the subtraction is exact.
        const MAGIC: f32 = 12_582_912.0;
        v.map(|x| (x + MAGIC) - MAGIC)
    }

    fn scale(self, v: V, n: V) -> V {
        zip(v, n, |v, n| {
            if n < -125.0 {
                return 0.0;
            }
            // In two steps: 2¹²⁸ is no float, though v · 2¹²⁸ may be one. NaN counts as 0 here.
            let n = n as i32;
            let power = |n: i32| f32::from_bits(((n + 127) << 23).cast_unsigned());
            v * power(n >> 1) * power(n - (n >> 1))
        })
    }

    fn sum(self, v: V) -> f64 {
        v.iter().map(|&x| f64::from(x)).sum()
    }

    fn largest(self, v: V) -> f32 {
        v.into_iter().fold(f32::NEG_INFINITY, |a, b| if a > b { a } else { b })
    }
}
