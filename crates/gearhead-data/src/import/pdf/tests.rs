use proptest::prelude::*;

use super::{
    super::read_all::{Seen, fixture, read_all},
    *,
};

fn read(name: &str) -> Vec<Seen> {
    read_all(&mut PdfRows::open(fixture(&format!("pdf/{name}"))).unwrap()).unwrap()
}

/// Symptom, cause and remedy.
fn parts(seen: &Seen) -> [&str; 3] {
    [&seen.cells[1], &seen.cells[3], &seen.cells[4]]
}

#[test]
fn blocks_are_read_in_a_paragraph_as_paragraphs_and_under_headings() {
    let seen = read("blocks.pdf");
    let good: Vec<[&str; 3]> = seen.iter().filter(|row| row.fault.is_none()).map(parts).collect();
    assert_eq!(
        good,
        [
            [
                "The boom rises slowly although the engine runs at full speed.",
                "The suction strainer in the hydraulic tank is clogged.",
                "Take the strainer out, wash it, and change the oil.",
            ],
            [
                "Steering is heavy when the oil is cold.",
                "Oil of the wrong viscosity was filled in.",
                "Drain the system and fill in the oil that the lubrication chart names.",
            ],
            ["The parking brake does not hold on a slope.", "Brake lining worn down.", "Fit a new lining."],
            [
                "The parking brake does not hold on a slope.",
                "Brake pressure stays up because the valve sticks.",
                "Clean the valve and check that it moves freely.",
            ],
            [
                "The display goes dark while the engine is cranked.",
                "Battery voltage falls under 18 V.",
                "Charge the battery and measure its voltage again under load.",
            ],
        ]
    );
    assert_eq!(seen.last().unwrap().cells[2], "E360(2)");
    assert_eq!((seen[0].place.as_str(), seen[0].cells[5].as_str()), ("page 1", "1"));
}

#[test]
fn a_block_without_its_remedy_is_reported_with_its_page() {
    let seen = read("blocks.pdf");
    let faulty: Vec<&Seen> = seen.iter().filter(|row| row.fault.is_some()).collect();
    assert_eq!(faulty.len(), 1);
    assert_eq!(faulty[0].fault.as_deref(), Some("it has no remedy"));
    assert_eq!(parts(faulty[0]), ["The horn does not sound.", "Fuse 12 is blown.", ""]);
    assert_eq!(faulty[0].place, "page 2");
}

#[test]
fn two_columns_are_read_one_after_the_other_and_broken_words_joined() {
    let seen = read("two_columns.pdf");
    let found: Vec<[&str; 3]> = seen.iter().map(parts).collect();
    assert_eq!(
        found,
        [
            [
                "The engine does not start although the starter turns.",
                "Water in the fuel. Frost has turned it to ice, and no fuel reaches the injection pump.",
                "Drain the water separator, change both filters and bleed the low-pressure side.",
            ],
            [
                "White smoke comes out of the exhaust while the engine is cold.",
                "A glow plug has burnt out.",
                "Measure each plug and replace those that carry no current.",
            ],
            [
                "The travel motor jerks.",
                "Air in the pilot line.",
                "Bleed the pilot line at the remote valve."
            ],
        ]
    );
    assert!(seen.iter().all(|row| row.fault.is_none()));
}

#[test]
fn a_ruled_table_gives_a_row_for_each_cause_under_its_symptom() {
    let seen = read("ruled_table.pdf");
    let found: Vec<[&str; 3]> = seen.iter().map(parts).collect();
    assert_eq!(
        found,
        [
            [
                "Engine overheats",
                "Radiator core is blocked with dust",
                "Blow the core out from the fan side with compressed air",
            ],
            ["Engine overheats", "Thermostat stays closed", "Replace the thermostat"],
            [
                "Engine overheats",
                "Fan belt is loose and slips on the pulley under load",
                "Tighten the belt; replace it if it is cracked",
            ],
            ["Low engine oil pressure", "Oil level is low", "Top the oil up and look for leaks"],
            [
                "Low engine oil pressure",
                "Oil pressure sensor gives a wrong value",
                "Compare with a mechanical gauge and replace the sensor",
            ],
            ["Alternator does not charge", "Regulator has failed", "Replace the regulator"],
        ]
    );
    assert!(seen.iter().all(|row| row.fault.is_none()));
}

#[test]
fn a_table_without_rules_keeps_its_columns_and_reports_what_is_missing() {
    let seen = read("borderless_table.pdf");
    let found: Vec<[&str; 3]> = seen.iter().map(parts).collect();
    assert_eq!(
        found,
        [
            ["Bucket drops", "Relief valve leaks", "Reseat the valve"],
            [
                "Arm does not move at all",
                "Pilot pressure is too low because the gear pump is worn out",
                "Measure the pilot pressure at the gauge port; replace the pump if it is under 30 bar",
            ],
            ["Arm does not move at all", "Lever lock is on", "Release the lock"],
            ["Swing brake drags", "", "Adjust the release valve"],
        ]
    );
    let codes: Vec<&str> = seen.iter().map(|row| row.cells[2].as_str()).collect();
    assert_eq!(codes, ["SPN 2602 FMI 3", "", "", "E12"]);
    let faults: Vec<_> = seen.iter().map(|row| row.fault.as_deref()).collect();
    assert_eq!(faults, [None, None, None, Some("it has no cause")]);
}

#[test]
fn a_table_goes_on_over_page_breaks() {
    let seen = read("long_table.pdf");
    assert_eq!(seen.len(), 24);
    for (at, row) in seen.iter().enumerate() {
        let number = at / 2 + 1;
        let (order, tail) =
            if at % 2 == 0 { ("First", ", with enough words to need a second line") } else { ("Second", "") };
        assert_eq!(
            parts(row),
            [
                format!("Complaint number {number} of the long table"),
                format!("{order} reason of complaint {number}"),
                format!("{order} cure of complaint {number}{tail}"),
            ],
            "row {at} on {}",
            row.place
        );
        assert_eq!(row.fault, None);
    }
    let pages: std::collections::BTreeSet<&str> = seen.iter().map(|row| row.place.as_str()).collect();
    assert!(pages.len() >= 2, "{pages:?}");
}

#[test]
fn a_scanned_page_is_reported_and_the_rest_read() {
    let seen = read("scanned.pdf");
    assert_eq!(
        seen[0].fault.as_deref(),
        Some("page 1 has no text: is it scanned? Run a text recognition program over the file first")
    );
    assert_eq!(parts(&seen[1]), ["The cab light flickers.", "Loose earth strap.", "Tighten the strap."]);
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let error = |name: &str| PdfRows::open(fixture(name)).err().unwrap();
    assert!(matches!(error("pdf/locked.pdf"), Error::Locked { .. }));
    let no_pdf = error("tables/log.xlsx").to_string();
    assert!(
        no_pdf.ends_with("not a readable PDF file: it is damaged, cut off, or no PDF at all"),
        "{no_pdf}"
    );
    assert!(PdfRows::from_bytes(Vec::new()).is_err());
}

#[test]
fn a_file_that_is_cut_off_is_an_error_or_says_that_pages_may_be_missing() {
    let whole = std::fs::read(fixture("pdf/blocks.pdf")).unwrap();
    for share in [10, 30, 50, 70, 90, 97] {
        if let Ok(rows) = PdfRows::from_bytes(whole[..whole.len() * share / 100].to_vec()) {
            assert!(rows.notes().iter().any(|note| note.contains("may be cut off")), "{share} %");
        }
    }
    assert!(PdfRows::from_bytes(whole).unwrap().notes().is_empty());
    let error = PdfRows::open(fixture("pdf/cut_off.pdf")).err().unwrap().to_string();
    assert!(error.contains("damaged, cut off"), "{error}");
}

#[test]
fn the_text_of_a_page_is_in_reading_order_without_headers_and_page_numbers() {
    let text = PdfText::open(fixture("pdf/blocks.pdf")).unwrap();
    let pages: Vec<(u64, String)> = text.pages().collect();
    assert_eq!(pages.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2]);
    let lines: Vec<&str> = pages[0].1.lines().collect();
    assert_eq!(lines[0], "Troubleshooting the hydraulics");
    assert!(lines[1].starts_with("This section helps the technician") && lines[1].ends_with("cool down."));
    for (_, page) in &pages {
        assert!(!page.contains("Loader service manual") && !page.contains("7-"), "{page}");
    }
    let table = PdfText::open(fixture("pdf/ruled_table.pdf")).unwrap().into_pages().next().unwrap().1;
    assert!(
        table.contains("Engine overheats | Thermostat stays closed | Replace the thermostat\n"),
        "{table}"
    );
    assert!(table.contains("\nAfter the repair, write the hours"), "{table}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_bytes_never_panic(place in 0_usize..3_400, bytes in prop::collection::vec(any::<u8>(), 1..8), which in 0..4) {
        let name = ["blocks", "ruled_table", "locked", "scanned"][which as usize];
        let mut file = std::fs::read(fixture(&format!("pdf/{name}.pdf"))).unwrap();
        let place = place % file.len();
        let end = (place + bytes.len()).min(file.len());
        file[place..end].copy_from_slice(&bytes[..end - place]);
        if let Ok(mut rows) = PdfRows::from_bytes(file.clone()) {
            read_all(&mut rows).unwrap();
        }
        if let Ok(text) = PdfText::from_bytes(file) {
            text.pages().for_each(drop);
        }
    }
}
