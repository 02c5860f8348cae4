//! `gearhead eval`: how good a model is.

use gearhead::{
    data::case::read_cases,
    infer::eval::{Evaluation, evaluate},
};

use super::informed_engine;
use crate::{args::EvalArgs, failure::Failure, output, progress};

pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    let cases = read_cases(&args.data)?;
    let engine = informed_engine(&args.model, &args.knowledge)?;
    let bar = progress::bar(cases.len(), "cases");
    let evaluation = evaluate(engine.as_diagnose(), &cases, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    if args.json { output::json(&evaluation) } else { table(&evaluation, args.baselines) }
}

fn table(evaluation: &Evaluation, with_baselines: bool) -> Result<(), Failure> {
    output::text(format_args!("{} cases", evaluation.n))?;
    if evaluation.splits.is_empty() {
        output::text("no case has a `fault` label, so only the text is compared")?;
    } else {
        output::text(format_args!(
            "\n{:<28} {:>5} {:>6} {:>6} {:>6} {:>7} {:>6}",
            "", "n", "top-1", "top-3", "MRR", "system", "ECE"
        ))?;
    }
    for (name, scores) in &evaluation.splits {
        output::text(format_args!(
            "{name:<28} {:>5} {:>6.3} {:>6.3} {:>6.3} {:>7.3} {:>6.3}",
            scores.n, scores.top1, scores.top3, scores.mrr, scores.system_accuracy, scores.ece
        ))?;
        if with_baselines {
            for (baseline, scores) in &scores.baselines {
                output::text(format_args!(
                    "  {:<32} {:>6.3} {:>6.3} {:>6.3}",
                    baseline, scores.top1, scores.top3, scores.mrr
                ))?;
            }
        }
    }
    let text = &evaluation.text;
    output::text(format_args!(
        "\ntext of cause and solution: token F1 {:.3}, ROUGE-L {:.3}, exact {:.3}",
        text.token_f1, text.rouge_l, text.exact
    ))
}
