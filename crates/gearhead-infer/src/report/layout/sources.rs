//! Where the statements come from.

use super::{Block, Kind, Line, Section};
use crate::report::{Origin, OriginKind, Report};

pub(super) fn section(report: &Report) -> Option<Section> {
    let (of_codes, others): (Vec<&Origin>, Vec<&Origin>) =
        report.origins.iter().partition(|origin| origin.kind == OriginKind::CodeTable);
    let mut lines: Vec<Line> = others.into_iter().map(line).collect();
    for (verified, what) in [
        (true, "tables of fault codes"),
        (false, "tables of fault codes, which know the failure mode and not the part"),
    ] {
        let names = of_codes.iter().filter(|origin| origin.verified == verified);
        let names: Vec<&str> = names.map(|origin| origin.name.as_str()).collect();
        if !names.is_empty() {
            lines.push(Line::new(format!("codes ({}): {what}", names.join(", "))));
        }
    }
    (!lines.is_empty())
        .then(|| Section::new(Kind::Origins, "Where this comes from", vec![Block::List(lines)]))
}

fn line(origin: &Origin) -> Line {
    let parts: Vec<String> = origin.parts.iter().map(|part| part.replace('_', " ")).collect();
    let name = match origin.kind {
        OriginKind::Card => format!("card {}", origin.name),
        OriginKind::Case => format!("past case {}", origin.name),
        OriginKind::CodeTable | OriginKind::Model => origin.name.clone(),
    };
    let standing = match (origin.kind, origin.verified, origin.sources.as_slice()) {
        (OriginKind::Card, true, []) => ", found in a published source".to_owned(),
        (OriginKind::Card, false, []) => ", trade knowledge: not found in a published source".to_owned(),
        (OriginKind::Card, true, sources) => format!(", found in {}", sources.join(", ")),
        (OriginKind::Card, false, sources) => {
            format!(", trade knowledge: in part found in {}", sources.join(", "))
        }
        _ => String::new(),
    };
    Line::new(format!("{}: {name}{standing}", parts.join(", ")))
}
