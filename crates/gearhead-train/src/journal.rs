//! What is written of a training while it runs: `metrics.jsonl`, event files for TensorBoard, and the report.

use std::{
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    checkpoint::State,
    config::Config,
    error::{Error, Result},
    event::{Event, SampleText},
    plan::Plan,
    report::{self, DataFile, EvaluationRecord, Incident, IncidentKind, Report, Sample, StepRecord},
    tensorboard::EventFile,
};

const METRICS: &str = "metrics.jsonl";
const REPORT: &str = "report.html";
const TENSORBOARD: &str = "tensorboard";

pub(crate) struct Journal {
    folder: PathBuf,
    metrics: BufWriter<File>,
    events: EventFile,
    began: String,
    steps: Vec<StepRecord>,
    evaluations: Vec<EvaluationRecord>,
    incidents: Vec<Incident>,
    samples: Vec<Sample>,
    plan: Option<Plan>,
    /// Of the last start.
    peak_flops: f64,
}

impl Journal {
    /// Opens the files of a training. Of one that goes on, what tells of steps after the checkpoint is forgotten.
    pub(crate) fn open(folder: &Path, resumed_from: Option<&State>, plan: Option<Plan>) -> Result<Self> {
        let path = folder.join(METRICS);
        let open = || -> std::io::Result<(File, String)> {
            let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
            file.set_len(resumed_from.map_or(0, |state| state.metrics_bytes))?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            file.seek(SeekFrom::End(0))?;
            Ok((file, text))
        };
        let (file, text) = open().map_err(|source| Error::Io { path, source })?;
        let events_folder = folder.join(TENSORBOARD);
        let open_events = || -> std::io::Result<EventFile> {
            if resumed_from.is_none() && events_folder.exists() {
                std::fs::remove_dir_all(&events_folder)?;
            }
            let mut events = EventFile::create(&events_folder)?;
            if let Some(state) = resumed_from {
                events.resumed(state.step as u64 + 1, SystemTime::now())?;
            }
            Ok(events)
        };
        let events = open_events().map_err(|source| Error::Io { path: events_folder.clone(), source })?;
        let now = OffsetDateTime::now_utc();
        let began = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default();
        let mut journal = Self {
            folder: folder.to_owned(),
            metrics: BufWriter::new(file),
            events,
            began,
            steps: Vec::new(),
            evaluations: Vec::new(),
            incidents: Vec::new(),
            samples: Vec::new(),
            plan,
            peak_flops: f64::NAN,
        };
        for line in text.lines() {
            let line = serde_json::from_str(line)
                .map_err(|error| Error::Data { path: folder.join(METRICS), reason: error.to_string() })?;
            journal.keep(&line);
        }
        Ok(journal)
    }

    /// Adds an event to all of them.
    pub(crate) fn write(&mut self, event: &Event) -> Result<()> {
        let line = serde_json::to_value(event).expect("an event is JSON");
        let mut write = || -> std::io::Result<()> {
            writeln!(self.metrics, "{line}")?;
            match event {
                Event::Step {
                    step,
                    loss,
                    grad_norm,
                    learning_rate,
                    tokens,
                    flops,
                    step_seconds,
                    resident_bytes,
                    loss_scale,
                    ..
                } => {
                    let now = SystemTime::now();
                    let resident = resident_bytes.map(|bytes| bytes as f64);
                    for (tag, value) in [
                        ("loss/train", Some(*loss)),
                        ("grad_norm", Some(*grad_norm)),
                        ("learning_rate", Some(*learning_rate)),
                        ("tokens_per_second", Some(*tokens as f64 / step_seconds)),
                        ("model_flops_utilization", Some(flops / step_seconds / self.peak_flops)),
                        ("resident_bytes", resident),
                        ("loss_scale", *loss_scale),
                    ] {
                        if let Some(value) = value {
                            self.events.scalar(tag, *step as u64, value, now)?;
                        }
                    }
                    return Ok(());
                }
                Event::Evaluation { step, validation_loss, .. } => {
                    self.events.scalar(
                        "loss/validation",
                        *step as u64,
                        *validation_loss,
                        SystemTime::now(),
                    )?;
                }
                _ => {}
            }
            self.metrics.flush()?;
            self.events.flush()
        };
        write().map_err(|source| Error::Io { path: self.folder.join(METRICS), source })?;
        self.keep(&line);
        Ok(())
    }

    /// The length of `metrics.jsonl`, all of which is on disk then.
    pub(crate) fn sync(&mut self) -> Result<u64> {
        let mut sync = || -> std::io::Result<u64> {
            self.metrics.flush()?;
            self.metrics.get_ref().sync_data()?;
            self.metrics.stream_position()
        };
        sync().map_err(|source| Error::Io { path: self.folder.join(METRICS), source })
    }

    /// Writes the report of what was done up to here.
    pub(crate) fn report(&self, state: &State, config: &Config) -> Result<()> {
        let hash = |(path, hash): (&PathBuf, &String)| DataFile {
            name: path.display().to_string(),
            xxh3: hash.clone(),
        };
        let data_files: Vec<DataFile> = state.made_from.files.iter().map(hash).collect();
        let version = |name: &str| state.made_from.versions.get(name).map_or("", String::as_str);
        let folder = self.folder.display().to_string();
        let memory = self.plan.as_ref().map(|plan| plan.report(most_resident_bytes()));
        let page = report::html(&Report {
            title: &folder,
            command: &format!("gearhead train --config {folder}/config.toml --start-over"),
            device: &state.made_from.device,
            date: &self.began,
            gearhead: version("gearhead"),
            burn: version("burn"),
            seed: config.seed,
            planned_steps: state.steps,
            peak_flops: self.peak_flops,
            config: &config.resolved(),
            data_files: &data_files,
            steps: &self.steps,
            evaluations: &self.evaluations,
            memory: memory.as_ref(),
            samples: &self.samples,
            incidents: &self.incidents,
        });
        gearhead_data::case::write_whole(&self.folder.join(REPORT), |output| {
            output.write_all(page.as_bytes())
        })?;
        Ok(())
    }

    /// Remembers a line of `metrics.jsonl` for the report.
    fn keep(&mut self, line: &Value) {
        let count = |key: &str| line[key].as_u64().unwrap_or(0) as usize;
        // What is no number is `null` in JSON.
        let number = |key: &str| line[key].as_f64().unwrap_or(f64::NAN);
        match line["event"].as_str().unwrap_or("") {
            "start" => self.peak_flops = number("peak_flops"),
            "step" => self.steps.push(StepRecord {
                step: count("step"),
                epoch: count("epoch"),
                loss: number("loss"),
                grad_norm: number("grad_norm"),
                learning_rate: number("learning_rate"),
                tokens: count("tokens"),
                target_tokens: count("target_tokens"),
                flops: number("flops"),
                step_seconds: number("step_seconds"),
                seconds: number("seconds"),
                resident_bytes: line["resident_bytes"].as_u64(),
            }),
            "evaluation" => self.evaluations.push(EvaluationRecord {
                step: count("step"),
                validation_loss: number("validation_loss"),
                is_best: line["is_best"].as_bool().unwrap_or(false),
                seconds: number("seconds"),
            }),
            "resume" => self.incidents.push(Incident {
                step: count("step"),
                kind: IncidentKind::Resumed,
                text: "Taken up again from a checkpoint.".into(),
            }),
            "samples" => {
                let samples = serde_json::from_value::<Vec<SampleText>>(line["samples"].clone());
                self.keep_samples(count("step"), samples.unwrap_or_default());
            }
            "loss_scale" if line["overflow"] == true => self.incidents.push(Incident {
                step: count("step"),
                kind: IncidentKind::SkippedBatch,
                text: format!(
                    "Left out, since gradients overflow in f16; the loss scale is {} from here.",
                    number("loss_scale")
                ),
            }),
            "skip" => self.incidents.push(Incident {
                step: count("step"),
                kind: IncidentKind::SkippedBatch,
                text: format!(
                    "Left out, since its {} was {}; training cases {}.",
                    line["what"].as_str().unwrap_or("loss"),
                    number("value"),
                    line["cases"]
                ),
            }),
            _ => {}
        }
    }

    /// Those of before the first step stay; of the others the last, which are the best model's, count.
    fn keep_samples(&mut self, step: usize, texts: Vec<SampleText>) {
        if step == 0 {
            let first = |SampleText { prompt, expected, written }| Sample {
                prompt,
                expected,
                before: Some(written),
                after: None,
            };
            self.samples = texts.into_iter().map(first).collect();
        } else {
            for (sample, text) in self.samples.iter_mut().zip(texts) {
                sample.after = Some(text.written);
            }
        }
    }
}

/// Memory of this process that is in use, in bytes, where the system tells it.
pub(crate) fn resident_bytes() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// The most that this process ever had in memory, in bytes, where the system tells it.
fn most_resident_bytes() -> Option<u64> {
    status_bytes("VmHWM:")
}

fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| 1024 * kib)
}
