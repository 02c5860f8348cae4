//! How fast a device computes.

use std::time::{Duration, Instant};

use burn::tensor::{DType, Tensor, backend::Backend};

use crate::{Kernels, linear};

/// How long each measurement goes on.
const MEASURED_FOR: Duration = Duration::from_millis(100);

/// A product takes about so many seconds: on a GPU far more than handing it over.
const PRODUCT: f64 = 5e-3;

/// Sides of the matrices of a product.
const SIDES: [usize; 2] = [1024, 8192];

/// The most floating-point operations a second that were seen in products of two square matrices of a type, whose sides are
/// 1,024 or, on a device that is done with these in no time, so long that a product takes some milliseconds, up to 8,192.
/// Takes some tenths of a second, and the time in which a GPU chooses its kernels.
///
/// # Panics
///
/// Where the device does not compute with the type.
pub fn product_speed<B: Kernels>(device: &B::Device, dtype: DType) -> f64 {
    let product = |side: usize| {
        let matrix = || Tensor::<B, 2>::ones([side, side], device).cast(dtype);
        let (x, weight) = (matrix(), matrix());
        seconds_of::<B>(device, || {
            linear(x.clone(), vec![weight.clone()]);
        })
    };
    let speed = |side: usize, seconds: f64| 2.0 * (side as f64).powi(3) / seconds;
    let [small, largest] = SIDES;
    let seconds = product(small);
    let side = longer(small, seconds).min(largest);
    let slower = speed(small, seconds);
    if side == small { slower } else { slower.max(speed(side, product(side))) }
}

/// Bytes a second that are read and written when a tensor of 64 MiB, larger than most caches, is copied on the device.
pub fn copy_speed<B: Kernels>(device: &B::Device) -> f64 {
    const SIDE: usize = 4096;
    let long = Tensor::<B, 2>::ones([SIDE, SIDE], device);
    let seconds = seconds_of::<B>(device, || {
        long.clone().add_scalar(1.0);
    });
    (2 * size_of::<f32>() * SIDE * SIDE) as f64 / seconds
}

/// The power of two that is nearest below the side with which a product takes as long as it should.
fn longer(side: usize, seconds: f64) -> usize {
    let times = (PRODUCT / seconds).cbrt().max(1.0);
    side << (times.log2() as u32).min(8)
}

/// Seconds that a piece of work takes, the shortest of several after one that does not count.
fn seconds_of<B: Backend>(device: &B::Device, work: impl Fn()) -> f64 {
    let once = || {
        let start = Instant::now();
        work();
        // What a device reports of earlier work is no part of a measurement.
        let _ = B::sync(device);
        start.elapsed().as_secs_f64()
    };
    once();
    let (start, mut shortest) = (Instant::now(), once());
    while start.elapsed() < MEASURED_FOR {
        shortest = shortest.min(once());
    }
    shortest.max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::longer;

    #[test]
    fn a_fast_device_multiplies_larger_matrices() {
        assert_eq!(longer(1024, 7e-3), 1024);
        assert_eq!(longer(1024, 1e-3), 1024);
        assert_eq!(longer(1024, 5e-4), 2048);
        assert_eq!(longer(1024, 3e-6), 8192);
        assert_eq!(longer(1024, 1e-9), 128 * 1024);
    }
}
