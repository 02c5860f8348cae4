//! Keys and values of the tokens read so far, in memory that is allocated once.

use burn::tensor::{Tensor, backend::Backend};
use gearhead_kernels::{Heads, Kernels, cached_attention};

use crate::config::ModelConfig;

/// The cache of a whole decoder, for `batch` sequences of the same length.
#[derive(Debug, Clone)]
pub struct KvCache<B: Backend> {
    layers: Vec<LayerCache<B>>,
    batch: usize,
    capacity: usize,
    len: usize,
}

/// The cache of one layer: keys and values, `[batch, n_kv_heads, capacity, d_head]`.
#[derive(Debug, Clone)]
pub(crate) struct LayerCache<B: Backend> {
    // `None` only while a new part is being written, so that the write can be in place.
    keys: Option<Tensor<B, 4>>,
    values: Option<Tensor<B, 4>>,
}

impl<B: Kernels> KvCache<B> {
    /// An empty cache for `batch` sequences of at most `capacity` tokens.
    pub fn new(config: &ModelConfig, batch: usize, capacity: usize, device: &B::Device) -> Self {
        let shape = [batch, config.n_kv_heads, capacity, config.d_head()];
        let zeros = || Some(Tensor::zeros(shape, device));
        let layers = (0..config.n_layers).map(|_| LayerCache { keys: zeros(), values: zeros() }).collect();
        Self { layers, batch, capacity, len: 0 }
    }

    /// How many tokens each sequence holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many tokens each sequence can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many sequences there are.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// `copies` sequences that all begin with this cache's only one, with room for `capacity` tokens each.
    ///
    /// # Panics
    ///
    /// Where the cache holds more than one sequence, or `capacity` is below its length: programmer's errors.
    #[must_use]
    pub fn fork(&self, copies: usize, capacity: usize) -> Self {
        assert_eq!(self.batch, 1, "only a single sequence can be forked");
        assert!(capacity >= self.len, "a fork holds at least what it was forked from");
        let layers = self.layers.iter().map(|layer| layer.fork(copies, self.len, capacity)).collect();
        Self { layers, batch: copies, capacity, len: self.len }
    }

    /// Forgets all but the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(crate) fn layers_mut(&mut self) -> impl Iterator<Item = &mut LayerCache<B>> {
        self.layers.iter_mut()
    }

    pub(crate) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }
}

impl<B: Kernels> LayerCache<B> {
    fn fork(&self, copies: usize, len: usize, capacity: usize) -> Self {
        let fork = |whole: &Option<Tensor<B, 4>>| {
            let whole = whole.as_ref().expect("no write is under way");
            let [_, heads, _, d_head] = whole.dims();
            let part = whole.clone().slice([0..1, 0..heads, 0..len, 0..d_head]).repeat_dim(0, copies);
            let room = Tensor::zeros([copies, heads, capacity, d_head], &whole.device());
            Some(room.slice_assign([0..copies, 0..heads, 0..len, 0..d_head], part))
        };
        Self { keys: fork(&self.keys), values: fork(&self.values) }
    }

    /// Appends new keys and values after `len` tokens and attends over all of them.
    ///
    /// # Shapes
    ///
    /// `qkv`: `[batch * new, (n_heads + 2 * n_kv_heads) * d_head]`, result: `[batch * new, n_heads * d_head]`.
    pub(crate) fn attend(&mut self, qkv: Tensor<B, 2>, heads: Heads, len: usize) -> Tensor<B, 2> {
        let taken =
            [&mut self.keys, &mut self.values].map(|part| part.take().expect("no write is under way"));
        let (output, [keys, values]) = cached_attention(qkv, taken, heads, len);
        (self.keys, self.values) = (Some(keys), Some(values));
        output
    }
}
