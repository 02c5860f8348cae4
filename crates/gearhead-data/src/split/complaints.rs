//! Every distinct complaint, and which of them are near copies of each other.
//!
//! A few complaints are kept in memory and searched completely. Many go to temporary files: a sketch for each, read
//! where two are compared, and a column of numbers for each band, of which one at a time is sorted in memory. That takes
//! 480 bytes of disk and, while a column is sorted, 8 bytes of memory for each distinct complaint, beside the table of
//! fingerprints while the complaints are gathered (about 20 to 40 bytes each).

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    duplicates::{BANDS, MINIMA, NEAR_DUPLICATE, ROWS, Sketch, Sketcher, normalise_into},
    error::{Error, Result},
};

/// Distinct complaints whose sketches are kept in memory (39 MB), among which every near pair is found.
pub(super) const MAX_IN_MEMORY: usize = 100_000;

/// Complaints of one bucket that follow a complaint and are compared with it.
const MAX_COMPARED: usize = 8_000;

/// Complete search leaves out one minimum of each band in turn, which finds every pair of near copies: they differ in
/// fewer minima than two for each band, so in some band in one at most.
const KEYS: usize = BANDS * ROWS;
const _: () = assert!(MINIMA as f64 * (1.0 - NEAR_DUPLICATE) < 2.0 * BANDS as f64);

/// Gathers complaints and numbers the distinct ones in order of appearance. Complaints that are equal after
/// normalisation are one.
pub(super) struct Complaints {
    sketcher: Sketcher,
    numbers: HashMap<u64, u32>,
    store: Store,
    folder: PathBuf,
    max_in_memory: usize,
    normalised: String,
}

enum Store {
    Memory(Vec<Sketch>),
    Disk(Box<Disk>),
}

struct Disk {
    sketches: BufWriter<File>,
    bands: Vec<BufWriter<File>>,
}

impl Complaints {
    /// None yet; `folder` is where temporary files go when there are many.
    pub(super) fn new(folder: &Path) -> Self {
        Self::with_capacity(folder, MAX_IN_MEMORY)
    }

    pub(super) fn with_capacity(folder: &Path, max_in_memory: usize) -> Self {
        Self {
            sketcher: Sketcher::new(),
            numbers: HashMap::new(),
            store: Store::Memory(Vec::new()),
            folder: folder.to_owned(),
            max_in_memory,
            normalised: String::new(),
        }
    }

    /// The number of a complaint.
    pub(super) fn number(&mut self, symptom: &str) -> Result<u32> {
        normalise_into(symptom, &mut self.normalised);
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(xxh3_64(self.normalised.as_bytes())).or_insert(next);
        if number == next {
            let sketch = self.sketcher.sketch_normalised(&self.normalised);
            self.keep(&sketch).map_err(|source| Error::io(&self.folder, source))?;
        }
        Ok(number)
    }

    fn keep(&mut self, sketch: &Sketch) -> io::Result<()> {
        if let Store::Memory(sketches) = &mut self.store {
            if sketches.len() < self.max_in_memory {
                sketches.push(*sketch);
                return Ok(());
            }
            let mut disk = Disk::new(&self.folder)?;
            sketches.iter().try_for_each(|sketch| disk.write(sketch))?;
            self.store = Store::Disk(Box::new(disk));
        }
        match &mut self.store {
            Store::Disk(disk) => disk.write(sketch),
            Store::Memory(_) => Ok(()),
        }
    }

    /// Ends the gathering.
    pub(super) fn finish(self) -> Result<NearPairs> {
        let count = self.numbers.len();
        let source = match self.store {
            Store::Memory(sketches) => Source::Memory(sketches),
            Store::Disk(disk) => {
                Source::Disk(disk.finish().map_err(|source| Error::io(&self.folder, source))?)
            }
        };
        Ok(NearPairs { source, count, folder: self.folder, uncompared: 0 })
    }
}

impl Disk {
    fn new(folder: &Path) -> io::Result<Self> {
        let file = || tempfile::tempfile_in(folder);
        let bands = (0..BANDS).map(|_| Ok(BufWriter::with_capacity(1 << 14, file()?)));
        Ok(Self {
            sketches: BufWriter::with_capacity(1 << 16, file()?),
            bands: bands.collect::<io::Result<_>>()?,
        })
    }

    fn write(&mut self, sketch: &Sketch) -> io::Result<()> {
        for minimum in sketch.minima() {
            self.sketches.write_all(&minimum.to_le_bytes())?;
        }
        for (file, band) in self.bands.iter_mut().zip(sketch.bands()) {
            file.write_all(&((band >> 32) as u32).to_le_bytes())?;
        }
        Ok(())
    }

    fn finish(self) -> io::Result<OnDisk> {
        let file = |file: BufWriter<File>| file.into_inner().map_err(io::IntoInnerError::into_error);
        let bands = self.bands.into_iter().map(file).collect::<io::Result<_>>()?;
        Ok(OnDisk { sketches: file(self.sketches)?, bands })
    }
}

/// What a search is for.
pub(super) trait Visitor {
    /// Whether it matters if these two are near copies.
    fn wants(&mut self, a: u32, b: u32) -> bool;
    /// They are.
    fn found(&mut self, a: u32, b: u32);
}

/// The pairs of near copies among the complaints, to be searched as often as needed.
pub(super) struct NearPairs {
    source: Source,
    count: usize,
    folder: PathBuf,
    uncompared: u64,
}

enum Source {
    Memory(Vec<Sketch>),
    Disk(OnDisk),
}

struct OnDisk {
    sketches: File,
    bands: Vec<File>,
}

impl NearPairs {
    /// Distinct complaints.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a search finds every pair; otherwise it finds a pair with the probability that
    /// [`Sketch::bands`](crate::duplicates::Sketch::bands) documents.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.source, Source::Memory(_)) && self.uncompared == 0
    }

    /// Pairs in crowded buckets that no search compared.
    pub(super) fn uncompared(&self) -> u64 {
        self.uncompared
    }

    /// Shows the near pairs to `visitor`, some of them more than once; `progress` gets the done and all steps.
    pub(super) fn search(
        &mut self,
        visitor: &mut dyn Visitor,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        let steps = match self.source {
            Source::Memory(_) => KEYS,
            Source::Disk(_) => BANDS,
        };
        self.uncompared = 0;
        let mut column = Vec::with_capacity(self.count);
        for step in 0..steps {
            progress(step as u64, steps as u64);
            column.clear();
            self.source.fill(step, &mut column).map_err(|source| Error::io(&self.folder, source))?;
            column.sort_unstable();
            for bucket in column.chunk_by(|a, b| a >> 32 == b >> 32).filter(|bucket| bucket.len() > 1) {
                self.uncompared +=
                    self.source.compare(bucket, visitor).map_err(|source| Error::io(&self.folder, source))?;
            }
        }
        progress(steps as u64, steps as u64);
        Ok(())
    }
}

impl Source {
    /// For each complaint the number of the step's bucket in the upper half and its own number in the lower.
    fn fill(&mut self, step: usize, column: &mut Vec<u64>) -> io::Result<()> {
        let entry = |hash: u32, number: usize| (u64::from(hash) << 32) | number as u64;
        match self {
            Self::Memory(sketches) => {
                let (band, left_out) = (step / ROWS, step % ROWS);
                column.extend(sketches.iter().enumerate().map(|(number, sketch)| {
                    let mut bytes = [0; ROWS * 4];
                    let minima = &sketch.minima()[band * ROWS..][..ROWS];
                    for (row, minimum) in minima.iter().enumerate().filter(|(row, _)| *row != left_out) {
                        bytes[row * 4..][..4].copy_from_slice(&minimum.to_le_bytes());
                    }
                    entry((xxh3_64(&bytes) >> 32) as u32, number)
                }));
            }
            Self::Disk(disk) => {
                let file = &mut disk.bands[step];
                file.seek(SeekFrom::Start(0))?;
                let mut reader = BufReader::with_capacity(1 << 16, file);
                let mut bytes = [0; 4];
                let mut number = 0;
                while read_whole(&mut reader, &mut bytes)? {
                    column.push(entry(u32::from_le_bytes(bytes), number));
                    number += 1;
                }
            }
        }
        Ok(())
    }

    /// Compares the complaints of a bucket; the number of pairs that were too many to compare.
    fn compare(&mut self, bucket: &[u64], visitor: &mut dyn Visitor) -> io::Result<u64> {
        // Only as many sketches as are compared are in memory at a time.
        let mut ahead: VecDeque<(u32, Sketch)> = VecDeque::new();
        let mut next = bucket.iter().map(|entry| *entry as u32);
        loop {
            while ahead.len() <= MAX_COMPARED
                && let Some(number) = next.next()
            {
                ahead.push_back((number, self.sketch(number)?));
            }
            let Some((a, sketch)) = ahead.pop_front() else { break };
            for (b, other) in &ahead {
                if visitor.wants(a, *b) && sketch.similarity(other) >= NEAR_DUPLICATE {
                    visitor.found(a, *b);
                }
            }
        }
        let beyond = bucket.len().saturating_sub(MAX_COMPARED + 1) as u64;
        Ok(beyond * (beyond + 1) / 2)
    }

    fn sketch(&mut self, number: u32) -> io::Result<Sketch> {
        match self {
            Self::Memory(sketches) => Ok(sketches[number as usize]),
            Self::Disk(disk) => {
                let mut bytes = [0; MINIMA * 4];
                disk.sketches.seek(SeekFrom::Start(u64::from(number) * bytes.len() as u64))?;
                disk.sketches.read_exact(&mut bytes)?;
                let mut minima = [0; MINIMA];
                for (minimum, bytes) in minima.iter_mut().zip(bytes.chunks_exact(4)) {
                    *minimum = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
                Ok(Sketch::from_minima(&minima))
            }
        }
    }
}

/// Fills the buffer; `false` at the end of the file.
fn read_whole(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    struct Every(BTreeSet<(u32, u32)>);

    impl Visitor for Every {
        fn wants(&mut self, _: u32, _: u32) -> bool {
            true
        }
        fn found(&mut self, a: u32, b: u32) {
            self.0.insert((a.min(b), a.max(b)));
        }
    }

    fn texts() -> Vec<String> {
        let words = ["boom", "drifts", "engine", "cranks", "slow", "cold", "pump", "whines", "leak", "track"];
        (0..400_usize)
            .map(|number| {
                let word = |step: usize| words[(number / step + number % 7 * step) % words.len()];
                format!("{} {} {} {} {} {}", word(1), word(3), word(10), word(31), word(2), word(5))
            })
            .collect()
    }

    fn near_pairs(max_in_memory: usize) -> (usize, BTreeSet<(u32, u32)>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let mut complaints = Complaints::with_capacity(folder.path(), max_in_memory);
        for text in texts() {
            complaints.number(&text).unwrap();
        }
        let mut pairs = complaints.finish().unwrap();
        let mut every = Every(BTreeSet::new());
        pairs.search(&mut every, &mut |_, _| {}).unwrap();
        (pairs.count(), every.0, pairs.is_complete())
    }

    fn brute_force() -> BTreeSet<(u32, u32)> {
        let sketcher = Sketcher::new();
        let mut distinct: Vec<String> = Vec::new();
        for text in texts() {
            if !distinct.contains(&text) {
                distinct.push(text);
            }
        }
        let sketches: Vec<Sketch> = distinct.iter().map(|text| sketcher.sketch(text)).collect();
        let pairs = (0..sketches.len()).flat_map(|a| (a + 1..sketches.len()).map(move |b| (a, b)));
        pairs
            .filter(|(a, b)| sketches[*a].similarity(&sketches[*b]) >= NEAR_DUPLICATE)
            .map(|(a, b)| (a as u32, b as u32))
            .collect()
    }

    #[test]
    fn a_search_in_memory_finds_every_pair() {
        let (_, found, is_complete) = near_pairs(MAX_IN_MEMORY);
        let expected = brute_force();
        assert!(is_complete && expected.len() > 100, "{}", expected.len());
        assert_eq!(found, expected);
    }

    #[test]
    fn a_search_on_disk_finds_nearly_every_pair_and_no_other() {
        let (count, found, is_complete) = near_pairs(50);
        let expected = brute_force();
        assert!(!is_complete && count > 100);
        assert!(found.is_subset(&expected));
        assert!(found.len() * 20 > expected.len() * 19, "{} of {}", found.len(), expected.len());
    }

    #[test]
    fn a_crowded_bucket_is_compared_in_part_and_says_so() {
        let same = Sketcher::new().sketch("boom drifts");
        let mut source = Source::Memory(vec![same; MAX_COMPARED + 3]);
        let bucket: Vec<u64> = (0..MAX_COMPARED as u64 + 3).collect();
        let mut count = Count(0);
        // The first has two beyond its reach, the second one.
        assert_eq!(source.compare(&bucket, &mut count).unwrap(), 3);
        assert_eq!(count.0, bucket.len() * (bucket.len() - 1) / 2 - 3);
    }

    struct Count(usize);

    impl Visitor for Count {
        fn wants(&mut self, _: u32, _: u32) -> bool {
            self.0 += 1;
            false
        }
        fn found(&mut self, _: u32, _: u32) {}
    }
}
