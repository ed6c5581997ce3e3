//! Which colour and stroke a configuration has: the same in every drawing of an experiment.

use mi_plot::Dash;

use crate::configurations::Key;

/// Colour index and stroke of a configuration; `place` is its place among those of its
/// experiment.
pub(crate) fn style(key: &Key, place: usize) -> (usize, Dash) {
    match key.experiment.as_str() {
        "critics" | "cifar-critics" => match key.critic.as_str() {
            "bilinear" => (0, Dash::Solid),
            "separable" => (2, Dash::Solid),
            _ => (1, Dash::Solid),
        },
        // One hue an encoder or bound; the second setting is paler and dashed.
        "encoders" | "cifar-encoders" => paired(key.encoder == "convnet", key.setting == "t=4"),
        "dependent" => paired(key.bound == "infonce", key.setting == "dependent"),
        "conditioning" => paired(key.bound == "infonce", key.setting != "independent-noise"),
        "invertible" => paired(key.bound == "infonce", true),
        "supervised" => paired(key.encoder == "convnet", true),
        _ => (place, [Dash::Solid, Dash::Dashed][place / 8 % 2]),
    }
}

fn paired(first: bool, strong: bool) -> (usize, Dash) {
    match (first, strong) {
        (true, true) => (0, Dash::Solid),
        (true, false) => (5, Dash::Dashed),
        (false, true) => (1, Dash::Solid),
        (false, false) => (4, Dash::Dashed),
    }
}
