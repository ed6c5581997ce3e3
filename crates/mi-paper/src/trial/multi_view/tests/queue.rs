//! Compares steps with a queue with slow, obvious versions, and tests which queues are refused.

use mi_critics::CriticSpec;
use mi_data::Split;
use mi_estimators::bounds::BoundSpec;
use mi_nets::Mode;
use ndarray::{Array2, Axis, s};

use super::{
    AHEAD, IMAGE, K, close, config, images, info_nce, measured, mlp, parameter, refusal,
    refusal_of, represented, represented_by, task, term, trained,
};
use crate::config::EncoderSpec;
use crate::multi_view::{
    Candidates, Context, ContextNet, NamedEncoder, Negatives, Net, ObjectiveSpec, Order, Prior,
    Queue, ViewTerm,
};
use crate::record::Metric;
use crate::trial::Training;
use crate::trial::multi_view::MultiViewTraining;

/// `InfoNCE` by its definition, with bilinear scores. Rows of x are images; those of y are the same
/// images, and then others.
fn info_nce_of(candidates: Candidates, [x, y, w]: [&Array2<f64>; 3], places: usize) -> f64 {
    let ahead = |negatives| Candidates::Ahead { places: 1, negatives };
    let score = |i: usize, p: usize, j: usize, q: usize| {
        let x = x.slice(s![i, p * w.nrows()..(p + 1) * w.nrows()]);
        x.dot(w).dot(&y.slice(s![j, q * w.ncols()..(q + 1) * w.ncols()]))
    };
    // The places of x and y of each part.
    let parts: Vec<(usize, usize)> = match candidates {
        Candidates::OtherImages => vec![(0, 0)],
        Candidates::AllPlaces => (0..places).map(|q| (0, q)).collect(),
        _ => (0..places - 1).map(|p| (p, p + 1)).collect(),
    };
    let anywhere =
        [Candidates::AllPlaces, ahead(Negatives::Anywhere), ahead(Negatives::Everywhere)];
    let mut sum = 0.0;
    for &(p, q) in &parts {
        for i in 0..x.nrows() {
            let mut wrong = Vec::new();
            for j in (0..y.nrows()).filter(|&j| j != i) {
                let at = if anywhere.contains(&candidates) { 0..places } else { q..q + 1 };
                wrong.extend(at.map(|at| score(i, p, j, at)));
            }
            if [ahead(Negatives::Both), ahead(Negatives::Everywhere)].contains(&candidates) {
                let others = (0..places).filter(|&at| at != q);
                wrong.extend(others.map(|at| score(i, p, i, at)));
            }
            sum += info_nce(score(i, p, i, q), &wrong);
        }
    }
    sum / (parts.len() * x.nrows()) as f64
}

/// Steps with a queue that two terms share, over more than an epoch, against sums over the batch
/// and over the keys that the queue should hold by then.
#[test]
fn a_queue_is_scored_as_by_hand() {
    const QUEUE: Queue = Queue { images: 15, momentum: 0.75 };
    let ahead = |negatives| Candidates::Ahead { places: 1, negatives };
    let (filters, kernel) = (vec![3, 4], 3);
    let infomax = EncoderSpec::InfoMax { filters, kernel, hidden: 6, embed: 5 };
    let cases = [
        (Candidates::OtherImages, "whole", mlp(), 1),
        (Candidates::OtherImages, "whole", infomax, 1),
        (Candidates::AllPlaces, "whole", EncoderSpec::ConvNet { channels: [3, 4], embed: 5 }, 4),
        (ahead(Negatives::OtherImages), "patches:4x4", mlp(), 4),
        (ahead(Negatives::Both), "patches:4x4", mlp(), 4),
        (ahead(Negatives::Anywhere), "patches:4x4", mlp(), 4),
        (ahead(Negatives::Everywhere), "patches:4x4", mlp(), 4),
    ];
    for (candidates, piece, net, places) in cases {
        let y_name = if candidates == Candidates::AllPlaces { "z.map" } else { "z" };
        let weights = [("t", 0.75), ("u", 0.25)];
        let terms = weights.map(|(name, weight)| ViewTerm {
            candidates,
            queue: Some(QUEUE),
            weight,
            ..ViewTerm::new((name, "z", y_name), CriticSpec::Bilinear, BoundSpec::InfoNce)
        });
        let mut training = trained(&task(piece, net, terms.to_vec()), 0);
        let expected = |training: &MultiViewTraining, x: &Array2<f64>, y: &Array2<f64>| -> f64 {
            let of_term = |(name, weight): (&str, f64)| {
                let w = parameter(training, &format!("critic.{name}.weight"));
                weight * info_nce_of(candidates, [x, y, &w], places)
            };
            weights.map(of_term).iter().sum()
        };
        let data = training.inputs.data.clone();
        // The queue as it should be: images with their keys.
        let mut queue: Vec<(usize, Vec<f64>)> = Vec::new();
        let (mut sizes, mut sampler) = (Vec::new(), training.sampler.clone());
        let mut slow = training.trained.params.clone();
        for _ in 0..12 {
            let batch = sampler.next_batch().to_vec();
            let images = data.train.images.select(Axis(0), &batch);
            let split = Split::new(images, vec![0; K]).unwrap();
            let now = &training.trained.params;
            let x = represented_by(&training, now, &split, ("z", Mode::Training));
            let own = represented_by(&training, &slow, &split, (y_name, Mode::Training));
            queue.retain(|(image, _)| !batch.contains(image));
            sizes.push(queue.len());
            let mut y = own.clone();
            for (_, keys) in &queue {
                y.push_row(ndarray::aview1(keys)).unwrap();
            }
            let expected = expected(&training, &x, &y);
            close(training.step().unwrap(), expected);
            queue.extend(batch.iter().zip(own.rows()).map(|(&image, y)| (image, y.to_vec())));
            queue.drain(..queue.len().saturating_sub(QUEUE.images));
            let now = &training.trained.params;
            for id in now.ids() {
                let moved = 0.75 * &slow.view(id) + 0.25 * &now.view(id);
                slow.view_mut(id).assign(&moved);
            }
        }
        assert_eq!(sizes[..4], [0, 6, 12, 15]);
        assert!(
            sizes[4..].iter().any(|&size| size < QUEUE.images),
            "no image came again: {sizes:?}"
        );
        // Evaluations compare the images of a batch, by the trained networks.
        let (x, y) = (represented(&training, "z"), represented(&training, y_name));
        let expected = expected(&training, &x, &y);
        close(measured(&mut training, Metric::BoundTest), expected);
    }
}

/// With keys in place of y, the trained networks do not encode it, and a penalty acts on x only.
#[test]
fn training_leaves_y_to_the_keys() {
    let with = |queue, l2| {
        let term = ViewTerm { queue, l2, ..term("z", "w", Candidates::OtherImages) };
        let mut task = task("whole", mlp(), vec![term]);
        let net = Net::Same("z".to_owned());
        task.encoders.push(NamedEncoder { name: "w".to_owned(), view: "v".to_owned(), net });
        let mut training = trained(&task, 1);
        let rows: Vec<usize> = (0..K).collect();
        let (_, values) = training.forward(&rows).unwrap();
        assert_eq!(training.needed, [true, true]);
        (training.needed_in_training.clone(), values.sides[0].len())
    };
    let queue = Some(Queue { images: 6, momentum: 0.5 });
    assert_eq!(with(None, 0.0), (vec![true, true], 0));
    assert_eq!(with(None, 0.1), (vec![true, true], 2));
    assert_eq!(with(queue, 0.0), (vec![true, false], 0));
    assert_eq!(with(queue, 0.1), (vec![true, false], 1));
}

#[test]
fn a_queue_that_can_never_be_full_is_refused() {
    let with = |count| {
        let queue = Some(Queue { images: count, momentum: 0.5 });
        let term = ViewTerm { queue, ..term("z", "z", Candidates::OtherImages) };
        let task = task("whole", mlp(), vec![term]);
        MultiViewTraining::new(&config(&task, 0), &task, &images().into()).map(|_| ())
    };
    assert!(with(40 - K).is_ok());
    let message = with(40 - K + 1).unwrap_err().to_string();
    assert!(
        message.contains("a queue of 35 images and a batch of 6 are more than the 40"),
        "{message}"
    );
}

#[test]
fn queues_that_do_not_fit_are_refused_with_the_reason() {
    let of = refusal_of;
    let queue = Some(Queue { images: 9, momentum: 0.5 });
    let queued = |candidates| ViewTerm { queue, ..term("z", "z", candidates) };
    assert!(of(queued(Candidates::BothViews)).contains("a queue needs candidates"));
    let same = Candidates::Ahead { places: 1, negatives: Negatives::SameImage };
    let of_patches = refusal(&task("patches:2x2", mlp(), vec![queued(same)]));
    assert!(of_patches.contains("a queue needs candidates"), "{of_patches}");
    for (images, momentum) in [(0, 0.5), (3, 1.0), (3, -0.1), (3, f64::NAN)] {
        let queue = Some(Queue { images, momentum });
        let message = of(ViewTerm { queue, ..term("z", "z", Candidates::OtherImages) });
        assert!(message.contains("a queue needs at least one image"), "{message}");
    }
    let mut untrained =
        task("whole", mlp(), vec![ViewTerm { queue, ..term("z", "y", Candidates::OtherImages) }]);
    untrained.encoders.push(NamedEncoder { name: "y".to_owned(), ..untrained.encoders[0].clone() });
    assert!(refusal(&untrained).contains("nothing trains `y`"));
    untrained
        .terms
        .push(ViewTerm { name: "u".to_owned(), ..term("y", "z", Candidates::OtherImages) });
    assert!(untrained.layout(IMAGE).is_ok());
    untrained.terms.pop();
    untrained.prior = Some(Prior { of: "y".to_owned(), weight: 1.0, hidden: vec![2] });
    assert!(untrained.layout(IMAGE).is_ok());
    untrained.prior = None;
    untrained.encoders[1].net = Net::Same("z".to_owned());
    assert!(untrained.layout(IMAGE).is_ok());
    // A map does not depend on what comes after it, and a context that sees only places not on the
    // sequence.
    let convnet = || EncoderSpec::ConvNet { channels: [2, 2], embed: 3 };
    let map = ViewTerm { queue, ..term("z.map", "z", Candidates::OtherImages) };
    assert!(
        refusal(&task("whole", convnet(), vec![map])).contains("nothing trains `z after its map`")
    );
    let all = ViewTerm { queue, ..term("z", "z.map", Candidates::AllPlaces) };
    assert!(task("whole", convnet(), vec![all]).layout(IMAGE).is_ok());
    let mut blind = task("patches:2x2", mlp(), vec![ViewTerm { queue, ..term("c", "z", AHEAD) }]);
    blind.contexts = vec![Context {
        name: "c".to_owned(),
        of: "z".to_owned(),
        order: Order::Raster,
        net: ContextNet::Place { width: 2 },
    }];
    assert!(refusal(&blind).contains("nothing trains `z`"));
    blind.contexts[0].net = ContextNet::Mean;
    assert!(blind.layout(IMAGE).is_ok());
    let learned = ViewTerm {
        objective: ObjectiveSpec::Bound(BoundSpec::Tuba),
        ..queued(Candidates::OtherImages)
    };
    assert!(of(learned).contains("without a queue"));
}
