use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    review::{Decision, Reviewer},
    *,
};
use crate::{
    Error, Result,
    case::{Case, CaseReader},
};

/// Keeps what an import tells.
#[derive(Default)]
struct Listener {
    rejected: Vec<String>,
    mappings: usize,
    bytes: u64,
}

impl Observer for Listener {
    fn mapping(&mut self, _path: &Path, _mapping: &Mapping) -> Result<bool> {
        self.mappings += 1;
        Ok(true)
    }

    fn rejected(&mut self, row: &Rejected<'_>) -> Result<()> {
        self.rejected.push(format!("{}: {} [{}]", row.place, row.reason, row.raw));
        Ok(())
    }

    fn progress(&mut self, bytes_read: u64) {
        self.bytes = bytes_read;
    }
}

struct Outcome {
    summary: ImportSummary,
    lines: Vec<Value>,
    rejected: Vec<String>,
}

fn run(name: &str, text: impl Into<Vec<u8>>, options: &ImportOptions) -> Outcome {
    let mut out = Vec::new();
    let mut listener = Listener::default();
    let bytes = text.into();
    let n_bytes = bytes.len() as u64;
    let summary =
        import_reader(Path::new(name), Cursor::new(bytes), options, &mut out, &mut listener).unwrap();
    assert_eq!(summary.rows, summary.cases + summary.rejected);
    assert_eq!(summary.rejected, listener.rejected.len() as u64);
    assert_eq!(listener.bytes, n_bytes, "everything was read");
    let lines: Vec<Value> =
        std::str::from_utf8(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() as u64, summary.cases);
    if summary.files[0].format != Format::Corpus {
        let cases = CaseReader::new("out", out.as_slice()).into_cases().unwrap();
        assert_eq!(cases.len() as u64, summary.cases, "what was written reads back");
    }
    Outcome { summary, lines, rejected: listener.rejected }
}

fn with_set(set: &[&str]) -> ImportOptions {
    let set = set.iter().map(|text| MappingOptions::parse_assignment(text).unwrap()).collect();
    ImportOptions { mapping: MappingOptions { set, ..MappingOptions::default() }, ..ImportOptions::default() }
}

fn of_format(format: Format, set: &[&str]) -> ImportOptions {
    ImportOptions { format: Some(format), ..with_set(set) }
}

#[test]
fn a_table_becomes_cases_and_nothing_is_lost() {
    let table = "WO;Machine;Complaint;Cause;Correction;DTC;SPN;FMI;Hrs;Site\n\
        1;CAT 320;\"no power;\nuphill\";filter;changed;P0087;157;18;4,120;North\n\
        2;;leaks;;;;;;;\n\
        ;;;;;;;;;\n\
        3;CAT 336;;;;;;;;\n\
        4;CAT 349;smoke\n\
        5;CAT 349;smoke;a;b;c;1;2;3;South;too much\n";
    let Outcome { summary, lines, rejected } = run("shop.csv", table, &ImportOptions::default());
    assert_eq!((summary.rows, summary.cases, summary.rejected, summary.blank), (5, 2, 3, 1));
    assert_eq!(
        lines[0],
        json!({"equipment": "CAT 320", "symptom": "no power;\nuphill", "error_codes": ["P0087", "SPN 157 FMI 18"],
            "probable_cause": "filter", "solution": "changed", "id": "1", "hours": 4120.0, "Site": "North"})
    );
    assert_eq!(lines[1], json!({"equipment": "CAT 349", "symptom": "smoke", "id": "4"}));
    assert_eq!(
        rejected,
        [
            "4: `equipment` is empty [2,,leaks,,,,,,,]",
            "6: `symptom` is empty [3,CAT 336,,,,,,,,]",
            "8: the row has 11 cells, the header 10 [5;CAT 349;smoke;a;b;c;1;2;3;South;too much]"
        ]
    );
    let file = &summary.files[0];
    assert_eq!((file.format, file.encoding, file.short_rows), (Format::Csv, Some(Encoding::Utf8), 1));
    assert_eq!(file.mapping.as_ref().unwrap().extra, ["Site"]);
}

#[test]
fn a_set_value_fills_what_rows_leave_open_and_extra_columns_can_be_dropped() {
    let mut options = with_set(&["equipment=CAT 320"]);
    options.mapping.drops_extra = true;
    let out = run("a.csv", "Problem,Site\nleaks,North\n", &options);
    assert_eq!(out.lines, [json!({"equipment": "CAT 320", "symptom": "leaks"})]);
    let named =
        run("a.csv", "equipment,Problem\nCAT 336,leaks\n,smokes\n", &with_set(&["equipment=CAT 320"]));
    assert_eq!(
        (&named.lines[0]["equipment"], &named.lines[1]["equipment"]),
        (&json!("CAT 336"), &json!("CAT 320"))
    );
}

#[test]
fn one_byte_of_windows_1252_costs_no_row() {
    let mut table = b"Machine,Problem\n".to_vec();
    for _ in 0..100_000 {
        table.extend_from_slice("Bagger 3,läuft nicht\n".as_bytes());
    }
    table.extend_from_slice(b"CAT 320,won\x92t start\n");
    let out = run("a.csv", table, &ImportOptions::default());
    assert_eq!((out.summary.cases, out.summary.rejected), (100_001, 0));
    assert_eq!(out.summary.files[0].windows_1252_lines, 1);
    assert_eq!(out.lines[100_000]["symptom"], "won’t start");
    assert_eq!(out.lines[0]["symptom"], "läuft nicht");
}

#[test]
fn cases_pass_as_they_are_and_faulty_ones_are_reported_with_their_line() {
    let good = r#"{"equipment":"a","symptom":"b","site":{"name":"North"},"hours":4120}"#;
    let text = format!("{good}\n\n{{\"equipment\": \"a\"}}\nnonsense\n  {good}\r\n");
    let out = run("c.jsonl", text.clone(), &ImportOptions::default());
    assert_eq!(
        out.lines,
        [serde_json::from_str::<Value>(good).unwrap(), serde_json::from_str(good).unwrap()]
    );
    assert_eq!(out.rejected[0], "3: `symptom` is missing [{\"equipment\": \"a\"}]");
    assert!(out.rejected[1].starts_with("4: not valid JSON"));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let same = run("c.jsonl", utf16, &ImportOptions::default());
    assert_eq!((same.lines, same.rejected), (out.lines, out.rejected));
}

#[test]
fn records_with_other_keys_are_mapped() {
    let text = r#"[{"machine": {"model": "CAT 320", "serial": 77}, "issue": "leaks", "fault_code": ["P0087", "P0191"],
        "steps": ["look", "measure, twice"], "parts": [1, 2]},
        {"machine": {"model": "CAT 336"}, "issue": "smokes", "late": {"key": null, "other": true}}, 7]"#;
    let out = run("r.json", text, &ImportOptions::default());
    assert_eq!(
        out.lines[0],
        json!({"equipment": "CAT 320", "symptom": "leaks", "error_codes": ["P0087", "P0191"],
            "diagnostic_steps": ["look", "measure, twice"], "serial": "77", "parts": [1, 2]})
    );
    assert_eq!(out.lines[1], json!({"equipment": "CAT 336", "symptom": "smokes", "late.other": true}));
    assert_eq!(out.rejected, ["3: a record must be a JSON object [7]"]);
}

#[test]
fn a_record_with_very_many_keys_is_taken_in_no_time() {
    let keys: Vec<String> = (0..60_000).map(|number| format!("\"k{number}\": {number}")).collect();
    let text = format!("{{\"machine\": \"a\", \"issue\": \"b\", {}}}\n", keys.join(", "));
    let start = std::time::Instant::now();
    let out = run("r.jsonl", text, &ImportOptions::default());
    assert_eq!(out.lines[0].as_object().unwrap().len(), 60_002);
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn notes_with_labels_become_cases() {
    let text = "Problem: Engine starts but loses power\n  after 30 minutes\nEquipment: Caterpillar 320D\n\
        Error Codes: P0087, SPN 157\nCause: Fuel filter restriction\nSolution: Replace filters.\n\nSteps:\n1. Look\n2. Measure\n\n\
        ---\n\nProblem: slow\nEquipment: Deere 644K\nError Codes: None\n\nProblem: third Cause: c\nEquipment: X1\n\n\
        A paragraph about nothing.\n\nProblem: no machine\nFix: none\n---\nThe end.\n";
    let out = run("notes.txt", text, &ImportOptions::default());
    assert_eq!(
        out.lines[0],
        json!({"equipment": "Caterpillar 320D", "symptom": "Engine starts but loses power after 30 minutes",
            "error_codes": ["P0087", "SPN 157"], "diagnostic_steps": ["Look", "Measure"],
            "probable_cause": "Fuel filter restriction", "solution": "Replace filters."})
    );
    assert_eq!(out.lines[1], json!({"equipment": "Deere 644K", "symptom": "slow"}));
    assert_eq!(out.lines[2], json!({"equipment": "X1", "symptom": "third", "probable_cause": "c"}));
    assert_eq!(
        out.rejected,
        [
            "21: `equipment` is empty [A paragraph about nothing.\nProblem: no machine\nFix: none]",
            "26: no label such as `Problem:` stands in this text [The end.]"
        ]
    );
    let set = run("notes.txt", text, &with_set(&["equipment=CAT 320"]));
    assert_eq!(set.lines[3]["heading"], "A paragraph about nothing.");
    assert_eq!((set.summary.cases, set.summary.rejected), (4, 1));
}

#[test]
fn the_markers_of_the_prompt_are_read_on_one_line_or_several() {
    let text = "<equipment> cat 320 <symptom> slow <error> P0087 <cause> air <solution> bleed\n\
        <equipment> cat 336\n<symptom> leaks\n<cause> seal\n<s><equipment>d6<symptom>stalls</s>\n";
    let out = run("p.txt", text, &ImportOptions::default());
    assert_eq!(out.lines.len(), 3);
    assert_eq!(out.lines[0]["error_codes"], json!(["P0087"]));
    assert_eq!(out.lines[1], json!({"equipment": "cat 336", "symptom": "leaks", "probable_cause": "seal"}));
    assert_eq!(out.lines[2], json!({"equipment": "d6", "symptom": "stalls"}));
}

#[test]
fn dialogues_become_cases_or_are_reported() {
    let text = "{\"dialogue\": [\"A: CAT 320 excavator loses power\", \"B: Change the filter\"]}\n\
        {\"dialogue\": [\"A: it is slow\", \"B: Why?\"]}\n{\"other\": 1}\n";
    let out = run("d.jsonl", text, &ImportOptions::default());
    assert_eq!(out.summary.files[0].format, Format::Dialogue);
    assert_eq!(out.lines[0]["equipment"], "CAT 320 excavator");
    assert!(out.rejected[0].starts_with("2: `equipment` is empty"));
    assert!(out.rejected[1].starts_with("3: no list of turns"));
    assert_eq!(run("d.jsonl", text, &with_set(&["equipment=Volvo"])).summary.cases, 2);
}

#[test]
fn one_word_a_line_becomes_texts() {
    let out =
        run("a.norm", "AIR\tair\nCON\tcon\n\nP/BRAKE\tx\n", &of_format(Format::Tokens, &["equipment=truck"]));
    assert_eq!(out.lines[0], json!({"equipment": "truck", "symptom": "AIR CON"}));
    assert_eq!(out.lines[1], json!({"equipment": "truck", "symptom": "P/BRAKE"}));
}

#[test]
fn a_corpus_keeps_paragraphs_and_counts_what_it_leaves_out() {
    let text = "One\u{1} line\nand \tmore-\nover\n\nTwo\u{C}One line\nand \tmore-\nover\n\n----\n";
    let whole = run("c.txt", text, &of_format(Format::Corpus, &[]));
    assert_eq!(
        whole.lines,
        [json!({"text": "One line\nand \tmore-\nover\n\nTwo\n\nOne line\nand \tmore-\nover\n\n----"})]
    );
    let file = &whole.summary.files[0];
    assert_eq!((file.control_characters, file.repeated_paragraphs), (1, 1));
    let sections = ImportOptions { documents: Documents::Sections, ..of_format(Format::Corpus, &[]) };
    let parts = run("c.txt", text, &sections);
    assert_eq!(parts.summary.cases, 3);
    assert_eq!(parts.rejected, ["9: no letter and no digit stands in this text [----]"]);
    let long = format!("{}\n\n{}", "x\n".repeat(1 << 20), "end");
    assert!(run("c.txt", long, &of_format(Format::Corpus, &[])).summary.cases > 1);
}

#[test]
fn options_that_would_do_nothing_and_unknown_files_are_refused() {
    let fault = |name: &str, text: &str, options: &ImportOptions| {
        let input = Cursor::new(text.to_owned().into_bytes());
        import_reader(Path::new(name), input, options, &mut Vec::new(), &mut ()).unwrap_err().to_string()
    };
    let mapped = ImportOptions {
        mapping: MappingOptions { map: vec![(Field::Symptom, "x".into())], ..MappingOptions::default() },
        ..ImportOptions::default()
    };
    assert_eq!(fault("n.txt", "Problem: x\n", &mapped), "n.txt: --map has no meaning for the format text");
    assert!(
        fault("n.txt", "once upon a time\n", &ImportOptions::default()).contains("--format (jsonl, json")
    );
    assert!(fault("n.pdf", "%PDF-1.4", &of_format(Format::Csv, &[])).contains("no csv but pdf"));
    assert_eq!(
        fault("n.csv", "Machine,Problem\n,x\n", &ImportOptions::default()),
        "none of 1 rows is a case; the first: n.csv:2: `equipment` is empty"
    );
}

#[test]
fn folders_are_walked_and_files_appear_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("in")).unwrap();
    fs::write(path("in/b.csv"), "Machine,Problem\nCAT 320,leaks\nCAT 320,\n").unwrap();
    fs::write(path("in/a.jsonl"), "{\"equipment\":\"a\",\"symptom\":\"b\"}\n").unwrap();
    fs::write(path("in/logo.bin"), b"\x00\x01\x02\x00\x00\x00\x07").unwrap();
    fs::write(path("in/.hidden.csv"), "x").unwrap();
    let out = path("in/out.jsonl");
    for _ in 0..2 {
        let rejected = path("rejected.jsonl");
        let mut listener = Listener::default();
        let summary = import_to_files(
            &[path("in")],
            &out,
            Some(&rejected),
            &ImportOptions::default(),
            &mut listener,
            None,
        )
        .unwrap();
        assert_eq!((summary.rows, summary.cases, summary.rejected, listener.mappings), (4, 2, 2, 1));
        assert_eq!(CaseReader::open(&out).unwrap().into_cases().unwrap().len(), 2);
        let lines = fs::read_to_string(&rejected).unwrap();
        let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&rows[0]["place"], &rows[0]["raw"]), (&json!("3"), &json!("CAT 320,")));
        assert_eq!((&rows[1]["place"], &rows[1]["raw"]), (&json!("whole file"), &json!("")));
    }
    let (none, none_rejected) = (path("none.jsonl"), path("none-rejected.jsonl"));
    fs::write(path("bad.csv"), "Machine,Problem\nCAT 320,\n").unwrap();
    let fault = import_to_files(
        &[path("bad.csv")],
        &none,
        Some(&none_rejected),
        &ImportOptions::default(),
        &mut (),
        None,
    );
    assert!(matches!(fault, Err(Error::NothingTaken { rows: 1, .. })));
    assert!(!none.exists() && none_rejected.exists());
    let missing = import_to_files(
        &[PathBuf::from("/nowhere.csv")],
        &none,
        None,
        &ImportOptions::default(),
        &mut (),
        None,
    );
    assert!(matches!(missing, Err(Error::Io { .. })));
}

#[test]
fn a_mapping_that_is_not_agreed_to_ends_the_import() {
    struct No;
    impl Observer for No {
        fn mapping(&mut self, _path: &Path, _mapping: &Mapping) -> Result<bool> {
            Ok(false)
        }
    }
    let input = Cursor::new("Machine,Problem\nCAT 320,leaks\n");
    let fault = import_reader(Path::new("a.csv"), input, &ImportOptions::default(), &mut Vec::new(), &mut No);
    assert!(matches!(fault, Err(Error::MappingRefused { .. })));
}

proptest::proptest! {
    #[test]
    fn any_bytes_in_any_format_are_counted_or_refused(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "a,b\n", "Problem", ": ", "\n", "\"", "{", "}", "[", "]", "\"equipment\": \"x\"", "\"symptom\": \"y\"", ",", "\\",
            "<equipment>", "<symptom>", "</s>", "---\n", "\"dialogue\": [", "\t", "\r", ";", "ä", "Cause: z", "sep=;\n", "\u{C}",
        ]), 0..60),
        noise in proptest::collection::vec(proptest::num::u8::ANY, 0..20),
        at in 0_usize..200,
    ) {
        let mut bytes = pieces.concat().into_bytes();
        let at = at.min(bytes.len());
        bytes.splice(at..at, noise);
        for format in Format::ALL.into_iter().map(Some).chain([None]) {
            for encoding in [None, Some(Encoding::Utf16Be)] {
                let set = if format == Some(Format::Corpus) { vec![] } else { vec!["equipment=e", "symptom=s"] };
                let options = ImportOptions { format, encoding, ..with_set(&set) };
                let mut listener = Listener::default();
                let mut out = Vec::new();
                match import_reader(Path::new("x"), Cursor::new(bytes.clone()), &options, &mut out, &mut listener) {
                    Ok(summary) => {
                        proptest::prop_assert_eq!(summary.rows, summary.cases + summary.rejected);
                        proptest::prop_assert_eq!(summary.rejected, listener.rejected.len() as u64);
                        proptest::prop_assert_eq!(summary.cases, std::str::from_utf8(&out).unwrap().lines().count() as u64);
                    }
                    Err(Error::RowsLost { .. } | Error::Io { .. }) => proptest::prop_assert!(false),
                    Err(_) => {}
                }
            }
        }
    }
}

/// Keeps the first, changes and keeps the second, skips the third, and stops at the fourth.
struct Choosy;

impl Reviewer for Choosy {
    fn decide(&mut self, case: &Case, _: &Place, number: usize) -> Result<Decision> {
        Ok(match number {
            2 if case.symptom == "two" => Decision::Edit(Box::new(Case::new("CAT 320", "second"))),
            1 | 2 => Decision::Keep,
            3 => Decision::Skip,
            _ => Decision::Stop,
        })
    }
}

#[test]
fn a_reviewer_has_the_last_word_and_every_row_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in.csv"), folder.path().join("out.jsonl"));
    fs::write(
        &input,
        "Machine,Problem\nCAT 320,one\nCAT 320,two\nCAT 320,three\nCAT 320,four\nCAT 320,five\n",
    )
    .unwrap();
    let rejected = folder.path().join("rejected.jsonl");
    let options = ImportOptions::default();
    let summary =
        import_to_files(&[input], &out, Some(&rejected), &options, &mut (), Some(Box::new(Choosy))).unwrap();
    assert_eq!((summary.rows, summary.cases, summary.rejected), (5, 2, 3));
    let symptoms: Vec<String> =
        CaseReader::open(&out).unwrap().into_cases().unwrap().into_iter().map(|case| case.symptom).collect();
    assert_eq!(symptoms, ["one", "second"]);
    let lines = fs::read_to_string(&rejected).unwrap();
    let reasons: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["reason"].clone()).collect();
    assert_eq!(reasons, ["skipped in review", "not reviewed", "not reviewed"]);
}

#[cfg(all(feature = "xlsx", feature = "parquet", feature = "pdf"))]
#[test]
fn binary_formats_are_recognised_by_content() {
    let fixture = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name);
    let options = ImportOptions {
        mapping: MappingOptions {
            map: vec![(Field::Symptom, "machine".into())],
            set: vec![(Field::Equipment, "Volvo L90F".into())],
            ..MappingOptions::default()
        },
        ..ImportOptions::default()
    };
    let guessed = ImportOptions {
        mapping: MappingOptions { map: Vec::new(), ..options.mapping.clone() },
        ..ImportOptions::default()
    };
    for (name, format, options) in [
        ("tables/log.xlsx", Format::Xlsx, &guessed),
        ("tables/log.ods", Format::Xlsx, &guessed),
        ("tables/zstd.parquet", Format::Parquet, &options),
        ("pdf/blocks.pdf", Format::Pdf, &guessed),
    ] {
        let summary = import(&[fixture(name)], options, &mut Vec::new(), &mut ()).unwrap();
        assert_eq!(summary.files[0].format, format, "{name}");
        assert!(summary.cases > 0 && summary.rows == summary.cases + summary.rejected, "{name}");
    }
    let corpus = ImportOptions { format: Some(Format::Corpus), ..ImportOptions::default() };
    let mut text = Vec::new();
    import(&[fixture("pdf/blocks.pdf")], &corpus, &mut text, &mut ()).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("The boom rises slowly"));
}
