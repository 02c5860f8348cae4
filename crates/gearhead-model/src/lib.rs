//! A decoder of the Llama, Mistral and Qwen families on Burn, read and written as a Hugging Face model directory
//! or as a GGUF file.
//!
//! The crate knows shapes, weights and caches. It refuses to know texts: tokenizers, prompts and cases stand above it.
//!
//! In reading order:
//!
//! - [`config`]: the shape of a model, from and to `config.json`;
//! - [`decoder`]: the network that is trained, over packed documents;
//! - [`lora`]: what is trained beside weights that stay as they are;
//! - [`Predictor`]: the network that predicts, over a cache, and in which types ([`precision`]);
//! - [`storage`]: which types of numbers a device can hold and compute with;
//! - [`cache`]: keys and values of what was read so far;
//! - [`directory`]: weights from `model.safetensors`, whole or in parts, and to it;
//! - [`gguf`]: a model as the one file of llama.cpp, and back;
//! - [`tensor_file`]: whatever else is kept in safetensors files.
//!
//! ```
//! use burn::backend::Flex;
//! use gearhead_kernels::Documents;
//! use gearhead_model::{Decoder, ModelConfig};
//!
//! let config = ModelConfig { d_model: 32, n_layers: 2, n_heads: 4, n_kv_heads: 2, d_ff: 64, ..ModelConfig::new(300) };
//! let decoder = Decoder::<Flex>::init(&config, 7, &Default::default())?;
//! let hidden = decoder.forward_packed(&[5, 6, 7], &Documents::new(&[0, 3]));
//! assert_eq!(decoder.logits(hidden).dims(), [3, 300]);
//! # Ok::<(), gearhead_model::Error>(())
//! ```

mod attention;
pub mod cache;
pub mod config;
mod config_json;
pub mod decoder;
pub mod directory;
mod error;
mod extend;
pub mod gguf;
mod linear;
pub mod lora;
mod mlp;
mod names;
pub mod precision;
mod predictor;
pub mod storage;
pub mod tensor_file;

pub use cache::{CacheDtype, KvCache};
pub use config::{Family, ModelConfig, RopeScaling};
pub use decoder::{Decoder, Packed};
pub use directory::{Dtype, ModelDirectory};
pub use error::{Error, Result};
pub use extend::NewToken;
pub use lora::LoraConfig;
pub use names::{VisitParameters, for_each_parameter, visit_parameters};
pub use precision::{Precision, WeightDtype};
pub use predictor::Predictor;
pub use tensor_file::{TensorFile, TensorWriter, Tensors};
