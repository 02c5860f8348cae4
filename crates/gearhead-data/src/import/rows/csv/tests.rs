use std::io::Cursor;

use super::*;
use crate::import::encoding::Encoding;

/// Every row as `line: cells` or `line! reason [raw]`.
fn read_with(text: &[u8], options: CsvOptions) -> (Vec<String>, Vec<String>) {
    let input = TextReader::new(Cursor::new(text.to_vec()), Encoding::detect(text));
    let Ok(mut rows) = CsvRows::new(Path::new("t.csv"), input, options) else { return Default::default() };
    let mut row = Row { place: Place::Line(0), cells: Vec::new() };
    let mut found = Vec::new();
    loop {
        match rows.next_row(&mut row).unwrap() {
            Next::Row => found.push(format!("{}: {}", row.place, row.cells.join("|"))),
            Next::Faulty(reason) => found.push(format!("{}! {reason} [{}]", row.place, row.cells.join("|"))),
            Next::End => return (rows.header().to_vec(), found),
        }
    }
}

fn read(text: &str) -> Vec<String> {
    read_with(text.as_bytes(), CsvOptions::default()).1
}

fn header(text: &str) -> Vec<String> {
    read_with(text.as_bytes(), CsvOptions::default()).0
}

#[test]
fn quotes_and_line_ends_of_every_kind() {
    assert_eq!(read("a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\nz,w\n"), ["2: x, \"y\"|two\nlines", "4: z|w"]);
    assert_eq!(read("a,b\r\n1,2\r\n\r\n3,4"), ["2: 1|2", "4: 3|4"]);
    assert_eq!(read("a,b\r1,2\r\r3,4\r"), ["2: 1|2", "4: 3|4"]);
    assert_eq!(read("a,b\n5\" pump,ok\n"), ["2: 5\" pump|ok"]);
    assert_eq!(read("a,b\n\"5\" pump\",ok\n"), ["2: 5 pump\"|ok"]);
}

#[test]
fn quotes_behind_a_backslash_are_quotes() {
    let text = "a,b,c\n1,\"said \\\"stop, now\\\" twice\",3\n2,\"C:\\dir\\\",x\n3,\"plain\",y\n";
    assert_eq!(read(text), ["2: 1|said \"stop, now\" twice|3", "3: 2|C:\\dir\\|x", "4: 3|plain|y"]);
    // Far behind what is looked at first.
    let late = format!("a,b,c\n{}1,\"said \\\"stop, now\\\" twice\",3\n", "1,2,3\n".repeat(30_000));
    assert_eq!(read(&late).last().unwrap(), "30002: 1|said \"stop, now\" twice|3");
}

#[test]
fn short_rows_are_filled_and_long_ones_reported() {
    assert_eq!(
        read("a,b,c\n1,2\n1,2,3,\n1,2,3,4\n5,6,7\n"),
        ["2: 1|2|", "3: 1|2|3", "4! the row has 4 cells, the header 3 [1,2,3,4]", "5: 5|6|7"]
    );
    assert_eq!(
        read("a,b\n1,\"x\ny\"\"z\",3\n5,6\n"),
        ["2! the row has 3 cells, the header 2 [1,\"x\ny\"\"z\",3]", "4: 5|6"]
    );
}

#[test]
fn a_quote_that_is_not_closed_costs_one_line() {
    let reason = "a quote is opened and not closed";
    assert_eq!(
        read("a,b\n1,\"open\n3,4\n5,6\n"),
        [format!("2! {reason} [1,\"open]"), "3: 3|4".into(), "4: 5|6".into()]
    );
    let found = read("a,b\n1,\"open\n3,\"4\"\n5,6\n");
    assert_eq!(found, [format!("2! {reason} in its line [1,\"open]"), "3: 3|4".into(), "4: 5|6".into()]);
    let long = format!("a,b\n1,\"open\n{}7,\"8\"\n", "3,4\n".repeat(400_000));
    let found = read(&long);
    assert_eq!(found.len(), 400_002);
    assert!(found[0].starts_with("2! a quote"), "{}", found[0]);
    assert_eq!(found[400_001], "400003: 7|8");
    let long_line = format!("a,b\n1,{}\n3,4\n", "x".repeat(2 * MAX_RECORD_BYTES));
    let found = read(&long_line);
    assert!(found[0].starts_with("2! the row has more than 1048576 bytes"));
    assert_eq!(found[1..], ["3: 3|4"]);
    let many_lines = format!("a,b\n1,\"{}\"\n3,4\n", "x\n".repeat(MAX_RECORD_LINES + 1));
    assert!(read(&many_lines)[0].starts_with("2! a quote"));
}

#[test]
fn delimiters_are_guessed_declared_or_given() {
    assert_eq!(read("a;b\n1,5;2\n"), ["2: 1,5|2"]);
    assert_eq!(read("a\tb\n1, or 2\t3\n"), ["2: 1, or 2|3"]);
    assert_eq!(read("a|b\n1|2\n"), ["2: 1|2"]);
    assert_eq!(read("sep=;\r\na;b,c\r\n1;2\r\n"), ["3: 1|2"]);
    assert_eq!(read("only\none\n"), ["2: one"]);
    let given = CsvOptions { delimiter: Some(b','), ..CsvOptions::default() };
    assert_eq!(read_with(b"a;b,c\n1;2,3\n", given).1, ["2: 1;2|3"]);
}

#[test]
fn headers_are_made_distinct_or_made_up() {
    assert_eq!(header("Note, Note ,,Note\n"), ["Note", "Note_2", "column_3", "Note_3"]);
    let none = CsvOptions { has_no_header: true, ..CsvOptions::default() };
    let (names, rows) = read_with(b"1,2\n3,4\n", none);
    assert_eq!(names, ["column_1", "column_2"]);
    assert_eq!(rows, ["1: 1|2", "2: 3|4"]);
    assert!(header("\"open,a\n1,2\n").is_empty());
    assert_eq!(header(""), Vec::<String>::new());
    assert_eq!(header("\n\n"), Vec::<String>::new());
}

#[test]
fn utf16_tables_are_read() {
    let bytes: Vec<u8> =
        "Gerät;Störung\r\nBagger;läuft heiß\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_with(&bytes, CsvOptions::default()).1, ["2: Bagger|läuft heiß"]);
}

proptest::proptest! {
    #[test]
    fn what_the_csv_crate_writes_reads_back(
        rows in proptest::collection::vec(proptest::collection::vec("[a-c ,;\"\\\\\n\räß]{0,6}", 3), 1..12),
        line_end in 0..2,
    ) {
        let terminator = if line_end == 0 { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().terminator(terminator).quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(["one", "two", "three"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let options = CsvOptions { delimiter: Some(b','), ..CsvOptions::default() };
        let found: Vec<String> = read_with(&text, options).1.into_iter()
            .map(|row| row.split_once(": ").unwrap().1.to_owned()).collect();
        let expected: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
        proptest::prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_panic_or_hang(bytes in proptest::collection::vec(proptest::sample::select(&b"a,;\t\"\\\n\r\xC3\xA4 x"[..]), 0..200)) {
        let n_lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        proptest::prop_assert!(read_with(&bytes, CsvOptions::default()).1.len() <= n_lines + 1);
    }
}
