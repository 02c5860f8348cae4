//! How probable a token was that was written, and what else was probable there.

/// The log-probability of a token and of the most probable ones in its place, in nats, as the model has them: before
/// temperature, and before a grammar takes anything away.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenLogProbs {
    /// Of the token that was taken.
    pub chosen: f32,
    /// Ids of the most probable tokens with theirs, the most probable first.
    pub top: Vec<(u32, f32)>,
}

/// The log-probabilities of a place, before it is known which token is taken.
#[derive(Debug)]
pub(crate) struct Table {
    log_probs: Vec<f32>,
    top: Vec<(u32, f32)>,
}

impl TokenLogProbs {
    pub(crate) fn table(logits: &[f32], n_top: usize) -> Table {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
        let normaliser = largest + total.ln() as f32;
        let log_probs: Vec<f32> = logits.iter().map(|logit| logit - normaliser).collect();
        let mut top: Vec<(u32, f32)> = (0..).zip(log_probs.iter().copied()).collect();
        let descending = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if n_top < top.len() {
            top.select_nth_unstable_by(n_top, descending);
            top.truncate(n_top);
        }
        top.sort_unstable_by(descending);
        Table { log_probs, top }
    }
}

impl Table {
    /// Where this token is taken.
    pub(crate) fn of(self, id: u32) -> TokenLogProbs {
        TokenLogProbs { chosen: self.log_probs[id as usize], top: self.top }
    }
}
