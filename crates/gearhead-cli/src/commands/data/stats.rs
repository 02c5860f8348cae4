//! `gearhead data stats`: how varied cases are.

use gearhead::data::{case::total_bytes, stats::measure};

use crate::{args::DataStatsArgs, failure::Failure, output, progress};

pub(super) fn run(args: &DataStatsArgs) -> Result<(), Failure> {
    let bar = progress::bytes(total_bytes(&args.files));
    let stats = measure(&args.files, &mut |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    let stats = stats?;
    if args.json { output::json(&stats) } else { output::raw(&stats.to_string()) }
}
