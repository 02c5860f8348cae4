use super::{
    series::{MAX_POINTS, latest, smooth, step_seconds, thin, total_seconds},
    *,
};

fn empty() -> Report<'static> {
    Report {
        title: "out/excavators",
        command: "gearhead train --config configs/train.toml",
        device: "flex (CPU)",
        date: "2026-03-01 08:30 UTC",
        gearhead: "0.1.0",
        burn: "0.21.0",
        seed: 7,
        planned_steps: 300,
        peak_flops: 2e11,
        config: "seed = 7\n",
        data_files: &[],
        steps: &[],
        evaluations: &[],
        memory: None,
        samples: &[],
        incidents: &[],
    }
}

fn step(step: usize, loss: f64) -> StepRecord {
    StepRecord {
        step,
        epoch: 1 + step / 1000,
        loss,
        grad_norm: loss / 2.0,
        learning_rate: 3e-4,
        tokens: 2048,
        target_tokens: 512,
        flops: 5e10,
        step_seconds: 0.5,
        seconds: step as f64 * 0.5,
        resident_bytes: Some(900_000_000 + step as u64),
    }
}

fn evaluation(step: usize, validation_loss: f64, is_best: bool) -> EvaluationRecord {
    EvaluationRecord { step, validation_loss, is_best, seconds: step as f64 * 0.5 }
}

/// The values of every attribute that places something in a plot.
fn coordinates(html: &str) -> Vec<f64> {
    let names = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points"];
    let mut values = Vec::new();
    for name in names {
        for (at, start) in html.match_indices(&format!(" {name}=\"")) {
            let value = &html[at + start.len()..];
            let value = &value[..value.find('"').unwrap()];
            values.extend(
                value
                    .split([' ', ','])
                    .map(|it| it.parse::<f64>().unwrap_or_else(|_| panic!("{name}={value:?}"))),
            );
        }
    }
    values
}

/// The page, after it was seen that all its plots can be drawn.
fn page(report: &Report<'_>) -> String {
    let html = html(report);
    for value in coordinates(&html) {
        assert!(value.is_finite() && (-20.0..=1020.0).contains(&value), "{value}");
    }
    assert!(!html.contains("<script") && !html.contains("http"), "something comes from elsewhere");
    html
}

fn curve_lengths(html: &str) -> Vec<usize> {
    let curves = html.match_indices("points=\"").map(|(at, start)| &html[at + start.len()..]);
    curves.map(|curve| curve[..curve.find('"').unwrap()].split(' ').count()).collect()
}

#[test]
fn nothing_done_yet() {
    let html = page(&empty());
    assert!(html.contains("No step has been done yet; 300 are planned."));
    assert!(html.contains("gearhead train --config configs/train.toml"));
    assert!(!html.contains("<svg"));
}

#[test]
fn one_step() {
    let html = page(&Report { steps: &[step(1, 4.2)], planned_steps: 1, ..empty() });
    assert!(html.contains("All 1 step (1 epoch) in 0.5 s. The validation cases have not been"));
    assert_eq!(html.matches("<svg").count(), 4);
    assert!(html.contains("<circle class=\"dot strong\""), "a lone step is a dot");
}

#[test]
fn losses_that_are_not_finite_are_marked_and_break_the_curve() {
    let mut steps: Vec<StepRecord> = (1..=10).map(|it| step(it, 4.0 - it as f64 / 10.0)).collect();
    steps[3].loss = f64::NAN;
    steps[6].loss = f64::INFINITY;
    steps[6].grad_norm = f64::NEG_INFINITY;
    let evaluations = [evaluation(5, f64::NAN, false), evaluation(10, f64::INFINITY, false)];
    let html = page(&Report { steps: &steps, evaluations: &evaluations, ..empty() });
    assert!(html.contains("The loss was not finite in 2 steps, first in step 4."));
    assert!(html.contains("No validation loss was finite."));
    assert!(html.contains("<title>step 7: inf</title>") && html.contains("<title>step 4: NaN</title>"));
    assert_eq!(curve_lengths(&html)[..3], [3, 2, 3]);

    let nothing_finite: Vec<StepRecord> = (1..=40).map(|it| step(it, f64::NAN)).collect();
    page(&Report { steps: &nothing_finite, ..empty() });
    let huge: Vec<StepRecord> = (1..=40).map(|it| step(it, f64::MAX / it as f64)).collect();
    page(&Report { steps: &huge, ..empty() });
}

#[test]
fn a_hundred_thousand_steps_are_thinned_and_keep_their_spike() {
    let mut steps: Vec<StepRecord> = (1..=100_000).map(|it| step(it, 2.0 + (it % 7) as f64 / 10.0)).collect();
    steps[77_776].loss = 15.5;
    let evaluations: Vec<EvaluationRecord> =
        (1..=2000).map(|it| evaluation(it * 50, 2.5 - it as f64 / 2000.0, true)).collect();
    let html = page(&Report { steps: &steps, evaluations: &evaluations, planned_steps: 100_000, ..empty() });
    assert!(curve_lengths(&html).into_iter().all(|n| n <= MAX_POINTS));
    let incident = |it| Incident { step: it, kind: IncidentKind::SkippedBatch, text: "left out".into() };
    let incidents: Vec<Incident> = (1..=1234).map(incident).collect();
    let with_incidents = page(&Report { steps: &steps, incidents: &incidents, ..empty() });
    assert!(with_incidents.contains("And 1,134 more.") && with_incidents.matches("left out").count() <= 160);
    assert!(html.len() < 500_000, "{} bytes", html.len());
    let points: Vec<(f64, f64)> = steps.iter().map(|it| (it.step as f64, it.loss)).collect();
    let thinned = thin(&points);
    assert!(thinned.contains(&(77_777.0, 15.5)));
    assert_eq!((thinned.first(), thinned.last()), (points.first(), points.last()));
    assert!(thinned.is_sorted_by(|a, b| a.0 < b.0) && thinned.len() > MAX_POINTS / 2);
}

#[test]
fn everything_is_escaped() {
    let hostile = "</pre><script>alert('&')</script>";
    let data_files = [DataFile { name: hostile.into(), xxh3: hostile.into() }];
    let sample = Sample {
        prompt: hostile.into(),
        expected: hostile.into(),
        before: Some(hostile.into()),
        after: Some(hostile.into()),
    };
    let plan =
        MemoryPlan { parts: vec![(hostile.into(), 5)], predicted_peak_bytes: 9, measured_peak_bytes: None };
    let kinds = [IncidentKind::Resumed, IncidentKind::SkippedBatch, IncidentKind::Diverged];
    let incidents = kinds.map(|kind| Incident { step: 1, kind, text: hostile.into() });
    let html = page(&Report {
        title: hostile,
        command: hostile,
        device: hostile,
        date: hostile,
        gearhead: hostile,
        burn: hostile,
        config: hostile,
        data_files: &data_files,
        steps: &[step(1, 2.0)],
        memory: Some(&plan),
        samples: &[sample],
        incidents: &incidents,
        ..empty()
    });
    assert_eq!(html.matches("&lt;/pre&gt;&lt;script&gt;alert('&amp;')&lt;/script&gt;").count(), 25);
}

#[test]
fn best_last_and_overfitting_are_told() {
    let steps: Vec<StepRecord> = (1..=300).map(|it| step(it, 4.0 / (1.0 + it as f64 / 50.0))).collect();
    let evaluations = [evaluation(100, 2.0, true), evaluation(200, 1.5, true), evaluation(300, 1.8, false)];
    let report = Report { steps: &steps, evaluations: &evaluations, ..empty() };
    let html = page(&report);
    assert!(html.contains("All 300 steps (1 epoch) in 2 min 30 s, at 4,096 tokens per second. The lowest validation loss is 1.500, \
                           after step 200; the last is 1.800."));
    assert!(html.contains(
        "After step 200 the validation loss rose by 20 % while the training loss fell: the model overfits."
    ));
    assert!(html.contains(">best 1.500 at step 200</text>"));
    // 5e10 operations every half a second.
    assert!(html.contains("50 %") && html.contains("100 GFLOP/s of 200 GFLOP/s in matrix products"));
    let html = page(&Report { evaluations: &evaluations[..2], planned_steps: 500, ..report });
    assert!(
        html.contains("300 of 500 steps") && !html.contains("rose by") && !html.contains("longer training")
    );
}

#[test]
fn the_plan_stands_beside_what_was_measured() {
    let parts = vec![("weights".to_owned(), 300 << 20), ("activations".to_owned(), 700 << 20)];
    let plan = MemoryPlan { parts, predicted_peak_bytes: 1000 << 20, measured_peak_bytes: Some(1250 << 20) };
    let html = page(&Report { memory: Some(&plan), steps: &[step(1, 2.0)], ..empty() });
    assert!(
        html.contains("300 MiB")
            && html.contains("70.0 %")
            && html.contains("1000 MiB")
            && html.contains("1.22 GiB")
    );
    assert!(html.contains("<strong>-20.0 %</strong>"));
    assert!(html.contains("The peak of memory was 25.0 % above the prediction."));
}

#[test]
fn steps_that_were_done_again_count_once() {
    // Stopped after step 6, taken up again after step 4 with a new clock.
    let mut steps: Vec<StepRecord> = [1, 2, 3, 4, 5, 6, 5, 6, 7].map(|it| step(it, 2.0)).to_vec();
    for (at, seconds) in [(6, 4.0), (7, 4.5), (8, 5.0)] {
        steps[at].seconds = seconds;
        steps[at].loss = 1.0;
    }
    let kept = latest(&steps, |it| it.step);
    assert_eq!(kept.iter().map(|it| it.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert!(kept[4..].iter().all(|it| it.loss < 1.5));
    let took = step_seconds(&steps);
    let is_right = |(index, took): (usize, &f64)| {
        if [0, 6].contains(&index) { took.is_nan() } else { (took - 0.5).abs() < 1e-9 }
    };
    assert!(took.iter().enumerate().all(is_right), "{took:?}");
    page(&Report { steps: &steps, ..empty() });

    steps[6].seconds = 1.0;
    steps[7].seconds = 1.5;
    steps[8].seconds = 2.0;
    assert!((total_seconds(&steps, &[]) - 5.0).abs() < 1e-9);
}

#[test]
fn the_running_mean_follows_the_curve() {
    let line: Vec<(f64, f64)> = (0..1000).map(|it| (f64::from(it), 100.0 - f64::from(it) / 10.0)).collect();
    let mean = smooth(&line);
    assert_eq!(mean.len(), MAX_POINTS / 2);
    assert_eq!((mean[0], mean.last().unwrap().0), ((0.0, 100.0), 999.0));
    let inside = mean.iter().filter(|(step, _)| *step < 980.0);
    assert!(inside.into_iter().all(|(step, value)| (value - (100.0 - step / 10.0)).abs() < 1e-9));
    assert!(smooth(&line[..10]).is_empty());

    // Over a single gap, not into a long one.
    let mut gaps = line[..200].to_vec();
    gaps[50].1 = f64::NAN;
    gaps[101..].iter_mut().for_each(|point| point.1 = f64::NAN);
    let drawn: Vec<f64> =
        smooth(&gaps).iter().filter(|point| point.1.is_finite()).map(|point| point.0).collect();
    assert_eq!((drawn.len(), drawn.last()), (101, Some(&100.0)));
}
