//! Products of many tokens by rows of weights as they lie in memory, for an instruction set whose operations stand beside
//! them.
//!
//! The tokens are what is packed: once for all weights, and not the weights for each product. A panel has some tokens side by
//! side, feature by feature, as many as two registers hold. A tile is some features of a panel by some rows of weights: its
//! sums stay in registers while each weight is multiplied with two registers of tokens. The features of a tile are so few
//! that they stay in the first cache for many rows. After Goto and van de Geijn, *Anatomy of High-Performance Matrix
//! Multiplication*, 2008.

/// Features of a tile.
pub(super) const FEATURES: usize = 128;

/// Rows of weights whose sums are held until all features are added.
pub(super) const STRIP: usize = 64;

/// Weights that are next to each other in memory, and asked for together.
pub(super) const LINE: usize = 16;

/// Products of panels, at most `MOST_ROWS` rows of weights at once, so that their sums stay in registers.
macro_rules! panel_tiles {
    ($pack:ident, $products:ident, $tile:ident, $put:ident $(, $features:literal)?) => {
        /// Puts some features of tokens, whose rows are `inner` long, in a part of a panel, which has as many as it has room for.
        $(#[target_feature(enable = $features)])?
        pub(super) fn $pack(part: &mut [f32], tokens: &[f32], inner: usize, start: usize) {
            let part = part.as_chunks_mut::<PANEL>().0;
            for (at, features) in part.chunks_mut(FLOATS).enumerate() {
                let start = start + at * FLOATS;
                for half in 0..2 {
                    let mut registers = [zero(); FLOATS];
                    for (register, token) in registers.iter_mut().zip(tokens.chunks_exact(inner).skip(half * FLOATS)) {
                        *register = load_some(&token[start..start + features.len()]);
                    }
                    for (tokens, register) in features.iter_mut().zip(transposed(&registers)) {
                        tokens.as_chunks_mut().0[half] = values(register);
                    }
                }
            }
        }

        $(#[target_feature(enable = $features)])?
        pub(super) fn $products(
            output: &mut Output<'_>,
            panels: &[f32],
            weights: &[f32],
            inner: usize,
            write: Write,
        ) {
            use $crate::flex::simd::{panels::{FEATURES, STRIP}, tiles::by_size};
            for (panel, values) in panels.chunks_exact(PANEL * inner).enumerate() {
                let tokens = (output.rows() - panel * PANEL).min(PANEL);
                for (strip, weights) in weights.chunks(STRIP * inner).enumerate() {
                    let mut sums = [[0.0; PANEL]; STRIP];
                    let rows = weights.len() / inner;
                    for start in (0..inner).step_by(FEATURES) {
                        let values = &values[start * PANEL..(start + FEATURES).min(inner) * PANEL];
                        let mut row = 0;
                        by_size!(MOST_ROWS, rows - row, ROWS, {
                            let (own, sums) = (&weights[row * inner + start..], &mut sums[row..]);
                            // Only the first to read these rows asks for those that come next.
                            match (tokens <= FLOATS, panel == 0) {
                                (true, true) => $tile::<ROWS, 1, true>(sums, values, own, inner),
                                (true, false) => $tile::<ROWS, 1, false>(sums, values, own, inner),
                                (false, true) => $tile::<ROWS, 2, true>(sums, values, own, inner),
                                (false, false) => $tile::<ROWS, 2, false>(sums, values, own, inner),
                            }
                            row += ROWS;
                        });
                    }
                    $put(output, [panel * PANEL, strip * STRIP], &sums[..rows], write);
                }
            }
        }

        /// Adds some features of a panel by some rows, which are `stride` apart, to the sums of these rows. Loops, since a closure
        /// would not be compiled for the instruction set.
        $(#[target_feature(enable = $features)])?
        #[inline]
        fn $tile<const ROWS: usize, const HALVES: usize, const FIRST: bool>(
            held: &mut [[f32; PANEL]],
            panel: &[f32],
            weights: &[f32],
            stride: usize,
        ) {
            use $crate::flex::simd::panels::LINE;
            let panel = panel.as_chunks::<PANEL>().0;
            // Cut, so that the compiler sees that all are as long.
            let mut rows = [&[][..]; ROWS];
            for row in 0..ROWS {
                rows[row] = &weights[row * stride..][..panel.len()];
            }
            let held = &mut held[..ROWS];
            let mut sums = [[zero(); HALVES]; ROWS];
            for row in 0..ROWS {
                for half in 0..HALVES {
                    sums[row][half] = load(&held[row].as_chunks().0[half]);
                }
            }
            for start in (0..panel.len()).step_by(LINE) {
                if FIRST {
                    for row in rows {
                        prefetch(row.as_ptr().wrapping_add(start + ROWS * stride));
                    }
                }
                for at in start..(start + LINE).min(panel.len()) {
                    let mut tokens = [zero(); HALVES];
                    for half in 0..HALVES {
                        tokens[half] = load(&panel[at].as_chunks().0[half]);
                    }
                    for row in 0..ROWS {
                        let weight = all(rows[row][at]);
                        for half in 0..HALVES {
                            sums[row][half] = multiply_add(weight, tokens[half], sums[row][half]);
                        }
                    }
                }
            }
            for row in 0..ROWS {
                for half in 0..HALVES {
                    held[row].as_chunks_mut().0[half] = values(sums[row][half]);
                }
            }
        }

        /// Puts the sums of rows, or adds them, in columns of the output from a place on: as many columns of a token at a time as a
        /// register holds, since rows of the output may all fall on one place of the cache.
        $(#[target_feature(enable = $features)])?
        pub(super) fn $put(output: &mut Output<'_>, [first, column]: [usize; 2], sums: &[[f32; PANEL]], write: Write) {
            for (block, sums) in sums.chunks(FLOATS).enumerate() {
                let column = column + block * FLOATS;
                for half in 0..2 {
                    let mut registers = [zero(); FLOATS];
                    for (register, sums) in registers.iter_mut().zip(sums) {
                        *register = load(&sums.as_chunks().0[half]);
                    }
                    let first = first + half * FLOATS;
                    for (token, register) in (first..output.rows()).zip(transposed(&registers)) {
                        let y = &mut output.row(token)[column..][..sums.len()];
                        let Some(y) = y.first_chunk_mut() else {
                            put_short(y, &values(register), write);
                            continue;
                        };
                        let sums = if write == Write::Add { add(load(y), register) } else { register };
                        *y = values(sums);
                    }
                }
            }
        }

        /// At most as many values as a register holds, and zeros.
        $(#[target_feature(enable = $features)])?
        #[inline]
        fn load_some(some: &[f32]) -> Register {
            if let Some(all) = some.first_chunk() {
                return load(all);
            }
            let mut values = [0.0; FLOATS];
            values[..some.len()].copy_from_slice(some);
            load(&values)
        }
    };
}

pub(super) use panel_tiles;
