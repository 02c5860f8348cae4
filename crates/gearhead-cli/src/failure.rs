//! Errors as the command reports them: one sentence, an exit code, and where the fault is.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;

/// Why a command failed.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// A word for programs.
    pub(crate) kind: &'static str,
    /// A sentence for people.
    pub(crate) message: String,
    /// The file at fault, if one is.
    pub(crate) path: Option<PathBuf>,
    /// The line at fault, from 1, if one is.
    pub(crate) line: Option<u64>,
    #[serde(skip)]
    is_bad_input: bool,
    #[serde(skip)]
    io: Option<io::ErrorKind>,
}

impl Failure {
    /// Input that the user can mend.
    pub(crate) fn bad_input(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), path: None, line: None, is_bad_input: true, io: None }
    }

    /// A result that is not what was asked for, whatever the input.
    pub(crate) fn failed(kind: &'static str, message: impl Into<String>) -> Self {
        Self { is_bad_input: false, ..Self::bad_input(kind, message) }
    }

    /// 2 for bad input, 1 for failure.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.is_bad_input { 2 } else { 1 })
    }

    /// Whether the reader of the output has left.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.path.is_none() && self.io == Some(io::ErrorKind::BrokenPipe)
    }

    /// Whether the operating system failed, not the input.
    pub(crate) fn is_io(&self) -> bool {
        self.io.is_some()
    }

    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    fn io_at(path: &Path, source: &io::Error, message: String) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, IsADirectory, NotADirectory, NotFound};
        let kind = source.kind();
        let is_bad_input =
            matches!(kind, NotFound | InvalidData | InvalidInput | IsADirectory | NotADirectory)
                || (kind == io::ErrorKind::Other);
        Self { is_bad_input, io: Some(kind), ..Self::bad_input("io", message) }.at(path)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { is_bad_input: false, io: Some(error.kind()), ..Self::bad_input("io", error.to_string()) }
    }
}

impl From<gearhead::Error> for Failure {
    fn from(error: gearhead::Error) -> Self {
        match error {
            gearhead::Error::Device(error) => error.into(),
            gearhead::Error::Data(error) => error.into(),
            gearhead::Error::Model(error) => error.into(),
            gearhead::Error::Infer(error) => error.into(),
            gearhead::Error::Train(error) => error.into(),
            gearhead::Error::Hub { .. } => Self::failed("hub", error.to_string()),
            gearhead::Error::InTheWay { ref path } => {
                Self::bad_input("in_the_way", error.to_string()).at(path)
            }
            other => Self { is_bad_input: false, ..Self::bad_input("other", other.to_string()) },
        }
    }
}

impl From<gearhead::device::Error> for Failure {
    fn from(error: gearhead::device::Error) -> Self {
        Self::bad_input("device", error.to_string())
    }
}

impl From<gearhead::data::Error> for Failure {
    fn from(error: gearhead::data::Error) -> Self {
        use gearhead::data::{Error as E, split::SplitFault};
        let message = error.to_string();
        match &error {
            E::Io { path, source } => Self::io_at(path, source, message),
            E::Record { path, line, .. } => {
                Self { line: Some(*line), ..Self::bad_input("bad_case", message) }.at(path)
            }
            E::NoCases { path } => Self::bad_input("no_cases", message).at(path),
            E::Tokenizer { path, .. } => Self::bad_input("tokenizer", message).at(path),
            E::FaultLog { path, line, .. } => {
                Self { line: *line, ..Self::bad_input("fault_log", message) }.at(path)
            }
            E::Knowledge { path, line, .. } => {
                Self { line: *line, ..Self::bad_input("knowledge", message) }.at(path)
            }
            E::Manifest { path, .. } => Self::bad_input("manifest", message).at(path),
            E::Split(SplitFault::Overwrites { path }) => Self::bad_input("split", message).at(path),
            E::Split(fault) => {
                let is_bad_input = !matches!(fault, SplitFault::Crosses { .. });
                Self { is_bad_input, ..Self::bad_input("split", message) }
            }
            E::Mapping { path, .. } | E::MappingRefused { path } => {
                Self::bad_input("mapping", message).at(path)
            }
            E::UnknownFormat { path, .. } | E::UnreadableFormat { path, .. } => {
                Self::bad_input("format", message).at(path)
            }
            E::NothingTaken { .. } => Self::bad_input("no_cases", message),
            E::RowsLost { path, .. } => {
                Self { is_bad_input: false, ..Self::bad_input("rows_lost", message) }.at(path)
            }
            E::ReaderLeftOut { path, .. }
            | E::Unreadable { path, .. }
            | E::Locked { path }
            | E::NoSheet { path, .. } => Self::bad_input("unreadable", message).at(path),
            _ => Self::bad_input("bad_case", message),
        }
    }
}

impl From<gearhead::model::Error> for Failure {
    fn from(error: gearhead::model::Error) -> Self {
        use gearhead::model::Error as E;
        let message = error.to_string();
        match &error {
            E::Io { path, source } => Self::io_at(path, source, message),
            E::MissingFile { path, .. }
            | E::Json { path, .. }
            | E::Unsupported { path, .. }
            | E::Safetensors { path, .. }
            | E::Gguf { path, .. }
            | E::Weight { path, .. } => Self::bad_input("model", message).at(path),
            _ => Self::bad_input("model", message),
        }
    }
}

impl From<gearhead::infer::Error> for Failure {
    fn from(error: gearhead::infer::Error) -> Self {
        use gearhead::infer::Error as E;
        match error {
            E::Case(error) => error.into(),
            E::Model(error) => error.into(),
            E::TokenizerMismatch { ref path, .. } | E::NoCandidates { ref path } => {
                Self::bad_input("model", error.to_string()).at(path)
            }
            E::Fault(_) => Self::failed("fault", error.to_string()),
            other => Self::bad_input("input", other.to_string()),
        }
    }
}

impl From<gearhead_serve::Error> for Failure {
    fn from(error: gearhead_serve::Error) -> Self {
        use gearhead_serve::Error as E;
        let message = error.to_string();
        match error {
            E::Io { path, source } => Self::io_at(&path, &source, message),
            E::Key { path, line, .. } => {
                Self { line: Some(line as u64), ..Self::bad_input("keys", message) }.at(&path)
            }
            E::NoKeys { path } => Self::bad_input("keys", message).at(&path),
            E::Store { path, .. } | E::StoreVersion { path, .. } => {
                Self::bad_input("store", message).at(&path)
            }
            E::ChatTemplate { path, .. } => Self::bad_input("model", message).at(&path),
            E::Origin { .. } => Self::bad_input("usage", message),
            E::System(error) => error.into(),
            _ => Self::failed("other", message),
        }
    }
}

impl From<gearhead::train::Error> for Failure {
    fn from(error: gearhead::train::Error) -> Self {
        use gearhead::train::Error as E;
        let message = error.to_string();
        match error {
            E::Case(error) => error.into(),
            E::Model(error) => error.into(),
            E::Io { path, source } => Self::io_at(&path, &source, message),
            E::Data { path, .. } => Self::bad_input("data", message).at(&path),
            E::Config { path, line, .. } => Self { line, ..Self::bad_input("config", message) }.at(&path),
            E::Memory { .. } => Self::bad_input("memory", message),
            E::Override { .. } => Self::bad_input("config", message),
            E::Resume { path, .. } | E::Unfinished { path, .. } => {
                Self::bad_input("resume", message).at(&path)
            }
            _ => Self { is_bad_input: false, ..Self::bad_input("training", message) },
        }
    }
}
