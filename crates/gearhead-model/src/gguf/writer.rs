//! Metadata and tensors to a file.

use std::{io::Write, path::Path};

use super::{ALIGNMENT, MAGIC, VERSION, blocks::GgmlType, value::Kind};
use crate::error::{Error, Result};

/// Names and values to be written.
#[derive(Debug, Default, Clone)]
pub struct Metadata {
    bytes: Vec<u8>,
    count: u64,
}

impl Metadata {
    fn add(&mut self, key: &str, kind: Kind, value: &[u8]) {
        self.count += 1;
        put_string(&mut self.bytes, key);
        self.bytes.extend((kind as u32).to_le_bytes());
        self.bytes.extend(value);
    }

    /// A text.
    pub fn string(&mut self, key: &str, value: &str) {
        let mut bytes = Vec::with_capacity(value.len() + 8);
        put_string(&mut bytes, value);
        self.add(key, Kind::String, &bytes);
    }

    /// A whole number.
    pub fn u32(&mut self, key: &str, value: u32) {
        self.add(key, Kind::U32, &value.to_le_bytes());
    }

    /// A number.
    pub fn f32(&mut self, key: &str, value: f32) {
        self.add(key, Kind::F32, &value.to_le_bytes());
    }

    /// A truth value.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.add(key, Kind::Bool, &[value.into()]);
    }

    /// Texts.
    pub fn strings<'a>(&mut self, key: &str, values: impl ExactSizeIterator<Item = &'a str>) {
        let mut bytes = array_head(Kind::String, values.len());
        values.for_each(|value| put_string(&mut bytes, value));
        self.add(key, Kind::Array, &bytes);
    }

    /// Numbers.
    pub fn f32s(&mut self, key: &str, values: impl ExactSizeIterator<Item = f32>) {
        let mut bytes = array_head(Kind::F32, values.len());
        bytes.extend(values.flat_map(f32::to_le_bytes));
        self.add(key, Kind::Array, &bytes);
    }

    /// Whole numbers.
    pub fn i32s(&mut self, key: &str, values: impl ExactSizeIterator<Item = i32>) {
        let mut bytes = array_head(Kind::I32, values.len());
        bytes.extend(values.flat_map(i32::to_le_bytes));
        self.add(key, Kind::Array, &bytes);
    }
}

fn put_string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn array_head(kind: Kind, len: usize) -> Vec<u8> {
    let mut bytes = (kind as u32).to_le_bytes().to_vec();
    bytes.extend((len as u64).to_le_bytes());
    bytes
}

/// A tensor to be written; its numbers are asked for when it is its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToWrite {
    /// Its name.
    pub name: String,
    /// How its numbers are stored.
    pub ggml_type: GgmlType,
    /// The axes, the outermost first.
    pub shape: Vec<usize>,
}

impl ToWrite {
    fn len(&self) -> usize {
        self.shape.iter().product::<usize>() / self.ggml_type.block_len() * self.ggml_type.block_bytes()
    }
}

/// Writes a file: what it will hold first, then the bytes of each tensor, which `bytes` gives by their numbers.
///
/// # Errors
///
/// Those of `bytes`, and [`Error::Io`] with `path`, which is what error messages call the output.
pub fn write(
    metadata: &Metadata,
    tensors: &[ToWrite],
    path: &Path,
    output: &mut dyn Write,
    mut bytes: impl FnMut(usize) -> Result<Vec<u8>>,
) -> Result<()> {
    let mut put =
        |bytes: &[u8]| output.write_all(bytes).map_err(|source| Error::Io { path: path.to_owned(), source });
    let mut head = MAGIC.to_vec();
    head.extend(VERSION.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend(metadata.count.to_le_bytes());
    head.extend(&metadata.bytes);
    let mut offset = 0;
    for tensor in tensors {
        put_string(&mut head, &tensor.name);
        head.extend((tensor.shape.len() as u32).to_le_bytes());
        for axis in tensor.shape.iter().rev() {
            head.extend((*axis as u64).to_le_bytes());
        }
        head.extend(tensor.ggml_type.number().to_le_bytes());
        head.extend((offset as u64).to_le_bytes());
        offset = (offset + tensor.len()).next_multiple_of(ALIGNMENT);
    }
    head.resize(head.len().next_multiple_of(ALIGNMENT), 0);
    put(&head)?;
    for (index, tensor) in tensors.iter().enumerate() {
        let mut bytes = bytes(index)?;
        debug_assert_eq!(bytes.len(), tensor.len(), "{}", tensor.name);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        put(&bytes)?;
    }
    Ok(())
}
