//! Keys and values of the tokens read so far, in memory that is allocated once.

use std::fmt;

use burn::tensor::{DType, Tensor, backend::Backend};
use gearhead_kernels::{CacheTensor, Heads, Kernels, SharedPrefix, Span, cached_attention, set_slot};
use serde::{Deserialize, Serialize};

use crate::config::ModelConfig;

/// How keys and values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheDtype {
    /// 32 bit.
    #[default]
    F32,
    /// 16 bit, IEEE 754.
    F16,
    /// 8 bit with a scale for each head of a token.
    Q8,
}

impl From<CacheDtype> for DType {
    fn from(dtype: CacheDtype) -> Self {
        match dtype {
            CacheDtype::F32 => Self::F32,
            CacheDtype::F16 => Self::F16,
            CacheDtype::Q8 => Self::I8,
        }
    }
}

impl fmt::Display for CacheDtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8 => "q8",
        })
    }
}

/// The cache of a whole decoder: a place for each of some sequences, which may be of different lengths and may all begin
/// with the same tokens.
#[derive(Debug, Clone)]
pub struct KvCache<B: Backend> {
    layers: Vec<LayerCache<B>>,
    /// Tokens of each sequence, without those that all begin with.
    lens: Vec<usize>,
    /// Tokens that all sequences begin with.
    shared: usize,
    /// Tokens that each sequence has room for, without those.
    room: usize,
}

/// The cache of one layer: keys and values, `[sequences, n_kv_heads, room, d_head]`, and those that all begin with.
#[derive(Debug, Clone)]
pub(crate) struct LayerCache<B: Backend> {
    // `None` only while a new part is being written, so that the write can be in place.
    own: Option<[CacheTensor<B>; 2]>,
    shared: Option<[CacheTensor<B>; 2]>,
}

impl<B: Kernels> KvCache<B> {
    /// An empty cache for so many sequences of at most `capacity` tokens each.
    pub fn new(
        config: &ModelConfig,
        sequences: usize,
        capacity: usize,
        dtype: CacheDtype,
        device: &B::Device,
    ) -> Self {
        let shape = [sequences, config.n_kv_heads, capacity, config.d_head()];
        let layer = |_| LayerCache { own: Some(zeros(shape, dtype.into(), device)), shared: None };
        let layers = (0..config.n_layers).map(layer).collect();
        Self { layers, lens: vec![0; sequences], shared: 0, room: capacity }
    }

    /// How many tokens a sequence holds.
    ///
    /// # Panics
    ///
    /// Where there is no such sequence: a programmer's error, here and below.
    pub fn len(&self, sequence: usize) -> usize {
        self.shared + self.lens[sequence]
    }

    /// Whether a sequence holds nothing yet.
    pub fn is_empty(&self, sequence: usize) -> bool {
        self.len(sequence) == 0
    }

    /// How many tokens each sequence can hold.
    pub fn capacity(&self) -> usize {
        self.shared + self.room
    }

    /// How many sequences there are.
    pub fn sequences(&self) -> usize {
        self.lens.len()
    }

    /// `copies` sequences that all begin with this cache's only one, with room for `capacity` tokens each. What they begin
    /// with is in memory once.
    ///
    /// # Panics
    ///
    /// Where the cache holds more than one sequence or was forked itself, or `capacity` is below its length.
    #[must_use]
    pub fn fork(&self, copies: usize, capacity: usize) -> Self {
        assert!(self.sequences() == 1 && self.shared == 0, "only a single sequence of its own can be forked");
        let shared = self.len(0);
        assert!(capacity >= shared, "a fork holds at least what it was forked from");
        let room = capacity - shared;
        let layers = self.layers.iter().map(|layer| layer.fork(copies, room)).collect();
        Self { layers, lens: vec![0; copies], shared, room }
    }

    /// Puts what another cache's only sequence holds into a sequence of this one, in the place of what that held.
    ///
    /// # Panics
    ///
    /// Where the other cache holds more than one sequence, either was forked, or there is no room.
    pub fn adopt(&mut self, sequence: usize, read: &Self) {
        assert!(
            read.sequences() == 1 && read.shared == 0 && self.shared == 0,
            "only a single sequence of its own can be taken over"
        );
        let len = read.len(0);
        assert!(len <= self.room, "the cache has room for {}, not {len}", self.room);
        for (layer, read) in self.layers.iter_mut().zip(&read.layers) {
            layer.adopt(sequence, read, len);
        }
        self.lens[sequence] = len;
    }

    /// Forgets all but the first `len` tokens of a sequence; those that all begin with stay.
    pub fn truncate(&mut self, sequence: usize, len: usize) {
        let len = len.saturating_sub(self.shared);
        self.lens[sequence] = self.lens[sequence].min(len);
    }

    /// Where new tokens of sequences stand: for each sequence, how many.
    pub(crate) fn spans(&self, new: impl Iterator<Item = (usize, usize)>) -> Vec<Span> {
        let span = |(sequence, new): (usize, usize)| {
            let (held, capacity) = (self.len(sequence), self.capacity());
            assert!(held + new <= capacity, "the cache has room for {capacity}, not {}", held + new);
            Span { slot: sequence, len: self.lens[sequence], new }
        };
        new.map(span).collect()
    }

    pub(crate) fn layers_mut(&mut self) -> impl Iterator<Item = &mut LayerCache<B>> {
        self.layers.iter_mut()
    }

    /// How many tokens all sequences begin with.
    pub fn shared_len(&self) -> usize {
        self.shared
    }

    pub(crate) fn advance(&mut self, spans: &[Span]) {
        for span in spans {
            self.lens[span.slot] += span.new;
        }
    }
}

fn zeros<B: Kernels>(shape: [usize; 4], dtype: DType, device: &B::Device) -> [CacheTensor<B>; 2] {
    [(); 2].map(|()| CacheTensor::zeros(shape, dtype, device))
}

impl<B: Kernels> LayerCache<B> {
    fn fork(&self, copies: usize, room: usize) -> Self {
        let shared = self.own.clone().expect("no write is under way");
        let [_, heads, _, d_head] = shared[0].dims();
        let own = zeros([copies, heads, room, d_head], shared[0].dtype(), &shared[0].device());
        Self { own: Some(own), shared: Some(shared) }
    }

    fn adopt(&mut self, sequence: usize, read: &Self, len: usize) {
        // Taken, so that the write is in place.
        let [keys, values] = self.own.take().expect("no write is under way");
        let [new_keys, new_values] = read.own.clone().expect("no write is under way");
        self.own =
            Some([set_slot(keys, sequence, new_keys, len), set_slot(values, sequence, new_values, len)]);
    }

    /// Appends new keys and values and attends over all that their sequences hold.
    ///
    /// # Shapes
    ///
    /// `qkv`: `[n, (n_heads + 2 * n_kv_heads) * d_head]`, result: `[n, n_heads * d_head]`.
    pub(crate) fn attend(
        &mut self,
        qkv: Tensor<B, 2>,
        shared: usize,
        spans: &[Span],
        heads: Heads,
    ) -> Tensor<B, 2> {
        let own = self.own.take().expect("no write is under way");
        let prefix = self.shared.clone().map(|cache| SharedPrefix { cache, len: shared });
        let (output, own) = cached_attention(qkv, own, prefix, spans, heads);
        self.own = Some(own);
        output
    }
}
