//! Tensors by their names in a safetensors file.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
};

use burn::tensor::{DType, Tensor, TensorData, backend::Backend};
use safetensors::{SafeTensors, View};

use crate::error::{Error, Result};

/// Tensors to be written. They are brought from their device one at a time, so that no second copy of all stands in memory.
#[derive(Default)]
pub struct TensorWriter<'a> {
    tensors: Vec<(String, ToWrite<'a>)>,
}

struct ToWrite<'a> {
    dtype: safetensors::Dtype,
    shape: Vec<usize>,
    bytes: Box<dyn Fn() -> Vec<u8> + 'a>,
}

impl<'a> TensorWriter<'a> {
    /// A tensor as it is, of `f32` or `u8`.
    ///
    /// # Panics
    ///
    /// For other types: a programmer's error.
    pub fn add<B: Backend, const D: usize, K>(&mut self, name: impl Into<String>, tensor: Tensor<B, D, K>)
    where
        K: burn::tensor::BasicOps<B> + 'a,
    {
        let dtype = match tensor.dtype() {
            DType::F32 => safetensors::Dtype::F32,
            DType::U8 => safetensors::Dtype::U8,
            other => unreachable!("a tensor of {other:?} is not written as it is"),
        };
        let shape = tensor.dims().to_vec();
        self.add_bytes(name, dtype, shape, move || tensor.clone().into_data().as_bytes().to_vec());
    }

    pub(crate) fn add_bytes(
        &mut self,
        name: impl Into<String>,
        dtype: safetensors::Dtype,
        shape: Vec<usize>,
        bytes: impl Fn() -> Vec<u8> + 'a,
    ) {
        self.tensors.push((name.into(), ToWrite { dtype, shape, bytes: Box::new(bytes) }));
    }

    /// Writes a new file; it is whole only when this has returned.
    ///
    /// # Errors
    ///
    /// [`std::io::Error`] of the file.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        // transformers asks for this entry.
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let tensors = self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
        safetensors::serialize_to_file(tensors, Some(metadata), path).map_err(|error| match error {
            safetensors::SafeTensorError::IoError(error) => error,
            other => std::io::Error::other(other),
        })
    }
}

impl View for &ToWrite<'_> {
    fn dtype(&self) -> safetensors::Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        (self.bytes)().into()
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8
    }
}

/// A safetensors file, mapped, not copied, or in memory.
#[derive(Debug)]
pub struct TensorFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: bytes::Bytes,
}

impl TensorFile {
    /// Maps a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        Self::map(&path).map_err(|source| Error::Io { path, source })
    }

    pub(crate) fn map(path: &Path) -> std::io::Result<Self> {
        let mapped = map(&File::open(path)?)?;
        Ok(Self { path: path.to_owned(), bytes: bytes::Bytes::from_owner(mapped) })
    }

    pub(crate) fn parse(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes)
            .map_err(|source| Error::Safetensors { path: self.path.clone(), source })
    }

    /// What stands in the file.
    ///
    /// # Errors
    ///
    /// [`Error::Safetensors`] where it is damaged.
    pub fn tensors(&self) -> Result<Tensors<'_>> {
        Ok(Tensors { path: &self.path, tensors: self.parse()? })
    }
}

/// The tensors of a [`TensorFile`].
#[derive(Debug)]
pub struct Tensors<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
}

impl Tensors<'_> {
    /// A tensor as [`TensorWriter::add`] stored it, in memory of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Weight`] where there is none of this name and shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<TensorData> {
        let fault =
            |reason: String| Error::Weight { path: self.path.to_owned(), name: name.to_owned(), reason };
        let view = self.tensors.tensor(name).map_err(|_| fault("is missing".into()))?;
        if view.shape() != shape {
            return Err(fault(format!("has the shape {:?}, not {shape:?}", view.shape())));
        }
        let dtype = match view.dtype() {
            safetensors::Dtype::F32 => DType::F32,
            safetensors::Dtype::U8 => DType::U8,
            other => return Err(fault(format!("has the type {other:?}, only F32 and U8 are read"))),
        };
        Ok(TensorData::from_bytes_vec(view.data().to_vec(), shape.to_vec(), dtype))
    }
}

#[allow(unsafe_code, reason = "mapping a file has no safe form")]
fn map(file: &File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the map is read only. A model file that another process truncates while it is mapped would end this
    // process; our own writers never change a file in place, they replace it.
    unsafe { memmap2::Mmap::map(file) }
}
