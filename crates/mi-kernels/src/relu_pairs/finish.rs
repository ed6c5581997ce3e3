use super::{PAIR_STRIP, PairScaling};
use crate::simd::{Kernel, Simd};

/// Rows whose share of dw is added in single precision before the sum continues in `f64`.
const FLUSH: usize = 16;

/// See [`super::relu_pair_finish`].
pub(super) struct Finish<'a> {
    pub(super) a: &'a [f32],
    pub(super) minus_b: &'a [f32],
    pub(super) scaling: PairScaling<'a, f32>,
    pub(super) w: &'a [f32; PAIR_STRIP],
    pub(super) da: &'a mut [f32],
    pub(super) db: &'a mut [f32],
    pub(super) dw: &'a mut [f64; PAIR_STRIP],
}

impl Kernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { a, minus_b, scaling, w, da, db, dw } = self;
        let zero = s.splat(0.0);
        let columns = s.splat(scaling.columns);
        let block = FLUSH * PAIR_STRIP;
        for lane in (0..PAIR_STRIP).step_by(S::LANES) {
            let w = s.load(&w[lane..]);
            let inputs = a.chunks(block).zip(minus_b.chunks(block));
            let sums = da.chunks_mut(block).zip(db.chunks_mut(block));
            let factors = scaling.rows.chunks(FLUSH).zip(scaling.diagonal.chunks(FLUSH));
            for (((a, minus_b), (da, db)), (rows, diagonal)) in inputs.zip(sums).zip(factors) {
                let mut sum = zero;
                for (i, (&row, &diagonal)) in rows.iter().zip(diagonal).enumerate() {
                    let at = i * PAIR_STRIP + lane..(i + 1) * PAIR_STRIP;
                    let (x, y) = (s.load(&a[at.clone()]), s.load(&minus_b[at.clone()]));
                    let (da, db) = (&mut da[at.clone()], &mut db[at]);
                    let own = s.add_where(s.greater(x, y), zero, s.splat(diagonal));
                    let sum_a = s.mul_add(s.splat(row), s.load(da), own);
                    let sum_b = s.mul_add(columns, s.load(db), own);
                    sum = s.add(sum, s.sub(s.mul(x, sum_a), s.mul(y, sum_b)));
                    s.store(da, s.mul(w, sum_a));
                    s.store(db, s.mul(w, sum_b));
                }
                let mut lanes = [0.0; PAIR_STRIP];
                s.store(&mut lanes, sum);
                for (dw, &lane) in dw[lane..lane + S::LANES].iter_mut().zip(&lanes) {
                    *dw += f64::from(lane);
                }
            }
        }
    }
}
