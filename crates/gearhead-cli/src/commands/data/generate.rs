//! `gearhead data generate`: cases from the fault cards.

use gearhead::data::{
    case::write_cases,
    generate::{GenerateConfig, Split, generate},
    knowledge::KnowledgeBase,
};
use serde_json::json;

use crate::{args::DataGenerateArgs, failure::Failure, output};

pub(super) fn run(args: &DataGenerateArgs) -> Result<(), Failure> {
    let knowledge = KnowledgeBase::builtin();
    let generated = generate(knowledge, &GenerateConfig::new(args.count, args.seed))?;
    let mut written = serde_json::Map::new();
    for split in Split::ALL {
        let path = args.out.join(format!("{}.jsonl", split.as_str()));
        let cases = generated.split(split);
        write_cases(&path, cases)?;
        if args.json {
            written.insert(split.as_str().into(), json!({ "path": path, "cases": cases.len() }));
        } else {
            let with_code = cases.iter().filter(|case| !case.error_codes.is_empty()).count();
            output::text(format_args!(
                "{}: {} cases, {with_code} with a fault code",
                path.display(),
                cases.len()
            ))?;
        }
    }
    if args.json {
        return output::json(&written);
    }
    output::text(format_args!(
        "{} faults of {} kinds of machine; no wording of a complaint stands in two files",
        knowledge.cards().len(),
        knowledge.machines().len()
    ))
}
