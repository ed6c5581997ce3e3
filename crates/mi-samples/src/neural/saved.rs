//! Trained critics as safetensors files.

use mi_critics::CriticSpec;
use mi_nets::{Checkpoint, Params};
use mi_random::Stream;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::critic::Member;
use super::features::{Encoder, Features};
use super::gaussian::GaussianRatio;
use super::network::Network;
use super::{NeuralCritic, NeuralSettings};
use crate::SamplesError;

/// Named matrices of a checkpoint, which may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tables(Vec<(String, Array2<f64>)>);

/// Name, rows and columns of a table.
type Shape = (String, usize, usize);

impl Tables {
    pub(super) fn put(&mut self, name: impl Into<String>, values: Array2<f64>) {
        self.0.push((name.into(), values));
    }

    pub(super) fn get(&self, name: &str) -> Option<&Array2<f64>> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, values)| values)
    }

    fn shapes(&self) -> Vec<Shape> {
        let shape =
            |(name, values): &(String, Array2<f64>)| (name.clone(), values.nrows(), values.ncols());
        self.0.iter().map(shape).collect()
    }

    /// The tables as parameters; those without an element are left out.
    fn params(&self) -> Result<Params<f64>, SamplesError> {
        let mut params = Params::new();
        for (name, values) in self.0.iter().filter(|(_, values)| !values.is_empty()) {
            params.add(name.clone(), values.clone())?;
        }
        Ok(params)
    }

    fn restore(
        shapes: &[Shape],
        group: &str,
        checkpoint: &Checkpoint,
    ) -> Result<Self, SamplesError> {
        let most = checkpoint.elements();
        let fits = |(_, rows, columns): &Shape| {
            rows.max(columns) <= &most && rows.checked_mul(*columns).is_some_and(|all| all <= most)
        };
        if !shapes.iter().all(fits) {
            return problem("it has fewer numbers than its header says");
        }
        let empty =
            |(name, rows, columns): &Shape| (name.clone(), Array2::zeros((*rows, *columns)));
        let mut tables = Self(shapes.iter().map(empty).collect());
        let mut params = tables.params()?;
        checkpoint.restore_params(group, &mut params)?;
        for (name, values) in &mut tables.0 {
            if let Some(id) = params.id(name) {
                values.assign(&params.view(id));
            }
        }
        Ok(tables)
    }
}

/// The metadata of a file.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    settings: NeuralSettings,
    critic: CriticSpec,
    /// Groups of tables and their shapes.
    tables: Vec<(String, Vec<Shape>)>,
    folds: usize,
    note: String,
}

const FORMAT: u32 = 1;
const HEADER_KEY: &str = "neural-critic";

impl NeuralCritic {
    /// The critic as the bytes of a safetensors file.
    ///
    /// # Errors
    /// If the format does not allow it, as with a header above 100 MB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SamplesError> {
        let mut checkpoint = Checkpoint::new();
        let mut groups =
            vec![("x".to_owned(), self.of_x.tables()), ("y".to_owned(), self.of_y.tables())];
        for (fold, member) in self.members.iter().enumerate() {
            groups.push((format!("gaussian{fold}"), member.ratio.tables()));
            let mut reference = Tables::default();
            reference.put("scores", member.reference.scores.clone());
            reference.put("inputs", member.reference.inputs.mapv(f64::from));
            groups.push((format!("reference{fold}"), reference));
            checkpoint.put_params(&format!("network{fold}"), &member.params)?;
        }
        for (group, tables) in &groups {
            checkpoint.put_params(group, &tables.params()?)?;
        }
        let header = Header {
            format: FORMAT,
            settings: self.settings.clone(),
            critic: self.settings.critic_for(self.columns()),
            tables: groups.iter().map(|(group, tables)| (group.clone(), tables.shapes())).collect(),
            folds: self.members.len(),
            note: self.note.clone(),
        };
        checkpoint.put_metadata(HEADER_KEY, serde_json::to_string(&header).map_err(unreadable)?);
        Ok(checkpoint.to_bytes()?)
    }

    /// The critic that [`NeuralCritic::to_bytes`] wrote: its judgements are bit-identical.
    ///
    /// # Errors
    /// If the bytes are not such a file, or are damaged or of a later format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SamplesError> {
        let checkpoint = Checkpoint::from_bytes(bytes)?;
        let Some(header) = checkpoint.metadata(HEADER_KEY) else {
            return problem("a checkpoint of something else");
        };
        let header: Header = serde_json::from_str(header).map_err(unreadable)?;
        if header.format != FORMAT {
            return problem("written by a later version, in another format");
        }
        let tables = |group: &str| match header.tables.iter().find(|(own, _)| own == group) {
            Some((_, shapes)) => Tables::restore(shapes, group, &checkpoint),
            None => problem("a group of tables is missing"),
        };
        let (of_x, of_y) =
            (Encoder::from_tables(&tables("x")?)?, Encoder::from_tables(&tables("y")?)?);
        let mut members = Vec::new();
        for fold in 0..header.folds {
            let ratio = GaussianRatio::from_tables(&tables(&format!("gaussian{fold}"))?)?;
            let reference = tables(&format!("reference{fold}"))?;
            let (Some(scores), Some(inputs)) = (reference.get("scores"), reference.get("inputs"))
            else {
                return problem("the reference rows are missing");
            };
            let inputs = inputs.mapv(|value| value as f32);
            let mut params = Params::new();
            let dims = (of_x.width(), of_y.width());
            if inputs.ncols() != dims.1 || inputs.nrows() == 0 || scores.nrows() != inputs.nrows() {
                return problem("the reference rows do not fit the columns");
            }
            if !fits(&header.critic, dims, checkpoint.elements()) {
                return problem("its critic has more weights than the file");
            }
            let bound = &header.settings.bound;
            // Every parameter drawn here is overwritten by the saved ones.
            let mut any = Stream::new(0, "restore");
            let network = Network::new(&mut params, &header.critic, bound, dims, &mut any)?;
            checkpoint.restore_params(&format!("network{fold}"), &mut params)?;
            let reference = Features { scores: scores.clone(), inputs };
            members.push(Member { ratio, network, params, reference });
        }
        if members.is_empty() {
            return problem("it has no network");
        }
        Ok(Self { settings: header.settings, of_x, of_y, members, note: header.note })
    }
}

/// Whether a critic for columns of these widths can fit in this many numbers. If not, nothing is
/// allocated.
fn fits(critic: &CriticSpec, dims: (usize, usize), elements: usize) -> bool {
    let widths = match critic {
        CriticSpec::Separable { hidden, embed } => [hidden.as_slice(), &[*embed]].concat(),
        CriticSpec::Concat { hidden } => hidden.clone(),
        _ => Vec::new(),
    };
    // Each weight of a layer is one multiply–add per row.
    widths.iter().all(|&width| width <= elements)
        && critic.multiply_adds(dims, 1) <= 2.0 * elements as f64
}

fn problem<T>(problem: &str) -> Result<T, SamplesError> {
    Err(SamplesError::SavedCritic { problem: problem.to_owned() })
}

fn unreadable(error: serde_json::Error) -> SamplesError {
    SamplesError::SavedCritic { problem: error.to_string() }
}
