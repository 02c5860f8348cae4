//! Tensors by their names in a safetensors file.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
};

use burn::tensor::{Bytes, DType, Tensor, TensorData, backend::Backend};
use burn_std::AllocationProperty;
use safetensors::{SafeTensors, View};

use crate::{
    directory::map,
    error::{Error, Result},
};

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

/// A file that [`TensorWriter`] wrote.
#[derive(Debug)]
pub struct TensorFile {
    bytes: bytes::Bytes,
    path: PathBuf,
}

impl TensorFile {
    /// Maps a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::Safetensors`] where it is damaged.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let mapped = File::open(&path).and_then(|file| map(&file));
        let bytes =
            bytes::Bytes::from_owner(mapped.map_err(|source| Error::Io { path: path.clone(), source })?);
        match SafeTensors::deserialize(&bytes) {
            Ok(_) => Ok(Self { bytes, path }),
            Err(source) => Err(Error::Safetensors { path, source }),
        }
    }

    /// A tensor of a shape.
    ///
    /// # Errors
    ///
    /// [`Error::Weight`] where there is none of this name and shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<TensorData> {
        let fault = |reason: String| Error::Weight { path: self.path.clone(), name: name.to_owned(), reason };
        let tensors = SafeTensors::deserialize(&self.bytes)
            .map_err(|source| Error::Safetensors { path: self.path.clone(), source })?;
        let view = tensors.tensor(name).map_err(|_| fault("is missing".into()))?;
        if view.shape() != shape {
            return Err(fault(format!("has the shape {:?}, not {shape:?}", view.shape())));
        }
        let dtype = match view.dtype() {
            safetensors::Dtype::F32 => DType::F32,
            safetensors::Dtype::U8 => DType::U8,
            other => return Err(fault(format!("has the type {other:?}, only F32 and U8 are read"))),
        };
        let shared = self.bytes.slice_ref(view.data());
        let is_aligned = view.data().as_ptr().addr().is_multiple_of(align_of::<f32>());
        let bytes = if is_aligned {
            Bytes::from_shared(shared, AllocationProperty::File)
        } else {
            Bytes::from_bytes_vec(shared.to_vec())
        };
        Ok(TensorData::from_bytes(bytes, shape.to_vec(), dtype))
    }
}
