//! A thread that reads a binary format and hands its rows over in batches.
//!
//! The readers of spreadsheets and Parquet lend rows out of a file that they own, so the two cannot stand in one
//! struct; a thread can own both. It also keeps a panic of a third-party reader from reaching the caller: a damaged
//! file ends the thread, and the caller gets an error.

use std::{
    any::Any,
    path::PathBuf,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use super::{Next, Row};
use crate::error::{Error, Result};

/// Rows that travel together; one at a time, handing over costs more than reading.
const ROWS_PER_BATCH: usize = 256;
/// Batches that wait to be taken before the thread pauses.
const WAITING_BATCHES: usize = 4;
/// The readers recurse over nested records; a small stack would end the whole program.
const STACK_BYTES: usize = 16 << 20;

/// A row, and why it cannot be taken if it cannot.
pub(super) struct Produced {
    pub(super) row: Row,
    pub(super) fault: Option<String>,
}

/// Whoever took the rows has left: the thread ends.
pub(super) struct Left;

/// Where the thread puts its rows.
pub(super) struct Sink {
    sender: SyncSender<Result<Vec<Produced>>>,
    batch: Vec<Produced>,
}

impl Sink {
    pub(super) fn push(&mut self, row: Row, fault: Option<String>) -> std::result::Result<(), Left> {
        self.batch.push(Produced { row, fault });
        if self.batch.len() < ROWS_PER_BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> std::result::Result<(), Left> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(std::mem::take(&mut self.batch))).map_err(|_| Left)
    }
}

/// The end of the thread that the caller holds.
pub(super) struct Worker {
    path: PathBuf,
    format: &'static str,
    batches: Receiver<Result<Vec<Produced>>>,
    batch: std::vec::IntoIter<Produced>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts `work`. It says `None` where whoever took the rows has left.
    pub(super) fn start(
        path: PathBuf,
        format: &'static str,
        work: impl FnOnce(&mut Sink) -> Option<Result<()>> + Send + 'static,
    ) -> Result<Self> {
        let (sender, batches) = sync_channel(WAITING_BATCHES);
        let thread = std::thread::Builder::new()
            .name(format!("read {format}"))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut sink = Sink { sender, batch: Vec::new() };
                let result = work(&mut sink);
                // Nobody waits for what can no longer be sent.
                let _ = sink.flush();
                if let Some(Err(error)) = result {
                    let _ = sink.sender.send(Err(error));
                }
            })
            .map_err(|source| Error::io(&path, source))?;
        Ok(Self { path, format, batches, batch: Vec::new().into_iter(), thread: Some(thread) })
    }

    /// The next row, as [`super::Rows::next_row`] tells it.
    pub(super) fn next_row(&mut self, row: &mut Row) -> Result<Next> {
        loop {
            if let Some(produced) = self.batch.next() {
                *row = produced.row;
                return Ok(produced.fault.map_or(Next::Row, Next::Faulty));
            }
            match self.batches.recv() {
                Ok(batch) => self.batch = batch?.into_iter(),
                Err(_) => return self.ended(),
            }
        }
    }

    fn ended(&mut self) -> Result<Next> {
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(())) => Ok(Next::End),
            Some(Err(panic)) => Err(Error::Unreadable {
                path: self.path.clone(),
                format: self.format,
                reason: reader_gave_up(panic.as_ref()),
            }),
        }
    }
}

/// Runs `work`, whose third-party code may panic on a damaged file, on a thread of its own.
pub(super) fn isolated<T: Send + 'static>(
    path: &std::path::Path,
    format: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let thread = std::thread::Builder::new()
        .name(format!("open {format}"))
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|source| Error::io(path, source))?;
    thread.join().unwrap_or_else(|panic| {
        Err(Error::Unreadable { path: path.to_owned(), format, reason: reader_gave_up(panic.as_ref()) })
    })
}

/// The words of a panic, as far as it has any.
fn reader_gave_up(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("it is damaged, or uses what its reader does not know ({})", words.unwrap_or("no reason given"))
}
