//! Event files for TensorBoard.
//!
//! An event file is a sequence of TFRecords: the length of the data as 8 bytes, its checksum, the data, its checksum,
//! little-endian. The data is an `Event` in the encoding of Protocol Buffers. Only what a training has to tell is
//! written: scalars, texts, and where a training was taken up again.
//!
//! **Source**: `tensorflow/core/lib/io/record_writer.h`, and `event.proto`, `summary.proto` and `tensor.proto` beside it
//! in `tensorflow/core`.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// One event file. Several in one folder, one for each start of a training, are one run to TensorBoard.
///
/// # Example
///
/// ```
/// use gearhead_train::tensorboard::EventFile;
/// use std::time::SystemTime;
///
/// # let folder = tempfile::tempdir()?;
/// let mut events = EventFile::create(folder.path())?;
/// events.scalar("loss/train", 1, 4.25, SystemTime::now())?;
/// events.text("config", 0, "```toml\nseed = 7\n```", SystemTime::now())?;
/// events.flush()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventFile {
    /// A new file in the folder, which is made where it is missing. TensorBoard reads the files of a folder in the order
    /// of their names, so the name begins with the time.
    ///
    /// # Errors
    ///
    /// If the folder or the file cannot be written.
    pub fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let now = SystemTime::now();
        let seconds = seconds(now) as u64;
        let mut number = 0;
        let (path, file) = loop {
            let path = folder.join(format!("events.out.tfevents.{seconds}.gearhead.{number}"));
            match File::create_new(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        };
        let mut events = Self { path, file: BufWriter::new(file) };
        events.event(now, 0, FILE_VERSION, b"brain.Event:2")?;
        events.flush()?;
        Ok(events)
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells TensorBoard that the training goes on from a checkpoint, `first_step` being the first step that is done
    /// again. It forgets what earlier files say of that step and later ones.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn resumed(&mut self, first_step: u64, wall_time: SystemTime) -> io::Result<()> {
        const START: u64 = 1;
        let mut log = Vec::new();
        integer(&mut log, SESSION_STATUS, START);
        self.event(wall_time, first_step, SESSION_LOG, &log)
    }

    /// One point of the curve `tag`. The format holds it as `f32`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64, wall_time: SystemTime) -> io::Result<()> {
        let mut summary = Vec::new();
        bytes(&mut summary, VALUE_TAG, tag.as_bytes());
        fixed_32(&mut summary, VALUE_SIMPLE, value as f32);
        self.summary(step, &summary, wall_time)
    }

    /// A text in Markdown under the name `tag`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn text(&mut self, tag: &str, step: u64, markdown: &str, wall_time: SystemTime) -> io::Result<()> {
        const DT_STRING: u64 = 7;
        const DATA_CLASS_TENSOR: u64 = 2;
        let mut plugin = Vec::new();
        bytes(&mut plugin, PLUGIN_NAME, b"text");
        let mut metadata = Vec::new();
        bytes(&mut metadata, METADATA_PLUGIN, &plugin);
        integer(&mut metadata, METADATA_CLASS, DATA_CLASS_TENSOR);
        // A tensor of no axes: its shape is an empty message.
        let mut tensor = Vec::new();
        integer(&mut tensor, TENSOR_TYPE, DT_STRING);
        bytes(&mut tensor, TENSOR_SHAPE, &[]);
        bytes(&mut tensor, TENSOR_STRING, markdown.as_bytes());
        let mut summary = Vec::new();
        bytes(&mut summary, VALUE_TAG, tag.as_bytes());
        bytes(&mut summary, VALUE_TENSOR, &tensor);
        bytes(&mut summary, VALUE_METADATA, &metadata);
        self.summary(step, &summary, wall_time)
    }

    /// Hands what was written to the operating system, so that TensorBoard sees it.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn summary(&mut self, step: u64, value: &[u8], wall_time: SystemTime) -> io::Result<()> {
        let mut summary = Vec::with_capacity(value.len() + 8);
        bytes(&mut summary, SUMMARY_VALUE, value);
        self.event(wall_time, step, EVENT_SUMMARY, &summary)
    }

    fn event(&mut self, wall_time: SystemTime, step: u64, field: u32, content: &[u8]) -> io::Result<()> {
        let mut event = Vec::with_capacity(content.len() + 32);
        fixed_64(&mut event, EVENT_WALL_TIME, seconds(wall_time));
        integer(&mut event, EVENT_STEP, step);
        bytes(&mut event, field, content);
        self.file.write_all(&record(&event))
    }
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A TFRecord of the data.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// The checksum as a TFRecord holds it, so that the checksum of data that itself holds checksums stays good.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli): RFC 3720, section 12.1.
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| CRC_OF_BYTE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const CRC_OF_BYTE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            // The polynomial 0x1EDC6F41 with its bits reversed.
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

// Numbers of fields, by message.
const EVENT_WALL_TIME: u32 = 1;
const EVENT_STEP: u32 = 2;
const FILE_VERSION: u32 = 3;
const EVENT_SUMMARY: u32 = 5;
const SESSION_LOG: u32 = 7;
const SESSION_STATUS: u32 = 1;
const SUMMARY_VALUE: u32 = 1;
const VALUE_TAG: u32 = 1;
const VALUE_SIMPLE: u32 = 2;
const VALUE_TENSOR: u32 = 8;
const VALUE_METADATA: u32 = 9;
const METADATA_PLUGIN: u32 = 1;
const METADATA_CLASS: u32 = 4;
const PLUGIN_NAME: u32 = 1;
const TENSOR_TYPE: u32 = 1;
const TENSOR_SHAPE: u32 = 2;
const TENSOR_STRING: u32 = 8;

// How a field is encoded: the lowest three bits of its key.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;
const FIXED_32: u32 = 5;

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn key(message: &mut Vec<u8>, field: u32, encoding: u32) {
    varint(message, u64::from(field << 3 | encoding));
}

fn integer(message: &mut Vec<u8>, field: u32, value: u64) {
    key(message, field, VARINT);
    varint(message, value);
}

fn fixed_32(message: &mut Vec<u8>, field: u32, value: f32) {
    key(message, field, FIXED_32);
    message.extend(value.to_le_bytes());
}

fn fixed_64(message: &mut Vec<u8>, field: u32, value: f64) {
    key(message, field, FIXED_64);
    message.extend(value.to_le_bytes());
}

fn bytes(message: &mut Vec<u8>, field: u32, value: &[u8]) {
    key(message, field, BYTES);
    varint(message, value.len() as u64);
    message.extend(value);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A field of a message, for the reader of the tests.
    #[derive(Debug, PartialEq)]
    enum Field {
        Integer(u64),
        Double(f64),
        Float(f32),
        Bytes(Vec<u8>),
    }

    fn take<'a>(data: &mut &'a [u8], n: usize) -> &'a [u8] {
        let (head, rest) = data.split_at(n);
        *data = rest;
        head
    }

    fn read_varint(data: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = take(data, 1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
        }
        unreachable!()
    }

    fn fields(mut data: &[u8]) -> Vec<(u64, Field)> {
        let mut fields = Vec::new();
        while !data.is_empty() {
            let key = read_varint(&mut data);
            let field = match key & 7 {
                0 => Field::Integer(read_varint(&mut data)),
                1 => Field::Double(f64::from_le_bytes(take(&mut data, 8).try_into().unwrap())),
                2 => {
                    let length = read_varint(&mut data) as usize;
                    Field::Bytes(take(&mut data, length).to_vec())
                }
                5 => Field::Float(f32::from_le_bytes(take(&mut data, 4).try_into().unwrap())),
                other => panic!("encoding {other}"),
            };
            fields.push((key >> 3, field));
        }
        fields
    }

    /// The CRC one bit after the other, to check the table against.
    fn slow_masked_crc(data: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in data {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
            }
        }
        let crc = !crc;
        crc.rotate_right(15).wrapping_add(0xa282_ead8)
    }

    fn records(mut data: &[u8]) -> Vec<Vec<(u64, Field)>> {
        let mut records = Vec::new();
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        while !data.is_empty() {
            let length = take(&mut data, 8);
            assert_eq!(number(take(&mut data, 4)), slow_masked_crc(length));
            let event = take(&mut data, u64::from_le_bytes(length.try_into().unwrap()) as usize);
            assert_eq!(number(take(&mut data, 4)), slow_masked_crc(event));
            records.push(fields(event));
        }
        records
    }

    fn message(fields: &[(u64, Field)], number: u64) -> Vec<(u64, Field)> {
        match &fields.iter().find(|(field, _)| *field == number).unwrap().1 {
            Field::Bytes(bytes) => super::tests::fields(bytes),
            other => panic!("field {number} is {other:?}"),
        }
    }

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn a_file_holds_what_was_written_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
        let mut events = EventFile::create(&folder.path().join("made/here")).unwrap();
        events.scalar("loss/train", 300, 4.25, time).unwrap();
        events.scalar("loss/train", 301, f64::NAN, time).unwrap();
        let long = "Grüße\n".repeat(50);
        events.text("config", 0, &long, time).unwrap();
        events.resumed(201, time).unwrap();
        events.flush().unwrap();

        let records = records(&std::fs::read(events.path()).unwrap());
        assert_eq!(records.len(), 5);
        assert_eq!(records[0][1..], [(2, Field::Integer(0)), (3, Field::Bytes(b"brain.Event:2".to_vec()))]);
        assert_eq!(records[1][..2], [(1, Field::Double(1_700_000_000.5)), (2, Field::Integer(300))]);
        let tag = (1, Field::Bytes(b"loss/train".to_vec()));
        assert_eq!(message(&message(&records[1], 5), 1), [tag, (2, Field::Float(4.25))]);
        let not_a_number = message(&message(&records[2], 5), 1);
        assert!(matches!(not_a_number[1].1, Field::Float(value) if value.is_nan()));

        let text = message(&message(&records[3], 5), 1);
        assert_eq!(text[0], (1, Field::Bytes(b"config".to_vec())));
        assert_eq!(
            message(&text, 8),
            [(1, Field::Integer(7)), (2, Field::Bytes(vec![])), (8, Field::Bytes(long.into_bytes()))]
        );
        assert_eq!(message(&message(&text, 9), 1), [(1, Field::Bytes(b"text".to_vec()))]);
        assert_eq!(records[4][1], (2, Field::Integer(201)));
        assert_eq!(message(&records[4], 7), [(1, Field::Integer(1))]);
    }

    #[test]
    fn a_record_is_these_bytes() {
        // `tensorboard.summary.writer.record_writer.RecordWriter(file).write(b"abc")` of tensorboard 2.21.0.
        let expected = [3, 0, 0, 0, 0, 0, 0, 0, 176, 153, 73, 14, 97, 98, 99, 110, 87, 241, 33];
        assert_eq!(record(b"abc"), expected);
    }

    #[test]
    fn files_of_one_second_do_not_replace_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<_> = (0..3).map(|_| EventFile::create(folder.path()).unwrap()).collect();
        let mut paths: Vec<_> = files.iter().map(|file| file.path().to_owned()).collect();
        assert!(paths.is_sorted());
        paths.dedup();
        assert_eq!(paths.len(), 3);
        let name = paths[0].file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("events.out.tfevents."), "{name}");
    }
}
