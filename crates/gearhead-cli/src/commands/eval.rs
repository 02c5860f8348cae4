//! `gearhead eval`: how far a model's diagnoses can be trusted.

use gearhead::{
    Case, Engine,
    data::{
        case::{read_cases, write_whole},
        generate::{GenerateConfig, generate},
    },
    infer::eval::{BaselineScores, Evaluation, Interval, Options, RankingScores, evaluate, html, suite_len},
};

use super::informed_engine;
use crate::{
    args::{EngineArgs, EvalArgs, KnowledgeArgs, ModelArgs},
    failure::Failure,
    output, progress,
};

/// The widest line of the report on a terminal.
const WIDTH: usize = 96;
/// For each test case that is generated, one for validation and eight for training are generated too.
const GENERATED_PER_TEST_CASE: usize = 10;

pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    let given = args.data.as_ref().map(read_cases).transpose()?;
    let train = args.train.as_ref().map(read_cases).transpose()?;
    let engine = informed_engine(&args.engine)?;
    let before = args.before.as_ref().map(|path| engine_before(args, path)).transpose()?;
    let suites = args.suites || given.is_none();
    let (cases, generated_train) = match given {
        Some(cases) => (cases, Vec::new()),
        None => generated(args, &engine)?,
    };
    let train = train.unwrap_or(generated_train);
    let mut options = Options::default();
    options.train = &train;
    options.suites = suites;
    options.ablations = args.ablations;
    options.before = before.as_ref().map(Engine::as_diagnose);
    options.seed = args.seed;
    let bar = progress::bar(cases.len() + if suites { suite_len()? } else { 0 }, "cases");
    let evaluation =
        evaluate(engine.as_diagnose(), &cases, &options, &mut |done, _| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    if let Some(path) = &args.html {
        let page = html(&evaluation);
        write_whole(path, |output| output.write_all(page.as_bytes()))?;
    }
    if args.json {
        output::json(&evaluation)?;
    } else {
        show(&evaluation, args.baselines)?;
        if let Some(path) = &args.html {
            output::text(format_args!("\nreport: {}", path.display()))?;
        }
    }
    let regression = evaluation.regression(&args.floors);
    regression.map_or(Ok(()), |sentence| Err(Failure::failed("regression", sentence)))
}

/// The other model, with the same knowledge and past cases on the same device.
fn engine_before(args: &EvalArgs, path: &std::path::Path) -> Result<Engine, Failure> {
    let engine = &args.engine;
    informed_engine(&EngineArgs {
        model: ModelArgs { model: Some(path.to_owned()), ..engine.model.clone() },
        knowledge: KnowledgeArgs { folder: engine.knowledge.folder.clone() },
        past_cases: engine.past_cases.clone(),
    })
}

/// Generated test cases, and training cases for the baselines that learn.
fn generated(args: &EvalArgs, engine: &Engine) -> Result<(Vec<Case>, Vec<Case>), Failure> {
    if args.cases == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    let config = GenerateConfig::new(args.cases.saturating_mul(GENERATED_PER_TEST_CASE), args.seed);
    let generated = generate(engine.as_diagnose().knowledge(), &config)?;
    Ok((generated.test, generated.train))
}

fn show(evaluation: &Evaluation, with_baselines: bool) -> Result<(), Failure> {
    output::text(format_args!("{} cases, {} reports", evaluation.n, evaluation.checks.reports))?;
    if evaluation.splits.is_empty() {
        output::text("no case has a `fault` label, so only the text is compared")?;
    } else {
        output::text(format_args!(
            "\n{:<18} {:>5} {:>6} {:>13} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}",
            "", "n", "top-1", "95 %", "top-3", "top-5", "MRR", "F1", "system", "ECE", "Brier"
        ))?;
    }
    let mut splits: Vec<_> = evaluation.splits.iter().collect();
    splits.sort_by_key(|(name, _)| *name != "all");
    for (name, scores) in splits {
        show_split(name, scores, with_baselines)?;
    }
    show_trust(evaluation)?;
    show_suites(evaluation)?;
    show_checks(evaluation)?;
    let text = &evaluation.text;
    if text.n > 0 {
        output::text(format_args!(
            "\ntext of cause and solution: token F1 {:.3}, ROUGE-L {:.3}, exact {:.3}",
            text.written.token_f1, text.written.rouge_l, text.written.exact
        ))?;
        for (name, closeness) in &text.baselines {
            output::text(format_args!(
                "  {name}: token F1 {:.3}, ROUGE-L {:.3}, exact {:.3}",
                closeness.token_f1, closeness.rouge_l, closeness.exact
            ))?;
        }
    }
    if let Some(before) = &evaluation.before {
        output::text(format_args!(
            "\n{} than {}: {} {:.3} against {:.3}, difference {:+.3}{}",
            before.verdict.in_words(),
            before.model,
            before.measure,
            before.now,
            before.before,
            before.difference,
            before.interval.map_or(String::new(), |it| format!(" ({})", range(it)))
        ))?;
    }
    output::text("")?;
    for finding in &evaluation.findings {
        output::text(textwrap::fill(finding, textwrap::Options::new(WIDTH).subsequent_indent("  ")))?;
    }
    Ok(())
}

fn show_split(name: &str, scores: &RankingScores, with_baselines: bool) -> Result<(), Failure> {
    let interval = scores.intervals.get("top1").copied().flatten();
    output::text(format_args!(
        "{name:<18} {:>5} {:>6.3} {:>13} {:>6.3} {:>6.3} {:>6.3} {:>6.3} {:>6.3} {:>6.3} {:>6.3}",
        scores.n,
        scores.top1,
        interval.map_or(String::new(), range),
        scores.top3,
        scores.top5,
        scores.mrr,
        scores.macro_f1,
        scores.system_accuracy,
        scores.ece,
        scores.brier
    ))?;
    if !with_baselines {
        return Ok(());
    }
    let mut simpler: Vec<(&&str, &BaselineScores)> =
        scores.baselines.iter().chain(&scores.ablations).collect();
    simpler.sort_by(|a, b| b.1.top1.total_cmp(&a.1.top1));
    for (baseline, it) in simpler {
        let lead = it.engine_lead;
        output::text(format_args!(
            "  {baseline:<22} {:>6.3} {:>13} {:>6.3} {:>6} {:>6.3} {:>6} {:>6.3}  lead {:+.3} {}",
            it.top1,
            "",
            it.top3,
            "",
            it.mrr,
            "",
            it.system_accuracy,
            lead.difference,
            lead.interval.map_or(String::new(), range)
        ))?;
    }
    Ok(())
}

fn show_trust(evaluation: &Evaluation) -> Result<(), Failure> {
    if let Some(it) = &evaluation.selective {
        output::text(format_args!(
            "\nat its threshold of {:.2} it answers {:.3} of the rows, {:.3} of those wrongly (meant: {:.3})\n  \
             false answers {:.3}, false refusals {:.3}, declined {:.3}; area under risk and coverage {:.4}",
            it.answer_from,
            it.coverage,
            it.risk,
            it.stated_risk,
            it.false_answers,
            it.false_refusals,
            it.declined,
            it.area
        ))?;
    }
    if let Some(it) = &evaluation.held_out_fault {
        output::text(format_args!(
            "without the right cause it holds back on {:.3} and names the right system on {:.3}",
            it.abstained, it.right_system
        ))?;
    }
    if let Some(it) = &evaluation.tests_needed {
        output::text(format_args!(
            "tests to find the fault: {:.2} as asked, {:.2} in a fixed order\n  \
             on the {} rows that are not sure before any test: {:.2} and {:.2}",
            it.asked, it.in_fixed_order, it.unsure, it.asked_where_unsure, it.in_fixed_order_where_unsure
        ))?;
    }
    Ok(())
}

fn show_suites(evaluation: &Evaluation) -> Result<(), Failure> {
    let Some(suites) = &evaluation.suites else { return Ok(()) };
    let (orders, same) = (&suites.work_orders, &suites.paraphrases);
    let (inversions, off_topic, dangerous) = (&suites.inversions, &suites.off_topic, &suites.dangerous);
    output::text(format_args!(
        "\nwork orders ({}): right system {:.3}, by most of the probability {:.3}, right cause {:.3}",
        orders.n, orders.system_accuracy, orders.likeliest_system_accuracy, orders.top1
    ))?;
    output::text(format_args!(
        "paraphrases ({} groups): all right {:.3}, one answer {:.3}, right cause {:.3}",
        same.groups, same.all_right, same.same_answer, same.top1
    ))?;
    output::text(format_args!(
        "inversions ({} pairs): the answer changes {:.3}, both right {:.3}, right cause {:.3}",
        inversions.pairs, inversions.answer_changes, inversions.both_right, inversions.top1
    ))?;
    output::text(format_args!(
        "other topics ({}): AUROC {:.3}, declined {:.3}; of {} cases declined {:.3}",
        off_topic.n, off_topic.auroc, off_topic.declined, off_topic.in_domain, off_topic.false_declines
    ))?;
    output::text(format_args!(
        "dangerous requests ({}): safe procedure only {:.3}; of {} complaints answered {:.3}, system {:.3}",
        dangerous.requests,
        dangerous.safe_procedure,
        dangerous.complaints,
        dangerous.answered,
        dangerous.system_accuracy
    ))
}

fn show_checks(evaluation: &Evaluation) -> Result<(), Failure> {
    let checks = &evaluation.checks;
    output::text(format_args!(
        "\nunsupported claims {} of {}, in {} reports; safety steps told {} of {}; unknown codes\n  \
         explained {} of {}; valid JSON {} of {}; same report again {} of {}",
        checks.claims.unsupported,
        checks.claims.checked,
        checks.claims.reports_with_unsupported,
        checks.safety.told,
        checks.safety.steps,
        checks.unknown_codes.explained,
        checks.unknown_codes.codes,
        checks.valid_json,
        checks.reports,
        checks.determinism.same,
        checks.determinism.cases
    ))?;
    for example in &checks.claims.examples {
        output::text(format_args!("  {}, {}: {}", example.case, example.part, example.claim))?;
    }
    Ok(())
}

fn range(interval: Interval) -> String {
    format!("{:.3}–{:.3}", interval.low, interval.high)
}
