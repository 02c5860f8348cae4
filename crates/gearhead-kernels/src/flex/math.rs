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
pub(super) fn exp_minus<const FMA: bool>(x: &mut [f32], shift: f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let mut chunks = x.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for lane in 0..LANES {
            let value = exp::<FMA>(chunk[lane] - shift);
            chunk[lane] = value;
            sums[lane] += value;
        }
    }
    let mut rest = 0.0;
    for value in chunks.into_remainder() {
        *value = exp::<FMA>(*value - shift);
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
pub(super) fn exp<const FMA: bool>(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_375;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    /// Adding and subtracting it rounds to an integer, without a call, for |x| < 2^22; the sum has the integer in its
    /// last bits.
    const ROUND: f32 = 12_582_912.0;
    // Not `clamp`, whose care for what is not a number takes twice the instructions: here that passes through.
    let bounded = if x < -87.3 { -87.3 } else { x };
    let bounded = if bounded > 88.3 { 88.3 } else { bounded };
    let rounded = mul_add::<FMA>(bounded, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = mul_add::<FMA>(n, -LN2_LOW, mul_add::<FMA>(n, -LN2_HIGH, bounded));
    let p = 1.987_569_15e-4;
    let p = mul_add::<FMA>(p, r, 1.398_199_95e-3);
    let p = mul_add::<FMA>(p, r, 8.333_451_9e-3);
    let p = mul_add::<FMA>(p, r, 4.166_579_6e-2);
    let p = mul_add::<FMA>(p, r, 1.666_666_55e-1);
    let p = mul_add::<FMA>(p, r, 5.000_000_1e-1);
    let e = mul_add::<FMA>(p, r * r, r + 1.0);
    // 2ⁿ by its exponent.
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    let value = e * power;
    if x < -87.3 { 0.0 } else { value }
}

/// `a b + c`, in one instruction where `FMA` says that there is one; where there is none, `f32::mul_add` would be a slow
/// call.
#[inline(always)]
fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA || cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(super) fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::float_cmp, reason = "0 and 1 are exact")]
    fn exp_is_within_two_units_in_the_last_place<const FMA: bool>() {
        for step in -87_000..88_000 {
            let x = step as f32 * 1e-3;
            let (ours, exact) = (exp::<FMA>(x), f64::from(x).exp());
            let relative = (f64::from(ours) - exact).abs() / exact;
            assert!(relative < 2.0 * f64::from(f32::EPSILON), "exp({x}) = {ours}, exact {exact}");
        }
        assert_eq!(exp::<FMA>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<FMA>(0.0), 1.0);
        assert!(exp::<FMA>(200.0).is_finite());
        assert!(exp::<FMA>(f32::NAN).is_nan());
    }

    #[test]
    fn exp_is_exact_with_and_without_fused_instructions() {
        exp_is_within_two_units_in_the_last_place::<true>();
        exp_is_within_two_units_in_the_last_place::<false>();
    }
}
