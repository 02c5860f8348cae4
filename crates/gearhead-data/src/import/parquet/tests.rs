use proptest::prelude::*;

use super::{
    super::read_all::{fixture, read_all},
    *,
};

#[test]
fn every_kind_of_value_is_text() {
    let mut rows = ParquetRows::open(fixture("tables/kinds.parquet")).unwrap();
    let header = rows.header().to_vec();
    let seen = read_all(&mut rows).unwrap();
    let column = |name: &str| {
        let place =
            header.iter().position(|known| known == name).unwrap_or_else(|| panic!("no {name}: {header:?}"));
        seen.iter().map(|row| row.cells[place].as_str()).collect::<Vec<_>>()
    };
    for (name, expected) in [
        ("machine", ["L90F", "", "EC210"]),
        ("hours", ["4120", "-1", ""]),
        ("small", ["1", "255", "0"]),
        ("pressure", ["0.1", "250", ""]),
        ("warranty", ["true", "false", ""]),
        ("day", ["2026-03-01", "1969-12-31", ""]),
        ("at_ms", ["2026-03-01T14:30:00.25", "", ""]),
        ("at_us_utc", ["2026-03-01T14:30:00.25Z", "", ""]),
        ("at_ns", ["2026-03-01T14:30:00.25", "2026-03-01", ""]),
        ("clock", ["07:05:00", "", ""]),
        ("price", ["12.50", "-0.05", ""]),
        ("codes", ["P0087; SPN 157 FMI 18", "", ""]),
        ("kind", ["loader", "loader", "excavator"]),
        ("site.name", ["North", "", ""]),
        ("site.place.lat", ["1.5", "", ""]),
        ("readings", ["oil: 3; water: 80", "", ""]),
        ("steps", ["do: look; n: 1; do: listen", "", ""]),
        ("raw", ["text", "", ""]),
    ] {
        assert_eq!(column(name), expected, "{name}");
    }
}

#[test]
fn bytes_that_are_not_text_make_their_row_faulty_and_no_other() {
    let mut rows = ParquetRows::open(fixture("tables/kinds.parquet")).unwrap();
    let seen = read_all(&mut rows).unwrap();
    let faults: Vec<_> = seen.iter().map(|row| row.fault.as_deref()).collect();
    assert_eq!(
        faults,
        [Some("`id` holds 16 bytes that are not text"), Some("`raw` holds 2 bytes that are not text"), None]
    );
    assert_eq!(seen[2].place, "row 3");
}

#[test]
fn every_codec_reads_alike_over_row_groups() {
    for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"] {
        let mut rows = ParquetRows::open(fixture(&format!("tables/{codec}.parquet"))).unwrap();
        assert_eq!(rows.header(), ["machine", "hours", "codes"], "{codec}");
        let cells: Vec<_> = read_all(&mut rows).unwrap().into_iter().map(|row| row.cells.join(",")).collect();
        assert_eq!(cells, ["L90F,4120,P0087; SPN 157 FMI 18", ",-1,", "EC210,,"], "{codec}");
    }
}

#[test]
fn what_is_no_parquet_file_is_an_error() {
    for bytes in [&b""[..], b"PAR1", b"PAR1\0\0\0\0PAR1", b"machine,hours\n"] {
        let error = ParquetRows::from_bytes(bytes.to_vec()).err().unwrap().to_string();
        assert!(error.starts_with("Parquet: not a readable Parquet file: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_bytes_never_panic(place in 0_usize..6_513, byte in any::<u8>()) {
        let mut file = std::fs::read(fixture("tables/kinds.parquet")).unwrap();
        let place = place % file.len();
        file[place] = byte;
        if let Ok(mut rows) = ParquetRows::from_bytes(file) {
            let _ = read_all(&mut rows);
        }
    }
}
