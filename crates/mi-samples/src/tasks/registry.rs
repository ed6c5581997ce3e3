use mi_random::Stream;
use ndarray::Array2;

use super::transform::Side;
use super::{Base, Map};

/// One task of the benchmark of Czyż, Grabowski, Vogt, Beerenwinkel and Marx (2023, "Beyond
/// Normal: On the Evaluation of Mutual Information Estimators").
///
/// ```
/// use mi_samples::TASKS;
///
/// let task = TASKS.iter().find(|task| task.id() == "spiral-multinormal-sparse-3-3-2-2.0");
/// let task = task.ok_or("no such task")?;
/// let (x, y) = task.sample(100, &mut mi_random::Stream::new(0, task.id()));
/// assert_eq!((x.dim(), y.dim()), ((100, task.dim_x()), (100, task.dim_y())));
/// assert!((task.mutual_information() - 1.0217).abs() < 5e-5);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task {
    id: &'static str,
    base: Base,
    maps: &'static [Map],
}

/// The 40 tasks, in the order of the benchmark.
pub const TASKS: &[Task] = &[
    Task { id: "1v1-normal-0.75", base: Base::Pairs { pairs: 1, others: 0, rho: 0.75 }, maps: &[] },
    Task {
        id: "normal_cdf-1v1-normal-0.75",
        base: Base::Pairs { pairs: 1, others: 0, rho: 0.75 },
        maps: &[Map::NormalCdf],
    },
    Task { id: "1v1-additive-0.1", base: Base::Additive { epsilon: 0.1 }, maps: &[] },
    Task { id: "1v1-additive-0.75", base: Base::Additive { epsilon: 0.75 }, maps: &[] },
    Task {
        id: "1v1-bimodal-0.75",
        base: Base::Pairs { pairs: 1, others: 0, rho: 0.75 },
        maps: &[Map::Bimodal],
    },
    Task {
        id: "wiggly-1v1-normal-0.75",
        base: Base::Pairs { pairs: 1, others: 0, rho: 0.75 },
        maps: &[Map::Wiggly],
    },
    Task {
        id: "half_cube-1v1-normal-0.75",
        base: Base::Pairs { pairs: 1, others: 0, rho: 0.75 },
        maps: &[Map::HalfCube],
    },
    Task { id: "student-identity-1-1-1", base: Base::Student { d: 1, freedom: 1 }, maps: &[] },
    Task {
        id: "asinh-student-identity-1-1-1",
        base: Base::Student { d: 1, freedom: 1 },
        maps: &[Map::Asinh],
    },
    Task {
        id: "swissroll_x-normal_cdf-1v1-normal-0.75",
        base: Base::Pairs { pairs: 1, others: 0, rho: 0.75 },
        maps: &[Map::SwissRoll],
    },
    Task { id: "multinormal-dense-2-2-0.5", base: Base::Dense { d: 2 }, maps: &[] },
    Task { id: "multinormal-dense-3-3-0.5", base: Base::Dense { d: 3 }, maps: &[] },
    Task { id: "multinormal-dense-5-5-0.5", base: Base::Dense { d: 5 }, maps: &[] },
    Task { id: "multinormal-dense-25-25-0.5", base: Base::Dense { d: 25 }, maps: &[] },
    Task { id: "multinormal-dense-50-50-0.5", base: Base::Dense { d: 50 }, maps: &[] },
    Task {
        id: "multinormal-sparse-2-2-2-2.0",
        base: Base::Pairs { pairs: 2, others: 0, rho: 0.8 },
        maps: &[],
    },
    Task {
        id: "multinormal-sparse-3-3-2-2.0",
        base: Base::Pairs { pairs: 2, others: 1, rho: 0.8 },
        maps: &[],
    },
    Task {
        id: "multinormal-sparse-5-5-2-2.0",
        base: Base::Pairs { pairs: 2, others: 3, rho: 0.8 },
        maps: &[],
    },
    Task {
        id: "multinormal-sparse-25-25-2-2.0",
        base: Base::Pairs { pairs: 2, others: 23, rho: 0.8 },
        maps: &[],
    },
    Task { id: "student-identity-2-2-1", base: Base::Student { d: 2, freedom: 1 }, maps: &[] },
    Task { id: "student-identity-2-2-2", base: Base::Student { d: 2, freedom: 2 }, maps: &[] },
    Task { id: "student-identity-3-3-2", base: Base::Student { d: 3, freedom: 2 }, maps: &[] },
    Task { id: "student-identity-3-3-3", base: Base::Student { d: 3, freedom: 3 }, maps: &[] },
    Task { id: "student-identity-5-5-2", base: Base::Student { d: 5, freedom: 2 }, maps: &[] },
    Task { id: "student-identity-5-5-3", base: Base::Student { d: 5, freedom: 3 }, maps: &[] },
    Task {
        id: "normal_cdf-multinormal-sparse-3-3-2-2.0",
        base: Base::Pairs { pairs: 2, others: 1, rho: 0.8 },
        maps: &[Map::NormalCdf],
    },
    Task {
        id: "normal_cdf-multinormal-sparse-5-5-2-2.0",
        base: Base::Pairs { pairs: 2, others: 3, rho: 0.8 },
        maps: &[Map::NormalCdf],
    },
    Task {
        id: "normal_cdf-multinormal-sparse-25-25-2-2.0",
        base: Base::Pairs { pairs: 2, others: 23, rho: 0.8 },
        maps: &[Map::NormalCdf],
    },
    Task {
        id: "half_cube-multinormal-sparse-3-3-2-2.0",
        base: Base::Pairs { pairs: 2, others: 1, rho: 0.8 },
        maps: &[Map::HalfCube],
    },
    Task {
        id: "half_cube-multinormal-sparse-5-5-2-2.0",
        base: Base::Pairs { pairs: 2, others: 3, rho: 0.8 },
        maps: &[Map::HalfCube],
    },
    Task {
        id: "half_cube-multinormal-sparse-25-25-2-2.0",
        base: Base::Pairs { pairs: 2, others: 23, rho: 0.8 },
        maps: &[Map::HalfCube],
    },
    Task {
        id: "spiral-multinormal-sparse-3-3-2-2.0",
        base: Base::Pairs { pairs: 2, others: 1, rho: 0.8 },
        maps: &[Map::Spiral],
    },
    Task {
        id: "spiral-multinormal-sparse-5-5-2-2.0",
        base: Base::Pairs { pairs: 2, others: 3, rho: 0.8 },
        maps: &[Map::Spiral],
    },
    Task {
        id: "spiral-multinormal-sparse-25-25-2-2.0",
        base: Base::Pairs { pairs: 2, others: 23, rho: 0.8 },
        maps: &[Map::Spiral],
    },
    Task {
        id: "spiral-normal_cdf-multinormal-sparse-3-3-2-2.0",
        base: Base::Pairs { pairs: 2, others: 1, rho: 0.8 },
        maps: &[Map::NormalCdf, Map::Spiral],
    },
    Task {
        id: "spiral-normal_cdf-multinormal-sparse-5-5-2-2.0",
        base: Base::Pairs { pairs: 2, others: 3, rho: 0.8 },
        maps: &[Map::NormalCdf, Map::Spiral],
    },
    Task {
        id: "spiral-normal_cdf-multinormal-sparse-25-25-2-2.0",
        base: Base::Pairs { pairs: 2, others: 23, rho: 0.8 },
        maps: &[Map::NormalCdf, Map::Spiral],
    },
    Task {
        id: "asinh-student-identity-2-2-1",
        base: Base::Student { d: 2, freedom: 1 },
        maps: &[Map::Asinh],
    },
    Task {
        id: "asinh-student-identity-3-3-2",
        base: Base::Student { d: 3, freedom: 2 },
        maps: &[Map::Asinh],
    },
    Task {
        id: "asinh-student-identity-5-5-2",
        base: Base::Student { d: 5, freedom: 2 },
        maps: &[Map::Asinh],
    },
];

impl Task {
    /// The benchmark's own name of the task.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// Columns of x.
    pub fn dim_x(&self) -> usize {
        self.maps.iter().fold(self.base.dims(), |d, map| map.dims(Side::X, d))
    }

    /// Columns of y.
    pub fn dim_y(&self) -> usize {
        self.maps.iter().fold(self.base.dims(), |d, map| map.dims(Side::Y, d))
    }

    /// The true mutual information in nats: that of the base distribution, since every map is
    /// one-to-one.
    pub fn mutual_information(&self) -> f64 {
        self.base.mutual_information()
    }

    /// Draws n rows of x and of y. Columns are not rescaled; the benchmark scales each to mean 0
    /// and variance 1 before estimating.
    ///
    /// # Shapes
    /// n × [`Task::dim_x`] and n × [`Task::dim_y`].
    pub fn sample(&self, n: usize, stream: &mut Stream) -> (Array2<f64>, Array2<f64>) {
        let (mut x, mut y) = self.base.sample(n, stream);
        for map in self.maps {
            x = map.apply(Side::X, x);
            y = map.apply(Side::Y, y);
        }
        (x, y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaussian;

    #[test]
    fn true_values_are_the_published_ones() {
        let published = [
            ("1v1-normal-0.75", 0.4133),
            ("normal_cdf-1v1-normal-0.75", 0.4133),
            ("1v1-additive-0.1", 1.7094),
            ("1v1-additive-0.75", 0.3333),
            ("1v1-bimodal-0.75", 0.4133),
            ("wiggly-1v1-normal-0.75", 0.4133),
            ("half_cube-1v1-normal-0.75", 0.4133),
            ("student-identity-1-1-1", 0.2242),
            ("asinh-student-identity-1-1-1", 0.2242),
            ("swissroll_x-normal_cdf-1v1-normal-0.75", 0.4133),
            ("multinormal-dense-2-2-0.5", 0.2939),
            ("multinormal-dense-3-3-0.5", 0.4133),
            ("multinormal-dense-5-5-0.5", 0.5928),
            ("multinormal-dense-25-25-0.5", 1.2922),
            ("multinormal-dense-50-50-0.5", 1.6243),
            ("multinormal-sparse-2-2-2-2.0", 1.0217),
            ("multinormal-sparse-3-3-2-2.0", 1.0217),
            ("multinormal-sparse-5-5-2-2.0", 1.0217),
            ("multinormal-sparse-25-25-2-2.0", 1.0217),
            ("student-identity-2-2-1", 0.4319),
            ("student-identity-2-2-2", 0.1931),
            ("student-identity-3-3-2", 0.2909),
            ("student-identity-3-3-3", 0.1787),
            ("student-identity-5-5-2", 0.4482),
            ("student-identity-5-5-3", 0.2985),
            ("normal_cdf-multinormal-sparse-3-3-2-2.0", 1.0217),
            ("normal_cdf-multinormal-sparse-5-5-2-2.0", 1.0217),
            ("normal_cdf-multinormal-sparse-25-25-2-2.0", 1.0217),
            ("half_cube-multinormal-sparse-3-3-2-2.0", 1.0217),
            ("half_cube-multinormal-sparse-5-5-2-2.0", 1.0217),
            ("half_cube-multinormal-sparse-25-25-2-2.0", 1.0217),
            ("spiral-multinormal-sparse-3-3-2-2.0", 1.0217),
            ("spiral-multinormal-sparse-5-5-2-2.0", 1.0217),
            ("spiral-multinormal-sparse-25-25-2-2.0", 1.0217),
            ("spiral-normal_cdf-multinormal-sparse-3-3-2-2.0", 1.0217),
            ("spiral-normal_cdf-multinormal-sparse-5-5-2-2.0", 1.0217),
            ("spiral-normal_cdf-multinormal-sparse-25-25-2-2.0", 1.0217),
            ("asinh-student-identity-2-2-1", 0.4319),
            ("asinh-student-identity-3-3-2", 0.2909),
            ("asinh-student-identity-5-5-2", 0.4482),
        ];
        assert_eq!(TASKS.len(), 40);
        for (task, (id, truth)) in TASKS.iter().zip(published) {
            assert_eq!(task.id(), id);
            let found = task.mutual_information();
            assert_eq!(format!("{found:.4}"), format!("{truth:.4}"), "{id}");
        }
    }

    #[test]
    fn samples_have_their_shapes_and_finite_values() {
        for task in TASKS {
            let mut stream = Stream::new(1, task.id());
            let (x, y) = task.sample(50, &mut stream);
            assert_eq!((x.dim(), y.dim()), ((50, task.dim_x()), (50, task.dim_y())));
            assert!(x.iter().chain(&y).all(|value| value.is_finite()), "{}", task.id());
            let again = task.sample(50, &mut Stream::new(1, task.id()));
            assert_eq!((x, y), again);
        }
    }

    #[test]
    fn gaussian_tasks_have_the_information_of_their_covariance() {
        for task in TASKS.iter().filter(|task| task.id().starts_with("multinormal")) {
            let (x, y) = task.sample(4000, &mut Stream::new(2, task.id()));
            let found = gaussian(x.view(), y.view()).unwrap();
            let error = (found.value - task.mutual_information()).abs();
            assert!(error < 4.0 * found.standard_error, "{} {found:?}", task.id());
        }
    }

    #[test]
    fn a_correlation_near_one_keeps_its_information() {
        // A Cholesky factor of the 20 × 20 covariance would lose it.
        let base = Base::Pairs { pairs: 10, others: 0, rho: 0.999 };
        let (x, y) = base.sample(5000, &mut Stream::new(3, "near one"));
        let found = gaussian(x.view(), y.view()).unwrap();
        assert!((found.value - base.mutual_information()).abs() < 4.0 * found.standard_error);
        assert!((base.mutual_information() - 31.075).abs() < 1e-3);
    }
}
