use std::{collections::HashSet, fs, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::error::Error;

#[test]
fn every_system_has_cards_and_every_id_is_unique() {
    let knowledge = KnowledgeBase::builtin();
    assert!(knowledge.cards().len() >= 100, "{} cards", knowledge.cards().len());
    for system in System::ALL {
        assert!(knowledge.cards().iter().any(|card| card.system == system), "{system}");
    }
    let ids: HashSet<&String> = knowledge.cards().iter().map(|card| &card.id).collect();
    assert_eq!(ids.len(), knowledge.cards().len());
}

#[test]
fn every_card_is_worded_in_many_ways() {
    for card in KnowledgeBase::builtin().cards() {
        assert!(card.signs.len() >= 3, "{}: few signs", card.id);
        for wordings in [&card.explanation, &card.repair] {
            assert!(wordings.len() >= 4, "{}: few wordings of the target", card.id);
        }
    }
}

#[test]
fn machines_are_recognised_by_word_and_by_model() {
    assert_eq!(kind("Caterpillar 320 Excavator"), Some("excavator"));
    assert_eq!(kind("CAT 320"), Some("excavator"));
    assert_eq!(kind("Kubota mini excavator"), Some("mini excavator"));
    assert_eq!(kind("komatsu wa380-8"), Some("wheel loader"));
    assert_eq!(kind("D6T"), Some("dozer"));
    assert_eq!(kind("coffee machine"), None);
    assert_eq!(kind(""), None);
}

fn kind(equipment: &str) -> Option<&'static str> {
    KnowledgeBase::builtin().machine(equipment).map(|machine| machine.kind.as_str())
}

#[test]
fn a_series_says_what_a_model_is() {
    for (models, expected) in [
        (
            &[
                "Komatsu PC200-8",
                "PC200",
                "Hitachi ZX330",
                "Zaxis 210 LC",
                "CAT 329D L",
                "Liebherr R 950",
                "Deere 350G LC",
            ][..],
            "excavator",
        ),
        (&["Komatsu PC78MR-6", "Takeuchi TB290", "Bobcat E85"], "excavator"),
        (
            &["Komatsu PC30", "Kubota U35-4", "Cat 303.5E CR", "Takeuchi TB016", "Bobcat E35", "Bobcat 331"],
            "mini excavator",
        ),
        (
            &["EX3600", "Komatsu PC4000", "R9800", "Liebherr R 996", "Hitachi EX1200-6", "CAT 6060"],
            "mining shovel",
        ),
        (
            &[
                "WA600",
                "Volvo L220G",
                "LeTourneau L1850",
                "Cat 988K",
                "Cat 988H",
                "Volvo L150H",
                "JCB 457",
                "caterpillar 994",
                "Case 721F",
            ],
            "wheel loader",
        ),
        (
            &["JCB 3CX", "3CX", "4CX Eco", "Cat 432E", "John Deere 410L", "Case 590 SN", "JCB 3CX digger"],
            "backhoe loader",
        ),
        (
            &[
                "Cat D10",
                "CAT D10T",
                "D11T Cat",
                "Cat D7E",
                "Cat D6N LGP",
                "Komatsu D155",
                "Komatsu D 375A-6",
            ],
            "dozer",
        ),
        (&["Cat D6K2", "Komatsu D39PX-24", "Deere 850K", "Liebherr PR 756", "Cat 953"], "hydrostatic dozer"),
        (
            &["Cat 16M", "CAT 14H", "CAT 14 M", "Cat 160", "GD675", "Volvo G970", "John Deere 872GP"],
            "motor grader",
        ),
        (&["Bobcat S770", "Bobcat S770 loader", "Case SR250", "Cat 246D", "John Deere 332G"], "skid steer"),
        (
            &["Bobcat T770", "Takeuchi TL12", "Cat 299D3", "John Deere 333G", "Kubota SVL97-2"],
            "compact track loader",
        ),
        (&["JCB 535-95", "Manitou MLT 741", "Cat TH414C", "Genie GTH-1056"], "telehandler"),
        (
            &["Volvo A40", "Volvo A25G truck", "Bell B40D", "Cat D400E", "CAT 740B", "HM300"],
            "articulated truck",
        ),
        (
            &["HD785", "Cat 777F", "Cat 777F truck", "777F", "Komatsu 930E-4", "Cat 797", "Liebherr T 282"],
            "haul truck",
        ),
        (&["Cat R1600G", "Sandvik LH621", "Epiroc ST18"], "underground loader"),
        (&["Bomag BW 177", "Hamm HD 90", "Cat CS74B", "Dynapac CA3500D"], "roller"),
        (&["Liebherr LTM 1050-3.1", "Grove GMK5150", "Tadano GR-1000XL"], "crane"),
    ] {
        for model in models {
            assert_eq!(kind(model), Some(expected), "{model}");
        }
    }
}

#[test]
fn what_is_no_model_of_a_series_is_left_alone() {
    for equipment in [
        "unit 320",
        "320",
        "793",
        "Unit 11",
        "PC won't boot",
        "L90 of oil",
        "D10 fuse",
        "EX12",
        "EX-200",
        "PC 200",
        "PC100",
        "R210",
        "Hyundai R140W-9",
        "Hitachi ZX190W-6",
        "Komatsu PW160",
        "Komatsu D61PX-24",
        "Komatsu WA270",
        "Volvo L45H",
        "Liebherr L 566",
        "Cat 3412",
        "Cat 340 kVA",
        "Cat 500kva",
        "Cat 776D",
        "Cat 924",
        "John Deere 870G",
        "Manitou MSI 25",
        "JLG 860SJ",
        "777 hours",
    ] {
        assert_eq!(kind(equipment), None, "{equipment}");
    }
}

#[test]
fn words_that_speak_against_a_series_count_more() {
    for (equipment, expected) in [
        ("Cat 340 generator", "generator"),
        ("Komatsu PC4000 shovel", "mining shovel"),
        ("Cat 777F truck", "haul truck"),
        ("truck 11", "on-highway truck"),
        ("Volvo truck", "on-highway truck"),
        ("Bobcat", "skid steer"),
        ("Cat 924 loader", "wheel loader"),
    ] {
        assert_eq!(kind(equipment), Some(expected), "{equipment}");
    }
}

#[test]
fn a_machine_is_offered_only_what_it_can_have() {
    let knowledge = KnowledgeBase::builtin();
    let ids =
        |equipment| knowledge.cards_for(equipment).iter().map(|card| card.id.clone()).collect::<Vec<_>>();
    let generator = ids("Cummins C275 D5 Generator");
    assert!(generator.contains(&"fuel_filter_restricted".to_owned()));
    assert!(!generator.contains(&"track_tension_wrong".to_owned()));
    assert!(!generator.contains(&"def_quality_bad".to_owned()));
    assert_eq!(ids("some machine").len(), knowledge.cards().len());
}

#[test]
fn every_source_stands_in_the_list_of_sources() {
    let list = include_str!("../../knowledge/SOURCES.md");
    for card in KnowledgeBase::builtin().cards() {
        let of_tests = card.tests.iter().map(|test| &test.source).filter(|source| !source.is_empty());
        for source in card.sources.iter().chain(of_tests) {
            assert!(list.contains(&format!("| {source} |")), "{}: {source:?} is not in SOURCES.md", card.id);
        }
    }
}

/// A folder of knowledge with these files.
fn folder(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("acme");
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (parent, folder)
}

fn laid(files: &[(&str, &str)]) -> Result<KnowledgeBase, Error> {
    let (_parent, folder) = folder(files);
    KnowledgeBase::builtin().with_folder(folder)
}

/// The path below the folder, the line, and the fault.
fn fault(files: &[(&str, &str)]) -> (PathBuf, Option<u64>, KnowledgeFault) {
    let (_parent, folder) = folder(files);
    match KnowledgeBase::builtin().with_folder(&folder).unwrap_err() {
        Error::Knowledge { path, line, fault } => {
            (path.strip_prefix(&folder).unwrap().to_owned(), line, fault)
        }
        other => panic!("{other}"),
    }
}

const CRUSHER: &str = r#"
[[cards]]
id = "crusher_jaw_worn"
title = "Worn crusher jaw"
system = "structure"
requires = ["crusher"]
severity = "plan"
occurrence = 3
codes = ["V900"]
explanation = ["The jaw plate has lost its profile."]
repair = ["Turn or renew the jaw plate."]
verification = "The product has its size again."
against = [{ fault = "hyd_main_pump_worn", finding = "slow as well" }]
signs = [{ full = ["Product is too coarse", "Crusher slips on hard rock", "Jaw no longer grips"] }]
tests = [{ action = "Look at the profile", tool = "gauge", condition = "stopped", expected = "as new", separates = ["hyd_main_pump_worn"], outcomes = [{ result = "flat", means = "worn" }] }]
"#;

const CRUSHER_MACHINE: &str = r#"
[[machines]]
kind = "crusher"
words = ["crusher"]
traits = ["diesel", "hydraulics", "crusher"]
names = ["Acme C100 Crusher"]
"#;

#[test]
fn a_folder_extends_overrides_and_removes() {
    let mut water = toml::Value::try_from(KnowledgeBase::builtin().card("water_in_fuel").unwrap()).unwrap();
    water["title"] = "Water in the company's fuel".into();
    let water = toml::to_string(&toml::Table::from_iter([("cards".to_owned(), vec![water].into())])).unwrap();
    let settings = "disabled = ['seat_belt_or_switch']\ndisabled_machines = ['motor grader']";
    let files = [
        ("cards/crusher.toml", CRUSHER),
        ("cards/site/water.toml", &water),
        ("machines.toml", CRUSHER_MACHINE),
        ("codes.toml", "[[codes]]\ncode = 'V900'\nmeaning = 'jaw gap'\n"),
        ("knowledge.toml", settings),
        ("README.md", "read by people"),
    ];
    let (_parent, path) = folder(&files);
    let builtin = KnowledgeBase::builtin();
    let knowledge = builtin.with_folder(&path).unwrap();
    assert_eq!(knowledge.cards().len(), builtin.cards().len());
    assert_eq!(knowledge.machines().len(), builtin.machines().len());
    let jaw = knowledge.card("crusher_jaw_worn").unwrap();
    assert_eq!((jaw.system, jaw.occurrence, jaw.verified), (System::Structure, 3, false));
    assert_eq!(knowledge.card("water_in_fuel").unwrap().title, "Water in the company's fuel");
    assert_eq!(knowledge.card("water_in_fuel").unwrap().system, System::Fuel);
    assert!(knowledge.card("seat_belt_or_switch").is_none() && knowledge.is_disabled("seat_belt_or_switch"));
    assert!(knowledge.is_own("crusher_jaw_worn") && knowledge.is_own("water_in_fuel"));
    assert!(!knowledge.is_own("fuel_filter_restricted"));
    assert_eq!(knowledge.machine("Acme C100 Crusher").unwrap().kind, "crusher");
    assert!(knowledge.machines().iter().all(|machine| machine.kind != "motor grader"));
    let jaws = knowledge.cards_for("crusher");
    assert!(jaws.iter().any(|card| card.id == "crusher_jaw_worn"));
    assert!(jaws.iter().all(|card| card.system != System::Swing));
    let code = FaultCode::parse("V900");
    assert_eq!(knowledge.codes().decode(&code).meaning.as_deref(), Some("jaw gap"));
    assert_eq!(knowledge.cards_with_code(&code)[0].id, "crusher_jaw_worn");
    // Enough to be diagnosed by, too little to make cases from; and who named the removed card names nothing now.
    for finding in check(&knowledge) {
        let is_jaw = finding.subject == "crusher_jaw_worn";
        assert_eq!(finding.rule, if is_jaw { Rule::FewWordings } else { Rule::DanglingId }, "{finding:?}");
    }
    // What is compiled in stays as it is.
    assert!(builtin.card("seat_belt_or_switch").is_some() && builtin.card("crusher_jaw_worn").is_none());

    // A folder over a folder: what one removed, the next may bring back.
    let again = toml::to_string(&toml::Table::from_iter([(
        "cards".to_owned(),
        vec![toml::Value::try_from(builtin.card("seat_belt_or_switch").unwrap()).unwrap()].into(),
    )]));
    let (_parent, site) = folder(&[("cards/belt.toml", &again.unwrap())]);
    let both = knowledge.with_folder(site).unwrap();
    assert!(both.card("seat_belt_or_switch").is_some() && !both.is_disabled("seat_belt_or_switch"));
    assert!(both.version().starts_with(&format!("{}.acme-", knowledge.version())), "{}", both.version());
}

#[test]
fn a_folder_gives_series_of_its_own() {
    let series =
        "series = [{ maker = 'Acme Mining', prefix = 'J', numbers = [7, [40, 60]], except = ['X'] }]";
    let (_parent, site) = folder(&[("machines.toml", &format!("{CRUSHER_MACHINE}{series}"))]);
    let knowledge = KnowledgeBase::builtin().with_folder(site).unwrap();
    let kind = |equipment: &str| knowledge.machine(equipment).map(|machine| machine.kind.as_str());
    for equipment in ["Acme Mining J50", "acme mining J-40 L", "J7B Acme Mining"] {
        assert_eq!(kind(equipment), Some("crusher"), "{equipment}");
    }
    for equipment in ["Acme J50", "J50", "Acme Mining J61", "Acme Mining J50X", "Acme Mining J50 X"] {
        assert_eq!(kind(equipment), None, "{equipment}");
    }
    assert_eq!(kind("Komatsu WA600"), Some("wheel loader"));
    for series in ["{ numbers = [320], letters = [''] }", "{ maker = 'Acme', numbers = [3], except = [''] }"]
    {
        let (_parent, site) = folder(&[("machines.toml", &format!("{CRUSHER_MACHINE}series = [{series}]"))]);
        let error = KnowledgeBase::builtin().with_folder(site).unwrap_err().to_string();
        assert!(error.contains("of a series is empty"), "{error}");
    }
}

#[test]
fn the_version_names_the_folder_and_its_content() {
    let version = |files: &[(&str, &str)]| laid(files).unwrap().version().to_owned();
    let plain = version(&[("machines.toml", CRUSHER_MACHINE)]);
    let (name, hash) = plain.rsplit_once('-').unwrap();
    assert_eq!(name, format!("{}+acme", env!("CARGO_PKG_VERSION")));
    assert!(hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    assert_eq!(version(&[("machines.toml", CRUSHER_MACHINE)]), plain);
    assert_ne!(version(&[("machines.toml", &CRUSHER_MACHINE.replace("C100", "C200"))]), plain);
    let named = version(&[("knowledge.toml", "name = 'Acme & Sons'"), ("machines.toml", CRUSHER_MACHINE)]);
    assert!(named.contains("+Acme---Sons-"), "{named}");
}

#[test]
fn faults_of_a_folder_name_file_and_line() {
    // Files, and of the one at fault its path, its line and part of the message.
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, Option<u64>, &'a str);
    let without_system = CRUSHER.replace("system = \"structure\"\n", "");
    let unknown_key = CRUSHER.replace("occurrence", "occurence");
    let twice = CRUSHER_MACHINE.repeat(2);
    let of_series = |series: &str| format!("{CRUSHER_MACHINE}series = [{series}]");
    let (bare, backwards) =
        (of_series("{ numbers = [320] }"), of_series("{ maker = 'Acme', numbers = [[9, 3]] }"));
    let files: [Row<'_>; 17] = [
        (
            &[("cards/a.toml", &without_system)],
            "cards/a.toml",
            Some(3),
            "the card `crusher_jaw_worn` has no `system`",
        ),
        (&[("cards/a.toml", &unknown_key)], "cards/a.toml", Some(8), "unknown field `occurence`"),
        (
            &[("cards/a.toml", CRUSHER), ("cards/b.toml", CRUSHER)],
            "cards/b.toml",
            Some(3),
            "`crusher_jaw_worn` is defined a second time, first in ",
        ),
        (
            &[("cards/a.toml", &CRUSHER.replace("crusher_jaw", "Crusher jaw"))],
            "cards/a.toml",
            Some(3),
            "is no id",
        ),
        (
            &[("cards/a.toml", &CRUSHER.replace("Worn crusher jaw", " "))],
            "cards/a.toml",
            Some(3),
            "empty `title`",
        ),
        (
            &[("cards/a.toml", &CRUSHER.replace("Worn", &"Worn ".repeat(20)))],
            "cards/a.toml",
            Some(3),
            "has 112 characters",
        ),
        (&[("cards/a.toml", "cards = 3")], "cards/a.toml", Some(1), "invalid type: integer `3`"),
        (&[("machines.toml", &twice)], "machines.toml", Some(9), "`crusher` is defined a second time"),
        (
            &[("machines.toml", &CRUSHER_MACHINE.replace("\"crusher\"\nwords", "''\nwords"))],
            "machines.toml",
            Some(3),
            "`kind` is empty",
        ),
        (&[("machines.toml", &bare)], "machines.toml", Some(7), "a number alone says nothing"),
        (&[("machines.toml", &backwards)], "machines.toml", Some(7), "go from 9 down to 3"),
        (&[("machines.toml", "[[machines]\n")], "machines.toml", Some(1), ""),
        (&[("codes.toml", "[[codes]]\ncode = ''\nmeaning = 'x'")], "codes.toml", Some(2), "empty `code`"),
        (&[("knowledge.toml", "disabled = [\n 'nothing']")], "knowledge.toml", Some(2), "no such card"),
        (&[("knowledge.toml", "disabled_machines = ['boat']")], "knowledge.toml", Some(1), "no such machine"),
        (&[("card.toml", CRUSHER)], "card.toml", None, "not a file of a knowledge folder"),
        (&[("notes.txt", "")], "", None, "holds none of knowledge.toml"),
    ];
    for (files, path, line, message) in files {
        let found = fault(files);
        assert_eq!((found.0, found.1), (PathBuf::from(path), line), "{}", found.2);
        assert!(found.2.to_string().contains(message), "{} against {message}", found.2);
        assert!(!found.2.to_string().contains('\n'), "{}", found.2);
    }
    let error = KnowledgeBase::builtin().with_folder("no/such/folder").unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("no/such/folder")), "{error}");
    let text = laid(&[("knowledge.toml", "disabled = ['x']")]).unwrap_err().to_string();
    assert!(text.ends_with("knowledge.toml:1: `x` cannot be disabled: there is no such card"), "{text}");
}
