use std::{fmt::Write as _, path::Path};

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;
use crate::{
    case::{Case, write_cases},
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
    tokenizer::Tokenizer,
};

fn checked(lines: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    std::fs::write(&path, lines).unwrap();
    check(&Files::train([path]), &Options::default(), &mut |_| ()).unwrap()
}

fn finding<'a>(report: &'a Report, id: &str) -> Option<&'a Finding> {
    report.findings.iter().find(|finding| finding.id == id)
}

/// The lines at which a check finds something in `lines`, each of which is a case but for the fields given.
fn lines_found(id: &str, records: &[serde_json::Value]) -> Vec<u64> {
    let mut text = String::new();
    for (number, record) in records.iter().enumerate() {
        let mut whole = json!({
            "equipment": format!("Machine {}", number % 7),
            "symptom": format!("{} leaks oil at the {} end", ["boom", "stick", "bucket", "dozer"][number % 4], "x".repeat(number + 1)),
            "probable_cause": format!("Worn seal of cylinder kind {}", "abcdefg".split_at(number % 7).0),
            "solution": "Fit a new seal kit",
        });
        for (field, value) in record.as_object().unwrap() {
            whole[field] = value.clone();
        }
        writeln!(text, "{whole}").unwrap();
    }
    let report = checked(&text);
    let found = finding(&report, id);
    if let Some(found) = found {
        assert!(!found.message.is_empty() && !found.advice.is_empty());
        assert!(found.count >= found.examples.len() as u64);
    }
    found.map_or(Vec::new(), |found| found.examples.iter().map(|example| example.line).collect())
}

#[test]
fn faulty_records_are_found_by_line_and_the_rest_is_checked() {
    let report =
        checked("{\"equipment\": \"a\", \"symptom\": \"will not start\"}\n{\"equipment\": 3}\nnonsense\n");
    let faults = finding(&report, "schema-fault").unwrap();
    assert_eq!((faults.severity, faults.count), (Severity::Error, 2));
    assert_eq!(faults.examples.iter().map(|example| example.line).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(faults.examples[0].text.as_deref(), Some("`equipment` must be a string, found a number"));
    assert_eq!((report.records, report.files[0].faulty), (1, 2));
}

#[test]
fn a_file_without_a_record_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.jsonl");
    std::fs::write(&path, "\n").unwrap();
    let files = |path: &Path| Files::train([path.to_owned()]);
    assert!(matches!(check(&files(&path), &Options::default(), &mut |_| ()), Err(Error::NoCases { .. })));
    let missing = check(&files(Path::new("/nowhere.jsonl")), &Options::default(), &mut |_| ());
    assert!(matches!(missing, Err(Error::Io { .. })));
}

#[test]
fn empty_and_short_fields() {
    let symptoms = ["N/A", "as above", "?!", "ac", "No start", "oil"].map(|text| json!({ "symptom": text }));
    assert_eq!(lines_found("placeholder-text", &symptoms), [1, 2]);
    assert_eq!(lines_found("short-symptom", &symptoms), [3, 4]);
    let targets = [json!({ "solution": "See above." }), json!({ "probable_cause": "See above the pump" })];
    assert_eq!(lines_found("placeholder-text", &targets), [1]);
}

#[test]
fn targets_that_repeat_or_miss() {
    let symptom = "Loses power, under load";
    let records = [
        json!({ "symptom": symptom, "probable_cause": "loses POWER under load." }),
        json!({ "symptom": symptom, "solution": symptom }),
        json!({ "symptom": symptom, "probable_cause": "Loses power under load as the filter is choked" }),
    ];
    assert_eq!(lines_found("target-repeats-symptom", &records), [1, 2]);
    let records = [
        json!({ "probable_cause": null, "solution": null }),
        json!({ "probable_cause": null }),
        json!({ "solution": " " }),
        json!({ "probable_cause": "", "solution": "" }),
    ];
    assert_eq!(lines_found("missing-target", &records), [1, 4]);
}

#[test]
fn codes_that_are_not_understood() {
    let records = [
        json!({ "error_codes": ["Z-99-XX"] }),
        json!({ "error_codes": ["P0087", "SPN 157 FMI 18"] }),
        json!({ "error_codes": ["SPN 9999 FMI 3"] }),
        json!({ "error_codes": [] }),
    ];
    assert_eq!(lines_found("opaque-code", &records), [1]);
    assert_eq!(lines_found("unknown-code", &records), [3]);
}

#[test]
fn a_companys_table_makes_a_code_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    let case = Case { error_codes: vec!["Z-99-XX".into()], ..Case::new("a machine", "slow boom") };
    write_cases(&path, [&case]).unwrap();
    let table = "[[codes]]\ncode = \"Z-99-XX\"\nmeaning = \"boom valve\"\n";
    let codes = CodeTable::builtin().with_overrides(table).unwrap();
    let options = Options { codes: &codes, ..Options::default() };
    let report = check(&Files::train([path.clone()]), &options, &mut |_| ()).unwrap();
    assert_eq!(finding(&report, "opaque-code"), None);
    let report = check(&Files::train([path]), &Options::default(), &mut |_| ()).unwrap();
    assert!(finding(&report, "opaque-code").is_some());
}

#[test]
fn codes_that_contradict_the_text() {
    let with = |code: &str, symptom: &str| json!({ "error_codes": [code], "symptom": symptom });
    let wrong = [
        with("P0735", "slips in 3rd gear"),
        with("P0731", "Bangs into Gear #4"),
        with("P0733", "no drive in second gear"),
        with("P0736", "slips in gear 2"),
        with("P0302", "misfire on cylinder 4"),
    ];
    assert_eq!(lines_found("code-contradicts-text", &wrong), [1, 2, 3, 4, 5]);
    let wrong = [with("SPN 653 FMI 5", "cyl no. 1 dead"), with("P0204", "#2 injector knocks")];
    assert_eq!(lines_found("code-contradicts-text", &wrong), [1, 2]);
    let right = [
        with("P0735", "slips in fifth gear"),
        with("P0735", "slips in 3rd gear and gear 5"),
        with("P0736", "no reverse, gear 1 is fine"),
        with("P0300", "misfire on cylinder 4"),
        with("P0304", "misfire on cylinder 4"),
        with("P0302", "cylinder pressure 24 bar low"),
        with("P0087", "slips in 3rd gear"),
        with("P0735", "the gear lever is stiff"),
    ];
    assert_eq!(lines_found("code-contradicts-text", &right), [0_u64; 0]);
}

#[test]
fn codes_of_another_system() {
    let with = |codes: &[&str], system: &str| json!({ "error_codes": codes, "system": system });
    let records = [
        with(&["SPN 157 FMI 18"], "cooling"),
        with(&["SPN 157 FMI 18"], "fuel"),
        with(&["SPN 157 FMI 18", "SPN 110 FMI 0"], "cooling"),
        with(&["Z-1"], "cooling"),
    ];
    assert_eq!(lines_found("code-of-another-system", &records), [1]);
}

#[test]
fn personal_data_is_found_and_not_shown() {
    let records = [
        json!({ "solution": "Hose changed by Walter Brandt" }),
        json!({ "symptom": "Mail jo.doe@mine.example about the leak" }),
        json!({ "probable_cause": "Cracked hose, call 555-201-3344" }),
        json!({ "diagnostic_steps": ["Read S/N: KMTPC243A12345 first"] }),
        json!({ "solution": "Hose changed by the Cat dealer", "equipment": "CAT 320 S/N KMTPC243A12345" }),
    ];
    for (line, id) in
        ["personal-name", "personal-email", "personal-phone", "personal-serial"].into_iter().enumerate()
    {
        assert_eq!(lines_found(id, &records), [line as u64 + 1], "{id}");
    }
    let report =
        checked(&json!({ "equipment": "a", "symptom": "per Walter Brandt, ph 0412 555 019" }).to_string());
    let page = html(&report) + &serde_json::to_string(&report).unwrap();
    assert!(finding(&report, "personal-name").is_some() && finding(&report, "personal-phone").is_some());
    assert!(!page.contains("Walter") && !page.contains("Brandt") && !page.contains("0412"), "{page}");
}

#[test]
fn copies_of_records_complaints_and_ids() {
    let records = [
        json!({ "id": "1", "symptom": "Boom drifts down overnight", "equipment": "a", "probable_cause": "x", "solution": "y" }),
        json!({ "id": "2", "symptom": "Boom drifts down overnight", "equipment": "a", "probable_cause": "x", "solution": "y" }),
        json!({ "id": "2", "symptom": "Boom drifts down  OVERNIGHT 2", "equipment": "a" }),
        json!({ "id": "3", "symptom": "Engine cranks but there is no fire" }),
    ];
    assert_eq!(lines_found("duplicate-record", &records), [2]);
    assert_eq!(lines_found("duplicate-id", &records), [3]);
    assert_eq!(lines_found("near-duplicate", &records), [1, 3]);
    assert_eq!(lines_found("one-symptom-many-causes", &records), [0_u64; 0]);
    let records = ["a worn pump", "a stuck valve"]
        .map(|cause| json!({ "symptom": "Boom is slow", "probable_cause": cause }));
    assert_eq!(lines_found("one-symptom-many-causes", &records), [1]);
}

#[test]
fn label_frequencies() {
    let many = |n: usize| (0..n).map(|_| json!({ "fault": "common" }));
    let records: Vec<_> = many(24).chain((0..6).map(|n| json!({ "fault": format!("rare{n}") }))).collect();
    assert_eq!(lines_found("rare-label", &records), [25, 26, 27, 28, 29]);
    let text = |records: &[serde_json::Value]| {
        let lines = records.iter().map(|record| {
            let mut record = record.clone();
            record["equipment"] = "a".into();
            record["symptom"] = "will not start".into();
            record.to_string()
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let report = checked(&text(&records));
    assert_eq!(finding(&report, "dominating-label").unwrap().count, 24);
    assert_eq!((report.labels.distinct, report.labels.rare), (7, 6));
    assert_eq!(report.labels.most_frequent[0], NameCount { name: "common".into(), records: 24 });
    let report = checked(&text(&many(24).collect::<Vec<_>>()));
    assert_eq!(finding(&report, "single-label").unwrap().severity, Severity::Error);
    let balanced: Vec<_> = (0..30).map(|n| json!({ "fault": format!("f{}", n % 3) })).collect();
    let report = checked(&text(&balanced));
    for id in ["single-label", "dominating-label", "rare-label"] {
        assert_eq!(finding(&report, id), None, "{id}");
    }
}

#[test]
fn records_that_do_not_fit_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    let case = |symptom: &str, solution: &str| Case {
        solution: Some(solution.into()),
        probable_cause: Some("worn".into()),
        ..Case::new("CAT", symptom)
    };
    let cases = [
        case("no start", "new"),
        case("no start", &"new part ".repeat(40)),
        case(&"no start ".repeat(40), "new"),
    ];
    write_cases(&path, &cases).unwrap();
    let texts: Vec<String> = cases.iter().flat_map(crate::prompt::texts).collect();
    let tokenizer = Tokenizer::train(texts.iter(), 280, 2).unwrap();
    let tokens = |max_seq_len| Some(Tokens { tokenizer: &tokenizer, max_seq_len });
    let report = |tokens| {
        check(&Files::train([path.clone()]), &Options { tokens, ..Options::default() }, &mut |_| ()).unwrap()
    };
    let limited = report(tokens(Some(60)));
    assert_eq!(finding(&limited, "truncated").unwrap().examples[0].line, 2);
    let too_long = finding(&limited, "prompt-too-long").unwrap();
    assert_eq!((too_long.severity, too_long.count, too_long.examples[0].line), (Severity::Error, 1, 3));
    let open = report(tokens(None));
    assert!(finding(&open, "truncated").is_none() && finding(&open, "prompt-too-long").is_none());
    let expected = crate::prompt::encode_field(&tokenizer, &cases[2].symptom).unwrap().len() as u64;
    assert_eq!(open.lengths["symptom"].tokens.as_ref().unwrap().max, expected);
    assert_eq!(open.lengths["solution"].words.max, 80);
    assert!(report(None).lengths["symptom"].tokens.is_none());
}

/// A set as a prototype made it: ten sentences with one slot each, ten machines, a fixed pair of codes and one cause
/// for each sentence, rows drawn at random.
fn prototype(n: usize) -> Vec<Case> {
    const SENTENCES: [(&str, [&str; 3], [&str; 2]); 10] = [
        ("Engine starts but loses power under", ["load", "digging", "lifting"], ["P0087", "SPN 157"]),
        ("Hydraulic arm moves slowly when", ["cold", "warm", "digging"], ["C0045", "SPN 1762"]),
        ("Engine gets too hot after minutes of", ["work", "idling", "travel"], ["P0217", "SPN 110"]),
        ("Machine does not start in the", ["morning", "evening", "rain"], ["P0615", "SPN 677"]),
        ("Black smoke leaves the stack during", ["acceleration", "digging", "travel"], ["P0401", "SPN 2791"]),
        ("Transmission slips on the ramp in", ["first", "second", "third"], ["P0730", "SPN 191"]),
        ("Brake pedal when pressed feels", ["soft", "spongy", "low"], ["C0110", "SPN 521"]),
        ("Charge light stays on at", ["idle", "night", "startup"], ["P0562", "SPN 167"]),
        ("Swing motor turns with a noise like", ["grinding", "whining", "clicking"], ["C0200", "SPN 3000"]),
        ("Air conditioning in the cab blows", ["warm", "weak", "damp"], ["B1234", "SPN 876"]),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let rows = (0..n).map(|_| {
        let fault = rng.random_range(0..SENTENCES.len());
        let (sentence, slots, codes) = SENTENCES[fault];
        let slot = slots.choose(&mut rng).unwrap();
        Case {
            probable_cause: Some(format!(
                "Cause number {}",
                ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][fault]
            )),
            solution: Some("Replace it".into()),
            error_codes: codes.map(str::to_owned).to_vec(),
            ..Case::new(format!("Maker {} Excavator", rng.random_range(0..10)), format!("{sentence} {slot}"))
        }
    });
    rows.collect()
}

fn split_report(train: &[Case], test: &[Case]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let [train_path, test_path] = ["train.jsonl", "test.jsonl"].map(|name| folder.path().join(name));
    write_cases(&train_path, train).unwrap();
    write_cases(&test_path, test).unwrap();
    let files = Files { train: vec![train_path], validation: None, test: Some(test_path) };
    check(&files, &Options::default(), &mut |_| ()).unwrap()
}

#[test]
fn a_set_made_as_the_prototypes_was_is_flagged_with_the_reason_in_one_sentence() {
    let rows = prototype(1_000);
    let report = split_report(&rows[..800], &rows[800..]);
    let codes = finding(&report, "code-leakage").unwrap();
    assert_eq!(codes.severity, Severity::Error);
    assert!(
        codes.message.starts_with(
            "the first four characters of the fault code give the label of 100 % of the test rows"
        ) && codes.message.ends_with("a model can score well without reading the complaint"),
        "{}",
        codes.message
    );
    let copies = finding(&report, "near-copy-leakage").unwrap();
    assert_eq!(copies.severity, Severity::Error);
    assert!(
        copies.message.starts_with("100 % of the test rows have a near copy in the training rows"),
        "{}",
        copies.message
    );
    assert_eq!(finding(&report, "near-duplicate").unwrap().count, 1_000);
    assert_eq!(finding(&report, "wording-leakage").unwrap().severity, Severity::Error);
    assert!(finding(&report, "record-in-two-parts").is_some_and(|found| found.count > 100));
    assert_eq!(finding(&report, "equipment-leakage"), None);
    assert!(report.score <= 20, "{}", report.score);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.jsonl");
    write_cases(&path, &rows).unwrap();
    let unsplit = check(&Files::train([path]), &Options::default(), &mut |_| ()).unwrap();
    for id in ["code-leakage", "near-copy-leakage"] {
        assert_eq!(finding(&unsplit, id).map(|found| found.severity), Some(Severity::Error), "{id}");
    }
    assert_eq!(unsplit.leakage.unwrap().measured_on, MeasuredOn::RandomHalf);
}

#[test]
fn the_projects_own_data_is_not() {
    let generated = generate(KnowledgeBase::builtin(), &GenerateConfig::new(6_000, 3)).unwrap();
    let report = split_report(&generated.train, &generated.test);
    for id in [
        "code-leakage",
        "equipment-leakage",
        "id-leakage",
        "near-copy-leakage",
        "wording-leakage",
        "record-in-two-parts",
    ] {
        let found = finding(&report, id).filter(|found| found.severity == Severity::Error);
        assert_eq!(found, None, "{id}");
    }
    assert_eq!(report.worst().filter(|worst| *worst == Severity::Error), None, "{:?}", report.findings);
    let leakage = report.leakage.unwrap();
    assert_eq!((leakage.learned_rows, leakage.measured_rows), (4_800, 600));
}

/// Cases that nothing but `give_away` tells apart.
fn leaking(give_away: impl Fn(&mut Case, usize, usize)) -> Vec<Case> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut word = || (0..6).map(|_| char::from(b'a' + rng.random_range(0..26_u8))).collect::<String>();
    let rows = (0..600).map(|row| {
        let fault = row * 7 % 10;
        let symptom = (0..6).map(|_| word()).collect::<Vec<_>>().join(" ");
        let mut case =
            Case { fault: Some(format!("fault{fault}")), ..Case::new(format!("M{}", row % 6), symptom) };
        give_away(&mut case, row, fault);
        case
    });
    rows.collect()
}

#[test]
fn each_give_away_is_told_from_the_others() {
    let leaks = |rows: &[Case]| {
        let (train, test) = rows.split_at(400);
        let report = split_report(train, test);
        let found = report.findings.iter().filter(|found| found.id.ends_with("-leakage"));
        found.map(|found| (found.id, found.severity)).collect::<Vec<_>>()
    };
    assert_eq!(leaks(&leaking(|_, _, _| ())), []);
    assert_eq!(
        leaks(&leaking(|case, _, fault| case.equipment = format!("M{fault}"))),
        [("equipment-leakage", Severity::Error)]
    );
    assert_eq!(
        leaks(&leaking(
            |case, row, fault| case.id = Some(format!("F{}-{row}", ["x", "y"][fault % 2].repeat(1 + fault)))
        )),
        [("id-leakage", Severity::Error)]
    );
    assert_eq!(
        leaks(&leaking(
            |case, _, fault| case.error_codes = vec![format!("P0{}23", 100 + fault * 7)[..5].to_owned()]
        ))
        .len(),
        1
    );
    assert_eq!(
        leaks(&leaking(|case, _, fault| case.symptom = format!(
            "{} {}",
            [
                "no power at",
                "oil leaks from",
                "does not turn",
                "smokes black when",
                "gets hot on",
                "stalls again after",
                "boom drifts down",
                "brakes feel soft",
                "light stays on",
                "pump whines with"
            ][fault],
            case.symptom
        ))),
        [("wording-leakage", Severity::Error)]
    );
    // Codes that point at the label in two of three cases are what codes are for.
    assert_eq!(
        leaks(&leaking(|case, row, fault| case.error_codes =
            vec![format!("SPN {}", 100 + if row % 3 == 0 { row % 10 } else { fault })]))
        .iter()
        .filter(|(_, severity)| *severity == Severity::Error)
        .count(),
        0
    );
}

#[test]
fn a_handful_of_rows_proves_nothing() {
    let rows = leaking(|case, _, fault| case.equipment = format!("M{fault}"));
    let report = split_report(&rows[..20], &rows[20..35]);
    assert!(report.findings.iter().all(|found| !found.id.ends_with("-leakage")), "{:?}", report.findings);
}

#[test]
fn ids_and_copies_across_parts_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rows = leaking(|case, row, _| case.id = Some(format!("{}", row * 37 % 1_009)));
    let mut validation = rows[400..500].to_vec();
    validation[3].id.clone_from(&rows[5].id);
    validation[4].symptom = format!("{} again", rows[6].symptom);
    validation[7] = rows[9].clone();
    for index in 10..40 {
        validation[index].symptom = format!("{} today", rows[index].symptom);
    }
    write_cases(path("train.jsonl"), &rows[..400]).unwrap();
    write_cases(path("validation.jsonl"), &validation).unwrap();
    let files = Files { validation: Some(path("validation.jsonl")), ..Files::train([path("train.jsonl")]) };
    let report = check(&files, &Options::default(), &mut |_| ()).unwrap();
    let ids = finding(&report, "id-in-two-parts").unwrap();
    assert_eq!((ids.severity, ids.count), (Severity::Error, 2));
    assert_eq!(ids.examples.iter().map(|example| example.line).collect::<Vec<_>>(), [4, 8]);
    assert_eq!(finding(&report, "record-in-two-parts").unwrap().count, 1);
    let near = finding(&report, "near-copy-in-validation").unwrap();
    assert!((28..=32).contains(&near.count), "{}", near.count);
}

#[test]
fn the_page_holds_the_report_and_escapes_it() {
    let hostile = json!({ "equipment": "<script>alert(1)</script>", "symptom": "oil", "fault": "</svg><b>", "error_codes": ["<i>9</i>"] });
    let page = html(&checked(&hostile.to_string()));
    for text in ["<script", "<b>", "<i>"] {
        assert!(!page.contains(text), "{text}");
    }
    for part in [
        "<!DOCTYPE html>",
        "prefers-color-scheme: dark",
        "&lt;script&gt;",
        "of 100",
        "opaque-code",
        "Lengths",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs nothing else");
}

#[test]
fn the_score_follows_its_formula() {
    let finding = |severity, share| Finding {
        id: "x",
        severity,
        message: String::new(),
        count: 1,
        share,
        estimated_from_one_in: 1,
        advice: "",
        examples: Vec::new(),
    };
    assert_eq!(score(&[]), 100);
    assert_eq!(score(&[finding(Severity::Info, 1.0)]), 100);
    assert_eq!(score(&[finding(Severity::Error, 1.0)]), 50);
    assert_eq!(score(&[finding(Severity::Error, 0.0), finding(Severity::Warning, 1.0)]), 75);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_records_panic(records in proptest::collection::vec(("\\PC{0,12}", "\\PC{0,40}|gear [0-9]|per [A-Z][a-z]+", "[PCBU]0[0-9]{3}|\\PC{0,9}", "[a-c]?"), 1..30)) {
        let lines = records.iter().map(|(equipment, symptom, code, fault)| {
            json!({ "equipment": equipment, "symptom": symptom, "error_codes": [code], "fault": fault, "id": code }).to_string()
        });
        let report = checked(&lines.collect::<Vec<_>>().join("\n"));
        proptest::prop_assert!(report.score <= 100);
        html(&report);
    }
}
