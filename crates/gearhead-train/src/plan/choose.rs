//! The settings nearest to those of the configuration that fit.

use serde::Serialize;

use crate::{config::TrainConfig, optimizer::MomentDtype, precision::ActivationDtype};

/// What decides how much memory a training of a model needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Settings {
    /// `train.batch_size`.
    pub batch_size: usize,
    /// `train.accumulation`.
    pub accumulation: usize,
    /// `train.recompute_every`.
    pub recompute_every: usize,
    /// `train.precision`.
    pub precision: ActivationDtype,
    /// `train.optimizer_dtype`.
    pub optimizer_dtype: MomentDtype,
}

/// What there is to choose from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) n_layers: usize,
    /// Whether the device computes with bf16, which needs no loss scale.
    pub(super) bf16: bool,
}

impl Settings {
    pub(super) fn of(config: &TrainConfig) -> Self {
        let TrainConfig { batch_size, accumulation, recompute_every, precision, optimizer_dtype, .. } =
            *config;
        Self { batch_size, accumulation, recompute_every, precision, optimizer_dtype }
    }

    /// Each setting with its key and its value in TOML.
    pub fn named(&self) -> [(&'static str, String); 5] {
        let dtype = match self.optimizer_dtype {
            MomentDtype::F32 => "f32",
            MomentDtype::Bits8 => "8bit",
        };
        [
            ("train.batch_size", self.batch_size.to_string()),
            ("train.accumulation", self.accumulation.to_string()),
            ("train.recompute_every", self.recompute_every.to_string()),
            ("train.precision", self.precision.name().to_owned()),
            ("train.optimizer_dtype", dtype.to_owned()),
        ]
    }

    /// The options that make these of others.
    pub fn changes(&self, others: &Self) -> String {
        let changed = self.named().into_iter().zip(others.named()).filter(|(new, old)| new != old);
        changed.map(|((key, value), _)| format!("--set {key}={value}")).collect::<Vec<_>>().join(" ")
    }
}

/// The first of the settings that needs no more than the budget, or the one that needs least. What changes only rounding and
/// costs no time comes first, then what costs time, then activations in 16 bits, then what changes the numbers of the optimizer,
/// and a smaller batch last.
pub(super) fn fitting(
    configured: Settings,
    choice: Choice,
    budget: u64,
    peak: impl Fn(&Settings) -> u64,
) -> Settings {
    let mut least = (u64::MAX, configured);
    for settings in candidates(configured, choice) {
        let bytes = peak(&settings);
        if bytes <= budget {
            return settings;
        }
        if bytes < least.0 {
            least = (bytes, settings);
        }
    }
    least.1
}

fn candidates(configured: Settings, choice: Choice) -> Vec<Settings> {
    let mut candidates = Vec::new();
    let mut batch_size = configured.batch_size;
    loop {
        for optimizer_dtype in distinct(configured.optimizer_dtype, MomentDtype::Bits8) {
            for precision in precisions(configured.precision, choice.bf16) {
                for recompute_every in recomputations(configured.recompute_every, choice.n_layers) {
                    let settings =
                        Settings { batch_size, accumulation: 1, recompute_every, precision, optimizer_dtype };
                    let accumulations = accumulations(configured.accumulation, batch_size);
                    candidates
                        .extend(accumulations.map(|accumulation| Settings { accumulation, ..settings }));
                }
            }
        }
        if batch_size == 1 {
            return candidates;
        }
        batch_size /= 2;
    }
}

/// As it is or as much as the batch allows, then twice as much again and again, up to one document at a time.
fn accumulations(configured: usize, batch_size: usize) -> impl Iterator<Item = usize> {
    let twice =
        move |accumulation: &usize| (*accumulation < batch_size).then(|| (2 * accumulation).min(batch_size));
    std::iter::successors(Some(configured.min(batch_size)), twice)
}

/// What is in 16 bits already stays as it is.
fn precisions(configured: ActivationDtype, bf16: bool) -> Vec<ActivationDtype> {
    let is_offered = bf16 && configured == ActivationDtype::F32;
    distinct(configured, if is_offered { ActivationDtype::Bf16 } else { configured })
}

fn distinct<T: PartialEq>(first: T, second: T) -> Vec<T> {
    if first == second { vec![first] } else { vec![first, second] }
}

/// As it is, and the number of layers that are run again at a time with which least is kept: about the root of the layers.
fn recomputations(configured: usize, n_layers: usize) -> Vec<usize> {
    let mut recomputations = vec![configured];
    for every in [1, (n_layers as f64).sqrt().round() as usize] {
        if !recomputations.contains(&every) {
            recomputations.push(every);
        }
    }
    recomputations
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURED: Settings = Settings {
        batch_size: 8,
        accumulation: 1,
        recompute_every: 0,
        precision: ActivationDtype::F32,
        optimizer_dtype: MomentDtype::F32,
    };

    /// A peak that knows what each setting is good for, in bytes.
    fn peak(settings: &Settings) -> u64 {
        let tokens = settings.batch_size.div_ceil(settings.accumulation) as u64;
        let layers = if settings.recompute_every == 0 { 10 } else { 3 };
        let moments = if settings.optimizer_dtype == MomentDtype::F32 { 100 } else { 25 };
        100 + moments + tokens * layers * settings.precision.bytes() / 4
    }

    #[test]
    fn what_costs_least_is_changed_first() {
        let choosing = |bf16| move |budget| fitting(CONFIGURED, Choice { n_layers: 4, bf16 }, budget, peak);
        let fitting = choosing(false);
        assert_eq!(fitting(280), CONFIGURED);
        assert_eq!(fitting(240), Settings { accumulation: 2, ..CONFIGURED });
        assert_eq!(fitting(210), Settings { accumulation: 8, ..CONFIGURED });
        assert_eq!(fitting(205), Settings { accumulation: 8, recompute_every: 1, ..CONFIGURED });
        let in_8_bits = Settings { optimizer_dtype: MomentDtype::Bits8, ..CONFIGURED };
        assert_eq!(fitting(200), Settings { accumulation: 2, ..in_8_bits });
        assert_eq!(fitting(10), Settings { accumulation: 8, recompute_every: 1, ..in_8_bits });
        // Where the device computes with it, bf16 comes before the moments of the optimizer.
        let fitting = choosing(true);
        let in_bf16 = Settings { precision: ActivationDtype::Bf16, ..CONFIGURED };
        assert_eq!(fitting(203), Settings { accumulation: 8, recompute_every: 1, ..CONFIGURED });
        assert_eq!(fitting(202), Settings { accumulation: 8, recompute_every: 1, ..in_bf16 });
        assert_eq!(fitting(200), Settings { accumulation: 2, ..in_8_bits });
    }

    #[test]
    fn changes_are_written_as_options() {
        let changed = Settings { batch_size: 4, optimizer_dtype: MomentDtype::Bits8, ..CONFIGURED };
        assert_eq!(changed.changes(&CONFIGURED), "--set train.batch_size=4 --set train.optimizer_dtype=8bit");
        assert_eq!(CONFIGURED.changes(&CONFIGURED), "");
    }
}
