//! `gearhead worker`: a device for a training on another machine.

use gearhead::device::serve;

use crate::{args::WorkerArgs, failure::Failure, output};

pub(crate) fn run(args: &WorkerArgs) -> Result<(), Failure> {
    if cfg!(feature = "remote") {
        output::note(format!("computing on {} for whoever reaches port {}", args.device, args.port));
    }
    Ok(serve(&args.device, args.port).map_err(gearhead::Error::from)?)
}
