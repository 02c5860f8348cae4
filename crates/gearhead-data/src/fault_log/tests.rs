//! Recordings written out from the layouts of the standards, and those that other tools made: every code exactly.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::code::CodeTable;

/// A bus that is written down as candump does. It knows the layouts of SAE J1939-21 and J1939-73 by itself: nothing of
/// the reader is used to write.
#[derive(Default)]
struct Bus {
    log: String,
    time_ms: u32,
}

/// SPN, FMI, occurrence count.
type Dtc = (u32, u32, u32);

const DM1: u32 = 0xFECA;
const DM2: u32 = 0xFECB;
const EVERYONE: u32 = 0xFF;

/// Lamps off, then four bytes a code: 19 bits of SPN from the lowest, 5 of FMI, 7 of count, 1 of conversion method.
fn diagnostic(lamps: [u8; 2], dtcs: &[Dtc]) -> Vec<u8> {
    let mut data = lamps.to_vec();
    for &(spn, fmi, count) in dtcs {
        data.push((spn % 256) as u8);
        data.push((spn / 256 % 256) as u8);
        data.push((spn / 65536 * 32 + fmi) as u8);
        data.push(count as u8);
    }
    data
}

impl Bus {
    fn frame(&mut self, id: u32, data: &[u8]) {
        self.time_ms += 10;
        let _ =
            write!(self.log, "({}.{:03}000) can0 {id:08X}#", 100 + self.time_ms / 1000, self.time_ms % 1000);
        for byte in data {
            let _ = write!(self.log, "{byte:02X}");
        }
        self.log.push('\n');
    }

    fn wait(&mut self, ms: u32) {
        self.time_ms += ms;
    }

    /// A message in one frame, filled up to 8 bytes.
    fn single(&mut self, priority: u32, pgn: u32, source: u32, data: &[u8]) {
        let mut data = data.to_vec();
        data.resize(8, 0xFF);
        self.frame(priority * 0x400_0000 + pgn * 256 + source, &data);
    }

    fn management(&mut self, source: u32, destination: u32, data: [u8; 8]) {
        self.frame(0x1CEC_0000 + destination * 256 + source, &data);
    }

    fn announce(&mut self, pgn: u32, source: u32, destination: u32, size: usize) {
        let packets = size.div_ceil(7) as u8;
        let (control, limit) = if destination == EVERYONE { (0x20, 0xFF) } else { (0x10, packets) };
        let [low, high] = (size as u16).to_le_bytes();
        self.management(
            source,
            destination,
            [control, low, high, packets, limit, pgn as u8, (pgn >> 8) as u8, 0],
        );
    }

    /// The packet with this number, from 1.
    fn packet(&mut self, source: u32, destination: u32, data: &[u8], number: usize) {
        let mut packet = vec![number as u8];
        packet.extend(data[(number - 1) * 7..].iter().take(7));
        packet.resize(8, 0xFF);
        self.frame(0x1CEB_0000 + destination * 256 + source, &packet);
    }

    fn transfer(&mut self, pgn: u32, source: u32, destination: u32, data: &[u8]) {
        self.announce(pgn, source, destination, data.len());
        for number in 1..=data.len().div_ceil(7) {
            self.packet(source, destination, data, number);
        }
    }

    fn read(&self) -> FaultLog {
        FaultLog::from_reader("bus.log", self.log.as_bytes()).unwrap()
    }
}

/// What was found, as `source:code:count:active:frames`.
fn found(log: &FaultLog) -> Vec<String> {
    let codes = log.codes.iter().map(|code| {
        let source = code.source.address().map_or("-".to_owned(), |address| address.to_string());
        let count = code.occurrence_count.map_or("-".to_owned(), |count| count.to_string());
        let state = if code.active { "active" } else { "previous" };
        format!("{source}:{}:{count}:{state}:{}", code.fault, code.frames)
    });
    codes.collect()
}

const ENGINE: [Dtc; 4] = [(157, 18, 3), (100, 1, 1), (524_287, 30, 126), (3364, 18, 7)];
const AFTERTREATMENT: [Dtc; 3] = [(4364, 17, 127), (5246, 0, 1), (1761, 17, 12)];

#[test]
fn every_code_of_a_mixed_recording_is_found_exactly() {
    let engine = diagnostic([0x44, 0xFF], &ENGINE);
    let aftertreatment = diagnostic([0x00, 0xFF], &AFTERTREATMENT);
    let mut bus = Bus::default();
    bus.single(6, DM1, 3, &diagnostic([0x10, 0xFF], &[(177, 16, 2)]));
    // Any priority, and fewer than 8 bytes.
    bus.frame(0x00FE_CA0B, &diagnostic([0, 0xFF], &[(70, 31, 1)]));
    bus.single(3, DM2, 33, &diagnostic([0, 0xFF], &[(168, 4, 9)]));
    // A broadcast of the engine, its transfer to the tester, and one of the aftertreatment, packet by packet in turn.
    bus.announce(DM1, 0, EVERYONE, engine.len());
    bus.management(0xF9, 61, [0x11, 2, 1, 0xFF, 0xFF, 0xCB, 0xFE, 0]);
    bus.announce(DM2, 61, 0xF9, aftertreatment.len());
    bus.announce(DM2, 0, 0xF9, engine.len());
    bus.packet(0, EVERYONE, &engine, 1);
    bus.packet(61, 0xF9, &aftertreatment, 2);
    bus.packet(0, 0xF9, &engine, 1);
    bus.packet(0, EVERYONE, &engine, 3);
    bus.packet(0, 0xF9, &engine, 2);
    bus.packet(0, 0xF9, &engine, 2);
    bus.packet(61, 0xF9, &aftertreatment, 2);
    bus.packet(61, 0xF9, &aftertreatment, 1);
    bus.packet(0, EVERYONE, &engine, 2);
    bus.packet(0, 0xF9, &engine, 3);
    bus.management(0xF9, 0, [0x13, 18, 0, 3, 0xFF, 0xCB, 0xFE, 0]);
    bus.single(6, DM1, 23, &[0, 0xFF, 0, 0, 0, 0]);
    let log = bus.read();
    // In the order in which the messages were complete: the aftertreatment's DM2, the engine's DM1, and then its DM2,
    // which makes its codes previously active ones.
    let expected = [
        "3:SPN 177 FMI 16:2:active:1",
        "11:SPN 70 FMI 31:1:active:1",
        "33:SPN 168 FMI 4:9:previous:1",
        "61:SPN 4364 FMI 17:-:previous:1",
        "61:SPN 5246 FMI 0:1:previous:1",
        "61:SPN 1761 FMI 17:12:previous:1",
        "0:SPN 157 FMI 18:3:previous:2",
        "0:SPN 100 FMI 1:1:previous:2",
        "0:SPN 524287 FMI 30:126:previous:2",
        "0:SPN 3364 FMI 18:7:previous:2",
    ];
    assert_eq!(found(&log), expected);
    assert_eq!((log.messages.transport.complete, log.messages.transport.incomplete), (3, 0));
    assert_eq!(log.notes(), [""; 0]);
}

#[test]
fn lost_packets_give_no_code_and_are_told() {
    let data = diagnostic([0, 0xFF], &ENGINE);
    let other = diagnostic([0, 0xFF], &[(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12)]);
    for damage in [
        // A packet is lost, the next broadcast takes its place.
        |bus: &mut Bus, data: &[u8], other: &[u8]| {
            bus.announce(DM1, 0, EVERYONE, data.len());
            bus.packet(0, EVERYONE, data, 1);
            bus.packet(0, EVERYONE, data, 3);
            bus.transfer(DM1, 0, EVERYONE, other);
        },
        // The packet and the next announcement are lost: its packets contradict those there.
        |bus: &mut Bus, data: &[u8], other: &[u8]| {
            bus.announce(DM1, 0, EVERYONE, data.len());
            bus.packet(0, EVERYONE, data, 1);
            bus.packet(0, EVERYONE, data, 2);
            bus.packet(0, EVERYONE, other, 1);
            bus.packet(0, EVERYONE, other, 3);
            bus.transfer(DM1, 0, EVERYONE, other);
        },
        // The rest comes too late, and so belongs to something else.
        |bus: &mut Bus, data: &[u8], other: &[u8]| {
            bus.announce(DM1, 0, EVERYONE, data.len());
            bus.packet(0, EVERYONE, data, 1);
            bus.packet(0, EVERYONE, data, 2);
            bus.wait(800);
            bus.packet(0, EVERYONE, data, 3);
            bus.transfer(DM1, 0, EVERYONE, other);
        },
        // The receiver gives up, or the sender.
        |bus: &mut Bus, data: &[u8], other: &[u8]| {
            bus.announce(DM1, 0, 0xF9, data.len());
            bus.packet(0, 0xF9, data, 1);
            bus.management(0xF9, 0, [0xFF, 3, 0xFF, 0xFF, 0xFF, 0xCA, 0xFE, 0]);
            bus.packet(0, 0xF9, data, 2);
            bus.packet(0, 0xF9, data, 3);
            bus.transfer(DM1, 0, EVERYONE, other);
        },
        // The log ends.
        |bus: &mut Bus, data: &[u8], other: &[u8]| {
            bus.transfer(DM1, 0, EVERYONE, other);
            bus.announce(DM1, 0, 0xF9, data.len());
            bus.packet(0, 0xF9, data, 1);
        },
    ] {
        let mut bus = Bus::default();
        damage(&mut bus, &data, &other);
        let log = bus.read();
        let expected = ["1 FMI 2:3", "4 FMI 5:6", "7 FMI 8:9", "10 FMI 11:12"];
        assert_eq!(found(&log), expected.map(|code| format!("0:SPN {code}:active:1")), "{}", bus.log);
        assert_eq!(log.messages.transport.incomplete, 1, "{}", bus.log);
        let note = log.notes().concat();
        assert_eq!(note, "bus.log: 1 message of several frames not whole in the log and left out");
    }
}

#[test]
fn a_slow_transfer_that_the_receiver_keeps_alive_is_whole() {
    let data = diagnostic([0, 0xFF], &ENGINE);
    let mut bus = Bus::default();
    bus.announce(DM1, 0, 0xF9, data.len());
    bus.packet(0, 0xF9, &data, 1);
    for _ in 0..3 {
        bus.wait(1000);
        bus.management(0xF9, 0, [0x11, 0, 0xFF, 0xFF, 0xFF, 0xCA, 0xFE, 0]);
    }
    bus.packet(0, 0xF9, &data, 2);
    bus.packet(0, 0xF9, &data, 3);
    assert_eq!(bus.read().codes.len(), ENGINE.len());
    // Without times nothing is ever too late.
    let mut slow = Bus::default();
    slow.announce(DM1, 0, EVERYONE, data.len());
    for number in 1..=3 {
        slow.wait(5000);
        slow.packet(0, EVERYONE, &data, number);
    }
    assert_eq!(slow.read().codes.len(), 0);
    slow.log = slow.log.lines().map(|line| line.split_once(") ").unwrap().1).collect::<Vec<_>>().join("\n");
    assert_eq!(slow.read().codes.len(), ENGINE.len());
}

#[test]
fn sizes_that_no_transfer_has_are_refused() {
    let mut bus = Bus::default();
    for (size, packets) in [(8, 2), (1786, 255), (18, 2), (18, 4), (0, 0)] {
        let [low, high] = u16::to_le_bytes(size);
        bus.management(0, EVERYONE, [0x20, low, high, packets, 0xFF, 0xCA, 0xFE, 0]);
    }
    bus.frame(0x1CEC_FF00, &[0x20, 18, 0]);
    let largest: Vec<Dtc> = (0..445).map(|index| (1000 + index, 3, 1)).collect();
    bus.transfer(DM1, 0, EVERYONE, &diagnostic([0, 0xFF], &largest));
    let log = bus.read();
    assert_eq!((log.messages.transport.malformed, log.messages.transport.complete), (6, 1));
    assert_eq!(log.codes.len(), 445);
}

#[test]
fn two_buses_in_one_log_do_not_mix() {
    let [first, second] = [ENGINE, [(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12)]];
    let mut bus = Bus::default();
    bus.transfer(DM1, 0, EVERYONE, &diagnostic([0, 0xFF], &first));
    let mut other = Bus::default();
    other.transfer(DM1, 0, EVERYONE, &diagnostic([0, 0xFF], &second));
    let other_log = other.log.replace("can0", "can1");
    let lines: Vec<&str> = bus.log.lines().zip(other_log.lines()).flat_map(|(a, b)| [a, b]).collect();
    bus.log = lines.join("\n");
    assert_eq!(bus.read().codes.len(), 8);
}

#[test]
fn times_counts_and_lamps_are_those_of_the_messages() {
    let mut bus = Bus::default();
    bus.single(6, DM1, 0, &diagnostic([0x04, 0xFF], &[(100, 1, 1)]));
    bus.wait(990);
    bus.single(6, DM1, 0, &diagnostic([0x14, 0xDF], &[(100, 1, 127)]));
    bus.wait(990);
    bus.single(6, DM1, 0, &[0, 0xFF, 0, 0, 0, 0]);
    let log = bus.read();
    let decoded = log.decode(CodeTable::builtin());
    let value = serde_json::to_value(&decoded).unwrap();
    let expected = json!({
        "code": "SPN 100 FMI 1", "kind": "j1939", "spn": 100, "fmi": 1, "known": true, "meaning": "engine oil pressure",
        "source_address": 0, "source_name": "engine", "occurrence_count": 1, "active": true, "in_last_report": false,
        "first_seen": 100.01, "last_seen": 101.01, "frames": 2, "reported_by": "dm1", "conversion_method": 0,
        "lamps": {"malfunction": "off", "red_stop": "fast_flash", "amber_warning": "on", "protect": "off"},
        "original": "SA0 SPN 100 FMI 1 OC 1", "machine": null,
    });
    for (name, expected) in expected.as_object().unwrap() {
        assert_eq!(&value[0][name], expected, "{name}");
    }
    assert_eq!(format_time(decoded[0].first_seen.unwrap()), "100.010 s");
}

#[test]
fn spellings_are_read_back_as_the_same_code() {
    let mut bus = Bus::default();
    bus.transfer(DM1, 61, EVERYONE, &diagnostic([0, 0xFF], &AFTERTREATMENT));
    let log = bus.read();
    for (code, expected) in log.codes.iter().zip(["SA61 SPN 4364 FMI 17", "SA61 SPN 5246 FMI 0 OC 1"]) {
        assert_eq!(code.fault.original, expected);
        assert_eq!(code.fault.source_address, Some(61));
        assert!(!code.fault.code.is_opaque());
        assert_eq!(crate::code::parse_list(expected), std::slice::from_ref(&code.fault));
    }
}

#[test]
fn a_code_moves_between_active_and_previous_as_it_is_reported() {
    let code = diagnostic([0, 0xFF], &[(100, 1, 1)]);
    let mut bus = Bus::default();
    bus.single(6, DM1, 0, &code);
    bus.single(6, DM2, 0, &code);
    assert!(!bus.read().codes[0].active);
    bus.single(6, DM1, 0, &code);
    assert_eq!(found(&bus.read()), ["0:SPN 100 FMI 1:1:active:3"]);
    // In OBD a code stands in several lists at once, and a permanent one does not make a confirmed one old.
    let obd = "43 01 33 00 00 00 00\n4A 01 33 01 34 00 00\n47 01 33 00 00 00 00\n";
    let log = FaultLog::from_reader("obd", obd.as_bytes()).unwrap();
    assert_eq!(found(&log), ["-:P0133:-:active:3", "-:P0134:-:previous:1"]);
    assert_eq!(log.codes[0].reported_by, ReportedBy::ObdConfirmed);
}

#[test]
fn an_old_layout_is_said_to_be_one() {
    let log = FaultLog::from_reader("log", "can0 18FECA00#00FF9700038A".as_bytes()).unwrap();
    let decoded = log.decode(CodeTable::builtin());
    assert_eq!(decoded[0].conversion_method, Some(1));
    let note = decoded[0].decoded.note.as_deref().unwrap();
    assert!(note.contains("the SPN is 151, or else 309248 or 1208"), "{note}");
}

/// The recordings of `fixtures/can`, which python-can, can-j1939 and can-isotp made.
#[test]
fn recordings_of_other_tools_hold_what_their_makers_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/can");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    for (file, format, start_s) in [
        ("bus.candump", LogFormat::Candump, 1_436_509_052.25),
        ("bus.asc", LogFormat::VectorAscii, 0.0),
        ("bus.csv", LogFormat::Csv, 1_436_509_052.25),
        ("bus_v1_0.trc", LogFormat::PeakTrace, 0.0),
        ("bus_v2_1.trc", LogFormat::PeakTrace, 0.0),
    ] {
        let log = FaultLog::read(folder.join(file)).unwrap();
        assert_eq!((log.format, log.lines.faulty), (format, 0), "{file}");
        assert_eq!(json!(log.lines.frames), expected["frames"], "{file}");
        assert_eq!(log.codes[0].first_seen, Some(start_s), "{file}");
        let mut found = serde_json::to_value(log.decode(CodeTable::builtin())).unwrap();
        let mut expected = expected["codes"].as_array().unwrap().clone();
        let name = |code: &Value| format!("{}{}", code["source_address"], code["code"]);
        found.as_array_mut().unwrap().sort_by_key(name);
        expected.sort_by_key(name);
        for (found, expected) in found.as_array().unwrap().iter().zip(&expected) {
            for (field, expected) in expected.as_object().unwrap() {
                assert_eq!(&found[field], expected, "{file}: {field} of {found}");
            }
        }
        assert_eq!(found.as_array().unwrap().len(), expected.len(), "{file}");
        assert_eq!(log.notes(), [""; 0], "{file}");
    }
}

fn refused(content: impl AsRef<[u8]>) -> String {
    FaultLog::from_reader("log.txt", content.as_ref()).unwrap_err().to_string()
}

#[test]
fn what_is_no_log_is_refused_with_what_was_expected() {
    assert!(refused("hello\n").starts_with("log.txt: no log that is known: expected frames as candump"));
    assert!(refused("").contains("expected"));
    assert!(refused(b"\xFF\xFE(\x001\x00").contains("UTF-16"));
    assert_eq!(
        refused(";$FILEVERSION=1.1\n\n     1)  1.0  Rx  18FECA00  8  00\n"),
        "log.txt:3: the log holds no frame: the data are not as many hexadecimal bytes as the length says"
    );
    assert_eq!(refused(";$FILEVERSION=1.1\n"), "log.txt: the log holds no frame");
    assert!(refused("<html><body></body></html>").contains("neither a machine"));
    assert!(refused("{\"a\": [1, 2]}").contains("neither a machine"));
    assert!(refused("<Fleet>\n<Equipment>\n").starts_with("log.txt:3: not a readable telematics response"));
    assert!(FaultLog::read(env!("CARGO_MANIFEST_DIR")).unwrap_err().to_string().contains("is a folder"));
}

#[test]
fn a_log_without_codes_says_what_it_has() {
    let empty = |text: &str| FaultLog::from_reader("log", text.as_bytes()).unwrap().why_empty();
    assert!(empty("can0 0CF00400#FF\n").starts_with("log: 1 frames, but none of DM1"));
    assert_eq!(
        empty("can0 18FECA00#00FF000000000000\n"),
        "log: 1 diagnostic messages, none with a fault code"
    );
    let faulty =
        FaultLog::from_reader("log", format!("can0 18FECA00#00FF\n{}", "x\n".repeat(1234)).as_bytes())
            .unwrap();
    assert_eq!(faulty.notes(), ["log: 1,234 of 1,235 lines are no frames, first line 2: no CAN identifier"]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = FaultLog::from_reader("log", &bytes[..]);
    }

    #[test]
    fn frames_of_transport_in_any_order_never_panic_or_invent(
        frames in prop::collection::vec(
            (prop::sample::select(vec![0x1CEC_FF00_u32, 0x1CEB_FF00, 0x1CEC_F900, 0x1CEB_F900, 0x1CEC_00F9]),
             prop::collection::vec(prop_oneof![Just(32_u8), Just(16), Just(18), Just(3), 0..5_u8, any::<u8>()], 0..=8)),
            1..60,
        )
    ) {
        let mut bus = Bus::default();
        for (id, data) in &frames {
            bus.frame(*id, data);
        }
        let log = bus.read();
        prop_assert!(log.messages.transport.complete > 0 || log.codes.is_empty());
    }

    #[test]
    fn any_list_of_codes_comes_through_a_transfer(
        codes in prop::collection::btree_map((1..1_u32 << 19, 0..31_u32), 0..127_u32, 2..40),
        source in 0..254_u32,
        destination in prop_oneof![Just(EVERYONE), Just(0xF9_u32)],
    ) {
        let dtcs: Vec<Dtc> = codes.iter().map(|(&(spn, fmi), &count)| (spn, fmi, count)).collect();
        let mut bus = Bus::default();
        bus.transfer(DM1, source, destination, &diagnostic([0, 0xFF], &dtcs));
        let expected = dtcs.iter().map(|(spn, fmi, count)| format!("{source}:SPN {spn} FMI {fmi}:{count}:active:1"));
        prop_assert_eq!(found(&bus.read()), expected.collect::<Vec<_>>());
    }
}
