//! A file to its metadata and tensors. It may be a stranger's: every length is checked against what is there, and nothing
//! is copied.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    ALIGNMENT, MAGIC, VERSION,
    blocks::GgmlType,
    value::{Array, Cursor, Fault, Value},
};
use crate::{
    error::{Error, Result},
    tensor_file::TensorFile,
};

/// The most axes of a tensor.
const MAX_AXES: u32 = 4;

/// A GGUF file, mapped, not copied, or in memory.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    bytes: bytes::Bytes,
}

impl GgufFile {
    /// Maps a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let TensorFile { path, bytes } = TensorFile::open(path)?;
        Ok(Self { path, bytes })
    }

    /// A file that is in memory; `name` is what error messages call it.
    pub fn from_memory(bytes: impl Into<bytes::Bytes>, name: impl Into<PathBuf>) -> Self {
        Self { path: name.into(), bytes: bytes.into() }
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in the file.
    ///
    /// # Errors
    ///
    /// [`Error::Gguf`] where it is damaged, or of a kind that is not read.
    pub fn contents(&self) -> Result<Gguf<'_>> {
        Gguf::parse(&self.path, &self.bytes).map_err(|reason| Error::Gguf { path: self.path.clone(), reason })
    }
}

/// What stands in a [`GgufFile`].
#[derive(Debug)]
pub struct Gguf<'a> {
    path: &'a Path,
    metadata: BTreeMap<&'a str, Value<'a>>,
    tensors: BTreeMap<&'a str, GgufTensor<'a>>,
}

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct GgufTensor<'a> {
    /// How its numbers are stored.
    pub ggml_type: GgmlType,
    /// The axes, the outermost first.
    pub shape: Vec<usize>,
    /// Its numbers, as they are stored.
    pub bytes: &'a [u8],
}

impl<'a> Gguf<'a> {
    fn parse(path: &'a Path, bytes: &'a [u8]) -> Fault<Self> {
        let mut cursor = Cursor { left: bytes };
        if cursor.take(MAGIC.len()).ok() != Some(MAGIC) {
            return Err("not a GGUF file: it does not begin with `GGUF`".into());
        }
        let version = cursor.u32()?;
        if !(2..=VERSION).contains(&version) {
            let is_swapped = (2..=VERSION).contains(&version.swap_bytes());
            let what = if is_swapped { "big-endian".into() } else { format!("version {version}") };
            return Err(format!("{what} GGUF files are not read, only versions 2 and 3"));
        }
        let (tensor_count, value_count) = (cursor.len()?, cursor.len()?);
        let mut metadata = BTreeMap::new();
        for _ in 0..value_count {
            let key = cursor.string()?;
            let kind = cursor.kind().map_err(|reason| format!("`{key}`: {reason}"))?;
            let value = cursor.value(kind).map_err(|reason| format!("`{key}`: {reason}"))?;
            if metadata.insert(key, value).is_some() {
                return Err(format!("`{key}` stands in the metadata twice"));
            }
        }
        let mut announced = BTreeMap::new();
        for _ in 0..tensor_count {
            let (name, tensor) = announced_tensor(&mut cursor)?;
            if announced.insert(name, tensor).is_some() {
                return Err(format!("the tensor `{name}` stands in the file twice"));
            }
        }
        let alignment = match metadata.get("general.alignment") {
            None => ALIGNMENT,
            Some(Value::Unsigned(size)) if size.is_power_of_two() && *size <= 1 << 20 => *size as usize,
            Some(other) => return Err(format!("`general.alignment` is {other:?}, which is no alignment")),
        };
        let header = bytes.len() - cursor.left.len();
        // A file without tensors may end where its metadata do.
        let data = bytes.get(header.next_multiple_of(alignment)..).unwrap_or_default();
        let mut tensors = BTreeMap::new();
        for (name, tensor) in announced {
            let placed =
                tensor.place(data, alignment).map_err(|reason| format!("the tensor `{name}` {reason}"))?;
            tensors.insert(name, placed);
        }
        Ok(Self { path, metadata, tensors })
    }

    /// The names and values of the metadata, in the order of their names.
    pub fn metadata(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.metadata.iter().map(|(key, value)| (*key, *value))
    }

    /// The names of the tensors with the tensors, in the order of their names.
    pub fn tensors(&self) -> impl Iterator<Item = (&'a str, &GgufTensor<'a>)> {
        self.tensors.iter().map(|(name, tensor)| (*name, tensor))
    }

    /// A tensor by its name.
    pub fn tensor(&self, name: &str) -> Option<&GgufTensor<'a>> {
        self.tensors.get(name)
    }

    /// Where the file stands.
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// Something wrong with this file.
    pub fn fault(&self, reason: impl Into<String>) -> Error {
        Error::Gguf { path: self.path.to_owned(), reason: reason.into() }
    }

    fn get<T>(&self, key: &str, what: &str, read: impl FnOnce(Value<'a>) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.metadata.get(key) else { return Ok(None) };
        read(*value).map(Some).ok_or_else(|| self.fault(format!("`{key}` is not {what}")))
    }

    /// A text of the metadata.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    pub fn string(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key, "a text", |value| if let Value::String(text) = value { Some(text) } else { None })
    }

    /// A whole number of the metadata that is not negative.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    pub fn size(&self, key: &str) -> Result<Option<usize>> {
        self.get(key, "a whole number", |value| match value {
            Value::Unsigned(number) => usize::try_from(number).ok(),
            Value::Signed(number) => usize::try_from(number).ok(),
            _ => None,
        })
    }

    /// A number of the metadata: as people write it, `0.00001` and not what is nearest to it in 32 bits.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    #[allow(clippy::float_cmp, reason = "a number that 32 bits hold was stored in them")]
    pub fn float(&self, key: &str) -> Result<Option<f64>> {
        self.get(key, "a number", |value| match value {
            Value::Float(number) if f64::from(number as f32) == number => {
                (number as f32).to_string().parse().ok()
            }
            Value::Float(number) => Some(number),
            Value::Unsigned(number) => Some(number as f64),
            _ => None,
        })
    }

    /// A truth value of the metadata.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.get(key, "a truth value", |value| if let Value::Bool(is) = value { Some(is) } else { None })
    }

    /// Texts of the metadata.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    pub fn strings(&self, key: &str) -> Result<Option<Vec<&'a str>>> {
        self.list(
            key,
            "a list of texts",
            |value| if let Value::String(text) = value { Some(text) } else { None },
        )
    }

    /// Numbers of the metadata.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f32>>> {
        self.list(key, "a list of numbers", |value| match value {
            Value::Float(number) => Some(number as f32),
            Value::Signed(number) => Some(number as f32),
            Value::Unsigned(number) => Some(number as f32),
            _ => None,
        })
    }

    fn list<T>(
        &self,
        key: &str,
        what: &str,
        read: impl Fn(Value<'a>) -> Option<T>,
    ) -> Result<Option<Vec<T>>> {
        let all = |array: Array<'a>| array.iter().map(&read).collect();
        self.get(key, what, |value| if let Value::Array(array) = value { all(array) } else { None })
    }
}

/// What the head of a file says of a tensor.
struct Announced {
    ggml_type: GgmlType,
    shape: Vec<usize>,
    offset: usize,
}

fn announced_tensor<'a>(cursor: &mut Cursor<'a>) -> Fault<(&'a str, Announced)> {
    let name = cursor.string()?;
    let fault = |reason: String| format!("the tensor `{name}` {reason}");
    let axes = cursor.u32()?;
    if axes > MAX_AXES {
        return Err(fault(format!("has {axes} axes, {MAX_AXES} are the most")));
    }
    let mut shape = Vec::with_capacity(axes as usize);
    for _ in 0..axes {
        shape.push(cursor.len()?);
    }
    // The file has the innermost axis first.
    shape.reverse();
    let ggml_type = GgmlType::from_number(cursor.u32()?).map_err(fault)?;
    Ok((name, Announced { ggml_type, shape, offset: cursor.len()? }))
}

impl Announced {
    /// The tensor where its numbers are.
    fn place(self, data: &[u8], alignment: usize) -> Fault<GgufTensor<'_>> {
        let Self { ggml_type, shape, offset } = self;
        if !offset.is_multiple_of(alignment) {
            return Err(format!("begins at {offset}, which is not a multiple of {alignment}"));
        }
        let row = shape.last().copied().unwrap_or(1);
        if !row.is_multiple_of(ggml_type.block_len()) {
            return Err(format!(
                "has rows of {row} numbers, which are no whole blocks of {}",
                ggml_type.name()
            ));
        }
        let count = shape.iter().try_fold(1_usize, |count, axis| count.checked_mul(*axis));
        let len =
            count.and_then(|count| (count / ggml_type.block_len()).checked_mul(ggml_type.block_bytes()));
        let bytes = len.and_then(|len| data.get(offset..offset.checked_add(len)?));
        let bytes =
            bytes.ok_or_else(|| format!("of the shape {shape:?} reaches past the end of the file"))?;
        Ok(GgufTensor { ggml_type, shape, bytes })
    }
}
