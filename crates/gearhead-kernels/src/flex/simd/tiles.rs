//! The loops, for an instruction set whose operations stand beside them.

/// Products of `f32` with rows of a type, which `$load` puts into registers of `FLOATS` numbers and `$one` reads one by
/// one; at most `MOST_FLOATS` tokens are computed at once, so that their sums with four rows stay in registers.
macro_rules! float_tiles {
    ($products:ident, $dots:ident, $row:ty, $load:ident, $one:path $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        pub(super) fn $products(y: &mut [f32], x: &[f32], weights: &[$row], inner: usize) {
            let out = weights.len() / inner;
            let fours = out / 4 * 4;
            for first in (0..fours).step_by(4) {
                let rows = &weights[first * inner..][..4 * inner];
                let (mut left, mut y) = (x, &mut y[first..]);
                $crate::flex::simd::tiles::by_size!(MOST_FLOATS, left.len() / inner, N, {
                    let some = &left[..N * inner];
                    // Only the first to read these rows asks for those that come next.
                    let dots =
                        if left.len() == x.len() { $dots::<N, true>(some, rows) } else { $dots::<N, false>(some, rows) };
                    for token in 0..N {
                        y[token * out..][..4].copy_from_slice(&dots[token]);
                    }
                    left = &left[N * inner..];
                    y = y.get_mut(N * out..).unwrap_or_default();
                });
            }
            for (index, row) in weights.chunks_exact(inner).enumerate().skip(fours) {
                for (y, x) in y.chunks_exact_mut(out).zip(x.chunks_exact(inner)) {
                    let mut sum = 0.0;
                    for (x, value) in x.iter().zip(row) {
                        sum += x * $one(*value);
                    }
                    y[index] = sum;
                }
            }
        }

        /// `Σ x row` for each of `N` `x` and each of four rows as long. Loops, since a closure would not be compiled for
        /// the instruction set.
        $(#[target_feature(enable = $features)])?
        #[inline]
        fn $dots<const N: usize, const FIRST: bool>(xs: &[f32], rows: &[$row]) -> [[f32; 4]; N] {
            let len = rows.len() / 4;
            // Cut, so that the compiler sees that all have as many registers full.
            let full = len / FLOATS;
            let (mut x_chunks, mut row_chunks) = ([&[][..]; N], [&[][..]; 4]);
            for n in 0..N {
                x_chunks[n] = &xs[n * len..].as_chunks::<FLOATS>().0[..full];
            }
            for i in 0..4 {
                row_chunks[i] = &rows[i * len..].as_chunks::<FLOATS>().0[..full];
            }
            let mut sums = [[zero(); 4]; N];
            for at in 0..full {
                if FIRST {
                    for row in row_chunks {
                        prefetch(row.as_ptr().wrapping_add(at).wrapping_byte_add(AHEAD));
                    }
                }
                let row = [
                    $load(&row_chunks[0][at]),
                    $load(&row_chunks[1][at]),
                    $load(&row_chunks[2][at]),
                    $load(&row_chunks[3][at]),
                ];
                for n in 0..N {
                    let x = load(&x_chunks[n][at]);
                    for i in 0..4 {
                        sums[n][i] = multiply_add(x, row[i], sums[n][i]);
                    }
                }
            }
            let mut dots = [[0.0; 4]; N];
            for n in 0..N {
                dots[n] = totals(sums[n]);
                for at in full * FLOATS..len {
                    for i in 0..4 {
                        dots[n][i] += xs[n * len + at] * $one(rows[i * len + at]);
                    }
                }
            }
            dots
        }
    };
}

/// Numbers of a type, which `$load` puts into registers of `FLOATS` numbers and `$one` reads one by one, in 32 bits.
macro_rules! widened {
    ($widen:ident, $row:ty, $load:ident, $one:ident $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        pub(super) fn $widen(wide: &mut [f32], narrow: &[$row]) {
            let ((wide, wide_rest), (narrow, rest)) = (wide.as_chunks_mut::<FLOATS>(), narrow.as_chunks::<FLOATS>());
            for (wide, narrow) in wide.iter_mut().zip(narrow) {
                *wide = values($load(narrow));
            }
            for (wide, narrow) in wide_rest.iter_mut().zip(rest) {
                *wide = $one(*narrow);
            }
        }
    };
}

/// Sums of rows of a type, which `$load` puts into registers of `FLOATS` numbers and `$one` reads one by one.
macro_rules! row_sums {
    ($weighted_sum:ident, $row:ty, $load:ident, $one:path $(, $features:literal)?) => {
        /// Adds rows, each times its weight, to the output.
        $(#[target_feature(enable = $features)])?
        pub(super) fn $weighted_sum(output: &mut [f32], weights: &[f32], rows: &[$row]) {
            /// Registers whose sums are computed at once, twice over.
            const MOST: usize = 4;
            let len = output.len();
            let full = len / FLOATS * FLOATS;
            let mut start = 0;
            $crate::flex::simd::tiles::by_size!(MOST, (full - start) / FLOATS, WIDE, {
                let mut sums = [[zero(); WIDE]; 2];
                for (index, weight) in weights.iter().enumerate() {
                    let row = &rows[index * len + start..][..WIDE * FLOATS];
                    let (weight, row) = (all(*weight), row.as_chunks::<FLOATS>().0);
                    prefetch(row.as_ptr().wrapping_byte_add(AHEAD));
                    let sums = &mut sums[index % 2];
                    for wide in 0..WIDE {
                        sums[wide] = multiply_add(weight, $load(&row[wide]), sums[wide]);
                    }
                }
                let output = &mut output[start..][..WIDE * FLOATS];
                for (wide, output) in output.as_chunks_mut::<FLOATS>().0.iter_mut().enumerate() {
                    let held = add(load(output), add(sums[0][wide], sums[1][wide]));
                    *output = values(held);
                }
                start += WIDE * FLOATS;
            });
            for place in full..len {
                for (index, weight) in weights.iter().enumerate() {
                    output[place] += weight * $one(rows[index * len + place]);
                }
            }
        }
    };
}

/// Products of whole numbers by weights of so many bits, by registers of sums, of which `PARTS` make a block; at most
/// `MOST_INTS` tokens are computed at once, so that their sums stay in registers. `$registers` makes registers of four columns
/// each of a line, whose numbers are `$too_large` too large, and `$add_dot` multiplies with one.
macro_rules! int_tiles {
    ($products:ident, $tile:ident, $bits:literal, $too_large:expr, $registers:ident, $add_dot:ident $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        pub(super) fn $products(
            output: &mut Output<'_>,
            column: usize,
            tokens: &[Token<'_>],
            weights: Weights<'_>,
            write: Write,
        ) {
            let (mut tokens, mut first) = (tokens, 0);
            $crate::flex::simd::tiles::by_size!(MOST_INTS, tokens.len(), N, {
                for part in 0..PARTS {
                    $tile::<N>(output, [first, column], tokens, weights, (part, write));
                }
                (tokens, first) = (&tokens[N..], first + N);
            });
        }

        $(#[target_feature(enable = $features)])?
        #[inline]
        fn $tile<const N: usize>(
            output: &mut Output<'_>,
            [first, column]: [usize; 2],
            tokens: &[Token<'_>],
            weights: Weights<'_>,
            (part, write): (usize, Write),
        ) {
            let groups = weights.scales.len();
            let mut xs = [tokens[0].cut(groups); N];
            for n in 1..N {
                xs[n] = tokens[n].cut(groups);
            }
            let mut floats = [no_floats(); N];
            let (lines, _) = weights.lines.as_chunks::<$bits>();
            for (group, (lines, scales)) in lines.iter().zip(weights.scales).enumerate() {
                let mut sums = [no_ints(); N];
                for n in 0..N {
                    sums[n] = ints(-$too_large * xs[n].sums[group]);
                }
                let mut step = 0;
                for line in lines {
                    if N <= 4 {
                        prefetch(std::ptr::from_ref(line).wrapping_byte_add(AHEAD));
                    }
                    for register in $registers(line, part) {
                        for n in 0..N {
                            sums[n] = $add_dot(sums[n], register, four(&xs[n].values[group], step));
                        }
                        step += 1;
                    }
                }
                let scales = halves(scales, part);
                for n in 0..N {
                    floats[n] = add_scaled(floats[n], sums[n], scales, xs[n].scales[group]);
                }
            }
            for n in 0..N {
                put(&mut output.row(first + n)[column..], floats[n], part, write);
            }
        }
    };
}

/// Features in 8 bits: of the group's largest amount and registers, `$round` makes whole numbers and their sum.
macro_rules! rounded {
    ($round_groups:ident, $largest:ident, $round:ident $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        pub(super) fn $round_groups(
            groups: &[[f32; GROUP]],
            values: &mut [[i8; GROUP]],
            scales: &mut [f32],
            sums: &mut [i32],
        ) {
            let rounded = values.iter_mut().zip(scales).zip(sums);
            for (group, ((values, scale), sum)) in groups.iter().zip(rounded) {
                let largest = $largest(group);
                *scale = largest / 127.0;
                *sum = $round(group, if largest > 0.0 { 127.0 / largest } else { 0.0 }, values);
            }
        }
    };
}

/// Does `$do` with `$n` as a constant, for the largest sizes up to `$most` that are left, until none is.
macro_rules! by_size {
    ($most:ident, $left:expr, $n:ident, $do:block) => {
        loop {
            let left = $left;
            if left >= 12 && $most >= 12 {
                const $n: usize = 12;
                $do
            } else if left >= 8 && $most >= 8 {
                const $n: usize = 8;
                $do
            } else if left >= 6 && $most >= 6 {
                const $n: usize = 6;
                $do
            } else if left >= 4 && $most >= 4 {
                const $n: usize = 4;
                $do
            } else if left >= 2 {
                const $n: usize = 2;
                $do
            } else if left == 1 {
                const $n: usize = 1;
                $do
            } else {
                break;
            }
        }
    };
}

/// How many bytes ahead of their use weights are asked for, where few tokens are computed with them and memory is what
/// is waited for.
pub(super) const AHEAD: usize = 4096;

pub(super) use {by_size, float_tiles, int_tiles, rounded, row_sums, widened};

/// Four values of a group as the bytes of one number.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]
pub(super) fn four(values: &[i8; super::GROUP], step: usize) -> i32 {
    let (fours, _) = values.as_chunks::<4>();
    i32::from_ne_bytes(bytemuck::cast(fours[step]))
}
