//! Trainings that are stopped, damaged or led astray, and how they go on.

use std::fs;

use gearhead_data::case::{Case, write_cases};
use gearhead_train::{Error, Event, Start, data::epoch_batches, divergence::OnDivergence};

use super::{Workshop, cases, paths, steps};

#[test]
fn a_training_that_was_stopped_goes_on_to_the_last_bit() {
    for (recompute_every, optimizer_dtype) in [(0, "f32"), (1, "f32"), (0, "8bit")] {
        let optimizer = format!("train.optimizer_dtype={optimizer_dtype}");
        // Large enough for moments in 8 bits.
        let size = "model.d_ff=128";
        let whole = Workshop::new(14, &["train.epochs=3", size, &optimizer]);
        let expected = whole.losses();
        let stopped = Workshop::new(
            14,
            &["train.epochs=3", size, &optimizer, &format!("train.recompute_every={recompute_every}")],
        );
        let mut losses = Vec::new();
        let mut start = Start::New;
        for until in [1, 2, 6, 9, usize::MAX] {
            let (summary, events) = stopped.train_from(start, until);
            losses.extend(steps(&events).map(|(loss, _)| loss.to_bits()));
            let summary = summary.unwrap();
            assert_eq!(summary.step, until.min(12));
            assert_eq!(summary.is_finished(), until == usize::MAX);
            let told = events.iter().any(|event| matches!(event, Event::Resume { .. }));
            assert_eq!(told, start == Start::Resume);
            start = Start::Resume;
        }
        assert_eq!(losses, expected);
        for file in [
            "best/model.safetensors",
            "last/model.safetensors",
            "checkpoints/step-00000012/optimizer.safetensors",
        ] {
            assert!(stopped.file(file) == whole.file(file), "{file} differs");
        }
        let of_steps = |workshop: &Workshop| {
            let metrics = String::from_utf8(workshop.file("metrics.jsonl")).unwrap();
            let lines = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let steps = lines.filter(|line| line["event"] == "step");
            steps.map(|line| (line["step"].clone(), line["loss"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(of_steps(&stopped), of_steps(&whole), "the metrics hold each step once");
        let report = String::from_utf8(stopped.file("report.html")).unwrap();
        assert!(report.contains("Taken up again") && report.contains("--start-over"));
        // What is finished is not begun again.
        let (summary, events) = stopped.train_from(Start::Resume, usize::MAX);
        assert!(summary.unwrap().is_finished());
        assert_eq!(steps(&events).count(), 0);
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_named() {
    let whole = Workshop::new(14, &["train.epochs=3"]);
    let expected = whole.losses();
    for damage in ["cut", "flipped", "missing", "no manifest"] {
        let workshop = Workshop::new(14, &["train.epochs=3", "train.checkpoint_every_steps=1"]);
        workshop.train_from(Start::New, 6).0.unwrap();
        let checkpoints = workshop.checkpoints();
        assert_eq!(checkpoints.len(), 2);
        let file = checkpoints[1].join("optimizer.safetensors");
        let mut bytes = fs::read(&file).unwrap();
        match damage {
            "cut" => bytes.truncate(1000),
            "flipped" => bytes[2000] ^= 1,
            "missing" => fs::remove_file(&file).unwrap(),
            _ => fs::remove_file(checkpoints[1].join("manifest.json")).unwrap(),
        }
        if damage != "missing" {
            fs::write(&file, bytes).unwrap();
        }
        let (summary, events) = workshop.train_from(Start::Resume, usize::MAX);
        assert!(summary.unwrap().is_finished());
        let resumed = events.iter().find_map(|event| match event {
            Event::Resume { step, damaged } => Some((*step, damaged.clone())),
            _ => None,
        });
        let (step, damaged) = resumed.unwrap();
        assert_eq!((step, damaged.len()), (5, 1), "{damage}");
        assert!(damaged[0].contains("step-00000006"), "{}", damaged[0]);
        let losses: Vec<u64> = steps(&events).map(|(loss, _)| loss.to_bits()).collect();
        assert_eq!(losses, expected[5..], "{damage}");
    }
}

#[test]
fn a_training_does_not_go_on_from_another() {
    let mut workshop = Workshop::new(14, &["train.epochs=3"]);
    let nothing = workshop.train_from(Start::Resume, usize::MAX).0.unwrap_err().to_string();
    assert!(nothing.ends_with("checkpoints: there is no checkpoint to go on from"), "{nothing}");
    workshop.train_from(Start::New, 5).0.unwrap();
    let before = paths(&workshop.config.output);

    let unfinished = workshop.train().0.unwrap_err();
    assert!(matches!(unfinished, Error::Unfinished { step: 5, steps: 12, .. }), "{unfinished}");
    let config = workshop.config.clone();
    workshop.config.train.learning_rate = 2e-2;
    let changed = workshop.train_from(Start::Resume, usize::MAX).0.unwrap_err().to_string();
    assert!(changed.contains("train.learning_rate was 0.01 and is 0.02 now"), "{changed}");
    workshop.config = config;
    let cases = workshop.folder.path().join("cases.jsonl");
    let text = fs::read_to_string(&cases).unwrap();
    fs::write(&cases, text.replace("It is worn", "It is old")).unwrap();
    let changed = workshop.train_from(Start::Resume, usize::MAX).0.unwrap_err().to_string();
    assert!(changed.contains("cases.jsonl has another content now"), "{changed}");
    fs::write(&cases, text).unwrap();
    assert_eq!(paths(&workshop.config.output), before, "a refusal changes nothing");

    // What no result depends on may change.
    workshop.config.train.checkpoint_every_steps = 1;
    workshop.config.train.recompute_every = 1;
    assert_eq!(workshop.train_from(Start::Resume, 6).0.unwrap().step, 6);
    // And one may begin anew.
    let (summary, events) = workshop.train_from(Start::Over, usize::MAX);
    assert!(summary.unwrap().is_finished());
    assert_eq!(steps(&events).count(), 12);
}

#[test]
fn a_leap_of_the_loss_stops_the_training_before_the_step_or_is_left_out() {
    // A case of noise that comes late, after many of three that are soon learned.
    let mut all: Vec<Case> = std::iter::repeat_n(cases(3), 40).flatten().collect();
    let mut noise = Case::new("Æ∂ƒ", "ß©˙∆˚ ¬…æ Ω≈ç√∫˜µ");
    noise.probable_cause = Some("≤≥÷ åß∂ƒ©. ˙∆˚¬…æ Ωç√∫˜".into());
    noise.solution = Some("¡™£¢∞§¶•ªº–≠ œ∑´®†¥¨ˆøπ“‘".into());
    all.push(noise);
    let place = |seed| epoch_batches(all.len(), 1, seed, 0).iter().position(|batch| batch[0] == 120).unwrap();
    let seed = (0..1000).find(|seed| place(*seed) > 100).unwrap();
    let mut leap = Workshop::new(3, &["train.epochs=1", "train.batch_size=1", "train.max_grad_norm=0.5"]);
    leap.config.seed = seed;
    write_cases(leap.config.data.train.as_ref().unwrap(), &all).unwrap();
    let (error, events) = leap.train();
    let error = error.unwrap_err();
    let Error::Leap { step, loss, usual, .. } = &error else { unreachable!("{error}") };
    assert!(*loss > usual + 1.0, "{error}");
    assert_eq!(steps(&events).count(), step - 1, "the step was not taken");
    assert!(error.to_string().contains("cases.jsonl") && error.to_string().contains("--resume"), "{error}");
    assert!(leap.checkpoints().last().unwrap().ends_with(format!("step-{:08}", step - 1)));

    assert!(error.to_string().contains("look at cases 121 of"), "{error}");
    assert_eq!(*step, place(seed) + 1);

    let mut skipping = leap;
    skipping.config.train.on_divergence = OnDivergence::Skip;
    let (summary, events) = skipping.train_from(Start::Resume, usize::MAX);
    let skipped = events.iter().find_map(|event| match event {
        Event::Skip { step, what, cases, .. } => Some((*step, *what, cases.len())),
        _ => None,
    });
    assert_eq!(skipped, Some((*step, "loss", 1)));
    assert!(summary.unwrap().is_finished());
}
