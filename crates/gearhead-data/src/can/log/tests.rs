//! Every log form with the same frames, and what is none of them.

use proptest::prelude::*;

use super::*;
use crate::can::frame::{CanId, Payload};

/// The entries of a log, its form, and what was met.
fn read(text: impl AsRef<[u8]>) -> Option<(LogFormat, Vec<Entry>, LineSummary)> {
    let mut reader = LogReader::new(text.as_ref()).unwrap()?;
    let format = reader.format();
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        entries.push(entry);
    }
    Some((format, entries, reader.into_summary()))
}

fn frames(text: impl AsRef<[u8]>) -> (LogFormat, Vec<Frame>, LineSummary) {
    let (format, entries, summary) = read(text).expect("the form is recognised");
    let frames = entries.into_iter().map(|entry| match entry {
        Entry::Frame(frame) => frame,
        Entry::Response(response) => panic!("{response:?}"),
    });
    (format, frames.collect(), summary)
}

/// A DM1, a packet with a channel of its own where the form has channels, and an OBD frame.
fn the_three() -> [(CanId, Vec<u8>); 3] {
    [
        (CanId::Extended(0x18FE_CA00), vec![0x04, 0xFF, 0x9D, 0x00, 0x12, 0x03, 0xFF, 0xFF]),
        (CanId::Extended(0x1CEB_FF00), vec![0x01, 0x02, 0x03]),
        (CanId::Standard(0x7E8), vec![0x04, 0x43, 0x01, 0x01, 0x33]),
    ]
}

/// Asserts that a log has the form and exactly the three frames, at these times in milliseconds.
fn holds_the_three(text: &str, format: LogFormat, times_ms: [Option<u32>; 3]) {
    for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let (found_format, found, summary) = frames(&text);
        assert_eq!(found_format, format, "{text}");
        assert_eq!(summary.first_faulty, [], "{text}");
        let ids_and_data: Vec<_> = found.iter().map(|frame| (frame.id, frame.data.to_vec())).collect();
        assert_eq!(ids_and_data, the_three(), "{text}");
        let found_ms = found.iter().map(|frame| frame.time_s.map(|time_s| (time_s * 1000.0).round() as u32));
        assert_eq!(found_ms.collect::<Vec<_>>(), times_ms, "{text}");
    }
}

const TIMES: [Option<u32>; 3] = [Some(1000), Some(1500), Some(2250)];
const NO_TIMES: [Option<u32>; 3] = [None; 3];

#[test]
fn candump_to_a_file() {
    let log = "(1.000000) can0 18FECA00#04FF9D001203FFFF\n(1.500000) can1 1CEBFF00#010203 R\n\
               (2.250000) can0 7E8#04.43.01.01.33 T\n";
    holds_the_three(log, LogFormat::Candump, TIMES);
    assert_eq!(frames(log).1.iter().map(|frame| frame.channel).collect::<Vec<_>>(), [0, 1, 0]);
    // Without times, as it is given to cansend, and as CAN FD.
    holds_the_three(
        "18FECA00#04FF9D001203FFFF\n1CEBFF00#010203\n7E8#0443010133",
        LogFormat::Candump,
        NO_TIMES,
    );
    holds_the_three(
        "(1.0) can0 18FECA00##104FF9D001203FFFF\n(1.5) can0 1CEBFF00##0010203\n(2.25) can0 7E8##50443010133\n",
        LogFormat::Candump,
        TIMES,
    );
    let epoch = frames("(1436509052.249713) vcan0 18FECA00#FF\n").1[0].time_s;
    assert_eq!(epoch, Some(1_436_509_052.249_713));
}

#[test]
fn candump_to_the_screen() {
    let plain = "  can0  18FECA00   [8]  04 FF 9D 00 12 03 FF FF\n  can0  1CEBFF00   [3]  01 02 03\n  can0       7E8   [5]  04 43 01 01 33\n";
    holds_the_three(plain, LogFormat::Candump, NO_TIMES);
    let stamped = " (001.000000)  can0  18FECA00   [8]  04 FF 9D 00 12 03 FF FF   '........'\n \
                   (001.500000)  can0  RX - -  1CEBFF00   [3]  01 02 03   '...'\n \
                   (002.250000)  can0  TX B E  7E8   [05]  04 43 01 01 33   '.C..3'\n";
    holds_the_three(stamped, LogFormat::Candump, TIMES);
    let dated = frames(" (2015-07-10 06:17:32.250000)  can0  7E8   [1]  41\n").1[0].time_s;
    assert_eq!(dated, Some(1_436_509_052.25));
    let long = format!("  can0  18FECA00  [64] {}\n", " 5A".repeat(64));
    assert_eq!(frames(long).1[0].data.len(), 64);
}

#[test]
fn remote_and_error_frames_hold_nothing() {
    let (_, found, summary) = frames(
        "(1.0) can0 18FECA00#R\n(1.0) can0 7E8#R8\n(1.0) can0 20000080#0000000000000000\n\
         can0 7E8 [0] remote request\n (1.0) can0  20000004   [8]  00 04 00 00 00 00 00 00   ERRORFRAME\n\
         can0 7E8 [0]\n",
    );
    assert_eq!((found.len(), summary.without_data, summary.faulty), (1, 5, 0));
}

#[test]
fn peak_traces_of_every_version() {
    for log in [
        // 1.0
        ";##########\n;   C:\\Trace.trc\n;   Start time: 11.09.2002 16:00:20.682\n\
         \x20    1)      1000 18FECA00  8  04 FF 9D 00 12 03 FF FF \n     2)      1500 1CEBFF00  3  01 02 03 \n\
         \x20    3)      2250     07E8  5  04 43 01 01 33 \n",
        // 1.1
        ";$FILEVERSION=1.1\n;$STARTTIME=39878.6772258947\n;----\n\
         \x20    1)      1000.0  Rx     18FECA00  8  04 FF 9D 00 12 03 FF FF \n\
         \x20    2)      1500.0  Tx     1CEBFF00  3  01 02 03 \n     3)      2250.0  Rx         07E8  5  04 43 01 01 33 \n",
        // 1.2
        ";$FILEVERSION=1.2\n     1)      1000.000 1  Rx     18FECA00 8  04 FF 9D 00 12 03 FF FF\n\
         \x20    2)      1500.000 2  Rx     1CEBFF00 3  01 02 03\n     3)      2250.000 1  Tx         07E8 5  04 43 01 01 33\n",
        // 1.3
        ";$FILEVERSION=1.3\n     1)      1000.000 1  Rx     18FECA00 -  8    04 FF 9D 00 12 03 FF FF\n\
         \x20    2)      1500.000 1  Rx     1CEBFF00 -  3    01 02 03\n     3)      2250.000 1  Rx         07E8 -  5    04 43 01 01 33\n",
        // 2.0
        ";$FILEVERSION=2.0\n;$COLUMNS=N,O,T,I,d,l,D\n      1      1000.000 DT 18FECA00 Rx 8  04 FF 9D 00 12 03 FF FF\n\
         \x20     2      1500.000 FB 1CEBFF00 Rx 3  01 02 03\n      3      2250.000 DT     07E8 Tx 5  04 43 01 01 33\n",
        // 2.1, and the same without saying what its columns are
        ";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n      1      1000.000 DT 1 18FECA00 Rx -  8    04 FF 9D 00 12 03 FF FF\n\
         \x20     2      1500.000 FD 1 1CEBFF00 Rx -  3    01 02 03\n      3      2250.000 DT 2     07E8 Rx -  5    04 43 01 01 33\n",
        ";$FILEVERSION=2.1\n      1      1000.000 DT 1 18FECA00 Rx -  8    04 FF 9D 00 12 03 FF FF\n\
         \x20     2      1500.000 DT 1 1CEBFF00 Rx -  3    01 02 03\n      3      2250.000 DT 2     07E8 Rx -  5    04 43 01 01 33\n",
    ] {
        holds_the_three(log, LogFormat::PeakTrace, TIMES);
    }
}

#[test]
fn events_of_peak_traces_hold_nothing() {
    let (_, found, summary) = frames(
        ";$FILEVERSION=1.1\n     1)  1.0  Rx  0001  0 \n     2)  2.0  Warng  FFFFFFFF  4  00 00 00 08  BUSHEAVY\n\
         \x20    3)  2.5  Error      0008  4  00 19 08 08\n     4)  7468.9  Tx  0000  8  RTR\n",
    );
    assert_eq!((found.len(), summary.without_data, summary.faulty), (1, 3, 0));
    let (_, found, summary) = frames(
        ";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n 1 1.0 ST 1 - Rx - 4 00 00 00 00\n 2 1.5 RR 1 0300 Rx - 7\n\
         \x203 2.0 FD 1 0300 Rx - 9 01 02 03 04 05 06 07 08 09 0A 0B 0C\n",
    );
    assert_eq!((found.len(), summary.without_data, summary.faulty), (1, 2, 0));
    assert_eq!(found[0].data.len(), 12);
}

#[test]
fn vector_logs_in_both_bases_and_times() {
    for log in [
        "date Mon Nov 24 09:54:11.123 am 2025\nbase hex  timestamps absolute\ninternal events logged\n// version 9.0.0\n\
         Begin Triggerblock Mon Nov 24 09:54:11.123 am 2025\n   0.000000 Start of measurement\n\
         \x20  1.000000 1  18FECA00x       Rx   d 8 04 FF 9D 00 12 03 FF FF  Length = 0 BitCount = 0 ID = 419351040x\n\
         \x20  1.500000 1  1CEBFF00x       Tx   d 3 01 02 03\n   2.250000 2  7E8             Rx   d 5 04 43 01 01 33\n\
         End TriggerBlock\n",
        "date Mon Nov 24 09:54:11 2025\nbase dec  timestamps relative\nno internal events logged\n\
         \x20  1.000000 1  419351040x      Rx   d 8 4 255 157 0 18 3 255 255\n\
         \x20  0.500000 1  485228288x      Rx   d 3 1 2 3\n   0.750000 1  2024            Rx   d 5 4 67 1 1 51\n",
        "date Mon Nov 24 09:54:11 2025\nbase hex  timestamps absolute\n\
         \x20  1.000000 CANFD   1 Rx   18FECA00x  DM1_Engine   1 0 8  8 04 FF 9D 00 12 03 FF FF   123 1 3000 0 0 0 0 0\n\
         \x20  1.500000 CANFD   1 Rx   1CEBFF00x   0 0 3  3 01 02 03 0 0 0\n\
         \x20  2.250000 CANFD   2 Tx   7E8  0 0 5  5 04 43 01 01 33\n",
    ] {
        holds_the_three(log, LogFormat::VectorAscii, TIMES);
    }
}

#[test]
fn other_events_of_vector_logs_hold_nothing() {
    let (_, found, summary) = frames(
        "base hex  timestamps absolute\n 0.1 1  7E8 Rx r\n 0.2 1  ErrorFrame\n 0.3 1  Statistic: D 0 R 0 XD 25 XR 0 E 0 O 0 B 2.4%\n\
         \x200.4 CAN 1 Status:chip status error active\n 0.5 1 J1939TP FEE3p 6 0 0 - Rx d 23 A0 0F\n 0.6 1 7E8 Rx d 1 41\n",
    );
    assert_eq!((found.len(), summary.without_data, summary.faulty), (1, 5, 0));
}

#[test]
fn tables_of_every_layout() {
    for (log, times) in [
        (
            "Time,ID,Data\n1.0,18FECA00,04 FF 9D 00 12 03 FF FF\n1.5,1CEBFF00,010203\n2.25,7E8,04-43-01-01-33\n",
            TIMES,
        ),
        ("id;data\n0x18FECA00;0x04FF9D001203FFFF\n0x1cebff00;0x010203\n0x7e8;0x0443010133\n", NO_TIMES),
        (
            "Timestamp (ms)\tCAN ID (hex)\tDLC\tD0\tD1\tD2\tD3\tD4\tD5\tD6\tD7\n\
             1000\t18FECA00\t8\t04\tFF\t9D\t00\t12\t03\tFF\tFF\n1500\t1CEBFF00\t3\t01\t02\t03\t\t\t\t\t\n\
             2250\t7E8\t5\t04\t43\t01\t01\t33\t00\t00\t00\n",
            TIMES,
        ),
        // SavvyCAN: microseconds.
        (
            "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n\
             1000000,18FECA00,true,Rx,0,8,04,FF,9D,00,12,03,FF,FF,\n1500000,1CEBFF00,true,Rx,0,3,01,02,03,\n\
             2250000,000007E8,false,Rx,0,5,04,43,01,01,33,\n",
            TIMES,
        ),
        // Loggers of CSS Electronics.
        (
            "TimestampEpoch;BusChannel;ID;IDE;DLC;DataLength;Dir;EDL;BRS;DataBytes\n\
             1.0;1;18FECA00;1;8;8;0;0;0;04FF9D001203FFFF\n1.5;1;1CEBFF00;1;3;3;0;0;0;010203\n2.25;1;7E8;0;5;5;0;0;0;0443010133\n",
            TIMES,
        ),
        // Decimal throughout.
        (
            "\"time\",\"arbitration_id\",\"byte0\",\"byte1\",\"byte2\",\"byte3\",\"byte4\",\"byte5\",\"byte6\",\"byte7\"\n\
             1.0,419351040,4,255,157,0,18,3,255,255\n1.5,485228288,1,2,3,,,,,\n2.25,2024,4,67,1,1,51,,,\n",
            TIMES,
        ),
        // Bytes separated like columns.
        (
            "time,id,dlc,data\n1.0,18FECA00,8,04,FF,9D,00,12,03,FF,FF\n1.5,1CEBFF00,3,1,2,3\n2.25,7E8,5,04,43,01,01,33\n",
            TIMES,
        ),
        // python-can: base64.
        (
            "timestamp,arbitration_id,extended,remote,error,dlc,data\n1.0,0x18feca00,1,0,0,8,BP+dABID//8=\n\
             1.5,0x1cebff00,1,0,0,3,AQID\n2.25,0x7e8,0,0,0,5,BEMBATM=\n",
            TIMES,
        ),
    ] {
        holds_the_three(log, LogFormat::Csv, times);
    }
}

#[test]
fn rows_without_a_frame_are_told() {
    let (_, found, summary) = frames(
        "time,id,rtr,dlc,data\n1,7E8,0,2,0102\n1,,0,2,0102\n1,7E8,0,2,01\n1,7E8,0,2,0G02\n1,7E8,1,2,\n1,3FFFFFFF,0,1,01\n",
    );
    assert_eq!((found.len(), summary.without_data, summary.faulty), (1, 1, 4));
    let lines: Vec<u64> = summary.first_faulty.iter().map(|faulty| faulty.line).collect();
    assert_eq!(lines, [3, 4, 5, 7]);
}

#[test]
fn lines_that_are_no_frames_are_counted_and_the_first_told() {
    let mut log = String::from("(1.0) can0 18FECA00#01\n");
    for _ in 0..15 {
        log.push_str("hello world\n");
    }
    log.push_str("(1.0 can0 7E8#01\n(x) can0 7E8#01\n(1.0)\n(1.0) can0\ncan0 7E8#0102030\ncan0 7E8 [3] 01 02\ncan0 12#01\n");
    let (_, found, summary) = frames(log);
    assert_eq!((found.len(), summary.lines, summary.faulty), (1, 23, 22));
    assert_eq!((summary.first_faulty.len(), summary.first_faulty[0].line), (10, 2));
    let long = format!("can0 7E8#01\n{}\n", "7".repeat(MAX_LINE_BYTES + 1));
    assert!(frames(long).2.first_faulty[0].reason.contains("more than"));
}

#[test]
fn text_of_other_kinds_is_not_taken_for_a_log() {
    for text in [
        "",
        "\n\n",
        "hello\nworld\n",
        "name,age\nA,1\n",
        "equipment,symptom,id\nCAT 320,low power,7\n",
        "3.14\n2.71\n",
    ] {
        assert!(read(text).is_none(), "{text:?}");
    }
}

#[test]
fn a_log_after_a_long_preamble_is_still_recognised() {
    let log = format!("{}(1.0) can0 18FECA00#01\n", "kernel: booting\n".repeat(1000));
    assert_eq!(frames(log).0, LogFormat::Candump);
}

/// Text near the forms, where a reader that takes the wrong turn would show it.
fn near_log() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "(1.0)",
            "can0",
            "18FECA00",
            "#",
            "##",
            "[8]",
            "[99]",
            "7E8",
            "1)",
            ";$COLUMNS=",
            "N,O,T,I,d,l,D",
            "DT",
            "FD",
            "Rx",
            "d",
            "8",
            "base dec",
            "date ",
            "x",
            "CANFD",
            "43",
            "00A",
            "0:",
            "CK",
            ":",
            "id,data",
            "id;d0;d1",
            "\n",
            " ",
            ",",
            ";",
            "R",
            "-",
            "é",
            "\u{feff}",
            "18DAF1",
            "1e400",
            "nan",
            "-1",
        ])
        .prop_map(str::to_owned),
        "[0-9A-F]{1,20}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![near_log(), any::<String>()]) {
        if let Some((_, entries, summary)) = read(&text) {
            prop_assert_eq!(entries.len() as u64, summary.frames);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(bytes);
    }

    #[test]
    fn what_is_written_is_read(id in 0..1_u32 << 29, data in prop::collection::vec(any::<u8>(), 0..=8)) {
        let words: Vec<String> = data.iter().map(|byte| format!("{byte:02X}")).collect();
        let (digits, spaced) = (words.concat(), format!(" {}", words.join(" ")));
        let n = data.len();
        for text in [
            format!("(1.0) can0 {id:08X}#{digits}\n"),
            format!("  can0  {id:08X}   [{n}] {spaced}\n"),
            format!(";$FILEVERSION=1.1\n     1)  1.0  Rx  {id:08X}  {n} {spaced}\n"),
            format!("base hex timestamps absolute\n 1.0 1 {id:X}x Rx d {n}{spaced}\n"),
            format!("id hex,extended,data\n{id:08X},1,{digits}\n"),
        ] {
            let (_, found, _) = frames(&text);
            prop_assert_eq!(found[0].id, CanId::extended(id).unwrap());
            prop_assert_eq!(found[0].data, Payload::new(&data).unwrap());
        }
    }
}
