//! Products of many tokens and weights of bf16 by the matrix unit of a CPU (AMX).
//!
//! A tile is a register of 16 rows of 64 bytes: 32 features of 16 rows of weights, as they lie in memory, or pairs of features of
//! 16 tokens. The unit adds the products of two tiles to a third, in f32. It multiplies bf16 alone, so a token's number is cut
//! in two that have eight binary digits each and together sixteen of its 24: two products, with an error of 2⁻¹⁸ at most where the
//! rounding of a weight to bf16 was one of 2⁻⁹. The order of sums is another than elsewhere.
//!
//! Tokens are packed as for [`super::panels`], in panels of as many.

use std::arch::{
    asm,
    x86_64::{
        __cpuid, __cpuid_count, __m512, _mm256_setzero_si256, _mm512_add_epi32, _mm512_and_si512,
        _mm512_castps_si512, _mm512_castsi256_si512, _mm512_castsi512_ps, _mm512_cvtepi32_epi16,
        _mm512_inserti64x4, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_srli_epi32, _mm512_storeu_ps,
        _mm512_sub_ps, _xgetbv,
    },
};

use half::bf16;

use super::{
    Output, Write,
    avx512::{PANEL, load, put_sums, transposed},
};

/// Features of a tile.
pub(super) const FEATURES: usize = 32;

/// Rows of a tile.
pub(super) const ROWS: usize = 16;

/// Numbers that one of a token is cut into.
const PARTS: usize = 2;

/// Numbers of 32 bits in some features of a panel: a tile for each part of 16 tokens.
pub(super) const PACKED: usize = PARTS * PANEL * FEATURES / 2;

/// Rows of weights in one product of tiles.
pub(super) const STRIP: usize = 2 * ROWS;

/// Whether the CPU has AMX for bf16 and AVX-512 with what it needs beside, and the system lets this process use it: Linux gives the room that its
/// registers need to whom asks for it, to a process once and for all.
pub(super) fn is_there() -> bool {
    // Bits of leaf 7: products of bf16, and tiles. Of the registers that the system keeps for a thread: those of tiles.
    const BF16_AND_TILES: u32 = 1 << 22 | 1 << 24;
    const KEPT: u64 = 1 << 17 | 1 << 18;
    #[target_feature(enable = "xsave")]
    fn kept() -> u64 {
        // SAFETY: the system uses the instruction where the feature is there.
        unsafe { _xgetbv(0) }
    }
    if cfg!(miri)
        || !std::arch::is_x86_feature_detected!("avx512f")
        || !std::arch::is_x86_feature_detected!("avx512dq")
        || !std::arch::is_x86_feature_detected!("avx512bw")
        || !std::arch::is_x86_feature_detected!("avx512vl")
        || !std::arch::is_x86_feature_detected!("avx512vnni")
        || !std::arch::is_x86_feature_detected!("avx512bf16")
        || !std::arch::is_x86_feature_detected!("xsave")
        || __cpuid(0).eax < 7
        || __cpuid_count(7, 0).edx & BF16_AND_TILES != BF16_AND_TILES
    {
        return false;
    }
    // SAFETY: the feature was looked for.
    unsafe { kept() & KEPT == KEPT && is_granted() }
}

#[cfg(target_os = "linux")]
fn is_granted() -> bool {
    // `ARCH_REQ_XCOMP_PERM`, and the number of the tiles' state.
    const REQUEST: [libc::c_long; 2] = [0x1023, 18];
    // SAFETY: the call takes two numbers and touches no memory.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST[0], REQUEST[1]) == 0 }
}

#[cfg(not(target_os = "linux"))]
const fn is_granted() -> bool {
    false
}

/// Puts features of tokens, whose rows are `inner` long, in parts of a panel, from the feature `start` on: as many as the
/// parts have room for, [`FEATURES`] in each.
///
/// # Safety
///
/// As [`is_there`] says.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn pack(packed: &mut [f32], tokens: &[f32], inner: usize, start: usize) {
    for (part, features) in packed.chunks_exact_mut(PACKED).enumerate() {
        let start = start + part * FEATURES;
        for half in 0..2 {
            let mut registers = [[_mm512_setzero_ps(); ROWS]; PARTS];
            for (row, token) in tokens.chunks_exact(inner).skip(half * ROWS).take(ROWS).enumerate() {
                let (values, _) = token[start..start + FEATURES].as_chunks();
                let mut left = [load(&values[0]), load(&values[1])];
                for registers in &mut registers {
                    registers[row] = cut(&mut left);
                }
            }
            for (part, registers) in registers.iter().enumerate() {
                let tile = &mut features[(2 * part + half) * ROWS * 16..];
                for (row, register) in tile.as_chunks_mut::<16>().0.iter_mut().zip(transposed(registers)) {
                    // SAFETY: a row has 16 numbers.
                    unsafe { _mm512_storeu_ps(row.as_mut_ptr(), register) };
                }
            }
        }
    }
}

/// Numbers rounded to eight binary digits, as pairs of bf16, which are taken away from the numbers.
#[target_feature(enable = "avx512f")]
#[inline]
fn cut(left: &mut [__m512; 2]) -> __m512 {
    let mut halves = [_mm256_setzero_si256(); 2];
    for (left, half) in left.iter_mut().zip(&mut halves) {
        let half_of_last = _mm512_add_epi32(_mm512_castps_si512(*left), _mm512_set1_epi32(0x8000));
        let upper = _mm512_and_si512(half_of_last, _mm512_set1_epi32(!0xFFFF));
        *left = _mm512_sub_ps(*left, _mm512_castsi512_ps(upper));
        *half = _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(upper));
    }
    _mm512_castsi512_ps(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(halves[0]), halves[1]))
}

/// As [`super::Isa::panel_products`], of panels that [`pack`] made.
///
/// # Safety
///
/// As [`is_there`] says.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn panel_products(
    output: &mut Output<'_>,
    panels: &[f32],
    weights: &[bf16],
    inner: usize,
    write: Write,
) {
    let panel = inner / FEATURES * PACKED;
    let mut sums = [[0.0; PANEL]; STRIP];
    let mut entered_for = 0;
    for (strip, weights) in weights.chunks(STRIP * inner).enumerate() {
        let rows = weights.len() / inner;
        if rows != entered_for {
            // SAFETY: the unit is there.
            unsafe { Shapes::of(rows).enter() };
            entered_for = rows;
        }
        for (index, panel) in panels.chunks_exact(panel).enumerate() {
            // SAFETY: the unit has been entered for as many rows.
            unsafe { multiply(&mut sums, panel, weights, inner) };
            put_sums(output, [index * PANEL, strip * STRIP], &sums[..rows], write);
        }
    }
    // SAFETY: where there was nothing to multiply, there is nothing to leave either, and it does no harm.
    unsafe { Shapes::leave() };
}

/// The shapes of tiles, as `ldtilecfg` reads them.
#[repr(C, align(64))]
pub(super) struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    /// For so many rows of weights: 0 and 1 are sums of the first 16 with two halves of a panel, 2 and 3 of the others, 4 and 5
    /// weights, 6 and 7 tokens.
    pub(super) fn of(rows: usize) -> Self {
        let first = rows.min(ROWS);
        // A tile has a row at least: without others, the first row is computed twice.
        let others = (rows - first).max(1);
        let mut shapes =
            Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        for (tile, rows) in [first, first, others, others, first, others, ROWS, ROWS].into_iter().enumerate()
        {
            (shapes.rows[tile], shapes.row_bytes[tile]) = (rows as u8, 64);
        }
        shapes
    }

    /// Makes the tiles so for the thread, until it leaves them.
    ///
    /// # Safety
    ///
    /// As [`is_there`] says, and nothing on the way to [`leave`](Self::leave) uses the unit otherwise.
    pub(super) unsafe fn enter(&self) {
        // SAFETY: the caller's.
        unsafe { asm!("ldtilecfg [{}]", in(reg) self, options(nostack, readonly)) };
    }

    /// Gives the unit back.
    ///
    /// # Safety
    ///
    /// As for [`enter`](Self::enter).
    pub(super) unsafe fn leave() {
        // SAFETY: the caller's.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Sums of products, a row for each row of weights.
///
/// # Safety
///
/// The unit has been entered with the shapes of as many rows.
unsafe fn multiply(sums: &mut [[f32; PANEL]; STRIP], panel: &[f32], weights: &[bf16], inner: usize) {
    let rows = weights.len() / inner;
    assert!(rows > 0 && rows <= STRIP && weights.len() == rows * inner, "whole rows");
    assert!(inner >= FEATURES && panel.len() == inner / FEATURES * PACKED, "a whole panel");
    let others = if rows > ROWS { ROWS * inner } else { 0 };
    // SAFETY: of the weights, as many rows are read as the tiles have, from their beginning and from that of the others, `inner` numbers
    // each; of the panel all. Of the sums, `ROWS` rows of two halves are written at most, twice.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{first} + {stride}]",
            "tileloadd tmm5, [{others} + {stride}]",
            "tileloadd tmm6, [{panel} + {line}]",
            "tileloadd tmm7, [{panel} + {line} + 1024]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm6, [{panel} + {line} + 2048]",
            "tileloadd tmm7, [{panel} + {line} + 3072]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {first}, 64",
            "add {others}, 64",
            "add {panel}, 4096",
            "dec {left}",
            "jnz 2b",
            "add {line}, {line}",
            "tilestored [{sums} + {line}], tmm0",
            "tilestored [{sums} + {line} + 64], tmm1",
            "tilestored [{sums} + {line} + 2048], tmm2",
            "tilestored [{sums} + {line} + 2112], tmm3",
            first = inout(reg) weights.as_ptr() => _,
            others = inout(reg) weights.as_ptr().add(others) => _,
            stride = in(reg) inner * size_of::<bf16>(),
            panel = inout(reg) panel.as_ptr() => _,
            line = inout(reg) 64_usize => _,
            left = inout(reg) inner / FEATURES => _,
            sums = in(reg) sums.as_mut_ptr(),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_sixteen_binary_digits() {
        if !is_there() {
            println!("this CPU has no AMX, or the system does not let it be used");
            return;
        }
        let sine = |index: usize, phase: f32| (1.7 * index as f32 + phase).sin();
        for (n, out, inner) in
            [(1, 1, 32), (16, 16, 64), (17, 40, 96), (33, 19, 384), (70, 65, 1056), (32, 32, 32)]
        {
            let x: Vec<f32> = (0..n * inner).map(|index| sine(index, 0.0)).collect();
            let weights: Vec<bf16> = (0..out * inner).map(|index| bf16::from_f32(sine(index, 1.0))).collect();
            let mut panels = vec![f32::NAN; n.div_ceil(PANEL) * inner / FEATURES * PACKED];
            for (panel, x) in panels.chunks_mut(inner / FEATURES * PACKED).zip(x.chunks(PANEL * inner)) {
                let (some, others) = panel.split_at_mut(inner / FEATURES / 2 * PACKED);
                // SAFETY: AMX is there.
                unsafe {
                    pack(some, x, inner, 0);
                    pack(others, x, inner, inner / FEATURES / 2 * FEATURES);
                }
            }
            // Columns of others stand on both sides.
            let mut y = vec![7.0; n * (out + 2)];
            for write in [Write::Over, Write::Add] {
                let columns = [std::ops::Range { start: 1, end: out + 1 }];
                let mut outputs = Output::cut(&mut y, out + 2, std::iter::once(0..n), &columns);
                // SAFETY: AMX is there.
                unsafe { panel_products(&mut outputs[0], &panels, &weights, inner, write) };
            }
            for (row, x) in y.chunks(out + 2).zip(x.chunks(inner)) {
                assert!([row[0], row[out + 1]].iter().all(|other| (other - 7.0).abs() < 1e-9));
                for (y, weights) in row[1..=out].iter().zip(weights.chunks(inner)) {
                    let products =
                        x.iter().zip(weights).map(|(x, weight)| f64::from(*x) * f64::from(*weight));
                    let [expected, size] = products.fold([0.0, 0.0], |[sum, size], product| {
                        [sum + 2.0 * product, size + 2.0 * product.abs()]
                    });
                    let error = (f64::from(*y) - expected).abs() / size;
                    assert!(error < 2.0_f64.powi(-17), "{n} x {inner} x {out}: {y}, not {expected}");
                }
            }
        }
    }
}
