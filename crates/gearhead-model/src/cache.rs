//! Keys and values of the tokens read so far, in memory that is allocated once.

use burn::tensor::{Tensor, backend::Backend, module::attention, ops::AttentionModuleOptions};

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

impl<B: Backend> KvCache<B> {
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

impl<B: Backend> LayerCache<B> {
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
    /// `q`: `[batch * new, n_heads, d_head]`, `k` and `v`: `[batch * new, n_kv_heads, d_head]`, result like `q`.
    pub(crate) fn attend(
        &mut self,
        q: Tensor<B, 3>,
        k: Tensor<B, 3>,
        v: Tensor<B, 3>,
        len: usize,
    ) -> Tensor<B, 3> {
        let keys = append(&mut self.keys, k, len);
        let values = append(&mut self.values, v, len);
        let ([tokens, heads, d_head], [batch, kv_heads, _, _]) = (q.dims(), keys.dims());
        let (new, group) = (tokens / batch, heads / kv_heads);
        let options = |is_causal| AttentionModuleOptions { is_causal, ..AttentionModuleOptions::default() };
        if new == 1 {
            // One query: its group of heads stands in the place of the sequence, and nothing needs to be repeated.
            let q = q.reshape([batch, kv_heads, group, d_head]);
            return attention(q, keys, values, None, None, options(false)).reshape([batch, heads, d_head]);
        }
        let q = q.reshape([batch, new, heads, d_head]).swap_dims(1, 2);
        let repeat = |x: Tensor<B, 4>| {
            let [batch, kv_heads, total, d_head] = x.dims();
            if group == 1 {
                return x;
            }
            x.unsqueeze_dim::<5>(2)
                .expand([batch, kv_heads, group, total, d_head])
                .reshape([batch, heads, total, d_head])
        };
        attention(q, repeat(keys), repeat(values), None, None, options(true))
            .swap_dims(1, 2)
            .reshape([tokens, heads, d_head])
    }
}

/// Writes the new part into the cache and returns all that the cache then holds: `[batch, heads, len + new, d_head]`.
fn append<B: Backend>(cache: &mut Option<Tensor<B, 4>>, part: Tensor<B, 3>, len: usize) -> Tensor<B, 4> {
    let whole = cache.take().expect("no write is under way");
    let ([tokens, _, _], [batch, heads, _, d_head]) = (part.dims(), whole.dims());
    let new = tokens / batch;
    let part = part.reshape([batch, new, heads, d_head]).swap_dims(1, 2);
    let whole = whole.slice_assign([0..batch, 0..heads, len..len + new, 0..d_head], part);
    cache.insert(whole).clone().slice([0..batch, 0..heads, 0..len + new, 0..d_head])
}
