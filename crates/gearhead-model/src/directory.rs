//! A model directory: `config.json`, `model.safetensors` or the parts that it is split into, and whatever files stand
//! beside them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
};

use burn::{
    module::Param,
    tensor::{Bytes, DType, Tensor, TensorData, backend::Backend},
};
use burn_std::AllocationProperty;
use gearhead_kernels::{FrozenDtype, Kernels};
use half::{bf16, f16};
use safetensors::tensor::TensorView;

use crate::{
    config::ModelConfig,
    decoder::{Decoder, WeightReader, WeightSource},
    error::{Error, Result},
    lora::{ADAPTER_CONFIG, AdapterSource, Adapters, LoraConfig},
    names::{VisitParameters, visit_parameters},
    precision::{Precision, WeightDtype},
    predictor::Predictor,
    tensor_file::{TensorFile, TensorWriter},
};

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
/// Says which part of the weights is in which file.
const INDEX: &str = "model.safetensors.index.json";

/// The type of the numbers in a weight file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bit.
    #[default]
    F32,
    /// 16 bit, IEEE 754.
    F16,
    /// 16 bit, the upper half of an f32.
    Bf16,
}

impl Dtype {
    const fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }
}

/// The configuration and the weights of a model: of files that are mapped, not copied, or in memory.
#[derive(Debug)]
pub struct ModelDirectory {
    pub(crate) config: ModelConfig,
    pub(crate) weights: Vec<TensorFile>,
    pub(crate) path: PathBuf,
    pub(crate) adapters: Option<Adapters>,
}

impl ModelDirectory {
    /// Opens a directory, whose weights are in `model.safetensors` or in the files that `model.safetensors.index.json`
    /// names. A directory of adapters is opened with the model that it names.
    ///
    /// # Errors
    ///
    /// Names the file that is missing or wrong.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.join(CONFIG).exists() || !path.join(ADAPTER_CONFIG).exists() {
            return Self::open_model(path);
        }
        let adapters = Adapters::open(path)?;
        let model = Self::open_model(&adapters.base)?;
        Ok(Self { adapters: Some(adapters), ..model })
    }

    fn open_model(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        let config = read_file(&path, CONFIG)?;
        let config = ModelConfig::from_hf_json(&config, &path.join(CONFIG))?;
        let is_split = !path.join(WEIGHTS).exists() && path.join(INDEX).exists();
        let weights = if is_split { open_parts(&path)? } else { vec![open_whole(&path)?] };
        Ok(Self { config, weights, path, adapters: None })
    }

    /// A directory that is in memory; `name` is what error messages call it.
    ///
    /// # Errors
    ///
    /// The configuration is wrong.
    pub fn from_memory(config: &[u8], weights: impl Into<bytes::Bytes>, name: &str) -> Result<Self> {
        let path = PathBuf::from(name);
        let config = ModelConfig::from_hf_json(config, &path.join(CONFIG))?;
        let weights = vec![TensorFile { path: path.join(WEIGHTS), bytes: weights.into() }];
        Ok(Self { config, weights, path, adapters: None })
    }

    /// Where it is, or what error messages call it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The files that the weights are in, and those of adapters.
    pub fn weight_files(&self) -> impl Iterator<Item = &Path> {
        let adapters = self.adapters.as_ref().map(|adapters| &adapters.file);
        self.weights.iter().chain(adapters).map(|file| file.path.as_path())
    }

    /// The decoder, with its weights as f32 on `device`, in memory of their own: what is trained would be copied at the first
    /// step anyway, while the file took as much memory again. Adapters are in the weights.
    ///
    /// # Errors
    ///
    /// Names the weight that is missing or of the wrong shape.
    pub fn decoder<B: Kernels>(&self, device: &B::Device) -> Result<Decoder<B>> {
        self.with_weights(|source| {
            let mut source = |name: &str, shape: &[usize]| source(name, shape).map(|data| owned(&data));
            Decoder::read(self.merging(device, &mut source)?)
        })
    }

    /// The decoder with new adapters, which alone are trained. On the CPU, weights that are stored as they are kept are read
    /// from the file when they are needed.
    ///
    /// # Errors
    ///
    /// As [`decoder`](Self::decoder), and [`Error::Lora`] where the model has adapters already or the configuration does not
    /// suit it.
    pub fn with_new_adapters<B: Kernels>(
        &self,
        lora: &LoraConfig,
        seed: u64,
        device: &B::Device,
    ) -> Result<Decoder<B>> {
        lora.validate()?;
        if let Some(adapters) = &self.adapters {
            let reason =
                format!("rank: {} has adapters already: merge them first", adapters.file.path.display());
            return Err(Error::Lora { reason });
        }
        self.beside(AdapterSource::new(lora, seed), lora.base_dtype, device)
    }

    /// The decoder with the adapters of the directory beside its weights, which are stored as `dtype`: only the adapters are
    /// trained.
    ///
    /// # Errors
    ///
    /// As [`decoder`](Self::decoder), and [`Error::MissingFile`] where it has none.
    pub fn with_adapters<B: Kernels>(&self, dtype: FrozenDtype, device: &B::Device) -> Result<Decoder<B>> {
        self.beside(self.adapters()?.source()?, dtype, device)
    }

    fn beside<B: Kernels>(
        &self,
        adapters: AdapterSource<'_>,
        dtype: FrozenDtype,
        device: &B::Device,
    ) -> Result<Decoder<B>> {
        self.with_weights(|source| {
            // A norm alone, read where it lies, would keep the whole file in memory beside what is stored in fewer bits.
            let mut source = |name: &str, shape: &[usize]| {
                let data = source(name, shape)?;
                Ok(if dtype == FrozenDtype::F32 { data } else { owned(&data) })
            };
            let reader = WeightReader::new(&self.config, device, &mut source)?;
            Decoder::read(reader.with_adapters(adapters, dtype)?)
        })
    }

    /// The decoder made ready to predict, adapters in its weights. On the CPU, weights that are stored as they are computed
    /// with are read from the file when they are needed.
    ///
    /// # Errors
    ///
    /// As [`decoder`](Self::decoder), and where the model's sizes, its weights or the device do not suit the precision.
    pub fn predictor<B: Kernels>(&self, precision: Precision, device: &B::Device) -> Result<Predictor<B>> {
        self.with_weights(|source| {
            // A norm alone, read where it lies, would keep the whole file in memory beside what is stored in fewer bits.
            let mut source = |name: &str, shape: &[usize]| {
                let data = source(name, shape)?;
                Ok(if precision.weights == WeightDtype::F32 || shape.len() > 1 { data } else { owned(&data) })
            };
            Predictor::read(&mut self.merging(device, &mut source)?, precision)
        })
    }

    /// Writes a model directory in which the adapters are in the weights, with whatever else stands beside them.
    ///
    /// # Errors
    ///
    /// As [`decoder`](Self::decoder) and [`save_with`], and [`Error::MissingFile`] where there are no adapters.
    pub fn save_merged<B: Kernels>(
        &self,
        dtype: Dtype,
        path: impl AsRef<Path>,
        device: &B::Device,
    ) -> Result<()> {
        let adapters = self.adapters()?;
        let decoder = self.decoder::<B>(device)?;
        save_with(&decoder, decoder.config(), dtype, path, |folder| adapters.copy_beside(folder))
    }

    fn adapters(&self) -> Result<&Adapters> {
        let none = || Error::MissingFile { path: self.path.clone(), file: ADAPTER_CONFIG };
        self.adapters.as_ref().ok_or_else(none)
    }

    fn merging<'a, 'b, B: Kernels>(
        &'a self,
        device: &'a B::Device,
        source: &'a mut WeightSource<'b>,
    ) -> Result<WeightReader<'a, 'b, B>> {
        let adapters = self.adapters.as_ref().map(Adapters::source).transpose()?;
        Ok(WeightReader::new(&self.config, device, source)?.merging(adapters))
    }

    /// Calls `build` with what gives each weight by its name and shape.
    pub(crate) fn with_weights<R>(
        &self,
        build: impl FnOnce(&mut WeightSource<'_>) -> Result<R>,
    ) -> Result<R> {
        let mut files = Vec::with_capacity(self.weights.len());
        for file in &self.weights {
            files.push((file, file.parse()?));
        }
        build(&mut |name, shape| {
            let fault =
                |path: &Path, reason| Error::Weight { path: path.to_owned(), name: name.to_owned(), reason };
            let found = files.iter().find_map(|(file, tensors)| Some((*file, tensors.tensor(name).ok()?)));
            let Some((file, view)) = found else {
                let all =
                    if let [(only, _)] = &files[..] { only.path.clone() } else { self.path.join(INDEX) };
                return Err(fault(&all, "is missing".into()));
            };
            if view.shape() != shape {
                let reason = format!("has the shape {:?}, the configuration says {shape:?}", view.shape());
                return Err(fault(&file.path, reason));
            }
            values(&file.bytes, &view).map_err(|reason| fault(&file.path, reason))
        })
    }
}

/// The values of a weight as they are stored, where they lie.
fn values(file: &bytes::Bytes, view: &TensorView<'_>) -> std::result::Result<TensorData, String> {
    let bytes = view.data();
    let (dtype, size) = match view.dtype() {
        safetensors::Dtype::F32 => (DType::F32, align_of::<f32>()),
        safetensors::Dtype::F16 => (DType::F16, align_of::<f16>()),
        safetensors::Dtype::BF16 => (DType::BF16, align_of::<bf16>()),
        other => return Err(format!("has the type {other:?}, only F32, F16 and BF16 are read")),
    };
    if bytes.as_ptr().addr().is_multiple_of(size) && cfg!(target_endian = "little") {
        let bytes = Bytes::from_shared(file.slice_ref(bytes), AllocationProperty::File);
        return Ok(TensorData::from_bytes(bytes, view.shape(), dtype));
    }
    Ok(TensorData::new(to_f32(view)?, view.shape()))
}

/// Whether a file of this name holds weights, or says which file does: `model.safetensors`, its index, and the parts of a model
/// that is split.
pub fn is_weight_file(name: &str) -> bool {
    let part = || {
        name.strip_prefix("model-").is_some_and(|rest| rest.ends_with(".safetensors") && !rest.contains('/'))
    };
    name == WEIGHTS || name == INDEX || part()
}

/// The weights in one file.
fn open_whole(directory: &Path) -> Result<TensorFile> {
    TensorFile::map(&directory.join(WEIGHTS)).map_err(|source| missing_or_io(directory, WEIGHTS, source))
}

/// The files that the index names.
fn open_parts(directory: &Path) -> Result<Vec<TensorFile>> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let path = directory.join(INDEX);
    let fault = |reason: String| Error::Json { path: path.clone(), reason };
    let index: Index =
        serde_json::from_slice(&read_file(directory, INDEX)?).map_err(|error| fault(error.to_string()))?;
    let names: BTreeSet<&str> = index.weight_map.values().map(String::as_str).collect();
    if names.is_empty() {
        return Err(fault("`weight_map` names no file".into()));
    }
    let mut parts = Vec::with_capacity(names.len());
    for name in names {
        // The index may be a stranger's: nothing outside the directory is read.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(fault(format!("`weight_map` names {name:?}, which is not a file of this directory")));
        }
        parts.push(TensorFile::open(directory.join(name))?);
    }
    Ok(parts)
}

/// Writes a model directory: configuration, weights, and `beside` as further files (name and content). The directory
/// appears, or takes the place of an older one, only when it is complete.
///
/// # Errors
///
/// [`Error::Io`] with the path.
pub fn save<B: Backend>(
    decoder: &Decoder<B>,
    config: &ModelConfig,
    dtype: Dtype,
    beside: &[(&str, &[u8])],
    path: impl AsRef<Path>,
) -> Result<()> {
    let write_beside = |folder: &Path| {
        beside.iter().try_for_each(|(name, content)| std::fs::write(folder.join(name), content))
    };
    save_with(decoder, config, dtype, path, write_beside)
}

/// As [`save`], with `beside` to write whatever further files into the new directory, which holds the model already.
///
/// # Errors
///
/// [`Error::Io`] with the path.
pub fn save_with<B: Backend>(
    decoder: &Decoder<B>,
    config: &ModelConfig,
    dtype: Dtype,
    path: impl AsRef<Path>,
    beside: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<()> {
    let mut weights = TensorWriter::default();
    add_parameters(decoder, dtype, &mut weights);
    write_model(config, dtype, &weights, path.as_ref(), beside)
}

/// Writes configuration and weights, and with `beside` whatever further files; `dtype` is what the configuration says of most
/// weights.
pub(crate) fn write_model(
    config: &ModelConfig,
    dtype: Dtype,
    weights: &TensorWriter<'_>,
    path: &Path,
    beside: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<()> {
    let hf = config.to_hf_json(dtype.torch_name());
    let hf = serde_json::to_vec_pretty(&hf)
        .map_err(|error| Error::Json { path: path.join(CONFIG), reason: error.to_string() })?;
    let fill = |folder: &Path| {
        std::fs::write(folder.join(CONFIG), hf)?;
        weights.write(&folder.join(WEIGHTS))?;
        beside(folder)
    };
    write_directory(path, fill).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// The type of a weight in a safetensors file.
pub(crate) const fn element(dtype: Dtype) -> safetensors::Dtype {
    match dtype {
        Dtype::F32 => safetensors::Dtype::F32,
        Dtype::F16 => safetensors::Dtype::F16,
        Dtype::Bf16 => safetensors::Dtype::BF16,
    }
}

/// Every parameter, by its Hugging Face name.
fn add_parameters<B: Backend>(decoder: &Decoder<B>, dtype: Dtype, weights: &mut TensorWriter<'_>) {
    struct Add<'a, 'b> {
        weights: &'a mut TensorWriter<'b>,
        dtype: Dtype,
    }
    impl<B: Backend> VisitParameters<B> for Add<'_, '_> {
        fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<B, D>>) {
            let (tensor, dtype) = (param.val(), self.dtype);
            let shape = tensor.dims().to_vec();
            let bytes = move || from_f32(&tensor.clone().into_data(), dtype);
            self.weights.add_bytes(name, element(dtype), shape, bytes);
        }
    }
    visit_parameters(decoder, &mut Add { weights, dtype });
}

/// Writes a directory with `fill`, which gets an empty one beside `path`; it takes the place of `path` only when it is
/// complete.
///
/// # Errors
///
/// Those of `fill`, or the directory cannot be made, synced or renamed.
pub fn write_directory(path: &Path, fill: impl FnOnce(&Path) -> std::io::Result<()>) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let mut builder = tempfile::Builder::new();
    // A temporary directory is private to its owner; a finished one gets what any new directory gets.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let new = builder.prefix(TEMPORARY).tempdir_in(parent)?;
    fill(new.path())?;
    for entry in std::fs::read_dir(new.path())? {
        File::options().append(true).open(entry?.path())?.sync_all()?;
    }
    sync_directory(new.path())?;
    let new = new.keep();
    let placed = put_in_place(&new, path, parent);
    if placed.is_err() {
        // The error that matters is the first one.
        let _ = std::fs::remove_dir_all(&new);
    }
    placed?;
    sync_directory(parent)
}

/// What the names of directories begin with that are not complete yet, or not removed yet.
const TEMPORARY: &str = ".gearhead-";

/// Removes what writers that were killed have left in a directory.
///
/// # Errors
///
/// [`Error::Io`] with the path.
pub fn remove_left_over(directory: &Path) -> Result<()> {
    let remove = || -> std::io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                let path = entry.path();
                if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
            }
        }
        Ok(())
    };
    remove().map_err(|source| Error::Io { path: directory.to_owned(), source })
}

/// The names of files reach the disk.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    // Elsewhere a directory cannot be opened as a file.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Renames `new` to `path`. Where an older directory stands there it is moved aside first, and back if `new` cannot
/// take its place.
fn put_in_place(new: &Path, path: &Path, parent: &Path) -> std::io::Result<()> {
    if !path.exists() {
        return std::fs::rename(new, path);
    }
    // Kept until the new directory stands: no failure on the way deletes the only whole one.
    let aside = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(parent)?.keep();
    let old = aside.join("replaced");
    std::fs::rename(path, &old)?;
    if let Err(error) = std::fs::rename(new, path) {
        std::fs::rename(&old, path)?;
        std::fs::remove_dir(&aside)?;
        return Err(error);
    }
    std::fs::remove_dir_all(&aside)
}

/// The content of a file of a model directory.
///
/// # Errors
///
/// [`Error::MissingFile`] or [`Error::Io`].
pub fn read_file(directory: &Path, file: &'static str) -> Result<Vec<u8>> {
    std::fs::read(directory.join(file)).map_err(|source| missing_or_io(directory, file, source))
}

fn missing_or_io(directory: &Path, file: &'static str, source: std::io::Error) -> Error {
    if source.kind() == std::io::ErrorKind::NotFound && directory.is_dir() {
        Error::MissingFile { path: directory.to_owned(), file }
    } else if directory.is_dir() {
        Error::Io { path: directory.join(file), source }
    } else {
        Error::Io { path: directory.to_owned(), source }
    }
}

/// The same numbers in memory that nothing else holds.
fn owned(data: &TensorData) -> TensorData {
    TensorData::from_bytes_vec(data.as_bytes().to_vec(), data.shape.clone(), data.dtype)
}

/// Values of 32 or 16 bit.
pub(crate) fn to_f32(view: &TensorView<'_>) -> std::result::Result<Vec<f32>, String> {
    let bytes = view.data();
    Ok(match view.dtype() {
        safetensors::Dtype::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        safetensors::Dtype::F16 => {
            bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        safetensors::Dtype::BF16 => {
            bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        other => return Err(format!("has the type {other:?}, only F32, F16 and BF16 are read")),
    })
}

fn from_f32(data: &TensorData, dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 if data.dtype == DType::F32 && cfg!(target_endian = "little") => data.as_bytes().to_vec(),
        _ => stored(data.iter::<f32>(), dtype),
    }
}

/// Numbers as they stand in a file.
pub(crate) fn stored(values: impl Iterator<Item = f32>, dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 => values.flat_map(f32::to_le_bytes).collect(),
        Dtype::F16 => values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect(),
        Dtype::Bf16 => values.flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect(),
    }
}
