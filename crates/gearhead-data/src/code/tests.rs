//! Spellings, their round trip, and what the built-in tables say.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;

use super::{
    Code, CodeKind, CodeState, CodeTable, Decoded, FaultClass, FaultCode, J1587Kind, TableError, parse_list,
};
use crate::severity::Severity;
use crate::system::System;

fn parse(text: &str) -> Code {
    FaultCode::parse(text).code
}

fn names(text: &str) -> Vec<String> {
    parse_list(text).iter().map(ToString::to_string).collect()
}

fn decode(text: &str) -> Decoded {
    CodeTable::builtin().decode(&FaultCode::parse(text))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of spellings")]
fn spellings_have_one_canonical_form() {
    for (canonical, spellings) in [
        (
            "SPN 157 FMI 18",
            &[
                "SPN 157 FMI 18",
                "spn157/18",
                "157-18",
                "157/18",
                "157 - 18",
                "157\u{2013}18",
                "000157.18",
                "ECU 000157.18",
                "ecu 157.18",
                "SPN157FMI18",
                "SPN: 157 FMI: 18",
                "SPN 157 - FMI 18",
                "  spn\t157\u{a0}fmi 18 ",
                "SPN 157 FMI 18 OC 3",
                "SA0 SPN 157 FMI 18",
                "SA0 SPN 157 FMI 18 OC 3 previously active",
                "157/18 inactive",
                "SPN 157 FMI 18 Active",
                "SA 61 - 157/18",
                "SPN:157,FMI:18",
                "SPN=157 FMI=18",
                "SPN-157 FMI-18",
                "SPN 157 (FMI 18)",
                "FMI 18 SPN 157",
                "fmi 18, spn 157",
                "DTC 157-18",
                "DTC: SPN 157 FMI 18",
                "Fault code SPN 157 FMI 18",
                "VCU 000157.18",
                "SPN 157 FMI 18 (rail pressure low)",
                "SPN 157 FMI 18 (3 times)",
                "157-18 - Fuel rail pressure : moderately low",
                "SPN 157 FMI 18 active",
                "SPN 157 FMI 18 active OC 4",
                "SPN 157 FMI 18 OC 4 active",
                "SPN 157 FMI 18, active, logged 12",
                "SPN 157 FMI 18 (OC 3, inactive)",
                "SPN 157 FMI 18 rail pressure low - not active x2",
                "000157.18 stored",
                "157-18 (active)",
                "157-18 active x3",
                "157-18 OC:4",
                "SPN 157 FMI 18 CM 0 OC 4",
            ][..],
        ),
        ("SPN 157", &["SPN 157", "spn157", "SPN #157"]),
        ("SPN 360 FMI 2", &["360-2"]),
        ("SPN 524287 FMI 31", &["524287-31"]),
        (
            "P0087",
            &[
                "P0087",
                "p0087",
                " P0087\n",
                "Code P0087",
                "P0087 (fuel rail pressure low)",
                "P0087 [low, cyl 3]",
                "P0087 - fuel rail pressure low - intermittent",
                "P0087: rail pressure (mid range) low",
                "P0087 \u{2013} low rail pressure",
                "P0087 fuel rail pressure low",
                "P0087 PENDING",
                "P0087 x3",
                "P0087 active x3",
                "P0087 3x",
                "P0087 logged 12",
                "P0087 (rail pressure low) previously active",
                "P0087 (low) again (hot)",
            ],
        ),
        (
            "P0087-64",
            &[
                "P0087-64",
                "p0087:64",
                "P0087 - 64",
                "DTC P0087-64",
                "P0087-64 - implausible",
                "P0087-64 x3",
                "P0087-64 active",
            ],
        ),
        ("U0100-0A", &["U0100-0a"]),
        (
            "MID 128 PID 94 FMI 3",
            &[
                "MID 128 PID 94 FMI 3",
                "mid128 pid94 fmi3",
                "MID 128 - PID 94 - FMI 3",
                "MID: 128, PID: 94, FMI: 3",
                "MID 128 PID 94 FMI 3 active",
            ],
        ),
        ("MID 144 PSID 230 FMI 9", &["MID 144 PSID 230 FMI 9", "MID 144 PSID 230/9"]),
        ("MID 128 PPID 119", &["MID 128 PPID 119"]),
        ("SID 1 FMI 5", &["SID 1 FMI 5", "SID 001 FMI 05"]),
        ("P20EE", &["p20ee"]),
        ("U0100", &["U0100"]),
        ("MID 036 CID 0168 FMI 04", &["MID 36, CID 168, FMI 4"]),
        ("CID 0091 FMI 08", &["CID 0091 FMI 08", "cid 91-8", "CID91 FMI8"]),
        ("CID 0091", &["CID 91"]),
        ("MID 036 CID 0168 FMI 04", &["MID 036 CID 0168 FMI 04", "MID 36 - CID 168 - FMI 4"]),
        (
            "E360(2)",
            &[
                "E360(2)",
                "E360-2",
                "e360 (2)",
                "EID 360 (2)",
                "E360-2 Low Engine Oil Pressure",
                "E360(2) - oil",
                "E360(2) active",
                "E360-2 logged 12",
                "E360-2 active",
            ],
        ),
        ("E360", &["E360", "EID 0360"]),
        ("E15", &["E015", "E15"]),
        (
            "FC 559",
            &[
                "FC 559",
                "FC559",
                "fc-559",
                "FC: 559",
                "FC 559 - fuel rail pressure low",
                "FC 559 inactive OC 2",
            ],
        ),
    ] {
        for spelling in spellings {
            let fault = FaultCode::parse(spelling);
            assert_eq!(fault.to_string(), canonical, "{spelling:?}");
            assert!(!fault.code.is_opaque(), "{spelling:?}");
            assert_eq!(&fault.original, spelling);
        }
    }
}

#[test]
fn what_is_not_understood_stays_as_written() {
    for text in [
        "",
        "SPN 524288 FMI 1",
        "SPN 157 FMI 32",
        "SPN 4294967453 FMI 18",
        "SPN 157 FMI 274",
        "157-18-2",
        "157 18",
        "157",
        "13.8",
        "157.8",
        "SPN157 FMI1/18",
        "SA 256 SPN 157 FMI 18",
        "SPN 157 OC",
        "SPN 157 FMI 18 previously",
        "SPN 157 FMI 18 deactive",
        "P0087 active 3",
        "P0087 logged 12 h ago",
        "P4087",
        "P008",
        "P00871",
        "P0G87",
        "Ü0100",
        "E02",
        "E360(4)",
        "E360(0)",
        "E360(2",
        "E65536",
        "CID 65536",
        "CID 91 FMI 32",
        "MID 256 CID 1",
        "FC 65536",
        "CA559",
        "DHPAMA",
        "V201",
        "FMI 18",
        "MID 128",
        "MID 128 PID 94 FMI 16",
        "MID 256 PID 94 FMI 3",
        "MID 128 PID 512 FMI 3",
        "PID 94",
        "PID 94 -",
        "P0087-6",
        "P0087-+6",
        "P0087 64",
        "P0087-640",
        "P0087:GG",
        "S157 F18",
        "157, 18",
        "157:18",
        "SPN 157 (FMI 18",
        "SPN 157 (18)",
        "FMI 18 157",
        "FMI 32 SPN 157",
        "DTC 559",
        "Fault code 157",
        "FC 000157.18",
        "VCU 157.18",
        "10-20 minutes after start",
        "SPN 157 - FMI 99",
        "SPN 157 - FMI",
        "SPN 157 (FMI eighteen)",
        "FC 559 (SPN 157 FMI 18)",
        "P0087 - P0191",
        "P0087 (and CA559)",
        "P0087 (and P0191)",
        "P0087 (low",
        "P0087 hot",
        "P0087 twice in 3 days",
        "low rail pressure P0087",
        "\u{ff30}0087",
    ] {
        assert_eq!(parse(text), Code::Opaque(text.to_owned()), "{text:?}");
    }
    assert_eq!(FaultCode::parse("  lamp \n on ").to_string(), "lamp on");
}

#[test]
fn the_source_address_is_kept_beside_the_code() {
    let reported = FaultCode::parse("SA3 SPN 100 FMI 1");
    assert_eq!(reported.source_address, Some(3));
    assert_eq!(reported, FaultCode::parse("100/1"));
    assert_eq!(parse_list("SA3 SPN 100 FMI 1/18")[1].source_address, Some(3));
}

#[test]
fn lists_are_split_where_that_is_unambiguous() {
    for (text, expected) in [
        ("P0087, SPN 157 FMI 18", &["P0087", "SPN 157 FMI 18"][..]),
        ("P0087 P0191", &["P0087", "P0191"]),
        ("P0087;;P0191\r\n , U0100", &["P0087", "P0191", "U0100"]),
        ("SPN157 FMI1/18", &["SPN 157 FMI 1", "SPN 157 FMI 18"]),
        ("SPN 157, FMI 18, P0087", &["SPN 157 FMI 18", "P0087"]),
        ("SPN 157 FMI 18 SPN 100 FMI 1", &["SPN 157 FMI 18", "SPN 100 FMI 1"]),
        ("157-18 100-1 E360(2)", &["SPN 157 FMI 18", "SPN 100 FMI 1", "E360(2)"]),
        ("SPN 157 SPN 100 FMI 1/18", &["SPN 157", "SPN 100 FMI 1", "SPN 100 FMI 18"]),
        ("FC 559 CA559", &["FC 559", "CA559"]),
        ("SAB12 FC 559", &["SAB12", "FC 559"]),
        ("MID 128, PSID 94, FMI 3, P0087", &["MID 128 PSID 94 FMI 3", "P0087"]),
        ("MID 128 PID 94 FMI 3 MID 144 PPID 69 FMI 4", &["MID 128 PID 94 FMI 3", "MID 144 PPID 69 FMI 4"]),
        ("SPN:157,FMI:18", &["SPN 157 FMI 18"]),
        ("FMI 18, SPN 157, P0087", &["SPN 157 FMI 18", "P0087"]),
        ("SPN 100, FMI 18, SPN 157", &["SPN 100 FMI 18", "SPN 157"]),
        ("P0087-64, P0087:64", &["P0087-64", "P0087-64"]),
        ("FC 559 (SPN 157 FMI 18)", &["FC 559", "SPN 157 FMI 18"]),
        ("FC 559 [SPN 157 FMI 1/18]", &["FC 559", "SPN 157 FMI 1", "SPN 157 FMI 18"]),
        ("P0087 (rail pressure low, derated); P0191", &["P0087", "P0191"]),
        ("P0087 (rail pressure low, P0191", &["P0087 (rail pressure low", "P0191"]),
        ("P0087 and P0191 & U0100", &["P0087", "P0191", "U0100"]),
        ("P0087/P0191", &["P0087", "P0191"]),
        ("- P0087\n- 157-18 - rail pressure\n", &["P0087", "SPN 157 FMI 18"]),
        ("DTC P0087 DTC P0191", &["P0087", "P0191"]),
        ("P0087 rail pressure low P0191 sensor circuit fault", &["P0087", "P0191"]),
        ("S157 F18", &["S157", "F18"]),
        ("P0087 active x3, SPN 157 FMI 18 stored", &["P0087", "SPN 157 FMI 18"]),
        ("P0087 active x3 SPN 157 FMI 18 OC 4 stored 100-1", &["P0087", "SPN 157 FMI 18", "SPN 100 FMI 1"]),
        ("P0087, active, x3, P0191; stored", &["P0087", "P0191"]),
        ("SPN 97 FMI 15 (OC 3, inactive), P0087 (x2)", &["SPN 97 FMI 15", "P0087"]),
        ("P0087 P0191, active", &["P0087", "P0191"]),
        ("FC 559 (SPN 157 FMI 18) active", &["FC 559", "SPN 157 FMI 18"]),
        ("CA559 active, E02 x3", &["CA559", "E02"]),
        ("P0087 DHPAMA", &["P0087 DHPAMA"]),
        ("SPN 157 FMI 99", &["SPN 157 FMI 99"]),
        ("SPN157 FMI99", &["SPN157 FMI99"]),
        ("low oil P0087", &["low oil P0087"]),
        ("", &[]),
        (" ,; \n", &[]),
    ] {
        assert_eq!(names(text), expected, "{text:?}");
    }
}

#[test]
fn each_code_of_a_list_keeps_its_own_state() {
    for (text, expected) in [
        ("P0087 active x3, SPN 157 FMI 18 stored", &[(Some(true), Some(3)), (Some(false), None)][..]),
        ("P0087, active, OC 4; P0191, stored", &[(Some(true), Some(4)), (Some(false), None)]),
        (
            "P0087 (fuel rail pressure too low at high engine load under full throttle when hot), active",
            &[(Some(true), None)],
        ),
        ("SPN 157 FMI 1/18 active OC 3", &[(Some(true), Some(3)); 2]),
        ("FC 559 (SPN 157 FMI 18) not active", &[(Some(false), None); 2]),
        ("SPN 97 FMI 15 (OC 3, inactive), 157-18 (active)", &[(Some(false), Some(3)), (Some(true), None)]),
    ] {
        let states: Vec<_> = parse_list(text).iter().map(|code| CodeState::of(&code.original)).collect();
        let states: Vec<_> = states.iter().map(|state| (state.active, state.count)).collect();
        assert_eq!(states, expected, "{text:?}");
    }
}

#[test]
fn equality_ignores_the_spelling() {
    let codes = parse_list("157-18, SPN 157 FMI 18, 000157.18, P0087");
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 2);
}

#[test]
fn builtin_tables_are_complete() {
    let table = CodeTable::builtin();
    for fmi in 0..=31 {
        assert_eq!(table.failure_mode(fmi).unwrap().fmi, fmi);
    }
    assert!(table.failure_mode(32).is_none());
    let count = |kind| table.codes().filter(|code| code.kind() == kind).count();
    assert_eq!(count(CodeKind::J1939), 216);
    assert_eq!(count(CodeKind::Obd), 142);
    assert_eq!(count(CodeKind::CatEid), 41);
    assert_eq!(count(CodeKind::CatCid), 27);
    assert_eq!(count(CodeKind::Cummins), 2);
    assert_eq!(count(CodeKind::Opaque), 0);
}

#[test]
fn failure_modes_follow_the_standard() {
    let class = |fmi| CodeTable::builtin().failure_mode(fmi).unwrap().class;
    for fmi in [0, 1, 15, 16, 17, 18] {
        assert_eq!(class(fmi), FaultClass::Condition);
    }
    for fmi in 3..=6 {
        assert_eq!(class(fmi), FaultClass::Circuit);
    }
    for fmi in 22..=30 {
        assert_eq!(class(fmi), FaultClass::Reserved);
        assert!(CodeTable::builtin().failure_mode(fmi).unwrap().meaning.starts_with("reserved by SAE"));
    }
}

#[test]
fn a_known_parameter_is_named() {
    let rail = decode("157-18");
    assert!(rail.known);
    assert_eq!((rail.kind, rail.spn, rail.fmi), (CodeKind::J1939, Some(157), Some(18)));
    assert_eq!((rail.code.as_str(), rail.original.as_str()), ("SPN 157 FMI 18", "157-18"));
    assert_eq!(rail.meaning.as_deref(), Some("injector metering rail (common-rail) pressure"));
    assert_eq!(rail.failure_mode.as_deref(), Some("reading valid, moderately below the normal range"));
    assert_eq!(rail.circuit_or_condition, Some(FaultClass::Condition));
    assert_eq!((rail.severity, rail.system), (Some(Severity::FinishAndPark), Some(System::Fuel)));

    // The traps that the gathered facts name: level and quality of DEF, gear five and gear three.
    assert_eq!(decode("SPN 1761").meaning.as_deref(), Some("DEF tank level"));
    assert_eq!(decode("SPN 3364").meaning.as_deref(), Some("DEF tank quality"));
    assert_eq!(decode("P0735").meaning.as_deref(), Some("incorrect ratio in gear 5"));
    assert_eq!(decode("P0733").meaning, None);
    let cummins = decode("FC 559").note.unwrap();
    assert!(cummins.contains("SPN 157 FMI 18") && cummins.contains("SPN 94 FMI 0"), "{cummins}");
}

#[test]
fn an_unknown_parameter_is_not_guessed() {
    for neighbour in ["SPN 156 FMI 3", "SPN 159 FMI 3"] {
        let unknown = decode(neighbour);
        assert!(!unknown.known);
        assert_eq!((unknown.meaning, unknown.system, unknown.links), (None, None, None));
        assert!(unknown.failure_mode.is_some());
        assert_eq!(unknown.circuit_or_condition, Some(FaultClass::Circuit));
    }
    let opaque = decode("CA559");
    assert!(!opaque.known && opaque.meaning.is_none() && opaque.note.is_some());
}

#[test]
fn ranges_of_the_manufacturer_are_said_to_be_so() {
    for code in ["SPN 520192 FMI 4", "SPN 524287", "P1234", "P3012", "U1000", "B2001", "C1001"] {
        let note = decode(code).note.unwrap_or_default();
        assert!(note.contains("left to each manufacturer"), "{code}: {note}");
    }
    for code in ["SPN 520191 FMI 4", "P0999", "P2999", "P3400", "U0999", "U3000"] {
        assert_eq!(decode(code).note, None, "{code}");
    }
    for code in ["P3500", "P3999-13", "B3000", "C3FFF"] {
        assert!(decode(code).note.unwrap().contains("reserved"), "{code}");
    }
    assert!(decode("P1234-13").note.unwrap().contains("left to each manufacturer"));
    assert_eq!(decode("SPN 100 FMI 25").circuit_or_condition, None);
}

#[test]
fn severity_stays_within_what_the_parameter_can_mean() {
    for (code, severity) in [
        ("SPN 100 FMI 1", Some(Severity::Stop)),
        ("SPN 96 FMI 1", Some(Severity::Plan)),
        ("SPN 1761 FMI 1", Some(Severity::FinishAndPark)),
        ("SPN 1110 FMI 31", Some(Severity::Stop)),
        ("SPN 100 FMI 31", None),
        ("SPN 100", None),
        ("SPN 0 FMI 0", None),
        ("E360(3)", Some(Severity::Stop)),
        ("E360(1)", Some(Severity::Plan)),
        ("E360", None),
        ("E16(1)", Some(Severity::Stop)),
    ] {
        assert_eq!(decode(code).severity, severity, "{code}");
    }
}

#[test]
fn a_bare_pair_that_may_be_an_event_is_flagged() {
    let pair = decode("360-2");
    assert!(!pair.known);
    assert!(pair.note.unwrap().contains("E360(2)"));
}

#[test]
fn caterpillar_and_cummins_codes_are_named() {
    let event = decode("E360(2)");
    assert_eq!(event.meaning.as_deref(), Some("low engine oil pressure"));
    assert_eq!(event.circuit_or_condition, Some(FaultClass::Condition));
    assert!(event.note.unwrap().contains("one source"));
    let component = decode("MID 036 CID 0168 FMI 04");
    assert_eq!(component.meaning.as_deref(), Some("system voltage"));
    assert_eq!(component.circuit_or_condition, Some(FaultClass::Circuit));
    assert!(decode("FC 559").known);
    assert!(!decode("FC 560").known);
}

#[test]
fn a_failure_type_says_how_an_obd_code_failed() {
    let rail = decode("P0087-64");
    assert_eq!((rail.kind, rail.code.as_str()), (CodeKind::Obd, "P0087-64"));
    assert_eq!(rail.meaning.as_deref(), Some("fuel rail pressure too low"));
    assert_eq!(rail.failure_mode.as_deref(), Some("reading implausible"));
    assert_eq!(rail.circuit_or_condition, Some(FaultClass::Signal));
    // A type that says nothing leaves what the code says.
    assert_eq!(decode("P0087-00").circuit_or_condition, Some(FaultClass::Condition));
    let unknown = decode("P0999-13");
    assert_eq!((unknown.known, unknown.meaning), (false, None));
    assert_eq!(unknown.failure_mode.as_deref(), Some("circuit open"));
    assert_eq!(unknown.circuit_or_condition, Some(FaultClass::Circuit));
    assert_eq!(decode("P0087-F0").failure_mode, None);
}

#[test]
fn old_truck_codes_are_named_where_the_number_is_shared() {
    let pressure = decode("MID 128 PID 94 FMI 3");
    assert_eq!((pressure.kind, pressure.spn, pressure.fmi), (CodeKind::J1587, None, Some(3)));
    assert_eq!(pressure.meaning.as_deref(), Some("fuel delivery (low-pressure supply) pressure"));
    assert_eq!(pressure.circuit_or_condition, Some(FaultClass::Circuit));
    assert!(pressure.note.unwrap().contains("SPN of the same number"));
    for (code, note) in [
        ("MID 144 PSID 94 FMI 9", "left to each manufacturer"),
        ("MID 128 PPID 94 FMI 9", "left to each manufacturer"),
        ("MID 128 SID 94 FMI 9", "in each module"),
    ] {
        let decoded = decode(code);
        assert!(!decoded.known && decoded.meaning.is_none(), "{code}");
        assert!(decoded.failure_mode.is_some() && decoded.note.unwrap().contains(note), "{code}");
    }
    assert!(!decode("MID 128 PID 511 FMI 3").known);
}

#[test]
fn makers_own_codes_stay_opaque_with_a_note() {
    for code in ["CA559", "E02", "DHPAMA", "V201"] {
        let decoded = decode(code);
        assert_eq!((decoded.kind, decoded.code.as_str()), (CodeKind::Opaque, code));
        assert!(!decoded.known && decoded.note.unwrap().contains("only the maker's list"), "{code}");
    }
}

#[test]
fn a_company_table_goes_before_the_builtin_one() {
    let table = CodeTable::builtin()
        .with_overrides(
            "[[codes]]\ncode = 'V201'\nmeaning = 'pump valve'\nsystem = 'hydraulics'\n\
             [[codes]]\ncode = '100-31'\nmeaning = 'oil pressure switch'",
        )
        .unwrap();
    let meaning = |text| table.decode(&FaultCode::parse(text)).meaning;
    assert_eq!(meaning("V201").as_deref(), Some("pump valve"));
    assert_eq!(meaning("SPN 100 FMI 31").as_deref(), Some("oil pressure switch"));
    assert_eq!(meaning("SPN 100 FMI 1").as_deref(), Some("engine oil pressure"));

    let fault = |text: &str| CodeTable::builtin().with_overrides(text).unwrap_err();
    let twice = "[[codes]]\ncode='157-18'\nmeaning='a'\n[[codes]]\ncode='SPN 157 FMI 18'\nmeaning='b'";
    assert!(matches!(fault(twice), TableError::Duplicate { line: 5, code } if code == "SPN 157 FMI 18"));
    assert!(matches!(fault("[[codes]]\nmeaning='a'\ncode=' '"), TableError::EmptyCode { line: 3, .. }));
    assert_eq!(fault("[[codes]]\ncode='V1'\n\nmeanign='a'").line(), Some(4));
    assert!(matches!(fault("[[codes]]\ncode='V1'\nmeanign='a'"), TableError::Toml { .. }));
    assert!(matches!(fault("[[codes]]\ncode='V1'\nmeaning='a'\nsystem='fule'"), TableError::Toml { .. }));
}

#[test]
fn reports_have_the_published_fields() {
    let value = serde_json::to_value(decode("MID 036 CID 0168 FMI 04")).unwrap();
    let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "code",
        "original",
        "kind",
        "spn",
        "fmi",
        "known",
        "meaning",
        "failure_mode",
        "circuit_or_condition",
        "severity",
        "system",
        "links",
        "note",
    ];
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(value["kind"], "cat_cid");
    assert_eq!(value["circuit_or_condition"], "circuit");
    assert_eq!(value["severity"], "plan");
    assert_eq!(serde_json::to_value(decode("157-18")).unwrap()["kind"], "j1939");
    assert_eq!(serde_json::to_value(decode("E360")).unwrap()["kind"], "cat_eid");

    let fault: FaultCode = serde_json::from_str("\"spn157/18\"").unwrap();
    assert_eq!(serde_json::to_string(&fault).unwrap(), "\"spn157/18\"");
}

/// A code with every field in its range.
fn any_code() -> impl Strategy<Value = Code> {
    let fmi = || prop::option::of(0..=super::MAX_FMI);
    prop_oneof![
        (0..=super::MAX_SPN, fmi()).prop_map(|(spn, fmi)| Code::J1939 { spn, fmi }),
        "[PCBU][0-3][0-9A-F]{3}".prop_map(Code::Obd),
        ("[PCBU][0-3][0-9A-F]{3}", any::<u8>())
            .prop_map(|(code, failure_type)| Code::ObdFailure { code, failure_type }),
        (
            any::<u8>(),
            prop::sample::select(J1587Kind::ALL.to_vec()),
            0..=511_u16,
            prop::option::of(0..=15_u8)
        )
            .prop_map(|(mid, kind, number, fmi)| Code::J1587 { mid: Some(mid), kind, number, fmi }),
        (prop::option::of(0..=255_u16), any::<u16>(), fmi()).prop_map(|(mid, cid, fmi)| Code::Cid {
            mid,
            cid,
            fmi
        }),
        (any::<u16>(), prop::option::of(1..=3_u8)).prop_map(|(eid, level)| Code::Eid { eid, level }),
        any::<u16>().prop_map(Code::CumminsFc),
    ]
}

/// Text near the formats, where a parser that takes the wrong turn would show it.
fn near_code() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "SPN",
            "FMI",
            "CID",
            "MID",
            "EID",
            "E",
            "FC",
            "SA",
            "ECU",
            "OC",
            "P0087",
            "P0087-64",
            "PID",
            "PSID",
            "DTC",
            "VCU",
            "low rail",
            "active",
            " stored",
            "OC 3",
            " x3",
            "and",
            "CA559",
            "[",
            "]",
            "\n",
            "=",
            " ",
            "  ",
            "-",
            "/",
            ".",
            "(",
            ")",
            ",",
            ";",
            ":",
            "\u{2013}",
            "\u{df}",
            "\u{1f69c}",
        ])
        .prop_map(str::to_owned),
        (0..600_000_u32).prop_map(|number| number.to_string()),
        (0..34_u32).prop_map(|number| format!("{number:02}")),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_code_survives_printing(code in any_code()) {
        prop_assert_eq!(parse(&code.to_string()), code);
    }

    #[test]
    fn parse_print_parse_is_the_identity(text in prop_oneof![near_code(), any::<String>()]) {
        let fault = FaultCode::parse(&text);
        prop_assert_eq!(parse(&fault.to_string()), fault.code.clone());
        prop_assert_eq!(parse(&fault.original), fault.code);
    }

    #[test]
    fn every_item_of_a_list_is_its_own_list(text in prop_oneof![near_code(), any::<String>()]) {
        for fault in parse_list(&text) {
            prop_assert_eq!(&parse(&fault.original), &fault.code);
            prop_assert_eq!(parse_list(&fault.original), vec![fault]);
        }
    }

    #[test]
    fn no_text_panics_or_is_misread(text in prop_oneof![near_code(), any::<String>()]) {
        let decoded = decode(&text);
        prop_assert_eq!(decoded.known, decoded.meaning.is_some());
        if let Code::J1939 { spn, fmi } = parse(&text) {
            prop_assert!(spn <= super::MAX_SPN && fmi.is_none_or(|fmi| fmi <= super::MAX_FMI));
            prop_assert!(text.contains(&spn.to_string()));
        }
    }
}

#[test]
fn saying_that_there_is_no_code_gives_none() {
    for text in ["none", "N/A", " - ", "", "None, nil", "no codes"] {
        assert_eq!(parse_list(text), [], "{text:?}");
    }
    assert_eq!(parse_list("none, P0087").len(), 1);
}
