//! Which byte stands between two cells.

use super::parser::Parser;

/// How much of the beginning is looked at to guess the delimiter.
pub(super) const SAMPLE_BYTES: usize = 1 << 16;

/// The delimiters that are tried, in the order in which they are believed.
const DELIMITERS: [u8; 4] = [b'\t', b';', b',', b'|'];

/// The delimiter that Excel's first line `sep=;` declares, and the length of that line.
pub(super) fn declared_delimiter(text: &[u8]) -> Option<(u8, usize)> {
    let head = text.get(..5)?;
    let delimiter = head[4];
    let rest = &text[5..];
    let n_end = if rest.starts_with(b"\r\n") {
        2
    } else {
        usize::from(rest.starts_with(b"\n") || rest.starts_with(b"\r"))
    };
    (head[..4].eq_ignore_ascii_case(b"sep=") && n_end > 0 && delimiter.is_ascii())
        .then_some((delimiter, 5 + n_end))
}

/// How well a text reads as a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Guess {
    pub(crate) delimiter: u8,
    pub(crate) n_columns: usize,
    /// Rows that were looked at, the header among them.
    pub(crate) n_rows: usize,
    /// The share of rows that have as many cells as the first.
    pub(crate) regular: f64,
}

/// The delimiter with which the sample's rows are most alike; `None` where no delimiter gives two columns.
pub(crate) fn guess_delimiter(sample: &[u8]) -> Option<Guess> {
    const MOST_ROWS: usize = 200;
    let mut best: Option<Guess> = None;
    for delimiter in DELIMITERS {
        let mut parser = Parser::new(delimiter);
        let mut at = 0;
        let mut counts = Vec::new();
        while counts.len() < MOST_ROWS && at < sample.len() {
            // The last record may be cut off by the end of the sample.
            let Some(n_bytes) =
                parser.parse(&sample[at..], false, counts.is_empty() || sample.len() < SAMPLE_BYTES)
            else {
                break;
            };
            counts.push(parser.n_cells());
            at += n_bytes.max(1);
            at += sample[at.min(sample.len())..]
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
        }
        let Some(&n_columns) = counts.first() else { continue };
        if n_columns < 2 {
            continue;
        }
        let regular = counts.iter().filter(|count| **count == n_columns).count() as f64 / counts.len() as f64;
        let guess = Guess { delimiter, n_columns, n_rows: counts.len(), regular };
        let rank = |guess: &Guess| guess.regular * (guess.n_columns.min(8) as f64).sqrt();
        if best.as_ref().is_none_or(|best| rank(&guess) > rank(best)) {
            best = Some(guess);
        }
    }
    best
}
