//! `gearhead data generate`: cases from the fault cards.

use gearhead::data::{
    case::write_cases,
    generate::{GenerateConfig, Split, generate},
    knowledge::{KnowledgeBase, check},
};
use serde_json::json;

use super::super::knowledge_base;
use crate::{args::DataGenerateArgs, failure::Failure, output};

pub(super) fn run(args: &DataGenerateArgs) -> Result<(), Failure> {
    let knowledge = knowledge_base(args.knowledge.folder.as_deref())?;
    able_to_generate(&knowledge)?;
    let generated = generate(&knowledge, &GenerateConfig::new(args.count, args.seed))?;
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

/// A company's card need not have every wording to be diagnosed by, but to make cases from.
fn able_to_generate(knowledge: &KnowledgeBase) -> Result<(), Failure> {
    match check(knowledge).into_iter().find(|finding| finding.rule.stops_generation()) {
        None => Ok(()),
        Some(finding) => Err(Failure::bad_input(
            "knowledge",
            format!("no cases can be made from `{}`: {}", finding.subject, finding.sentence),
        )),
    }
}
