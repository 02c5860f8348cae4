//! `gearhead devices`: what this build runs on.

use gearhead::device::backends;
use serde_json::json;

use crate::{args::DevicesArgs, failure::Failure, output};

pub(crate) fn run(args: &DevicesArgs) -> Result<(), Failure> {
    let backends = backends();
    if args.json {
        return output::json(&json!({ "backends": backends }));
    }
    for backend in &backends {
        let state = if backend.compiled {
            "compiled in".to_owned()
        } else {
            format!("not in this build (cargo feature `{}`)", backend.feature)
        };
        output::text(format_args!("{:<9} {state}", backend.name))?;
        for adapter in &backend.adapters {
            let memory = adapter.memory_bytes.map_or_else(String::new, |bytes| {
                format!(", {:.1} GiB memory", bytes as f64 / f64::from(1 << 30))
            });
            output::text(format_args!("            {}{memory}: {:?}", adapter.name, adapter.status))?;
        }
    }
    Ok(())
}
