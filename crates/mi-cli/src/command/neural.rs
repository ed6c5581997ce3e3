//! Options of the neural method, and its critics in files.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};
use mi_critics::CriticSpec;
use mi_estimators::bounds::BoundSpec;
use mi_samples::{Method, NeuralSettings};
use serde::{Deserialize, Serialize};

use crate::error::CliError;
use crate::estimator::{Measured, Methods, Plan, bounds};
use crate::messages::Messages;
use crate::output::OutputFile;
use crate::table::Column;
use crate::words::cut;

/// How critics are trained and saved.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Neural method")]
pub(super) struct NeuralOptions {
    /// The bound that training maximises and by which held-out rows are judged
    #[arg(long, value_name = "NAME", default_value = "infonce", value_parser = bound_parser())]
    bound: BoundSpec,

    /// The function that scores pairs [default: concat for 1 + 1 columns, otherwise separable]
    #[arg(long, value_name = "NAME", value_parser = critic_parser())]
    critic: Option<CriticSpec>,

    /// Parts of the rows, each held out once while a critic trains on the others
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=1000))]
    folds: u32,

    /// Save the trained critic in this file, for `mi pointwise`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    save: Option<PathBuf>,
}

fn bound_parser() -> impl TypedValueParser<Value = BoundSpec> {
    let all = bounds();
    let values =
        all.iter().map(|(bound, reference)| PossibleValue::new(bound.name()).help(*reference));
    PossibleValuesParser::new(values.collect::<Vec<_>>()).map(move |name| {
        let found = all.iter().find(|(bound, _)| bound.name() == name);
        found.map_or(BoundSpec::InfoNce, |(bound, _)| bound.clone())
    })
}

/// Critics with their usual sizes.
const CRITICS: [(&str, &str); 3] = [
    ("separable", "inner products of two networks, on top of a Gaussian copula"),
    ("concat", "one network on both sides"),
    ("bilinear", "a matrix between the sides' features, on top of a Gaussian copula"),
];

fn critic_parser() -> impl TypedValueParser<Value = CriticSpec> {
    let values = CRITICS.iter().map(|(name, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(values.collect::<Vec<_>>()).map(|name| match name.as_str() {
        "concat" => NeuralSettings::default().critic_for((1, 1)),
        "bilinear" => CriticSpec::Bilinear,
        _ => NeuralSettings::default().critic_for((2, 2)),
    })
}

/// The columns that a critic was trained on, as saved in its file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Trained {
    pub(super) x: Vec<TrainedColumn>,
    pub(super) y: Vec<TrainedColumn>,
}

/// A column's name and the labels that its numbers stand for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TrainedColumn {
    pub(super) name: String,
    pub(super) labels: Option<Vec<String>>,
}

impl NeuralOptions {
    pub(super) fn settings(&self) -> NeuralSettings {
        NeuralSettings {
            bound: self.bound.clone(),
            critic: self.critic.clone(),
            folds: self.folds as usize,
            ..NeuralSettings::default()
        }
    }

    /// Refuses to save a critic if none, or several, will be trained, or if it could not be told
    /// which columns it was trained on.
    pub(super) fn check(
        &self,
        plan: &Plan,
        lags: usize,
        [x, y]: [&[&Column]; 2],
    ) -> Result<(), CliError> {
        if self.save.is_none() {
            return Ok(());
        }
        if plan.methods != Methods::One(Method::Neural) || lags != 1 {
            return Err(CliError::Usage("--save needs --method neural and a single lag".into()));
        }
        let both: Vec<&Column> = x.iter().chain(y).copied().collect();
        let is_shared = |(place, column): (usize, &&Column)| {
            let same =
                |other: &&Column| other.name == column.name && !std::ptr::eq(*other, *column);
            both[..place].iter().any(same)
        };
        if let Some(place) = both.iter().enumerate().position(is_shared) {
            return Err(CliError::Data(format!(
                "--save: two columns are called `{}`, and a critic finds its columns by their names: \
                 give each its own name",
                cut(&both[place].name)
            )));
        }
        Ok(())
    }

    /// The file in which the critic will be saved, checked.
    ///
    /// # Errors
    /// As [`OutputFile::check`].
    pub(super) fn file(
        &self,
        inputs: &[impl AsRef<Path>],
        force: bool,
    ) -> Result<Option<OutputFile>, CliError> {
        let check = |path: &PathBuf| OutputFile::check("--save", path, inputs, force);
        self.save.as_ref().map(check).transpose()
    }

    /// Saves the critic in a file.
    ///
    /// # Errors
    /// If there is no critic, or it cannot be written.
    pub(super) fn save(
        file: OutputFile,
        measured: &Measured,
        [x, y]: [&[&Column]; 2],
        messages: &mut Messages,
    ) -> Result<(), CliError> {
        let Some(critic) = &measured.critic else {
            let why = "--save: a side is constant, so that no critic was trained";
            return Err(CliError::Data(why.into()));
        };
        let side = |columns: &[&Column]| {
            let trained = |column: &&Column| TrainedColumn {
                name: column.name.clone(),
                labels: column.labels.clone(),
            };
            columns.iter().map(trained).collect()
        };
        let note = serde_json::to_string(&Trained { x: side(x), y: side(y) })
            .map_err(|error| CliError::Data(error.to_string()))?;
        let bytes = critic.clone().with_note(note).to_bytes()?;
        let note = format!("critic: {}", file.name());
        file.write(&bytes)?;
        messages.note(note);
        Ok(())
    }
}
