//! Whole states of a training on disk, from which it goes on to the last bit.
//!
//! A checkpoint is a model directory with the optimizer's moments, the state of the loop and, in `manifest.json`, the
//! length and the hash of every other file. It is written under another name, synced and renamed, so what has a
//! checkpoint's name was whole once; the hashes tell whether it still is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use gearhead_data::manifest::hash_file;
use gearhead_kernels::AutodiffKernels;
use gearhead_model::{Decoder, Dtype, ModelDirectory, TensorFile, TensorWriter};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    config::Config,
    data::TrainData,
    error::{Error, Result},
    optimizer::AdamW,
    precision::LossScale,
    trainer::save_trained,
};

/// The folder of checkpoints in a training's output folder.
pub(crate) const FOLDER: &str = "checkpoints";
const MANIFEST: &str = "manifest.json";
const STATE: &str = "state.json";
const OPTIMIZER: &str = "optimizer.safetensors";

/// How many are kept: where the newest is damaged, the one before it is there.
const KEPT: usize = 2;

/// The state of the loop beside weights and moments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Steps that were done.
    pub(crate) step: usize,
    /// Steps of all epochs.
    pub(crate) steps: usize,
    /// Steps that the optimizer took: those that were not skipped.
    pub(crate) optimizer_steps: u32,
    /// Input tokens so far.
    pub(crate) tokens: usize,
    /// Wall time so far.
    pub(crate) seconds: f64,
    /// The lowest validation loss so far, and the step after which it was measured.
    pub(crate) best: Option<(f64, usize)>,
    /// Losses of the last steps, by which a spike is told.
    pub(crate) losses: Vec<f64>,
    /// Steps that were skipped one after the other up to here.
    pub(crate) skipped: usize,
    /// Where the activations need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) loss_scale: Option<LossScale>,
    /// How much of `metrics.jsonl` tells of the steps that were done.
    pub(crate) metrics_bytes: u64,
    /// What the training is made from.
    pub(crate) made_from: MadeFrom,
}

/// What decides the course of a training, beside the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MadeFrom {
    /// The configuration with every default written out.
    pub(crate) config: toml::Table,
    /// Hashes of the files that it names.
    pub(crate) files: BTreeMap<PathBuf, String>,
    /// The versions of Gearhead and of Burn.
    pub(crate) versions: BTreeMap<String, String>,
    /// Where it is computed.
    pub(crate) device: String,
}

impl MadeFrom {
    pub(crate) fn new(config: &Config, data: &TrainData, device: String) -> Self {
        let versions = [("gearhead", env!("CARGO_PKG_VERSION")), ("burn", "0.21.0")];
        Self {
            config: toml::Table::try_from(config).expect("a configuration is a TOML table"),
            files: data.hashes.clone(),
            versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into(),
            device,
        }
    }

    /// In what way another training cannot go on from this.
    fn differs(&self, now: &Self) -> Option<String> {
        if let Some((key, then, now)) = difference(&self.config, &now.config, "") {
            return Some(format!("{key} was {then} and is {now} now"));
        }
        let changed = |(path, hash): (&PathBuf, &String)| now.files.get(path) != Some(hash);
        let path = self.files.iter().find(|entry| changed(*entry)).map(|(path, _)| path)?;
        Some(format!("{} has another content now", path.display()))
    }
}

/// What may change from one part of a training to the next, since it changes no result.
const FREE: [&str; 7] = [
    "output",
    "train.checkpoint_every_minutes",
    "train.checkpoint_every_steps",
    "train.on_divergence",
    "train.recompute_every",
    "train.save_dtype",
    "data.keep_cases",
];

/// The first key that has another value, and both values.
fn difference(then: &toml::Table, now: &toml::Table, section: &str) -> Option<(String, String, String)> {
    let keys: std::collections::BTreeSet<_> = then.keys().chain(now.keys()).collect();
    keys.into_iter().find_map(|key| {
        let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match (then.get(key), now.get(key)) {
            (Some(toml::Value::Table(then)), Some(toml::Value::Table(now))) => difference(then, now, &name),
            (then, now) if then == now || FREE.contains(&name.as_str()) => None,
            (then, now) => {
                let text =
                    |value: Option<&toml::Value>| value.map_or("not given".to_owned(), ToString::to_string);
                Some((name, text(then), text(now)))
            }
        }
    })
}

/// A file of a checkpoint, as its manifest tells of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Listed {
    bytes: u64,
    xxh3: String,
}

/// Writes a checkpoint and removes those that are older than the one before it.
pub(crate) fn write<B: AutodiffKernels>(
    config: &Config,
    state: &State,
    decoder: &Decoder<B>,
    optimizer: &AdamW<B>,
) -> Result<()> {
    let folder = config.output.join(FOLDER);
    let fill = |folder: &Path| -> std::io::Result<()> {
        let mut moments = TensorWriter::default();
        optimizer.store(decoder, &mut moments);
        moments.write(&folder.join(OPTIMIZER))?;
        fs::write(folder.join(STATE), serde_json::to_vec_pretty(state)?)?;
        let mut manifest = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let listed = Listed { bytes: entry.metadata()?.len(), xxh3: hash_file(&entry.path())? };
            manifest.insert(entry.file_name().to_string_lossy().into_owned(), listed);
        }
        fs::write(folder.join(MANIFEST), serde_json::to_vec_pretty(&manifest)?)
    };
    let path = folder.join(format!("step-{:08}", state.step));
    save_trained(decoder, config, Dtype::F32, path, fill)?;
    for (_, old) in list(&folder)?.into_iter().skip(KEPT) {
        fs::remove_dir_all(&old).map_err(|source| Error::Io { path: old, source })?;
    }
    Ok(())
}

/// A checkpoint that is whole.
pub(crate) struct Checkpoint {
    pub(crate) state: State,
    path: PathBuf,
}

impl Checkpoint {
    /// The newest whole checkpoint of an output folder, if there is any, and why those that are newer are not.
    pub(crate) fn newest(output: &Path) -> Result<(Option<Self>, Vec<String>)> {
        let mut damaged = Vec::new();
        for (_, path) in list(&output.join(FOLDER))? {
            match Self::open(&path) {
                Ok(checkpoint) => return Ok((Some(checkpoint), damaged)),
                Err(reason) => damaged.push(format!("{}: {reason}", path.display())),
            }
        }
        Ok((None, damaged))
    }

    fn open(path: &Path) -> std::result::Result<Self, String> {
        let manifest: BTreeMap<String, Listed> = read_json(&path.join(MANIFEST))?;
        for (name, listed) in &manifest {
            let file = path.join(name);
            let bytes = fs::metadata(&file).map_err(|error| format!("{name}: {error}"))?.len();
            if bytes != listed.bytes {
                return Err(format!("{name} has {bytes} bytes of {}", listed.bytes));
            }
            if hash_file(&file).map_err(|error| format!("{name}: {error}"))? != listed.xxh3 {
                return Err(format!("{name} is damaged"));
            }
        }
        // `model.safetensors`, or that of adapters.
        for end in [STATE, OPTIMIZER, "model.safetensors"] {
            if !manifest.keys().any(|name| name.ends_with(end)) {
                return Err(format!("{MANIFEST} does not list {end}"));
            }
        }
        Ok(Self { state: read_json(&path.join(STATE))?, path: path.to_owned() })
    }

    /// Whether a training made from `now` may go on from here.
    ///
    /// # Errors
    ///
    /// [`Error::Resume`] names what is different.
    pub(crate) fn check(&self, now: &MadeFrom) -> Result<()> {
        let Some(difference) = self.state.made_from.differs(now) else { return Ok(()) };
        let reason = format!(
            "{difference}; a training goes on as it began: undo that, or begin anew with another `output`"
        );
        Err(Error::Resume { path: self.path.clone(), reason })
    }

    /// The weights and the optimizer.
    pub(crate) fn load<B: AutodiffKernels>(
        &self,
        config: &Config,
        device: &B::Device,
    ) -> Result<(Decoder<B>, AdamW<B>)> {
        let stored = ModelDirectory::open(&self.path)?;
        let decoder = match &config.lora {
            Some(lora) => stored.with_adapters::<B>(lora.base_dtype, device)?,
            None => stored.decoder::<B>(device)?,
        };
        let dtype = config.train.optimizer_dtype;
        let moments = TensorFile::open(self.path.join(OPTIMIZER))?;
        let optimizer =
            AdamW::restore(&decoder, &moments.tensors()?, self.state.optimizer_steps, dtype, device)?;
        Ok((decoder, optimizer))
    }
}

/// The checkpoints of a folder by their steps, the newest first.
fn list(folder: &Path) -> Result<Vec<(usize, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<std::io::Result<Vec<_>>>),
    };
    let entries = entries.map_err(|source| Error::Io { path: folder.to_owned(), source })?;
    let step = |name: &str| name.strip_prefix("step-")?.parse().ok();
    let mut found: Vec<(usize, PathBuf)> = entries
        .iter()
        .filter_map(|entry| Some((step(&entry.file_name().to_string_lossy())?, entry.path())))
        .collect();
    found.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
    Ok(found)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> std::result::Result<T, String> {
    let name = path.file_name().unwrap_or_default().display().to_string();
    let text = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{name}: {error}"))
}

/// The hash of a file that a training is made from.
pub(crate) fn hash_of(path: &Path) -> Result<String> {
    hash_file(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}
