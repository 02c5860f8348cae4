//! `gearhead merge`: adapters into weights.

use super::device;
use crate::{args::MergeArgs, failure::Failure, output};

pub(crate) fn run(args: &MergeArgs) -> Result<(), Failure> {
    let device = device::for_model(args.device, Some(&args.model))?;
    gearhead::merge_adapters(&device, &args.model, &args.out, args.dtype.into())?;
    output::text(format_args!("{}: a model directory that needs no other", args.out.display()))
}
