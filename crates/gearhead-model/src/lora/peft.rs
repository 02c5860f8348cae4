//! Adapters as PEFT keeps them: `adapter_config.json` and `adapter_model.safetensors`.

use std::path::{Path, PathBuf};

use burn::{
    module::Param,
    tensor::{Tensor, TensorData, backend::Backend},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, StandardUniform};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{LoraConfig, Target};
use crate::{
    decoder::Decoder,
    directory::{read_file, to_f32, write_directory},
    error::{Error, Result},
    names::{VisitParameters, visit_parameters},
    tensor_file::{TensorFile, TensorWriter},
};

pub(crate) const ADAPTER_CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// What is written and read of `adapter_config.json`.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "the file has them")]
struct PeftConfig {
    peft_type: String,
    #[serde(default)]
    task_type: Option<String>,
    base_model_name_or_path: Option<PathBuf>,
    r: usize,
    lora_alpha: f64,
    target_modules: Value,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    bias: Option<String>,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    inference_mode: bool,
    /// What else another program has set.
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// What PEFT can do and Gearhead cannot; each must be absent, null, false or empty.
const UNSUPPORTED: [&str; 16] = [
    "alora_invocation_tokens",
    "alpha_pattern",
    "arrow_config",
    "exclude_modules",
    "kasa_config",
    "layer_replication",
    "layers_to_transform",
    "lora_bias",
    "modules_to_save",
    "monteclora_config",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
];

/// Ways to begin that leave the model's own weights as they are; the others change them.
const HARMLESS_BEGINNINGS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// The adapters of a directory.
#[derive(Debug)]
pub(crate) struct Adapters {
    pub(crate) lora: LoraConfig,
    /// The directory of the model that they belong to.
    pub(crate) base: PathBuf,
    pub(crate) file: TensorFile,
}

impl Adapters {
    /// Reads a directory that PEFT or [`save_with`] wrote.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let path = directory.join(ADAPTER_CONFIG);
        let json = |reason: String| Error::Json { path: path.clone(), reason };
        let unsupported = |what: String| Error::Unsupported { path: path.clone(), what };
        let config: PeftConfig = serde_json::from_slice(&read_file(directory, ADAPTER_CONFIG)?)
            .map_err(|error| json(error.to_string()))?;
        if config.peft_type != "LORA" {
            return Err(unsupported(format!("`peft_type` {:?}", config.peft_type)));
        }
        if let Some(bias) = config.bias.filter(|bias| bias != "none") {
            return Err(unsupported(format!("`bias` {bias:?}")));
        }
        if config.fan_in_fan_out {
            return Err(unsupported("`fan_in_fan_out`".into()));
        }
        let is_set = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Object(entries) => !entries.is_empty(),
            Value::Array(values) => !values.is_empty(),
            _ => true,
        };
        if let Some(key) = UNSUPPORTED.iter().find(|key| config.more.get(**key).is_some_and(is_set)) {
            return Err(unsupported(format!("`{key}`")));
        }
        if let Some(Value::String(way)) = config.more.get("init_lora_weights")
            && !HARMLESS_BEGINNINGS.contains(&way.as_str())
        {
            return Err(unsupported(format!("`init_lora_weights` {way:?}")));
        }
        let targets: Vec<Target> = serde_json::from_value(config.target_modules).map_err(|error| {
            unsupported(format!("a `target_modules` that is no list of layers ({error})"))
        })?;
        let lora = LoraConfig {
            rank: config.r,
            alpha: config.lora_alpha,
            targets,
            dora: config.use_dora,
            rslora: config.use_rslora,
            ..LoraConfig::default()
        };
        lora.validate().map_err(|error| json(error.to_string()))?;
        let base = config.base_model_name_or_path.filter(|base| !base.as_os_str().is_empty());
        let base = base.ok_or_else(|| json("`base_model_name_or_path` is missing".into()))?;
        // Beside the working directory, where PEFT looks, a relative path may begin at the adapters.
        let Some(base) = [base.clone(), directory.join(&base)].into_iter().find(|base| base.is_dir()) else {
            let reason = format!(
                "`base_model_name_or_path` is {}, which is no directory here: set it to where the model is",
                base.display()
            );
            return Err(json(reason));
        };
        Ok(Self { lora, base, file: TensorFile::open(directory.join(WEIGHTS))? })
    }

    /// Copies the other files of the directory.
    pub(crate) fn copy_beside(&self, folder: &Path) -> std::io::Result<()> {
        let directory = self.file.path.parent().unwrap_or(Path::new("."));
        for entry in std::fs::read_dir(directory)? {
            let (entry, own) = (entry?, [ADAPTER_CONFIG, WEIGHTS]);
            if entry.file_type()?.is_file() && !own.iter().any(|name| entry.file_name() == *name) {
                std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Their values.
    pub(crate) fn source(&self) -> Result<AdapterSource<'_>> {
        let tensors = self.file.parse()?;
        let values = move |part: Part, module: &str, shape: &[usize]| {
            let name = part.name(module);
            let fault = |reason| Error::Weight { path: self.file.path.clone(), name: name.clone(), reason };
            let view = tensors.tensor(&name).map_err(|_| fault("is missing".into()))?;
            if view.shape() != shape {
                return Err(fault(format!("has the shape {:?}, not {shape:?}", view.shape())));
            }
            Ok(Some(TensorData::new(to_f32(&view).map_err(fault)?, shape)))
        };
        Ok(AdapterSource { lora: &self.lora, values: Box::new(values) })
    }
}

/// Writes the adapters of a decoder for the model of the directory `base`; `beside` writes whatever further files into the
/// new directory. It appears, or takes the place of an older one, only when it is complete.
///
/// # Errors
///
/// [`Error::Io`] with the path.
pub fn save_with<B: Backend>(
    decoder: &Decoder<B>,
    lora: &LoraConfig,
    base: &Path,
    path: impl AsRef<Path>,
    beside: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let config = PeftConfig {
        peft_type: "LORA".into(),
        task_type: Some("CAUSAL_LM".into()),
        base_model_name_or_path: Some(base.to_owned()),
        r: lora.rank,
        lora_alpha: lora.alpha,
        target_modules: lora.targets.iter().map(|target| target.name()).collect(),
        use_dora: lora.dora,
        use_rslora: lora.rslora,
        bias: Some("none".into()),
        fan_in_fan_out: false,
        inference_mode: true,
        more: serde_json::Map::new(),
    };
    let config = serde_json::to_vec_pretty(&config)
        .map_err(|error| Error::Json { path: path.join(ADAPTER_CONFIG), reason: error.to_string() })?;
    let mut weights = TensorWriter::default();
    visit_parameters(decoder, &mut AddAdapters(&mut weights));
    let fill = |folder: &Path| {
        std::fs::write(folder.join(ADAPTER_CONFIG), config)?;
        weights.write(&folder.join(WEIGHTS))?;
        beside(folder)
    };
    write_directory(path, fill).map_err(|source| Error::Io { path: path.to_owned(), source })
}

struct AddAdapters<'a, 'b>(&'a mut TensorWriter<'b>);

impl<B: Backend> VisitParameters<B> for AddAdapters<'_, '_> {
    fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<B, D>>) {
        let Some((module, part)) = name.rsplit_once(".adapter.") else { return };
        let part = match part {
            "lora_a" => Part::A,
            "lora_b" => Part::B,
            _ => Part::Magnitude,
        };
        self.0.add(part.name(module), param.val());
    }
}

/// A tensor of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    A,
    B,
    Magnitude,
}

impl Part {
    /// What PEFT calls it, for a module of the model.
    pub(crate) fn name(self, module: &str) -> String {
        let part = match self {
            Self::A => "lora_A.weight",
            Self::B => "lora_B.weight",
            Self::Magnitude => "lora_magnitude_vector",
        };
        format!("base_model.model.{module}.{part}")
    }
}

/// Where the adapters of a model come from.
pub(crate) struct AdapterSource<'a> {
    pub(crate) lora: &'a LoraConfig,
    /// The values of a part of the adapter of a module, of a shape; none where they follow from the module's weight.
    pub(crate) values: Box<AdapterValues<'a>>,
}

pub(crate) type AdapterValues<'a> = dyn FnMut(Part, &str, &[usize]) -> Result<Option<TensorData>> + 'a;

impl<'a> AdapterSource<'a> {
    /// `A` as PyTorch's linear layers begin, uniform within `1/√in`; `B` of zeros and the norms of the weights, so that the
    /// model is at first what it was. The same seed gives the same values on every backend.
    pub(crate) fn new(lora: &'a LoraConfig, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = move |part, _: &str, shape: &[usize]| {
            let count = shape.iter().product();
            let values = match part {
                Part::A => {
                    let bound = (shape[1] as f32).sqrt().recip();
                    let uniform = |_| {
                        let uniform: f32 = StandardUniform.sample(&mut rng);
                        bound * (2.0 * uniform - 1.0)
                    };
                    (0..count).map(uniform).collect()
                }
                Part::B => vec![0.0_f32; count],
                Part::Magnitude => return Ok(None),
            };
            Ok(Some(TensorData::new(values, shape)))
        };
        Self { lora, values: Box::new(values) }
    }
}
