use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use mi_data::{Dataset, DatasetName};
use mi_paper::cost::ImageSize;
use mi_paper::plan::{DataId, Plan};
use mi_paper::schedule::DataSets;

/// Loads the data sets of a plan, and notes their hashes and sizes in it.
pub(super) fn load_for(plan: &mut Plan, folder: Option<&Path>) -> Result<DataSets> {
    let (sets, ids) = load(&plan.datasets(), folder)?;
    plan.data = ids;
    plan.note_images(|name| sets.get(name).map(|set| (set.train.len(), set.test.len())));
    Ok(sets)
}

/// Loads the named data sets, and returns them with the hash of each.
pub(super) fn load(names: &[&str], folder: Option<&Path>) -> Result<(DataSets, Vec<DataId>)> {
    // The absolute path, since a message may be read where a relative one has no meaning.
    let folder: Option<PathBuf> = folder
        .map(|path| std::path::absolute(path).with_context(|| format!("{}", path.display())))
        .transpose()?;
    let mut sets = DataSets::new();
    let mut ids = Vec::new();
    for &name in names {
        let dataset = match (name, &folder) {
            ("digits", _) => mi_data::embedded()?,
            (_, Some(folder)) => mi_data::load(folder, name.parse::<DatasetName>()?)?,
            (_, None) => anyhow::bail!("{name} is not embedded: name its folder with --data"),
        };
        ids.push(DataId { name: name.into(), sha256: dataset.provenance.digest() });
        sets.insert(name.into(), Arc::new(dataset));
    }
    Ok((sets, ids))
}

/// The images of a data set; if it is not loaded, those of the whole data set of this name.
pub(super) fn size(sets: &DataSets, name: &str) -> ImageSize {
    sets.get(name).map_or_else(|| ImageSize::of(name), |set| ImageSize::loaded(set))
}

/// One line about each data set: its size, and the start of its hash. The folder is left out, since
/// reports are shared with others.
pub(super) fn describe(sets: &DataSets) -> Vec<String> {
    sets.iter()
        .map(|(name, set): (&String, &Arc<Dataset>)| {
            format!(
                "{name}: {} images to train, {} to test (SHA-256 {}…)",
                set.train.len(),
                set.test.len(),
                &set.provenance.digest()[..12]
            )
        })
        .collect()
}
