//! Low-rank adapters: what is trained beside linear layers whose own weights stay as they are.
//!
//! A layer `x Wᵀ` becomes `x Wᵀ + s (x Aᵀ) Bᵀ`; the product of `B` and `A` is never formed while it is trained. With
//! DoRA the rows of `W + s B A` are brought to norms that are trained too.
//!
//! # Source
//!
//! Hu et al., *LoRA*, 2021, section 4.1; Kalajdzievski, *rsLoRA*, 2023, equation 3; Liu et al., *DoRA*, 2024, equations 5
//! and 11.

mod peft;

use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend},
};
use gearhead_kernels::{FrozenDtype, Kernels, frozen_linear, linear, linear_add, widened};
use serde::{Deserialize, Serialize};

pub use peft::save_with;
pub(crate) use peft::{ADAPTER_CONFIG, AdapterSource, Adapters, Part};

use crate::{
    config::ModelConfig,
    error::{Error, Result},
};

/// Which layers get adapters, and of what kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraConfig {
    /// Rows of `A`, and columns of `B`.
    pub rank: usize,
    /// What is added is scaled by `alpha / rank`.
    pub alpha: f64,
    /// The layers that get an adapter.
    pub targets: Vec<Target>,
    /// Whether the norms of the rows of the weights are trained apart from their directions.
    pub dora: bool,
    /// Whether what is added is scaled by `alpha / √rank` instead.
    pub rslora: bool,
    /// How the weights of the layers are stored, and with 8 bit that of the embedding in bf16.
    pub base_dtype: FrozenDtype,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            rank: 16,
            alpha: 32.0,
            targets: Target::ALL.to_vec(),
            dora: false,
            rslora: false,
            base_dtype: FrozenDtype::F32,
        }
    }
}

impl LoraConfig {
    /// By what the product of the two matrices is multiplied.
    pub fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        self.alpha / if self.rslora { rank.sqrt() } else { rank }
    }

    /// # Errors
    ///
    /// [`Error::Lora`] names the value that is out of range.
    pub fn validate(&self) -> Result<()> {
        let fault = |reason: String| Err(Error::Lora { reason });
        if self.rank == 0 {
            return fault("rank is 0, but must be at least 1".into());
        }
        if !(f64::from(f32::MIN_POSITIVE)..=1e6).contains(&self.alpha) {
            return fault(format!("alpha is {}, which is out of range", self.alpha));
        }
        if self.targets.is_empty() {
            return fault("targets names no layer".into());
        }
        Ok(())
    }

    /// The shapes of `A` and `B` for a layer.
    pub(crate) const fn shapes(&self, [outputs, inputs]: [usize; 2]) -> [[usize; 2]; 2] {
        [[self.rank, inputs], [outputs, self.rank]]
    }
}

/// A linear layer of each layer of a decoder, by its Hugging Face name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Target {
    QProj,
    KProj,
    VProj,
    OProj,
    GateProj,
    UpProj,
    DownProj,
}

impl Target {
    /// Every linear layer.
    pub const ALL: [Self; 7] =
        [Self::QProj, Self::KProj, Self::VProj, Self::OProj, Self::GateProj, Self::UpProj, Self::DownProj];

    /// The name of the module.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QProj => "q_proj",
            Self::KProj => "k_proj",
            Self::VProj => "v_proj",
            Self::OProj => "o_proj",
            Self::GateProj => "gate_proj",
            Self::UpProj => "up_proj",
            Self::DownProj => "down_proj",
        }
    }

    /// Outputs and inputs of each in a model.
    pub fn shapes(config: &ModelConfig) -> [(Self, [usize; 2]); 7] {
        let (heads, d, d_ff) = (config.heads(), config.d_model, config.d_ff);
        let (q_dim, kv_dim) = (heads.q_dim(), heads.kv_dim());
        let shapes = [[q_dim, d], [kv_dim, d], [kv_dim, d], [d, q_dim], [d_ff, d], [d_ff, d], [d, d_ff]];
        std::array::from_fn(|index| (Self::ALL[index], shapes[index]))
    }
}

/// What is trained beside a linear layer.
#[derive(Module, Debug)]
pub(crate) struct Adapter<B: Backend> {
    /// `[rank, in]`.
    lora_a: Param<Tensor<B, 2>>,
    /// `[out, rank]`.
    lora_b: Param<Tensor<B, 2>>,
    /// `[out]`, with DoRA.
    magnitude: Option<Param<Tensor<B, 1>>>,
    /// The squared norms of the rows of the layer's weight, `[out]`, with DoRA.
    weight_squares: Option<Tensor<B, 1>>,
    #[module(skip)]
    scale: f64,
}

/// The tensors of an [`Adapter`].
#[derive(Debug, Clone)]
pub(crate) struct AdapterWeights<B: Backend> {
    pub(crate) a: Tensor<B, 2>,
    pub(crate) b: Tensor<B, 2>,
    pub(crate) scale: f64,
    pub(crate) dora: Option<Dora<B>>,
}

/// The norms that DoRA trains, and the squares of those that the weight has.
#[derive(Debug, Clone)]
pub(crate) struct Dora<B: Backend> {
    pub(crate) magnitude: Tensor<B, 1>,
    pub(crate) weight_squares: Tensor<B, 1>,
}

impl<B: Backend> Adapter<B> {
    pub(crate) fn new(AdapterWeights { a, b, scale, dora }: AdapterWeights<B>) -> Self {
        let (magnitude, weight_squares) =
            dora.map(|Dora { magnitude, weight_squares }| (magnitude, weight_squares)).unzip();
        Self {
            lora_a: Param::from_tensor(a),
            lora_b: Param::from_tensor(b),
            magnitude: magnitude.map(Param::from_tensor),
            weight_squares,
            scale,
        }
    }

    pub(crate) fn weights(&self) -> AdapterWeights<B> {
        let dora =
            self.magnitude.as_ref().zip(self.weight_squares.as_ref()).map(|(magnitude, weight_squares)| {
                Dora { magnitude: magnitude.val(), weight_squares: weight_squares.clone() }
            });
        AdapterWeights { a: self.lora_a.val(), b: self.lora_b.val(), scale: self.scale, dora }
    }
}

impl<B: Kernels> AdapterWeights<B> {
    /// What the layer gives with the adapter, from `y`, what it gives without.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, in]`, `y` and result: `[n, out]`, `weight`: `[out, in]`.
    pub(crate) fn adapt(self, x: Tensor<B, 2>, y: Tensor<B, 2>, weight: &Tensor<B, 2>) -> Tensor<B, 2> {
        let factors = self.row_factors(weight);
        let inside = linear(x, vec![self.a]).mul_scalar(self.scale);
        let y = linear_add(inside, self.b, y);
        match factors {
            Some(factors) => {
                let dtype = y.dtype();
                y * factors.unsqueeze().cast(dtype)
            }
            None => y,
        }
    }

    /// `weight` with the adapter in it.
    pub(crate) fn merged(self, weight: Tensor<B, 2>) -> Tensor<B, 2> {
        let weight = widened(weight);
        let factors = self.row_factors(&weight);
        let weight = linear_add(self.b.mul_scalar(self.scale), self.a.transpose(), weight);
        match factors {
            Some(factors) => weight * factors.unsqueeze_dim(1),
            None => weight,
        }
    }

    /// With DoRA, what brings the rows of `weight + s B A` to their norms. As in the paper, section 4.3, no gradient flows
    /// through the norms that they have.
    fn row_factors(&self, weight: &Tensor<B, 2>) -> Option<Tensor<B, 1>> {
        let Dora { magnitude, weight_squares } = self.dora.clone()?;
        let (a, b) = (self.a.clone().detach(), self.b.clone().detach());
        // ‖w + s b A‖² = ‖w‖² + 2 s (A w)·b + s² b (A Aᵀ)·b, for a row w and its row b.
        let crossed = frozen_linear(a.clone(), weight.clone()).transpose() * b.clone();
        let squared = b.clone().matmul(a.clone().matmul(a.transpose())) * b;
        let squares = weight_squares.unsqueeze_dim::<2>(1)
            + crossed.sum_dim(1).mul_scalar(2.0 * self.scale)
            + squared.sum_dim(1).mul_scalar(self.scale * self.scale);
        Some(magnitude / squares.squeeze_dim::<1>(1).clamp_min(f64::from(f32::MIN_POSITIVE)).sqrt())
    }
}

/// The squared norm of each row.
pub(crate) fn row_squares<B: Kernels>(weight: Tensor<B, 2>) -> Tensor<B, 1> {
    widened(weight).powi_scalar(2).sum_dim(1).squeeze_dim(1)
}
