use std::{collections::BTreeSet, fs};

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::{
    case::{read_cases, write_cases},
    duplicates::{NEAR_DUPLICATE, Sketch, Sketcher},
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
};

/// A folder with the cases in one file, and the result of splitting it.
struct Trial {
    folder: tempfile::TempDir,
    outcome: Result<SplitReport>,
}

impl Trial {
    fn new(cases: &[Case], config: &SplitConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("cases.jsonl");
        write_cases(&input, cases).unwrap();
        let outcome = split_files(&[input], &folder.path().join("out"), config, &mut |_, _, _| {});
        Self { folder, outcome }
    }

    fn report(&self) -> &SplitReport {
        self.outcome.as_ref().unwrap()
    }

    fn cases(&self, name: &str) -> Vec<Case> {
        let path = self.folder.path().join("out").join(name);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > 0 => read_cases(path).unwrap(),
            _ => Vec::new(),
        }
    }

    fn parts(&self) -> [Vec<Case>; 3] {
        ["train.jsonl", "validation.jsonl", "test.jsonl"].map(|name| self.cases(name))
    }

    /// Names in the output folder.
    fn names(&self) -> BTreeSet<String> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("out")) else { return BTreeSet::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn sorted_lines(cases: impl IntoIterator<Item = Case>) -> Vec<String> {
    let mut lines: Vec<String> = cases
        .into_iter()
        .map(|mut case| {
            case.extra.shift_remove("removed");
            serde_json::to_string(&case).unwrap()
        })
        .collect();
    lines.sort_unstable();
    lines
}

/// The pairs of near copies in two parts, each compared with each.
fn crossing_pairs(parts: &[Vec<Case>; 3]) -> usize {
    let sketcher = Sketcher::new();
    let sketched: Vec<(usize, Sketch)> = parts
        .iter()
        .enumerate()
        .flat_map(|(part, cases)| cases.iter().map(move |case| (part, case)))
        .map(|(part, case)| (part, sketcher.sketch(&case.symptom)))
        .collect();
    let mut count = 0;
    for (index, (part, sketch)) in sketched.iter().enumerate() {
        let crosses =
            |(other, of): &&(usize, Sketch)| other != part && sketch.similarity(of) >= NEAR_DUPLICATE;
        count += sketched[..index].iter().filter(crosses).count();
    }
    count
}

/// As the prototype's set: ten sentences with one slot, times ten machines.
fn prototype() -> Vec<Case> {
    let sentences = [
        "Engine starts but loses power under load at {} rpm",
        "Hydraulic pump whines and the boom is slow at {} bar",
        "Machine will not travel in second gear after {} hours",
        "Coolant temperature climbs to {} degrees when digging",
        "Swing brake does not hold on a slope of {} percent",
        "Battery is flat every morning after {} days",
        "Black smoke from the stack above {} rpm",
        "Bucket drifts down {} mm in a minute",
        "Cab heater blows cold air below {} degrees",
        "Grease does not reach the pins after {} strokes",
    ];
    (0..1_000_usize)
        .map(|row| {
            let (sentence, machine) = (row % 10, row * 7 / 10 % 10);
            let symptom = sentences[sentence].replace("{}", &(row * 13 % 97).to_string());
            Case {
                fault: Some(format!("fault_{sentence}")),
                ..Case::new(format!("CAT {}", 300 + machine), symptom)
            }
        })
        .collect()
}

#[test]
fn a_set_like_the_prototypes_is_split_by_wording_without_a_copy_across() {
    let trial = Trial::new(&prototype(), &SplitConfig::new(By::Wording));
    let report = trial.report();
    assert_eq!((report.rows, report.distinct_complaints, report.groups), (1_000, 10, 10));
    assert_eq!([report.train.rows, report.validation.rows, report.test.rows], [800, 100, 100]);
    assert!(report.verified.are_none() && report.verified.complete);
    assert_eq!(report.labels.missing_from_train.labels, 2);
    assert_eq!(crossing_pairs(&trial.parts()), 0);
    assert_eq!(trial.names().len(), 3);
}

#[test]
fn a_set_like_the_prototypes_cannot_be_split_by_machine_without_copies() {
    let config = SplitConfig::new(By::Machine);
    let trial = Trial::new(&prototype(), &config);
    assert!(matches!(
        trial.outcome,
        Err(Error::Split(SplitFault::NoValidationLeft | SplitFault::NothingLeft))
    ));
    assert!(trial.names().is_empty());
    let kept = Trial::new(&prototype(), &SplitConfig { keep_near_duplicates: true, ..config });
    let report = kept.report();
    assert_eq!((report.groups, report.removed.rows), (10, 0));
    // All ten sentences stand in every file, and the check says so.
    assert_eq!(report.verified.exact, 10);
    let machines = |cases: &[Case]| cases.iter().map(|case| case.equipment.clone()).collect::<BTreeSet<_>>();
    let [train, validation, test] = kept.parts();
    assert!(
        machines(&train).is_disjoint(&machines(&test))
            && machines(&train).is_disjoint(&machines(&validation))
    );
}

fn generated(count: usize) -> Vec<Case> {
    let generated = generate(KnowledgeBase::builtin(), &GenerateConfig::new(count, 3)).unwrap();
    [generated.train, generated.validation, generated.test].concat()
}

#[test]
fn generated_cases_are_split_by_wording_with_every_label_on_every_side() {
    let cases = generated(4_000);
    let trial = Trial::new(&cases, &SplitConfig::new(By::Wording));
    let report = trial.report();
    assert_eq!(report.train.rows + report.validation.rows + report.test.rows, 4_000);
    assert!((0.08..0.13).contains(&report.test.share), "{report:?}");
    assert!(report.labels.missing_from_train.labels == 0, "{report:?}");
    assert!(report.labels.missing_from_test.labels * 20 < report.labels.distinct, "{report:?}");
}

#[test]
fn the_same_seed_gives_the_same_files_and_another_gives_others() {
    let cases = generated(1_000);
    for by in [By::Wording, By::Machine, By::Fault] {
        let text = |seed| {
            let trial = Trial::new(&cases, &SplitConfig { seed, ..SplitConfig::new(by.clone()) });
            ["train.jsonl", "validation.jsonl", "test.jsonl"]
                .map(|name| fs::read_to_string(trial.folder.path().join("out").join(name)).unwrap())
        };
        assert_eq!(text(1), text(1), "{by}");
        assert_ne!(text(1), text(2), "{by}");
    }
}

#[test]
fn rows_of_train_that_copy_a_held_out_one_are_removed_with_the_reason() {
    let mut cases: Vec<Case> = generated(400);
    cases
        .iter_mut()
        .enumerate()
        .for_each(|(row, case)| case.date = Some(format!("2026-01-{:02}", row % 20 + 1)));
    cases[0] = Case {
        date: Some("2026-01-01".into()),
        ..Case::new("CAT 320", "Boom drifts down over night with the key off")
    };
    cases[19] = Case {
        date: Some("2026-01-20".into()),
        ..Case::new("CAT 336", "boom drifts down over night with key off")
    };
    let trial = Trial::new(&cases, &SplitConfig::new(By::Time));
    let report = trial.report();
    let removed = trial.cases("removed.jsonl");
    assert_eq!((removed.len() as u64, report.removed.path.is_some()), (report.removed.rows, true));
    let copy = removed.iter().find(|case| case.symptom == cases[0].symptom).unwrap();
    assert_eq!(copy.extra["removed"], "its complaint is a copy or near copy of one in test.jsonl");
    assert!(trial.cases("test.jsonl").iter().any(|case| case.symptom == cases[19].symptom));
    let kept = Trial::new(&cases, &SplitConfig { keep_near_duplicates: true, ..SplitConfig::new(By::Time) });
    assert!(kept.report().removed.rows == 0 && kept.report().verified.near > 0);
}

#[test]
fn sites_that_copies_link_stay_together_where_the_shares_can_be_met() {
    let mut cases = generated(600);
    // Complaints of their own for each of 30 sites, but the first two sites share one.
    for (row, case) in cases.iter_mut().enumerate() {
        let site = row % 30;
        case.extra.insert("site".into(), site.into());
        let digits = xxh3_64(&site.to_le_bytes()).to_string();
        let letters: String = digits.chars().map(|digit| (digit as u8 + 49) as char).collect();
        case.symptom = format!("{letters} {}", &letters[..4]);
    }
    cases[1].symptom = cases[0].symptom.clone();
    let by: By = "group=site".parse().unwrap();
    let trial = Trial::new(&cases, &SplitConfig::new(by));
    let report = trial.report();
    assert_eq!((report.groups, report.merged_groups, report.removed.rows), (29, 1, 0));
    let part_of = |site: usize| {
        trial.parts().iter().position(|cases| cases.iter().any(|case| case.extra["site"] == site))
    };
    assert_eq!(part_of(0), part_of(1));
}

#[test]
fn impossible_requests_are_refused_in_one_sentence() {
    let cases: Vec<Case> = generated(200);
    let message = |config: &SplitConfig| {
        let trial = Trial::new(&cases, config);
        assert!(trial.names().is_empty());
        trial.outcome.unwrap_err().to_string()
    };
    let with = |validation, test| message(&SplitConfig { validation, test, ..SplitConfig::new(By::Wording) });
    for (validation, test) in [(0.5, 0.5), (0.0, 0.0), (-0.1, 0.3), (f64::NAN, 0.1), (0.9, 0.9)] {
        assert!(with(validation, test).starts_with("validation is "), "{}", with(validation, test));
    }
    assert!(message(&SplitConfig::new(By::Time)).contains("no row has a `date`"));
    assert!(message(&SplitConfig::new(By::Group("site".into()))).contains("no row has `site`"));
    let one: Vec<Case> = (0..9).map(|_| Case::new("CAT 320", "no start")).collect();
    for (by, expected) in
        [(By::Machine, "only 1 machine for 3 files"), (By::Wording, "only 1 wording for 3 files")]
    {
        let text = Trial::new(&one, &SplitConfig::new(by)).outcome.unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn files_that_are_read_are_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("train.jsonl");
    write_cases(&input, &prototype()).unwrap();
    let config = SplitConfig::new(By::Wording);
    let outcome = split_files(std::slice::from_ref(&input), folder.path(), &config, &mut |_, _, _| {});
    assert!(matches!(outcome, Err(Error::Split(SplitFault::Overwrites { .. }))));
    assert_eq!(read_cases(input).unwrap().len(), 1_000);
}

#[test]
fn faulty_records_end_the_split_or_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("cases.jsonl"), folder.path().join("out"));
    write_cases(&input, &prototype()).unwrap();
    let text = fs::read_to_string(&input).unwrap();
    fs::write(&input, format!("nonsense\n{text}{{\"equipment\": 3}}\n")).unwrap();
    let mut config = SplitConfig::new(By::Wording);
    let split =
        |config: &SplitConfig| split_files(std::slice::from_ref(&input), &out, config, &mut |_, _, _| {});
    assert!(matches!(split(&config), Err(Error::Record { line: 1, .. })));
    config.skip_faulty = true;
    let report = split(&config).unwrap();
    assert_eq!((report.rows, report.faulty.records), (1_000, 2));
    assert!(report.faulty.first[1].contains("cases.jsonl:1002: `equipment`"), "{:?}", report.faulty);
}

#[test]
fn dates_that_can_be_read_in_two_ways_are_named_with_their_line() {
    let mut cases = generated(100);
    cases
        .iter_mut()
        .enumerate()
        .for_each(|(row, case)| case.date = Some(format!("{}/13/2026", row % 12 + 1)));
    cases[4].date = Some("03/04/2026".into());
    cases[7].date = None;
    let config = SplitConfig::new(By::Time);
    let trial = Trial::new(&cases, &config);
    assert!(
        matches!(&trial.outcome, Err(Error::Record { line: 5, fault, .. }) if fault.to_string().contains("--date-format"))
    );
    let trial = Trial::new(&cases, &SplitConfig { date_order: Some(DateOrder::MonthFirst), ..config });
    let report = trial.report();
    assert_eq!(report.without_key.rows, 1);
    assert!(report.without_key.first.as_ref().unwrap().ends_with("cases.jsonl:8"));
}

#[test]
fn many_complaints_are_searched_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut complaints = complaints::Complaints::with_capacity(folder.path(), 100);
    let cases = generated(1_000);
    let mut rows = Rows::default();
    for case in &cases {
        rows.complaints.push(complaints.number(&case.symptom).unwrap());
        rows.labels.push(0);
    }
    let mut pairs = complaints.finish().unwrap();
    let options = Options { shares: Shares { validation: 0.1, test: 0.1 }, seed: 0, keeps_near: false };
    let plan =
        plan(&rows, &By::Wording, union::UnionFind::default(), &mut pairs, options, &mut |_, _| {}).unwrap();
    assert!(!pairs.is_complete());
    let mut parts: [Vec<Case>; 3] = Default::default();
    for (row, case) in cases.into_iter().enumerate() {
        match plan.place(&rows, row) {
            Place::Part(part) => parts[part as usize].push(case),
            Place::Removed(..) => unreachable!("nothing is removed when split by wording"),
        }
    }
    assert_eq!(crossing_pairs(&parts), 0);
    assert!(parts.iter().all(|cases| cases.len() > 60));
}

fn any_case() -> impl Strategy<Value = Case> {
    let word = prop::sample::select(vec![
        "boom", "drifts", "engine", "stalls", "cold", "pump", "whine", "leak", "track", "slow",
    ]);
    let symptom = prop::collection::vec(word, 1..7).prop_map(|words| words.join(" "));
    let few =
        |prefix: &'static str, count: u32| (0..count).prop_map(move |number| format!("{prefix}{number}"));
    let date =
        prop::option::of((1..28_u32, 1..4_u32).prop_map(|(day, month)| format!("2026-{month:02}-{day:02}")));
    (few("CAT 3", 8), symptom, prop::option::of(few("fault_", 7)), date, prop::option::of(few("site ", 6)))
        .prop_map(|(equipment, symptom, fault, date, site)| {
            let mut case = Case { date, fault, ..Case::new(equipment, symptom) };
            if let Some(site) = site {
                case.extra.insert("site".into(), site.into());
            }
            case
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nothing_is_lost_and_no_copy_crosses(cases in prop::collection::vec(any_case(), 3..90), by in 0..5_usize, seed: u64) {
        let by = [By::Wording, By::Machine, By::Fault, By::Time, By::Group("site".into())][by].clone();
        let trial = Trial::new(&cases, &SplitConfig { seed, ..SplitConfig::new(by.clone()) });
        let Ok(report) = &trial.outcome else {
            let is_refused = matches!(&trial.outcome, Err(Error::Split(fault)) if !matches!(fault, SplitFault::Crosses { .. }));
            prop_assert!(is_refused);
            prop_assert!(trial.names().is_empty());
            return Ok(());
        };
        let parts = trial.parts();
        let removed = trial.cases("removed.jsonl");
        prop_assert_eq!(removed.len() as u64, report.removed.rows);
        prop_assert!(parts.iter().all(|cases| !cases.is_empty()));
        let all = parts.iter().flatten().cloned().chain(removed);
        prop_assert_eq!(sorted_lines(all), sorted_lines(cases));
        prop_assert_eq!(crossing_pairs(&parts), 0);
        let keys = |part: &[Case]| -> BTreeSet<String> {
            part.iter().filter_map(|case| match &by {
                By::Wording => Some(case.symptom.clone()),
                By::Machine => Some(case.equipment.clone()),
                By::Fault => case.fault.clone(),
                By::Time => case.date.clone(),
                By::Group(_) => case.extra.get("site").map(ToString::to_string),
            }).collect()
        };
        let [train, validation, test] = [keys(&parts[0]), keys(&parts[1]), keys(&parts[2])];
        prop_assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test));
        if by == By::Time {
            prop_assert!(train.last() < validation.first() && validation.last() < test.first());
        }
    }
}
