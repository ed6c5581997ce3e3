//! The published data sets, if `MI_DATA_DIR` names a folder that contains them.

use std::path::PathBuf;

use mi_data::{Dataset, DatasetName, Split, duplicate_rows, load};

fn load_if_there(name: DatasetName) -> Option<Dataset> {
    let Some(folder) = std::env::var_os("MI_DATA_DIR").map(PathBuf::from) else {
        eprintln!("skipped: MI_DATA_DIR is not set");
        return None;
    };
    Some(load(&folder, name).unwrap_or_else(|error| panic!("{error}")))
}

/// Mean and standard deviation over all pixels.
fn moments(split: &Split) -> (f64, f64) {
    let n = split.images.len() as f64;
    let mean = split.images.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let square = split.images.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n;
    (mean, (square - mean * mean).sqrt())
}

fn check_moments(split: &Split, mean: f64, sd: f64, slack: f64) {
    let found = moments(split);
    assert!((found.0 - mean).abs() < slack && (found.1 - sd).abs() < slack, "{found:?}");
    assert!(split.images.iter().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn mnist() {
    let Some(set) = load_if_there(DatasetName::Mnist) else { return };
    assert_eq!((set.train.len(), set.test.len()), (60_000, 10_000));
    assert_eq!(set.geometry, DatasetName::Mnist.geometry());
    assert_eq!(set.train.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(set.test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    check_moments(&set.train, 0.1307, 0.3081, 5e-5);
    assert_eq!(duplicate_rows(set.train.images.view()), 0);
}

#[test]
#[cfg(feature = "embedded")]
fn the_embedded_digits_are_the_first_ten_thousand_of_mnist() {
    use std::collections::HashMap;
    let Some(set) = load_if_there(DatasetName::Mnist) else { return };
    let key = |split: &Split, row: usize| -> (Vec<u8>, u8) {
        let bytes = split.images.row(row).iter().map(|v| (v * 255.0).round() as u8).collect();
        (bytes, split.labels[row])
    };
    let published: HashMap<_, _> = (0..60_000).map(|row| (key(&set.train, row), row)).collect();
    let digits = mi_data::embedded().unwrap();
    let mut found: Vec<usize> = [&digits.train, &digits.test]
        .iter()
        .flat_map(|split| (0..split.len()).map(|row| published[&key(split, row)]))
        .collect();
    found.sort_unstable();
    assert_eq!(found, (0..10_000).collect::<Vec<_>>());
}

#[test]
fn fashion_mnist() {
    let Some(set) = load_if_there(DatasetName::FashionMnist) else { return };
    assert_eq!((set.train.len(), set.test.len()), (60_000, 10_000));
    assert_eq!(set.train.labels[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    // 2e-5 lets both the published files and copies within one grey level pass.
    check_moments(&set.train, 0.28605, 0.35303, 2e-5);
    assert_eq!(set.train.class_counts(10), [6000; 10]);
}

#[test]
fn one_data_set_in_place_of_another_is_noticed() {
    let Some(set) = load_if_there(DatasetName::Mnist) else { return };
    let error = load(set.provenance.source.as_ref(), DatasetName::FashionMnist).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("belongs to mnist, not to fashion-mnist"), "{message}");
}

#[test]
fn cifar_10() {
    let Some(set) = load_if_there(DatasetName::Cifar10) else { return };
    let batches = set.provenance.files.len() - 1;
    assert!((1..=5).contains(&batches));
    assert_eq!(set.train.len(), 10_000 * batches);
    assert!(set.test.len() == 2_000 || set.test.len() == 10_000);
    assert_eq!(set.train.images.ncols(), set.geometry.len());
    let counts = set.test.class_counts(10);
    assert_eq!(counts, vec![set.test.len() / 10; 10]);
    let moments = moments(&set.train);
    // Published means of the channels: 0.491, 0.482, 0.447; of the deviations: about 0.25.
    assert!((moments.0 - 0.4734).abs() < 0.01 && (moments.1 - 0.2516).abs() < 0.01, "{moments:?}");
    // The channels come in the order red, green, blue.
    let mean = |channel: usize| {
        let values = set.train.images.columns().into_iter().skip(channel).step_by(3);
        values.map(|column| f64::from(column.mean().unwrap_or(f32::NAN))).sum::<f64>() / 1024.0
    };
    for (channel, published) in [0.4914, 0.4822, 0.4465].into_iter().enumerate() {
        assert!((mean(channel) - published).abs() < 0.01, "{channel}: {}", mean(channel));
    }
}
