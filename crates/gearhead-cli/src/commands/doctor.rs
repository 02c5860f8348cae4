//! `gearhead doctor`: what is missing or in the way.

use gearhead::device::{
    Depth, System,
    doctor::{Check, Verdict, examine, of_survey},
    survey,
};
use serde_json::json;

use super::device::prober;
use crate::{args::DoctorArgs, failure::Failure, output, progress};

pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let system = System::read();
    let bar = progress::spinner("asking drivers");
    let mut checks = of_survey(&survey(&system, &prober(&system), Depth::Try));
    bar.finish_and_clear();
    checks.extend(examine(&system));
    let faults = checks.iter().filter(|check| check.verdict == Verdict::Fault).count();
    if args.json {
        return output::json(&json!({ "checks": checks, "faults": faults }));
    }
    let mut group = "";
    for check in &checks {
        if check.group != group {
            group = check.group;
            output::text(group)?;
        }
        output::text(line(check))?;
    }
    output::text(match faults {
        0 => "nothing is missing".to_owned(),
        1 => "1 fault".to_owned(),
        faults => format!("{faults} faults"),
    })
}

fn line(check: &Check) -> String {
    let verdict = match check.verdict {
        Verdict::Good => "good",
        Verdict::Fault => "fault",
        _ => "note",
    };
    let mend = check.mend.as_ref().map_or_else(String::new, |mend| format!("\n         {mend}"));
    format!("  {verdict:<6} {}: {}{mend}", check.name, check.found)
}
