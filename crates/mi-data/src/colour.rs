//! Colour spaces: how a view converts a pixel's red, green and blue.

use ndarray::NdFloat;

use crate::number::cast;

/// A colour space that images of red, green and blue are converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Colour {
    /// CIE L*a*b* of sRGB under the white D65 (2° observer): L in 0..=100, a and b about ±100.
    Lab,
    /// L*a*b* centred and scaled as in Contrastive Multiview Coding (Tian et al., 2019, code): (L −
    /// 50) / 50, (a − 6.025) / 92.208, (b + 6.6895) / 101.1675.
    LabScaled,
}

impl Colour {
    pub(crate) const ALL: [Self; 2] = [Self::Lab, Self::LabScaled];

    /// The name in the text of views.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::LabScaled => "lab_scaled",
        }
    }

    /// A pixel with red, green and blue in [0, 1] in this space.
    pub fn of_rgb<T: NdFloat>(self, rgb: [T; 3]) -> [T; 3] {
        let lab = lab(rgb.map(|value| value.to_f64().unwrap_or(f64::NAN)));
        let [l, a, b] = lab;
        let values = match self {
            Self::Lab => lab,
            Self::LabScaled => [(l - 50.0) / 50.0, (a - 6.025) / 92.208, (b + 6.6895) / 101.1675],
        };
        values.map(cast)
    }
}

/// sRGB to XYZ (ITU-R BT.709 primaries), with the six digits of scikit-image.
const XYZ: [[f64; 3]; 3] = [
    [0.412_453, 0.357_580, 0.180_423],
    [0.212_671, 0.715_160, 0.072_169],
    [0.019_334, 0.119_193, 0.950_227],
];

/// D65 for the 2° observer.
const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];

/// CIE 1976, after the transfer function of sRGB (IEC 61966-2-1) is undone.
fn lab(rgb: [f64; 3]) -> [f64; 3] {
    let linear =
        rgb.map(|v| if v > 0.040_45 { ((v + 0.055) / 1.055).powf(2.4) } else { v / 12.92 });
    let mut f = [0.0; 3];
    for ((f, row), white) in f.iter_mut().zip(XYZ).zip(WHITE) {
        let t = row.iter().zip(linear).map(|(m, v)| m * v).sum::<f64>() / white;
        *f = if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    }
    let [x, y, z] = f;
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From scikit-image 0.26.0:
    ///
    /// ```python
    /// import numpy as np
    /// from skimage.color import rgb2lab
    /// rgb = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255],
    ///        [128, 128, 128], [1, 2, 3], [200, 120, 30], [17, 99, 240]]
    /// for p in rgb: print(p, ["%.12g" % v for v in rgb2lab(np.array([[p]]) / 255)[0, 0]])
    /// ```
    #[test]
    fn lab_is_scikit_images() {
        let golden = [
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 255, 255], [100.0, -0.002_454_937_862_05, 0.004_653_421_154_05]),
            ([255, 0, 0], [53.240_587_943_7, 80.092_308_225_7, 67.202_751_044_4]),
            ([0, 255, 0], [87.735_099_488_3, -86.183_029_744_4, 83.179_703_175_4]),
            ([0, 0, 255], [32.295_672_565, 79.185_590_911_8, -107.857_300_207]),
            ([128, 128, 128], [53.585_013_452_2, -0.001_472_645_553_06, 0.002_791_451_496_58]),
            ([1, 2, 3], [0.509_825_067_509, -0.122_490_304_816, -0.470_496_076_551]),
            ([200, 120, 30], [57.855_640_751_8, 24.987_669_497_3, 57.735_881_461_5]),
            ([17, 99, 240], [46.084_203_871_5, 31.830_080_014_8, -76.604_430_522_5]),
        ];
        for (rgb, expected) in golden {
            let rgb = rgb.map(|value: u8| f64::from(value) / 255.0);
            for (found, expected) in Colour::Lab.of_rgb(rgb).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{rgb:?}: {found} for {expected}");
            }
            let single = Colour::Lab.of_rgb(rgb.map(|value| value as f32));
            for (found, expected) in single.into_iter().zip(expected) {
                assert!((f64::from(found) - expected).abs() < 1e-4, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn the_scaled_space_is_centred() {
        let found = Colour::LabScaled.of_rgb([1.0, 0.0, 0.0]);
        let [l, a, b] = Colour::Lab.of_rgb([1.0, 0.0, 0.0]);
        let expected = [l / 50.0 - 1.0, (a - 6.025) / 92.208, (b - -6.6895) / 101.1675];
        assert!(found.iter().zip(expected).all(|(f, e): (&f64, f64)| (f - e).abs() < 1e-12));
    }
}
