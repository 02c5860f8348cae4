//! `gearhead fit`: how much each kind of evidence counts, without training the language model again.

use gearhead::{
    data::{case::read_cases, manifest::Thresholds},
    fit_on,
    infer::engine::model_directory,
};
use serde_json::json;

use super::device;
use crate::{args::FitArgs, failure::Failure, output};

pub(crate) fn run(args: &FitArgs) -> Result<(), Failure> {
    let (train, validation) = (read_cases(&args.train)?, read_cases(&args.validation)?);
    let model = model_directory(&args.model);
    let device = device::for_model(args.device, Some(&model))?;
    let fitted = fit_on(&device, &model, &train, &validation, args.seed)?;
    let Some(fitted) = fitted else {
        let text = format!("{}: the model ranks no causes, so there is nothing to fit", model.display());
        return Err(Failure::bad_input("no_candidates", text));
    };
    let (ranking, thresholds) = (fitted.ranking, fitted.thresholds);
    if args.json {
        return output::json(&json!({
            "model": model,
            "ranking": ranking,
            "thresholds": thresholds,
            "cases": fitted.cases,
            "unranked": fitted.unranked,
        }));
    }
    output::text(format_args!(
        "{}: language model {:.3}, cards {:.4}, codes {:.3}, past cases {:.3}, single words {:.3}",
        model.display(),
        ranking.model,
        ranking.cards,
        ranking.codes,
        ranking.cases,
        ranking.linear,
    ))?;
    if fitted.unranked > 0 {
        output::text(format_args!(
            "{} of {} validation cases are of causes that the model does not rank: no answer to them is right",
            fitted.unranked, fitted.cases
        ))?;
    }
    output::text(format_args!("{}", of_answers(&thresholds)))
}

/// From when on a model answers.
pub(super) fn of_answers(thresholds: &Thresholds) -> String {
    let Thresholds { answer_from, risk, coverage } = *thresholds;
    let risk = 100.0 * risk;
    if coverage > 0.0 {
        return format!(
            "answers from {answer_from:.2} on: {:.0} % of the validation cases, of which at most {risk:.0} % should be wrong",
            100.0 * coverage,
        );
    }
    format!(
        "no answer is given, causes are ranked only: there is no probability from which on the validation cases make sure \
         that at most {risk:.0} % are wrong; more of them can, or a model that is right more often"
    )
}
