//! Each operation of `gearhead-kernels`, its value and its gradients, against the portable one in f64 on the CPU.

mod cached;
mod layers;
mod weights;

use burn::{
    backend::{Autodiff, Flex, flex::FlexDevice},
    tensor::{DType, Int, Tensor, TensorData, backend::Backend},
};
use gearhead_device::{Job, run};
use gearhead_kernels::AutodiffKernels;
use libtest_mimic::Trial;

use crate::{
    devices::{PRECISIONS, Tested},
    numbers::{Numbers, Outcome, within},
    tolerances::{Quantity, tolerance},
};

/// On flex, f64 takes the portable operations.
type Reference = Autodiff<Flex>;

/// An operation with inputs of its own.
#[derive(Clone)]
struct Operation<B: AutodiffKernels> {
    name: &'static str,
    compute: fn(&At<'_, B>) -> Outcome,
    compared: Quantity,
    /// What it stores beside what it computes with.
    stores: Option<DType>,
    /// Whether its weights have 8 bits or fewer.
    in_few_bits: bool,
    /// With which numbers, where the device computes with them too.
    precisions: &'static [DType],
}

impl<B: AutodiffKernels> Operation<B> {
    fn new(name: &'static str, compute: fn(&At<'_, B>) -> Outcome) -> Self {
        Self {
            name,
            compute,
            compared: Quantity::Operation,
            stores: None,
            in_few_bits: false,
            precisions: &PRECISIONS,
        }
    }

    fn compared(self, compared: Quantity) -> Self {
        Self { compared, ..self }
    }

    fn storing(self, dtype: DType) -> Self {
        Self { stores: Some(dtype), ..self }
    }

    /// What differs from the operation in f32 alone.
    fn only_in_16_bits(self) -> Self {
        Self { precisions: &PRECISIONS[1..], ..self }
    }

    /// Burn's quantized tensors are of f32.
    fn in_few_bits(self) -> Self {
        Self { in_few_bits: true, precisions: &PRECISIONS[..1], ..self }
    }
}

fn operations<B: AutodiffKernels>() -> Vec<Operation<B>> {
    [layers::operations(), cached::operations(), weights::operations()].concat()
}

pub(crate) fn trials(tested: &Tested) -> Vec<Trial> {
    let mut trials = Vec::new();
    for Operation { name, compared, stores, in_few_bits, precisions, .. } in operations::<Reference>() {
        if stores.is_some_and(|dtype| !tested.stores.contains(&dtype))
            || in_few_bits && !tested.holds_few_bits
        {
            continue;
        }
        for precision in precisions.iter().copied().filter(|precision| tested.computes.contains(precision)) {
            let check = match precision {
                DType::F32 => format!("kernels::{name}"),
                _ => format!("kernels::{name}, {}", precision.name()),
            };
            trials.push(tested.trial(check, move |tested| {
                let ours = run(&tested.device, Compute { name, precision });
                let exact = At { device: &FlexDevice, inputs: precision, computed: DType::F64 };
                let expected = outcome::<Reference>(name, &exact);
                let compared = match compared {
                    Quantity::RoundedActivations if !tested.device.is_cpu() => Quantity::Operation,
                    Quantity::MultipliedInBf16 if tested.device.is_cpu() => Quantity::Operation,
                    compared => compared,
                };
                within(&ours, &expected, tolerance(compared, precision))
            }));
        }
    }
    trials
}

/// Computes an operation by its name.
struct Compute {
    name: &'static str,
    precision: DType,
}

impl Job for Compute {
    type Output = Outcome;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Outcome {
        outcome::<B>(self.name, &At { device, inputs: self.precision, computed: self.precision })
    }
}

fn outcome<B: AutodiffKernels>(name: &str, at: &At<'_, B>) -> Outcome {
    let operations = operations::<B>();
    let operation = operations.iter().find(|operation| operation.name == name).expect("a name from the list");
    (operation.compute)(at)
}

/// Where an operation is computed, and with which numbers.
struct At<'a, B: AutodiffKernels> {
    device: &'a B::Device,
    /// The type in which inputs are exact.
    inputs: DType,
    computed: DType,
}

impl<B: AutodiffKernels> At<'_, B> {
    /// The sines of the indices of its numbers.
    fn tensor<const D: usize>(&self, shape: [usize; D], phase: f64) -> Tensor<B::InnerBackend, D> {
        let count = shape.iter().product::<usize>();
        let data: Vec<f64> = (0..count).map(|index| (1.7 * index as f64 + phase).sin()).collect();
        self.exact(TensorData::new(data, shape))
    }

    /// Numbers rounded to the type in which inputs are exact.
    fn exact<const D: usize>(&self, data: TensorData) -> Tensor<B::InnerBackend, D> {
        let data = data.convert_dtype(self.inputs).convert_dtype(self.computed);
        Tensor::from_data(data, (self.device, self.computed))
    }

    /// Weights that are trained in mixed precision: in f32, where numbers of 16 bits are computed with.
    fn master<const D: usize>(&self, shape: [usize; D], phase: f64) -> Tensor<B, D> {
        let dtype = if self.computed == DType::F64 { DType::F64 } else { DType::F32 };
        Tensor::from_inner(self.tensor::<D>(shape, phase).cast(dtype)).require_grad()
    }

    /// The same, which gets a gradient.
    fn leaf<const D: usize>(&self, shape: [usize; D], phase: f64) -> Tensor<B, D> {
        Tensor::from_inner(self.tensor(shape, phase)).require_grad()
    }

    /// Numbers below `below`, of which some come more than once.
    fn ids<T: Backend<Device = B::Device>>(&self, count: usize, below: usize) -> Tensor<T, 1, Int> {
        let ids = (0..count).map(|place| ((7 * place + place * place / 3) % below) as i64).collect();
        Tensor::from_data(TensorData::new(ids, [count]), self.device)
    }

    /// What an operation gave, and the gradients that it sends back where sines flow in.
    fn differentiated<const D: usize>(&self, y: Tensor<B, D>) -> Differentiated<B> {
        // A loss is of f32, whatever it is made of.
        let upstream = Tensor::from_inner(self.tensor::<D>(y.dims(), 0.3).cast(y.dtype()));
        let gradients = (y.clone() * upstream).sum().backward();
        Differentiated { outcome: vec![("y", Numbers::of(y.inner()))], gradients }
    }
}

struct Differentiated<B: AutodiffKernels> {
    outcome: Outcome,
    gradients: B::Gradients,
}

impl<B: AutodiffKernels> Differentiated<B> {
    fn grad<const D: usize>(mut self, name: &'static str, leaf: &Tensor<B, D>) -> Self {
        let grad = leaf.grad(&self.gradients).expect("the leaf is tracked");
        assert_eq!(grad.dtype(), leaf.dtype(), "{name}");
        self.outcome.push((name, Numbers::of(grad)));
        self
    }
}
