//! A file as a model, and a model directory as a file.

use std::{io::Write, path::Path};

use burn::tensor::TensorData;
use gearhead_kernels::{Kernels, Quantization, quantized::GROUP};
use half::f16;

use super::{
    GgmlType, Gguf, GgufFile, Metadata,
    blocks::quantized,
    names::{Weight, weights},
    shape,
    writer::{self, ToWrite},
};
use crate::{
    config::ModelConfig,
    decoder::WeightReader,
    directory::{self, Dtype, ModelDirectory},
    error::{Error, Result},
    precision::Precision,
    predictor::Predictor,
    tensor_file::TensorWriter,
};

/// How the weights of a file are stored. Norms and biases are f32 in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GgufDtype {
    /// 32 bit.
    #[default]
    F32,
    /// 16 bit.
    F16,
    /// 8 bit, with a scale for each 32 weights.
    Q8_0,
    /// 4 bit, with a scale for each 32 weights; embedding and output layer in 8, on which a text depends most.
    Q4_0,
}

impl GgufDtype {
    /// The number that llama.cpp has for such a file.
    const fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q8_0 => 7,
        }
    }

    /// How a weight is stored. Rows that are no whole blocks are stored in 16 bits, as llama.cpp does.
    fn of(self, weight: &Weight) -> GgmlType {
        let [_, columns] = weight.shape[..] else { return GgmlType::F32 };
        let has_blocks = columns.is_multiple_of(GROUP);
        let is_outside = !weight.gguf.starts_with("blk.");
        match self {
            Self::F32 => GgmlType::F32,
            Self::Q8_0 if has_blocks => GgmlType::Q8_0,
            Self::Q4_0 if has_blocks && is_outside => GgmlType::Q8_0,
            Self::Q4_0 if has_blocks => GgmlType::Q4_0,
            Self::F16 | Self::Q8_0 | Self::Q4_0 => GgmlType::F16,
        }
    }
}

/// The bytes of numbers in one of the types that are written.
fn encoded(ggml_type: GgmlType, values: &[f32]) -> std::result::Result<Vec<u8>, String> {
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(format!("holds {value}, which is no number to compute with"));
    }
    Ok(match ggml_type {
        GgmlType::Q8_0 => quantized(values, Quantization::Q8_0),
        GgmlType::Q4_0 => quantized(values, Quantization::Q4_0),
        GgmlType::F16 => {
            if let Some(value) = values.iter().find(|value| f16::from_f32(**value).is_infinite()) {
                return Err(format!("holds {value}, which is too large for 16 bits; f32 can store it"));
            }
            values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
        }
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    })
}

/// Writes the model of a directory as a file, one weight in memory at a time.
///
/// `metadata` is what stands beside the shape: the tokenizer and names. `path` is what error messages call the output, and
/// `done` hears of each weight how many are written of how many.
///
/// # Errors
///
/// A weight is missing or wrong, llama.cpp cannot compute the model, or the output cannot be written.
pub fn write_model(
    model: &ModelDirectory,
    dtype: GgufDtype,
    mut metadata: Metadata,
    path: &Path,
    output: &mut dyn Write,
    done: &mut dyn FnMut(usize, usize),
) -> Result<()> {
    let config = model.config();
    if let Some(obstacle) = shape::obstacle(config) {
        return Err(Error::Unsupported { path: model.path().to_owned(), what: obstacle.to_owned() });
    }
    shape::add(config, &mut metadata);
    metadata.u32("general.file_type", dtype.file_type());
    metadata.u32("general.quantization_version", 2);
    let weights = weights(config);
    let rope_factors = shape::rope_factors(config);
    let mut tensors: Vec<ToWrite> = weights
        .iter()
        .map(|weight| ToWrite {
            name: weight.gguf.clone(),
            ggml_type: dtype.of(weight),
            shape: weight.shape.clone(),
        })
        .collect();
    tensors.extend(rope_factors.iter().map(|factors| ToWrite {
        name: shape::ROPE_FACTORS.to_owned(),
        ggml_type: GgmlType::F32,
        shape: vec![factors.len()],
    }));
    model.with_weights(|source| {
        writer::write(&metadata, &tensors, path, output, |index| {
            done(index + 1, tensors.len());
            let ggml_type = tensors[index].ggml_type;
            let Some(weight) = weights.get(index) else {
                let factors = rope_factors.as_deref().unwrap_or_default();
                return Ok(factors.iter().flat_map(|factor| factor.to_le_bytes()).collect());
            };
            let values = floats(&source(&weight.hf, &weight.shape)?);
            let values = weight.rows.to_gguf(&values, row_len(weight));
            encoded(ggml_type, &values).map_err(|reason| Error::Weight {
                path: model.path().to_owned(),
                name: weight.hf.clone(),
                reason,
            })
        })
    })
}

fn floats(data: &TensorData) -> Vec<f32> {
    data.iter::<f32>().collect()
}

/// Numbers in a row; those of a bias are rows of one.
fn row_len(weight: &Weight) -> usize {
    weight.shape[1..].iter().product()
}

/// The model of a file.
#[derive(Debug)]
pub struct GgufModel {
    file: GgufFile,
    config: ModelConfig,
}

/// How far a weight of a file is from that of a directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The weight's Hugging Face name.
    pub name: String,
    /// How it is stored in the file.
    pub ggml_type: GgmlType,
    /// The root of the mean square of the distances, as a share of that of the weights.
    pub relative: f64,
}

impl GgufModel {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, is damaged, or holds no model that this version can compute.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(GgufFile::open(path.as_ref())?)
    }

    /// The model of a file.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn new(file: GgufFile) -> Result<Self> {
        let config = shape::read(&file.contents()?)?;
        Ok(Self { file, config })
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The metadata and tensors, as they stand in the file.
    ///
    /// # Errors
    ///
    /// [`Error::Gguf`] where it is damaged.
    pub fn contents(&self) -> Result<Gguf<'_>> {
        self.file.contents()
    }

    /// The model made ready to predict.
    ///
    /// # Errors
    ///
    /// A weight is missing or of another shape, or the model's sizes do not suit the precision.
    pub fn predictor<B: Kernels>(&self, precision: Precision, device: &B::Device) -> Result<Predictor<B>> {
        let gguf = self.contents()?;
        let all = weights(&self.config);
        let mut source = |name: &str, shape: &[usize]| {
            let weight = all.iter().find(|weight| weight.hf == name);
            let weight = weight.ok_or_else(|| gguf.fault(format!("no weight is called `{name}`")))?;
            Ok(TensorData::new(values(&gguf, weight)?, shape))
        };
        Predictor::read(&mut WeightReader::new(&self.config, device, &mut source)?, precision)
    }

    /// Writes the model as a model directory with further files `beside` (name and content). Without a `dtype`, weights keep
    /// theirs where it is f32, f16 or bf16, and those in few bits become f32, so that no number changes.
    ///
    /// # Errors
    ///
    /// A weight is missing or of another shape, or the directory cannot be written.
    pub fn save(&self, dtype: Option<Dtype>, beside: &[(&str, &[u8])], path: impl AsRef<Path>) -> Result<()> {
        let gguf = self.contents()?;
        let all = weights(&self.config);
        let mut writer = TensorWriter::default();
        let mut main = Dtype::F32;
        for (index, weight) in all.iter().enumerate() {
            let ggml_type = tensor(&gguf, weight)?.ggml_type;
            let dtype = dtype.unwrap_or(match ggml_type {
                GgmlType::F16 => Dtype::F16,
                GgmlType::BF16 => Dtype::Bf16,
                _ => Dtype::F32,
            });
            if index == 0 {
                main = dtype;
            }
            let gguf = &gguf;
            writer.add_bytes(&weight.hf, directory::element(dtype), weight.shape.clone(), move || {
                // The shape was compared above, which is all that can be wrong.
                directory::stored(values(gguf, weight).unwrap_or_default().into_iter(), dtype)
            });
        }
        directory::write_model(&self.config, main, &writer, path.as_ref(), |folder| {
            beside.iter().try_for_each(|(name, content)| std::fs::write(folder.join(name), content))
        })
    }

    /// How far each weight is from that of a directory.
    ///
    /// # Errors
    ///
    /// The two are not of one shape, or a weight is missing.
    pub fn differences(&self, model: &ModelDirectory) -> Result<Vec<Difference>> {
        let gguf = self.contents()?;
        model.with_weights(|source| {
            let mut differences = Vec::new();
            for weight in weights(&self.config) {
                let ours = floats(&source(&weight.hf, &weight.shape)?);
                let (mut distances, mut squares) = (0.0, 0.0);
                for (ours, stored) in ours.iter().zip(values(&gguf, &weight)?) {
                    distances += f64::from(ours - stored).powi(2);
                    squares += f64::from(*ours).powi(2);
                }
                let relative = if distances == 0.0 { 0.0 } else { (distances / squares).sqrt() };
                let ggml_type = tensor(&gguf, &weight)?.ggml_type;
                differences.push(Difference { name: weight.hf, ggml_type, relative });
            }
            Ok(differences)
        })
    }
}

/// A weight as it is stored, which has the shape that the configuration says.
fn tensor<'a>(gguf: &'a Gguf<'_>, weight: &Weight) -> Result<&'a super::GgufTensor<'a>> {
    let Weight { gguf: name, shape, .. } = weight;
    let tensor = gguf.tensor(name).ok_or_else(|| gguf.fault(format!("the tensor `{name}` is missing")))?;
    if tensor.shape != *shape {
        let reason =
            format!("the tensor `{name}` has the shape {:?}, the metadata say {shape:?}", tensor.shape);
        return Err(gguf.fault(reason));
    }
    Ok(tensor)
}

/// The numbers of a weight in the order of Hugging Face.
fn values(gguf: &Gguf<'_>, weight: &Weight) -> Result<Vec<f32>> {
    let stored = tensor(gguf, weight)?;
    let values = stored.ggml_type.expand(stored.bytes);
    Ok(weight.rows.to_hf(&values, row_len(weight)))
}
