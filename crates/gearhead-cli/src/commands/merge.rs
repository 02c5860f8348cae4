//! `gearhead merge`: adapters into weights.

use crate::{args::MergeArgs, failure::Failure, output};

pub(crate) fn run(args: &MergeArgs) -> Result<(), Failure> {
    gearhead::merge_adapters(&args.device, &args.model, &args.out, args.dtype.into())?;
    output::text(format_args!("{}: a model directory that needs no other", args.out.display()))
}
