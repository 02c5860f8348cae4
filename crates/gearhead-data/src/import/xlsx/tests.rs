use proptest::prelude::*;

use super::{
    super::read_all::{Seen, fixture, read_all},
    *,
};

fn log(sheet: Option<&str>) -> (XlsxRows, Vec<Seen>) {
    let mut rows = XlsxRows::open(fixture("tables/log.xlsx"), sheet).unwrap();
    let seen = read_all(&mut rows).unwrap();
    (rows, seen)
}

fn row<'a>(seen: &'a [Seen], place: &str) -> &'a Seen {
    seen.iter().find(|row| row.place == place).unwrap_or_else(|| panic!("no row {place}"))
}

#[test]
fn the_header_is_found_under_titles_and_they_are_noted() {
    let (rows, _) = log(None);
    assert_eq!(rows.header(), ["Machine", "Complaint", "Hours", "Date", "Under warranty", "Remedy"]);
    assert!(
        rows.notes().iter().any(|note| note.contains("header is row 3") && note.contains("Service log 2026"))
    );
}

#[test]
fn every_kind_of_value_is_text() {
    let (_, seen) = log(None);
    let cells = |place| row(&seen, place).cells.clone();
    assert_eq!(cells("Log!4"), ["L90F", "Slow boom", "4120", "2026-03-01", "true", "Washed the strainer"]);
    assert_eq!(
        cells("Log!5"),
        ["L90F", "Heavy steering", "4130.5", "2026-03-02T14:30:00", "false", "Changed the oil"]
    );
    assert_eq!(cells("Log!6"), ["L90F", "No horn", "", "07:05:00", "", "Fuse 12"]);
    assert_eq!(cells("Log!12"), ["A30", "Last\nrow", "1000000000000000", "30:15:00", "", "–"]);
    assert!([4, 5, 6, 12].iter().all(|number| row(&seen, &format!("Log!{number}")).fault.is_none()));
}

#[test]
fn rows_that_cannot_be_trusted_are_faulty_with_their_cell() {
    let (_, seen) = log(None);
    assert_eq!(row(&seen, "Log!8").fault, None);
    assert_eq!(row(&seen, "Log!8").cells[2], "");
    assert_eq!(row(&seen, "Log!9").fault.as_deref(), Some("cell C9 holds the error #REF!"));
    let stray = row(&seen, "Log!10");
    assert_eq!(stray.fault.as_deref(), Some("cell H10 has text, but its column has no name in the header"));
    assert!(stray.cells.contains(&"who wrote this?".to_owned()));
    assert_eq!(row(&seen, "Log!11").fault.as_deref(), Some("it repeats the header"));
}

#[test]
fn sheets_with_the_same_header_are_read_on_and_the_others_noted() {
    let (rows, seen) = log(None);
    assert_eq!(row(&seen, "More!2").cells[1], "From the second sheet");
    assert_eq!(seen.len(), 9);
    let noted = |words: &[&str]| rows.notes().iter().any(|note| words.iter().all(|word| note.contains(word)));
    assert!(noted(&["\"Parts\"", "Part, Price"]), "{:?}", rows.notes());
    assert!(noted(&["\"Empty\""]));
    assert!(noted(&["\"Hidden\"", "hidden"]));
}

#[test]
fn a_sheet_asked_for_is_read_alone_and_hidden_or_not() {
    let (rows, seen) = log(Some("parts"));
    assert_eq!(rows.header(), ["Part", "Price"]);
    assert_eq!(seen[0].cells, ["Seal", "12.5"]);
    assert_eq!(log(Some("Hidden")).1[0].cells[0], "secret");
    let error = XlsxRows::open(fixture("tables/log.xlsx"), Some("Lag")).err().unwrap().to_string();
    assert!(error.ends_with("there is no sheet \"Lag\"; it has Log, More, Parts, Empty, Hidden"), "{error}");
}

#[test]
fn dates_of_the_1904_system_are_read_as_they_are_shown() {
    let mut rows = XlsxRows::open(fixture("tables/dates_1904.xlsx"), None).unwrap();
    assert_eq!(read_all(&mut rows).unwrap()[0].cells, ["L90F", "2026-03-01"]);
}

#[test]
fn ods_reads_like_xlsx_and_xls_is_refused() {
    let mut rows = XlsxRows::open(fixture("tables/log.ods"), None).unwrap();
    let seen = read_all(&mut rows).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].cells, ["L90F", "Slow boom", "4120", "2026-03-01", "true", "Mended"]);
    let refused = XlsxRows::open(fixture("tables/log.xls"), None).err().unwrap().to_string();
    assert!(refused.contains("save it as XLSX"), "{refused}");
}

#[test]
fn dropping_the_rows_early_ends_the_thread() {
    let mut rows = XlsxRows::open(fixture("tables/log.xlsx"), None).unwrap();
    let mut first = Row { place: Place::Line(0), cells: Vec::new() };
    assert_eq!(rows.next_row(&mut first).unwrap(), Next::Row);
    drop(rows);
}

#[test]
fn what_is_no_spreadsheet_is_an_error() {
    let reason = |bytes: &[u8]| XlsxRows::from_bytes(bytes.to_vec(), None).err().unwrap().to_string();
    assert!(reason(b"a,b\n1,2\n").contains("none of XLSX, XLSB and ODS"));
    assert!(reason(b"").contains("not a readable spreadsheet"));
    let whole = std::fs::read(fixture("tables/log.xlsx")).unwrap();
    assert!(reason(&whole[..whole.len() / 2]).contains("not a readable spreadsheet"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_bytes_never_panic(place in 0_usize..5_600, bytes in prop::collection::vec(any::<u8>(), 1..6), which in 0..3) {
        let name = ["tables/log.xlsx", "tables/log.xls", "tables/log.ods"][which as usize];
        let mut file = std::fs::read(fixture(name)).unwrap();
        let place = place % file.len();
        let end = (place + bytes.len()).min(file.len());
        file[place..end].copy_from_slice(&bytes[..end - place]);
        if let Ok(mut rows) = XlsxRows::from_bytes(file, None) {
            let _ = read_all(&mut rows);
        }
    }
}
