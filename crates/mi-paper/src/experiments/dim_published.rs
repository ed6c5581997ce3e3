//! Values that Hjelm et al. (2019) published for Deep `InfoMax` on CIFAR-10. The representations
//! with the highest estimate of mutual information are not the most useful ones.

use mi_plot::{Axis, Dash, LineChart, Point, Series};

use crate::figures::Panel;
use crate::numbers;
use crate::table::{Align, Table};

/// An encoder, MINE's estimate of I(X; Y) in nats, and the accuracy of a classifier of its
/// convolutional features.
const PUBLISHED: [(&str, f64, f64); 6] = [
    ("VAE", 93.0, 0.6071),
    ("adversarial autoencoder", 87.5, 0.5944),
    ("DIM, global", 49.6, 0.5220),
    ("DIM, local", 45.1, 0.7325),
    ("BiGAN", 37.7, 0.6257),
    ("noise as targets", 6.0, 0.5619),
];

/// A chart and a table of the published values.
pub(super) fn panel() -> Panel {
    let title = "Published on CIFAR-10 (Hjelm et al., 2019)";
    let (estimate, accuracy) = ("MINE's estimate of I(X; Y) (nats)", "classifier accuracy");
    let mut chart = LineChart::new(title, Axis::new(estimate), Axis::new(accuracy))
        .note("Another network, classifier and estimator than here.");
    let columns = [("", Align::Left), (estimate, Align::Right), (accuracy, Align::Right)];
    let mut values = Table::new(title, &columns);
    for (index, (name, mi, share)) in PUBLISHED.into_iter().enumerate() {
        let series = Series::new(name, vec![Point::new(mi, share)]);
        chart = chart.series(series.colour(index).dash(Dash::None));
        let cells = [name.to_owned(), numbers::fixed(mi, 1), numbers::fixed(share, 4)];
        values.row(cells.into());
    }
    Panel { name: "published".to_owned(), svg: chart.draw(), values, is_result: true }
}
