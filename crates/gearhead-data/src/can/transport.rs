//! Messages of more than 8 bytes, put together from the frames that carry them.

use std::collections::HashMap;

use serde::Serialize;

use super::frame::{Frame, GLOBAL_ADDRESS, J1939Id};

/// Connection management: what opens, steers and closes a transfer.
const PGN_CONNECTION_MANAGEMENT: u32 = 60_416;
/// Data transfer: a number and seven bytes.
const PGN_DATA_TRANSFER: u32 = 60_160;

const REQUEST_TO_SEND: u8 = 16;
const CLEAR_TO_SEND: u8 = 17;
const END_OF_MESSAGE: u8 = 19;
const BROADCAST_ANNOUNCE: u8 = 32;
const ABORT: u8 = 255;

const BYTES_PER_PACKET: usize = 7;

/// The sizes that a transfer may announce, in bytes.
const SIZES: std::ops::RangeInclusive<usize> = 9..=1785;

/// The longest silence between packets of a broadcast (T1), in seconds.
const BROADCAST_TIMEOUT_S: f64 = 0.750;
/// The longest silence in a transfer to one controller (T2 and T3), in seconds.
const CONNECTION_TIMEOUT_S: f64 = 1.250;

/// Transfers that may be open at once. A bus has fewer than 254 controllers; a file that opens more is no recording
/// of one, and must not fill the memory.
const MAX_OPEN: usize = 1024;

/// A whole message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Parameter group number.
    pub pgn: u32,
    /// The controller that sent it.
    pub source: u8,
    /// The controller that it is for; `None` where it is for everyone.
    pub destination: Option<u8>,
    /// When its last frame came, in seconds as in [`Frame::time_s`].
    pub time_s: Option<f64>,
    /// The data.
    pub data: Vec<u8>,
}

/// How the transfers of a log went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct TransportSummary {
    /// Transfers of which every packet is in the log.
    pub complete: u64,
    /// Transfers that lack packets: lost, broken off, timed out, or cut off by the end of the log.
    pub incomplete: u64,
    /// Announcements whose sizes no transfer can have.
    pub malformed: u64,
    /// Packets that belong to no open transfer, such as the rest of one that began before the log.
    pub stray_packets: u64,
}

/// Puts messages together.
///
/// Transfers are told apart by bus, sender and receiver, so any number may run at once, and a sender's broadcast and its
/// transfer to one controller do not disturb each other. Packets may come in any order and more than once. A packet
/// that contradicts one already there belongs to a transfer whose announcement is lost: the open one is given up,
/// because a message mixed from two would hold fault codes that nobody sent.
///
/// **Source**: SAE J1939-21, transport protocol.
#[derive(Debug, Default)]
pub struct Transport {
    open: HashMap<Route, Session>,
    summary: TransportSummary,
}

/// Sender and receiver on one bus; [`GLOBAL_ADDRESS`] receives broadcasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Route {
    channel: u8,
    source: u8,
    destination: u8,
}

#[derive(Debug)]
struct Session {
    pgn: u32,
    data: Vec<u8>,
    received: Vec<bool>,
    last_time_s: Option<f64>,
}

impl Route {
    fn of(id: J1939Id, frame: &Frame) -> Self {
        let destination = id.destination.unwrap_or(GLOBAL_ADDRESS);
        Self { channel: frame.channel, source: id.source, destination }
    }

    /// The way on which the receiver answers.
    fn back(self) -> Self {
        Self { source: self.destination, destination: self.source, ..self }
    }
}

impl Session {
    /// The transfer that an announcement opens; `None` where its sizes do not fit together.
    fn announced(data: [u8; 8], time_s: Option<f64>) -> Option<Self> {
        let size = usize::from(u16::from_le_bytes([data[1], data[2]]));
        let n_packets = size.div_ceil(BYTES_PER_PACKET);
        let fits = SIZES.contains(&size) && n_packets == usize::from(data[3]);
        fits.then(|| Self {
            pgn: group(data),
            data: vec![0; size],
            received: vec![false; n_packets],
            last_time_s: time_s,
        })
    }

    fn is_untouched(&self) -> bool {
        !self.received.contains(&true)
    }

    fn is_complete(&self) -> bool {
        !self.received.contains(&false)
    }

    /// Whether the silence before `time_s` was too long. A log without times never times out.
    fn timed_out(&self, time_s: Option<f64>, limit_s: f64) -> bool {
        matches!((self.last_time_s, time_s), (Some(last), Some(now)) if now - last > limit_s)
    }

    /// Puts a packet in its place; `false` where it has none, or contradicts what is there.
    fn accept(&mut self, number: u8, bytes: &[u8]) -> bool {
        let Some(index) = usize::from(number).checked_sub(1).filter(|index| *index < self.received.len())
        else {
            return false;
        };
        let start = index * BYTES_PER_PACKET;
        let end = (start + BYTES_PER_PACKET).min(self.data.len());
        let Some(bytes) = bytes.get(..end - start) else { return false };
        if self.received[index] && self.data[start..end] != *bytes {
            return false;
        }
        self.data[start..end].copy_from_slice(bytes);
        self.received[index] = true;
        true
    }
}

/// The parameter group that a frame of connection management is about.
fn group(data: [u8; 8]) -> u32 {
    u32::from_le_bytes([data[5], data[6], data[7], 0])
}

impl Transport {
    /// Takes the next frame of the log. A frame that is no part of a transfer is a message by itself.
    pub fn accept(&mut self, frame: &Frame) -> Option<Message> {
        let id = frame.id.j1939()?;
        match id.pgn {
            PGN_CONNECTION_MANAGEMENT => {
                self.manage(id, frame);
                None
            }
            PGN_DATA_TRANSFER => self.packet(id, frame),
            pgn => Some(Message {
                pgn,
                source: id.source,
                destination: id.destination,
                time_s: frame.time_s,
                data: frame.data.to_vec(),
            }),
        }
    }

    /// What became of the transfers; those still open are incomplete.
    pub fn finish(mut self) -> TransportSummary {
        self.summary.incomplete += self.open.len() as u64;
        self.summary
    }

    fn manage(&mut self, id: J1939Id, frame: &Frame) {
        let Some(data) = frame.data.first_chunk::<8>().copied() else {
            self.summary.malformed += 1;
            return;
        };
        let forward = Route::of(id, frame);
        let backward = forward.back();
        match data[0] {
            REQUEST_TO_SEND | BROADCAST_ANNOUNCE => match Session::announced(data, frame.time_s) {
                Some(session) => self.open(forward, session),
                None => self.summary.malformed += 1,
            },
            // The receiver speaks: it is alive, even where it asks for no packets yet.
            CLEAR_TO_SEND => {
                if let Some(session) = self.open.get_mut(&backward) {
                    session.last_time_s = frame.time_s;
                }
            }
            // Either the last packet was seen, and the transfer is no longer open, or it never will be.
            END_OF_MESSAGE => self.give_up(backward, group(data)),
            ABORT => {
                self.give_up(forward, group(data));
                self.give_up(backward, group(data));
            }
            _ => {}
        }
    }

    fn open(&mut self, route: Route, session: Session) {
        if self.open.len() >= MAX_OPEN && !self.open.contains_key(&route) {
            self.summary.incomplete += self.open.len() as u64;
            self.open.clear();
        }
        let same = |old: &Session| old.pgn == session.pgn && old.data.len() == session.data.len();
        let repeats = self.open.get(&route).is_some_and(|old| old.is_untouched() && same(old));
        if self.open.insert(route, session).is_some() && !repeats {
            self.summary.incomplete += 1;
        }
    }

    fn give_up(&mut self, route: Route, pgn: u32) {
        if self.open.get(&route).is_some_and(|session| session.pgn == pgn) {
            self.open.remove(&route);
            self.summary.incomplete += 1;
        }
    }

    fn packet(&mut self, id: J1939Id, frame: &Frame) -> Option<Message> {
        let route = Route::of(id, frame);
        let limit_s =
            if route.destination == GLOBAL_ADDRESS { BROADCAST_TIMEOUT_S } else { CONNECTION_TIMEOUT_S };
        let Some(session) = self.open.get_mut(&route) else {
            self.summary.stray_packets += 1;
            return None;
        };
        let fits = !session.timed_out(frame.time_s, limit_s)
            && frame.data.split_first().is_some_and(|(number, bytes)| session.accept(*number, bytes));
        if !fits {
            self.open.remove(&route);
            self.summary.incomplete += 1;
            self.summary.stray_packets += 1;
            return None;
        }
        session.last_time_s = frame.time_s;
        if !session.is_complete() {
            return None;
        }
        let session = self.open.remove(&route)?;
        self.summary.complete += 1;
        Some(Message {
            pgn: session.pgn,
            source: route.source,
            destination: id.destination,
            time_s: frame.time_s,
            data: session.data,
        })
    }
}
