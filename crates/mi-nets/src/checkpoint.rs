use std::collections::{BTreeMap, BTreeSet, HashMap};

use mi_kernels::Scalar;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::optimiser::Memory;
use crate::params::is_permutation;
use crate::{NetsError, Optimiser, Params};

/// The key of a [`Header`] in safetensors' own metadata. It is the only key: safetensors keeps
/// metadata in a map of random order, and equal checkpoints must have equal bytes.
const HEADER_KEY: &str = "mi-nets";

#[derive(Serialize, Deserialize)]
struct Header {
    checksum: String,
    /// How the checksum is computed; files of earlier versions lack this field.
    #[serde(default)]
    mixing: Mixing,
    metadata: BTreeMap<String, String>,
}

/// What a checksum does after each word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mixing {
    /// Nothing. The highest bit of a word then affects only the highest bit of the checksum, so
    /// that two changed signs, each the highest bit of a word, cancel each other.
    #[default]
    None,
    /// Folds the upper half onto the lower one, so that every bit affects every other.
    Fold,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    /// Little-endian.
    bytes: Vec<u8>,
}

/// The complete state of a training run as one safetensors file: parameters, running statistics,
/// permutations, an optimiser's memory and step, and texts.
///
/// Parameters come in groups, so that networks trained separately can share a file. Tensors are
/// named `{group}/params/{name}`, `{group}/permutations/{name}`, `{group}/{rule}/first/{name}`,
/// `{group}/{rule}/second/{name}` and `{group}/{rule}/step`, where the rule is `adam` or `sgd`. A
/// checksum detects damaged files.
///
/// ```
/// use mi_nets::{AdamConfig, Checkpoint, Init, Mlp, NetsError, Optimiser, Params};
/// use mi_random::Stream;
///
/// let mut params = Params::<f32>::new();
/// let mut stream = Stream::new(0, "init");
/// Mlp::new(&mut params, "net", &[3, 2], Init::GlorotUniform, &mut stream)?;
/// let adam = Optimiser::new(AdamConfig::default(), &params);
///
/// let mut checkpoint = Checkpoint::new();
/// checkpoint.put_params("encoder", &params)?;
/// checkpoint.put_optimiser("encoder", &params, &adam)?;
/// checkpoint.put_metadata("step", "1000");
/// let bytes = checkpoint.to_bytes()?;
///
/// let mut fresh = Params::<f32>::new();
/// Mlp::new(&mut fresh, "net", &[3, 2], Init::GlorotUniform, &mut stream)?;
/// let read = Checkpoint::from_bytes(&bytes)?;
/// read.restore_params("encoder", &mut fresh)?;
/// assert_eq!(fresh, params);
/// assert_eq!(read.metadata("step"), Some("1000"));
/// # Ok::<(), NetsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

impl Checkpoint {
    /// An empty checkpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a group's parameters and permutations.
    ///
    /// # Errors
    /// If the group has already been added.
    pub fn put_params<T: Scalar>(
        &mut self,
        group: &str,
        params: &Params<T>,
    ) -> Result<(), NetsError> {
        for param in params.entries() {
            let shape = vec![param.rows, param.columns];
            self.put(format!("{group}/params/{}", param.name), floats(&param.values, shape))?;
        }
        for (name, order) in params.permutations() {
            self.put(format!("{group}/permutations/{name}"), integers(order))?;
        }
        Ok(())
    }

    /// Adds the state of a group's optimiser.
    ///
    /// # Errors
    /// If it has already been added, or the optimiser was made for other parameters.
    pub fn put_optimiser<T: Scalar>(
        &mut self,
        group: &str,
        params: &Params<T>,
        optimiser: &Optimiser<T>,
    ) -> Result<(), NetsError> {
        optimiser.check_fits(params)?;
        let prefix = format!("{group}/{}", optimiser.config().rule.name());
        for (param, memory) in params.entries().iter().zip(optimiser.memory()) {
            for (part, values) in [("first", &memory.first), ("second", &memory.second)] {
                if !values.is_empty() {
                    let name = format!("{prefix}/{part}/{}", param.name);
                    self.put(name, floats(values, vec![param.rows, param.columns]))?;
                }
            }
        }
        let bytes = optimiser.step().to_le_bytes().to_vec();
        let step = Entry { dtype: Dtype::U64, shape: vec![1], bytes };
        self.put(format!("{prefix}/step"), step)
    }

    /// Adds a text, and replaces an earlier one with the same key.
    pub fn put_metadata(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.metadata.insert(key.into(), value.into());
    }

    /// The text of this key.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// The total number of elements in all tensors. A caller that builds a network from metadata in
    /// order to restore it can check that the network is not larger than what was saved.
    pub fn elements(&self) -> usize {
        self.entries.values().map(|entry| entry.shape.iter().product::<usize>()).sum()
    }

    /// Overwrites a group's parameters and permutations with the saved ones. Nothing is
    /// changed on an error.
    ///
    /// # Errors
    /// If a parameter or permutation is missing, unknown, or has another shape or number type.
    pub fn restore_params<T: Scalar>(
        &self,
        group: &str,
        params: &mut Params<T>,
    ) -> Result<(), NetsError> {
        let prefix = format!("{group}/params/");
        let names = params.entries().iter().map(|param| param.name.as_str());
        self.check_names(&prefix, names)?;
        let mut values = Vec::new();
        for param in params.entries() {
            let name = format!("{prefix}{}", param.name);
            values.push(self.floats::<T>(&name, &[param.rows, param.columns])?);
        }
        let prefix = format!("{group}/permutations/");
        self.check_names(&prefix, params.permutations().map(|(name, _)| name))?;
        let mut orders = Vec::new();
        for (name, order) in params.permutations() {
            let name = format!("{prefix}{name}");
            let saved: Vec<usize> =
                self.integers(&name, order.len())?.map(|n| n as usize).collect();
            if !is_permutation(&saved) {
                return problem(format!("`{name}` is not a permutation"));
            }
            orders.push(saved);
        }
        for (param, values) in params.entries_mut().iter_mut().zip(values) {
            param.values = values;
        }
        for (index, order) in orders.iter().enumerate() {
            params.permutation_mut(index).copy_from_slice(order);
        }
        Ok(())
    }

    /// Overwrites the memory and the step of a group's optimiser with the saved ones; its settings
    /// stay. Nothing is changed on an error.
    ///
    /// # Errors
    /// If a part is missing, unknown, or has another shape or number type; if it was saved by
    /// another rule, or the optimiser was made for other parameters.
    pub fn restore_optimiser<T: Scalar>(
        &self,
        group: &str,
        params: &Params<T>,
        optimiser: &mut Optimiser<T>,
    ) -> Result<(), NetsError> {
        optimiser.check_fits(params)?;
        let rule = &optimiser.config().rule;
        let prefix = format!("{group}/{}", rule.name());
        let step = self.integers(&format!("{prefix}/step"), 1)?.sum();
        let mut memory = vec![Memory::default(); params.len()];
        for (part, remembered) in ["first", "second"].into_iter().zip(rule.remembers()) {
            let prefix = format!("{prefix}/{part}/");
            let names = params.entries().iter().map(|param| param.name.as_str());
            self.check_names(&prefix, names.filter(|_| remembered))?;
            if remembered {
                for (param, memory) in params.entries().iter().zip(&mut memory) {
                    let name = format!("{prefix}{}", param.name);
                    let values = self.floats::<T>(&name, &[param.rows, param.columns])?;
                    *if part == "first" { &mut memory.first } else { &mut memory.second } = values;
                }
            }
        }
        optimiser.restore(step, memory);
        Ok(())
    }

    /// The checkpoint as the bytes of a safetensors file. Equal checkpoints have equal bytes.
    ///
    /// # Errors
    /// If safetensors refuses (a header above its limit of 100 MB).
    pub fn to_bytes(&self) -> Result<Vec<u8>, NetsError> {
        let mixing = Mixing::Fold;
        let checksum = self.checksum(mixing);
        let header = Header { checksum, mixing, metadata: self.metadata.clone() };
        let header = serde_json::to_string(&header).map_err(failed)?;
        let tensors = self
            .entries
            .iter()
            .map(|(name, entry)| {
                let view = TensorView::new(entry.dtype, entry.shape.clone(), &entry.bytes);
                Ok((name.as_str(), view.map_err(failed)?))
            })
            .collect::<Result<Vec<_>, NetsError>>()?;
        let metadata = HashMap::from([(HEADER_KEY.to_owned(), header)]);
        safetensors::serialize(tensors, Some(metadata)).map_err(failed)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// If the bytes are not a checkpoint of this crate, are truncated, or fail the checksum.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NetsError> {
        let (_, info) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let header = info.metadata().as_ref().and_then(|metadata| metadata.get(HEADER_KEY));
        let Some(header) = header else {
            return problem("a safetensors file, but not a checkpoint of mi-nets".into());
        };
        let Header { checksum, mixing, metadata } =
            serde_json::from_str(header).map_err(damaged)?;
        let entry = |(name, view): (&str, TensorView<'_>)| {
            let (dtype, shape) = (view.dtype(), view.shape().to_vec());
            (name.to_owned(), Entry { dtype, shape, bytes: view.data().to_vec() })
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let entries = tensors.iter().map(entry).collect();
        let checkpoint = Self { entries, metadata };
        if checkpoint.checksum(mixing) != checksum {
            return problem("the checksum differs: the file is damaged, use an older one".into());
        }
        Ok(checkpoint)
    }

    fn put(&mut self, name: String, entry: Entry) -> Result<(), NetsError> {
        if self.entries.contains_key(&name) {
            return Err(NetsError::DuplicateName { name });
        }
        self.entries.insert(name, entry);
        Ok(())
    }

    /// Checks that exactly these names are saved under a prefix.
    fn check_names<'a>(
        &self,
        prefix: &str,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<(), NetsError> {
        let expected: BTreeSet<&str> = names.collect();
        let saved: BTreeSet<&str> =
            self.entries.keys().filter_map(|name| name.strip_prefix(prefix)).collect();
        let missing: Vec<_> = expected.difference(&saved).collect();
        let unknown: Vec<_> = saved.difference(&expected).collect();
        if missing.is_empty() && unknown.is_empty() {
            return Ok(());
        }
        problem(format!(
            "`{prefix}` belongs to another network: missing {missing:?}, unknown {unknown:?}"
        ))
    }

    fn entry(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&Entry, NetsError> {
        let Some(entry) = self.entries.get(name) else {
            return problem(format!("`{name}` is missing"));
        };
        if entry.dtype != dtype || entry.shape != shape {
            let found = format!("{:?} of {}", entry.shape, entry.dtype);
            return problem(format!("`{name}` is {found}, the network has {shape:?} of {dtype}"));
        }
        Ok(entry)
    }

    fn floats<T: Scalar>(&self, name: &str, shape: &[usize]) -> Result<Vec<T>, NetsError> {
        let bytes = &self.entry(name, dtype::<T>(), shape)?.bytes;
        Ok(if dtype::<T>() == Dtype::F32 {
            let (chunks, _) = bytes.as_chunks();
            chunks.iter().map(|&c| T::from_f64(f32::from_le_bytes(c).into())).collect()
        } else {
            let (chunks, _) = bytes.as_chunks();
            chunks.iter().map(|&c| T::from_f64(f64::from_le_bytes(c))).collect()
        })
    }

    fn integers(
        &self,
        name: &str,
        length: usize,
    ) -> Result<impl Iterator<Item = u64> + use<'_>, NetsError> {
        let (chunks, _) = self.entry(name, Dtype::U64, &[length])?.bytes.as_chunks();
        Ok(chunks.iter().map(|&chunk| u64::from_le_bytes(chunk)))
    }

    /// FNV-1a over 64-bit words: every step is a bijection of the state, so no single changed
    /// word goes unnoticed.
    fn checksum(&self, mixing: Mixing) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut word = |word: u64| {
            hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
            if mixing == Mixing::Fold {
                hash ^= hash >> 32;
            }
        };
        let mut absorb = |bytes: &[u8]| {
            word(bytes.len() as u64);
            let (words, rest) = bytes.as_chunks();
            for &bytes in words {
                word(u64::from_le_bytes(bytes));
            }
            for &byte in rest {
                word(byte.into());
            }
        };
        for (name, entry) in &self.entries {
            absorb(name.as_bytes());
            absorb(entry.dtype.to_string().as_bytes());
            for &size in &entry.shape {
                absorb(&(size as u64).to_le_bytes());
            }
            absorb(&entry.bytes);
        }
        for (key, value) in &self.metadata {
            absorb(key.as_bytes());
            absorb(value.as_bytes());
        }
        format!("{hash:016x}")
    }
}

fn dtype<T: Scalar>() -> Dtype {
    if T::NAME == f32::NAME { Dtype::F32 } else { Dtype::F64 }
}

fn floats<T: Scalar>(values: &[T], shape: Vec<usize>) -> Entry {
    let dtype = dtype::<T>();
    let bytes = if dtype == Dtype::F32 {
        values.iter().flat_map(|&x| (x.to_f64() as f32).to_le_bytes()).collect()
    } else {
        values.iter().flat_map(|&x| x.to_f64().to_le_bytes()).collect()
    };
    Entry { dtype, shape, bytes }
}

fn integers(values: &[usize]) -> Entry {
    let bytes = values.iter().flat_map(|&n| (n as u64).to_le_bytes()).collect();
    Entry { dtype: Dtype::U64, shape: vec![values.len()], bytes }
}

fn problem<T>(problem: String) -> Result<T, NetsError> {
    Err(NetsError::Checkpoint { problem })
}

fn failed(error: impl std::error::Error) -> NetsError {
    NetsError::Checkpoint { problem: error.to_string() }
}

fn damaged(error: impl std::error::Error) -> NetsError {
    NetsError::Checkpoint { problem: format!("not a complete safetensors file: {error}") }
}
