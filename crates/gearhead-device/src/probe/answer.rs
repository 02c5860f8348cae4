//! What a backend answers, in the process that loads its driver.

use burn::tensor::{DType, Tensor, TensorData};
use gearhead_kernels::{AutodiffKernels, copy_speed, product_speed};
use serde::{Deserialize, Serialize};

use super::Question;
use crate::{Adapter, Device, Job, Speed, drivers, run};

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The adapters, in the order of their numbers.
    Adapters(Vec<Adapter>),
    /// The adapter computes.
    Computes(Computes),
    /// There is no answer, for this reason.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What was found out by computing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Computes {
    pub(crate) dtypes: Vec<String>,
    pub(crate) matrix_units: Option<bool>,
    pub(crate) measured: Option<Speed>,
}

pub(super) fn answer(question: &Question) -> Answer {
    match question {
        Question::List(kind) => match drivers::list(*kind) {
            Ok(adapters) => Answer::Adapters(adapters),
            Err(reason) => Answer::Failed { reason },
        },
        Question::Try(device) => computes(device, false),
        Question::Measure(device) => computes(device, true),
    }
}

/// Measures in this process.
pub(crate) fn measure(device: &Device) -> Speed {
    run(device, Measure)
}

fn computes(device: &Device, measured: bool) -> Answer {
    match run(device, Compute) {
        Err(reason) => Answer::Failed { reason },
        Ok(dtypes) => Answer::Computes(Computes {
            dtypes,
            matrix_units: drivers::matrix_units(device),
            measured: measured.then(|| measure(device)),
        }),
    }
}

/// Multiplies two small matrices of whole numbers, whose product is known.
struct Compute;

impl Job for Compute {
    type Output = Result<Vec<String>, String>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        const SIDE: usize = 48;
        let element = |row: usize, column: usize| ((row * 7 + column * 3) % 5) as f32 - 2.0;
        let values = || (0..SIDE * SIDE).map(|i| element(i / SIDE, i % SIDE)).collect();
        let matrix = || {
            let data = TensorData::new::<f32, _>(values(), [SIDE, SIDE]);
            Tensor::<B::InnerBackend, 2>::from_data(data, device)
        };
        let product = matrix().matmul(matrix().transpose());
        let found: Vec<f32> = product.into_data().convert::<f32>().to_vec().map_err(|e| format!("{e:?}"))?;
        let expected = |row: usize, column: usize| -> f32 {
            (0..SIDE).map(|i| element(row, i) * element(column, i)).sum()
        };
        // Sums of products of small whole numbers are exact in every order, so that next to nothing is allowed for.
        let is_right = |(i, found): (usize, &f32)| (found - expected(i / SIDE, i % SIDE)).abs() < 1e-3;
        if !found.iter().enumerate().all(is_right) {
            return Err("it computes a wrong product of two matrices".to_owned());
        }
        let dtypes = [("f32", DType::F32), ("f16", DType::F16), ("bf16", DType::BF16)];
        let supported = dtypes.into_iter().filter(|(_, dtype)| B::supports_dtype(device, *dtype));
        Ok(supported.map(|(name, _)| name.to_owned()).collect())
    }
}

/// How fast matrices are multiplied and copied.
struct Measure;

impl Job for Measure {
    type Output = Speed;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Speed {
        Speed {
            matmul_gflops: product_speed::<B::InnerBackend>(device, DType::F32) / 1e9,
            copy_gb_per_s: copy_speed::<B::InnerBackend>(device) / 1e9,
        }
    }
}
