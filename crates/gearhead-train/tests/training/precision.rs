//! Trainings whose activations have 16 bits: near those in f32, and to the last bit those that were not interrupted.

use std::path::Path;

use gearhead_train::{Event, Start};

use super::{Workshop, steps};

const LONGER: &[&str] = &["train.epochs=20", "model.d_model=64", "model.d_ff=128", "model.n_layers=4"];

/// Overrides, with a precision.
fn with<'a>(overrides: &[&'a str], precision: &'a str) -> Vec<&'a str> {
    [overrides, &[precision]].concat()
}

/// The loss of each step.
fn curve(overrides: &[&str]) -> Vec<f64> {
    let (summary, events) = Workshop::new(12, overrides).train();
    assert!(summary.unwrap().is_finished());
    steps(&events).map(|(loss, _)| loss).collect()
}

#[test]
fn activations_of_16_bits_learn_as_those_of_32() {
    let whole = curve(LONGER);
    let last = |losses: &[f64]| losses[losses.len() - 3..].iter().sum::<f64>() / 3.0;
    assert!(last(&whole) < 2.5, "{whole:?}");
    for (precision, share) in [("train.precision=bf16", 2e-2), ("train.precision=f16", 2e-3)] {
        let found = curve(&with(LONGER, precision));
        assert_ne!(found, whole, "{precision} computes in f32");
        // First by the rounding of some dozen operations; then, as two trainings do whose last bits differ, on another path to
        // much the same place.
        for (step, (found, whole)) in found.iter().zip(&whole).take(5).enumerate() {
            assert!((found - whole).abs() < share * whole, "{precision}, step {step}: {found}, {whole}");
        }
        let [found, whole] = [&found, &whole].map(|losses| last(losses));
        assert!((found - whole).abs() < 0.1 * whole, "{precision}: {found} against {whole}");
    }
}

#[test]
fn a_step_cut_in_parts_and_layers_run_again_change_no_more_than_in_f32() {
    let two_steps = &["train.epochs=1", "train.batch_size=8"];
    for precision in ["train.precision=bf16", "train.precision=f16"] {
        let losses = |more: &str| {
            Workshop::new(12, &with(two_steps, precision).into_iter().chain([more]).collect::<Vec<_>>())
                .losses()
        };
        let whole = losses("train.accumulation=1");
        assert_eq!(losses("train.recompute_every=1"), whole, "{precision}");
        for (cut, whole) in losses("train.accumulation=8").iter().zip(&whole) {
            let (cut, whole) = (f64::from_bits(*cut), f64::from_bits(*whole));
            assert!((cut - whole).abs() < 1e-2, "{precision}: {cut} against {whole}");
        }
    }
}

/// A model whose last norm is so large that gradients overflow in f16 with the first loss scale.
fn steep() -> Workshop {
    let first = Workshop::new(14, &["train.epochs=1"]);
    first.train().0.unwrap();
    multiply(&first.config.output.join("best/model.safetensors"), "model.norm.weight", 1000.0);
    first
}

/// Multiplies a weight of a file.
fn multiply(path: &Path, name: &str, factor: f32) {
    let mut bytes = std::fs::read(path).unwrap();
    let header_len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (header, values) = bytes[8..].split_at_mut(header_len);
    let header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let [start, end] = [0, 1].map(|end| header[name]["data_offsets"][end].as_u64().unwrap() as usize);
    for value in values[start..end].as_chunks_mut::<4>().0 {
        *value = (factor * f32::from_le_bytes(*value)).to_le_bytes();
    }
    std::fs::write(path, bytes).unwrap();
}

/// A training in f16 from such a model.
fn steep_training(first: &Workshop, more: &[&str]) -> Workshop {
    let from = format!("from='{}'", first.config.output.join("best").display());
    let overrides = [from.as_str(), "train.precision=f16", "train.epochs=3"];
    // What the steps do to the loss is another matter.
    let all = [&overrides[..], &["train.on_divergence=ignore", "train.learning_rate=1e-3"], more].concat();
    Workshop::new(14, &all)
}

/// Each change of the loss scale: after which step, to what, and whether gradients overflowed.
fn scales(events: &[Event]) -> Vec<(usize, f64, bool)> {
    let change = |event: &Event| match event {
        Event::LossScale { step, loss_scale, overflow } => Some((*step, *loss_scale, *overflow)),
        _ => None,
    };
    events.iter().filter_map(change).collect()
}

#[test]
fn gradients_that_overflow_leave_the_step_out_and_halve_the_loss_scale() {
    let first = steep();
    let training = steep_training(&first, &[]);
    let (summary, events) = training.train();
    assert!(summary.unwrap().is_finished());
    let scales = scales(&events);
    assert!((1..8).contains(&scales.len()), "{scales:?}");
    let mut expected = 65_536.0_f64;
    for (step, scale, overflow) in &scales {
        expected /= 2.0;
        assert!(*overflow && scale.to_bits() == expected.to_bits(), "{scales:?}");
        let is_taken = |event: &Event| matches!(event, Event::Step { step: taken, .. } if taken == step);
        assert!(!events.iter().any(is_taken), "step {step} was taken");
    }
    assert_eq!(steps(&events).count() + scales.len(), 12);
    // Each step tells its scale, and the checkpoint has it.
    let of_step = |event: &Event| match event {
        Event::Step { loss_scale, .. } => *loss_scale,
        _ => None,
    };
    let last = scales.last().unwrap().1;
    assert_eq!(events.iter().filter_map(of_step).next_back(), Some(last));
    let state: serde_json::Value =
        serde_json::from_slice(&training.file("checkpoints/step-00000012/state.json")).unwrap();
    assert_eq!(state["loss_scale"]["value"], last);
    assert_eq!(state["optimizer_steps"], 12 - scales.len());
    // The same gradients do not overflow in bf16.
    let (summary, events) = steep_training(&first, &["train.precision=bf16"]).train();
    assert!(summary.unwrap().is_finished() && self::scales(&events).is_empty());
}

#[test]
fn a_training_in_16_bits_that_was_stopped_goes_on_to_the_last_bit() {
    let first = steep();
    for more in [&[][..], &["train.optimizer_dtype=8bit"], &["train.precision=bf16"]] {
        let whole = steep_training(&first, more);
        let (summary, events) = whole.train();
        summary.unwrap();
        let expected: Vec<u64> = steps(&events).map(|(loss, _)| loss.to_bits()).collect();
        let changes = scales(&events);
        assert_eq!(changes.is_empty(), more.contains(&"train.precision=bf16"), "{changes:?}");
        // Stopped between two changes of the scale, after the last, and once more.
        let stopped = steep_training(&first, more);
        let (mut losses, mut found, mut start) = (Vec::new(), Vec::new(), Start::New);
        for until in [5, 8, usize::MAX] {
            let (summary, events) = stopped.train_from(start, until);
            losses.extend(steps(&events).map(|(loss, _)| loss.to_bits()));
            found.extend(scales(&events));
            assert_eq!(summary.unwrap().step, until.min(12));
            start = Start::Resume;
        }
        assert_eq!((losses, found), (expected, changes));
        for file in ["last/model.safetensors", "checkpoints/step-00000012/optimizer.safetensors"] {
            assert!(stopped.file(file) == whole.file(file), "{more:?}: {file} differs");
        }
    }
}

#[test]
fn adapters_are_trained_beside_weights_of_any_type_in_16_bits() {
    let first = Workshop::new(14, &["model.d_ff=64", "train.epochs=8"]);
    let summary = first.train().0.unwrap();
    let from = format!("from='{}'", summary.best.display());
    let end = |more: &[&str]| {
        let overrides = [&[from.as_str(), "model.d_ff=64", "lora.rank=4", "train.epochs=5"], more].concat();
        let workshop = Workshop::new(14, &overrides);
        workshop.train().0.unwrap().best_validation_loss.unwrap()
    };
    let before = summary.best_validation_loss.unwrap();
    for kind in ["lora.dora=true", "lora.base_dtype=bf16", "lora.base_dtype=8bit"] {
        let whole = end(&[kind]);
        for precision in ["train.precision=bf16", "train.precision=f16"] {
            let found = end(&[kind, precision]);
            assert!(found < before, "{kind}, {precision}: {found} from {before}");
            assert!((found - whole).abs() < 0.02 * whole, "{kind}, {precision}: {found} against {whole}");
        }
    }
}
