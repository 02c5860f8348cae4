//! `gearhead codes`: what fault codes mean.

use gearhead::data::code::{Decoded, observations, parse_list};

use super::{fault_log, knowledge_base};
use crate::{args::CodesArgs, failure::Failure, output};

pub(crate) fn run(args: &CodesArgs) -> Result<(), Failure> {
    let knowledge = knowledge_base(args.knowledge.folder.as_deref())?;
    if let Some(log) = &args.candump {
        return fault_log::run(log, knowledge.codes(), args.json);
    }
    let codes = args.codes.iter().flat_map(|text| parse_list(text));
    let decoded: Vec<Decoded> = codes.map(|code| knowledge.codes().decode(&code)).collect();
    if decoded.is_empty() {
        return Err(Failure::bad_input("usage", "CODE is empty: give at least one fault code"));
    }
    if args.json {
        return output::json(&decoded);
    }
    for code in &decoded {
        output::text(&code.code)?;
        let meaning = code.meaning.as_deref().unwrap_or("unknown");
        output::text(format_args!("  meaning: {meaning}"))?;
        let system = code.system.map(|system| system.to_string());
        for (name, value) in [
            ("failure mode", code.failure_mode.as_deref()),
            ("system", system.as_deref()),
            ("usually", code.links.as_deref()),
            ("note", code.note.as_deref()),
        ] {
            if let Some(value) = value {
                output::text(format_args!("  {name}: {value}"))?;
            }
        }
    }
    for observation in observations(&decoded) {
        output::text(format_args!("\n{} together", observation.codes.join(", ")))?;
        output::text(format_args!("  {}", observation.finding))?;
    }
    Ok(())
}
