//! `gearhead data check`: what is wrong with records, and whether something gives their label away.

use gearhead::data::{
    case::write_whole,
    check::{Files, Finding, Leakage, MeasuredOn, Options, Report, Tokens, check, html},
    tokenizer::Tokenizer,
};

use crate::{args::CheckArgs, commands::knowledge_base, failure::Failure, output, progress};

/// The widest line of the report on a terminal.
const WIDTH: usize = 100;

pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let knowledge = knowledge_base(args.knowledge.folder.as_deref())?;
    let tokenizer = args.tokenizer.as_ref().map(Tokenizer::open).transpose()?;
    let mut files = Files::train(args.files.iter().cloned());
    files.validation.clone_from(&args.validation);
    files.test.clone_from(&args.test);
    let mut options = Options::default();
    options.seed = args.seed;
    options.codes = knowledge.codes();
    options.tokens = tokenizer.as_ref().map(|tokenizer| Tokens {
        tokenizer,
        max_seq_len: args.max_seq_len.map(|max_seq_len| max_seq_len as usize),
    });
    let inputs = args.files.iter().chain(&args.validation).chain(&args.test);
    let size = inputs.filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum();
    let bar = progress::bytes(size);
    let report = check(&files, &options, &mut |read| bar.set_position(read));
    bar.finish_and_clear();
    let report = report?;
    if let Some(path) = &args.html {
        let page = html(&report);
        write_whole(path, |output| output.write_all(page.as_bytes()))?;
    }
    if args.json {
        output::json(&report)?;
    } else {
        show(&report)?;
        if let Some(path) = &args.html {
            output::text(format_args!("\nreport: {}", path.display()))?;
        }
    }
    if !args.fail_on.fails(report.worst()) {
        return Ok(());
    }
    let reason = report.findings.first().map_or("", |finding| finding.message.as_str());
    Err(Failure::bad_input("check", format!("the records are not fit for use: {reason}")))
}

fn show(report: &Report) -> Result<(), Failure> {
    output::text(format_args!("score: {} of 100, {} records", report.score, report.records))?;
    for finding in &report.findings {
        show_finding(finding)?;
    }
    if report.findings.is_empty() {
        output::text("\nnothing was found")?;
    }
    if let Some(leakage) = &report.leakage {
        show_leakage(leakage)?;
    }
    output::text(format_args!(
        "\nlabels: {} distinct, {} with fewer than five records; machines: {} distinct",
        report.labels.distinct, report.labels.rare, report.equipment.distinct
    ))?;
    for (field, lengths) in &report.lengths {
        let (unit, measured) = match &lengths.tokens {
            Some(tokens) => ("tokens", tokens),
            None => ("words", &lengths.words),
        };
        output::text(format_args!(
            "{field:<17} {unit}: median {}, 95 % up to {}, longest {}",
            measured.median, measured.percentile_95, measured.max
        ))?;
    }
    Ok(())
}

fn show_finding(finding: &Finding) -> Result<(), Failure> {
    let head = format!("{}: {} [{}]", finding.severity.as_str(), finding.message, finding.id);
    let wrapped = |text: &str, first: &str, rest: &str| {
        textwrap::fill(text, textwrap::Options::new(WIDTH).initial_indent(first).subsequent_indent(rest))
    };
    output::text(format_args!("\n{}", wrapped(&head, "", "  ")))?;
    for example in &finding.examples {
        let text = example.text.as_deref().map_or(String::new(), |text| format!("  {text}"));
        output::text(format_args!("  {}:{}{text}", example.path.display(), example.line))?;
    }
    output::text(wrapped(finding.advice, "  → ", "    "))
}

fn show_leakage(leakage: &Leakage) -> Result<(), Failure> {
    let measured = match leakage.measured_on {
        MeasuredOn::TestFile => "the test file",
        _ => "a random half of the rows, as no test file was given",
    };
    output::text(format_args!(
        "\nhow often simple rules give the label, on {measured} ({} rows):",
        leakage.measured_rows
    ))?;
    let percent = |share: f64| share * 100.0;
    output::text(format_args!(
        "  {:<44} {:>5.1} %",
        "always the most frequent label",
        percent(leakage.floor)
    ))?;
    for score in &leakage.rules {
        output::text(format_args!("  {:<44} {:>5.1} %", score.rule.in_words(), percent(score.accuracy)))?;
    }
    Ok(())
}
