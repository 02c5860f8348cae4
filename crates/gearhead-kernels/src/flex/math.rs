//! Scalar building blocks that vectorise. Everything here is inlined into its caller, so that it is compiled for the
//! caller's instruction set.
#![allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]

/// Independent partial sums, so that a sum can be vectorised: the width of an AVX-512 register.
const LANES: usize = 16;

/// `Σ a b`.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// `y += factor x`.
#[inline(always)]
pub(super) fn add_scaled(y: &mut [f32], factor: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// The largest element, `-∞` where there is none.
#[inline(always)]
pub(super) fn max(x: &[f32]) -> f32 {
    let mut best = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder().iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    for chunk in chunks {
        for lane in 0..LANES {
            best[lane] = best[lane].max(chunk[lane]);
        }
    }
    best.iter().fold(rest, |a, b| a.max(*b))
}

/// Puts `exp(x - shift)` in place of each `x` and returns the sum.
#[inline(always)]
pub(super) fn exp_minus(x: &mut [f32], shift: f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let mut chunks = x.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for lane in 0..LANES {
            let value = exp(chunk[lane] - shift);
            chunk[lane] = value;
            sums[lane] += value;
        }
    }
    let mut rest = 0.0;
    for value in chunks.into_remainder() {
        *value = exp(*value - shift);
        rest += *value;
    }
    sums.iter().sum::<f32>() + rest
}

/// `eˣ` to within 2 units in the last place for normal results; 0 below -87.3, the largest finite value above 88.3.
///
/// # Source
///
/// The range reduction and polynomial of Cephes' `expf` (Moshier, 1989): `x = n ln 2 + r`, `eʳ` by degree 5.
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "the constants are written as their source gives them")]
pub(super) fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_375;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    /// Adding and subtracting it rounds to an integer, without a call, for |x| < 2^22.
    const ROUND: f32 = 12_582_912.0;
    let bounded = x.clamp(-87.3, 88.3);
    let n = (bounded * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = bounded - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.987_569_15e-4;
    let p = p * r + 1.398_199_95e-3;
    let p = p * r + 8.333_451_9e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_55e-1;
    let p = p * r + 5.000_000_1e-1;
    let e = p * r * r + r + 1.0;
    let power = f32::from_bits(((n as i32 + 127) as u32) << 23);
    let value = e * power;
    if x < -87.3 { 0.0 } else { value }
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "0 and 1 are exact")]
    fn exp_is_within_two_units_in_the_last_place() {
        for step in -87_000..88_000 {
            let x = step as f32 * 1e-3;
            let (ours, exact) = (exp(x), f64::from(x).exp());
            let relative = (f64::from(ours) - exact).abs() / exact;
            assert!(relative < 2.0 * f64::from(f32::EPSILON), "exp({x}) = {ours}, exact {exact}");
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(200.0).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }
}
