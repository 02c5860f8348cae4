//! `gearhead data split`: training, validation and test files without a near copy across.

use gearhead::data::split::{SplitConfig, Step, split_files};

use crate::{args::DataSplitArgs, failure::Failure, output, progress};

pub(super) fn run(args: &DataSplitArgs) -> Result<(), Failure> {
    let mut config = SplitConfig::new(args.by.clone());
    config.validation = args.validation;
    config.test = args.test;
    config.seed = args.seed;
    config.keep_near_duplicates = args.keep_near_duplicates;
    config.skip_faulty = args.skip_faulty;
    config.date_order = args.date_format;
    let bar = progress::bytes(0);
    let mut now = None;
    let report = split_files(&args.files, &args.out, &config, &mut |step, done, all| {
        if now != Some(step) {
            now = Some(step);
            let is_bytes = matches!(step, Step::Read | Step::Write | Step::Verify);
            bar.set_style(if is_bytes { progress::bytes_style() } else { progress::steps_style() });
            bar.set_message(in_words(step));
            bar.reset();
        }
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = report?;
    for fault in &report.faulty.first {
        output::note(format_args!("skipped {fault}"));
    }
    let unnamed = report.faulty.records - report.faulty.first.len() as u64;
    if unnamed > 0 {
        output::note(format_args!("skipped {unnamed} more faulty records"));
    }
    if args.json { output::json(&report) } else { output::text(&report) }
}

fn in_words(step: Step) -> &'static str {
    match step {
        Step::Read => "reading",
        Step::Compare => "looking for near copies",
        Step::Write => "writing",
        Step::Verify => "checking",
        Step::CompareAgain => "checking for near copies",
        _ => "",
    }
}
