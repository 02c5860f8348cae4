//! A company's own knowledge: a folder laid over what is compiled in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::IgnoredAny};
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::{Card, KnowledgeBase, Machine};
use crate::{
    code::{TableError, line_of},
    error::{Error, Result},
};

/// Hexadecimal digits of the content's hash in a version.
const HASH_DIGITS: usize = 12;

/// Every answer is to have room for the longest title, so that no case is refused because of one card.
const MAX_TITLE_CHARS: usize = 100;

/// What is wrong with a file of a knowledge folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeFault {
    /// It is not TOML, or a key or a value is not one that the file takes.
    #[error("{0}")]
    Toml(String),
    /// The table of codes is wrong.
    #[error("{0}")]
    Codes(TableError),
    /// A card's id or a machine's kind is not one.
    #[error("{0:?} is no id: it takes lower-case letters, digits and `_`")]
    BadId(String),
    /// A machine has an empty kind.
    #[error("`kind` is empty")]
    EmptyKind,
    /// A card has an empty title.
    #[error("the card `{0}` has an empty `title`")]
    EmptyTitle(String),
    /// A card's title is too long to be written in front of an answer.
    #[error("the title of `{id}` has {chars} characters, at most {limit} are taken: keep it a name")]
    LongTitle {
        /// The card's id.
        id: String,
        /// The length of its title in characters.
        chars: usize,
        /// The limit in characters.
        limit: usize,
    },
    /// A card does not say to which system it belongs.
    #[error("the card `{0}` has no `system`")]
    MissingSystem(String),
    /// A card or a kind of machine is defined twice.
    #[error("`{name}` is defined a second time, first in {}:{first_line}", first.display())]
    Duplicate {
        /// Its id or kind.
        name: String,
        /// The file of the first definition.
        first: PathBuf,
        /// The line of the first definition, from 1.
        first_line: u64,
    },
    /// What is to be removed does not exist.
    #[error("`{name}` cannot be disabled: there is no such {what}")]
    UnknownDisabled {
        /// `card` or `machine`.
        what: &'static str,
        /// The id or kind.
        name: String,
    },
    /// A TOML file has a name that means nothing here.
    #[error(
        "not a file of a knowledge folder, which takes knowledge.toml, machines.toml, codes.toml and cards/*.toml"
    )]
    UnknownFile,
    /// The folder has no file of knowledge.
    #[error("the folder holds none of knowledge.toml, machines.toml, codes.toml and cards/*.toml")]
    NoFile,
}

/// `knowledge.toml`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: Option<String>,
    #[serde(default)]
    disabled: Vec<Spanned<String>>,
    #[serde(default)]
    disabled_machines: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardFile {
    cards: Vec<Card>,
}

/// Where the cards of a file stand, and what [`Card`] alone cannot tell.
#[derive(Deserialize)]
struct CardHeads {
    cards: Vec<CardHead>,
}

#[derive(Deserialize)]
struct CardHead {
    id: Spanned<String>,
    system: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineFile {
    machines: Vec<Machine>,
}

#[derive(Deserialize)]
struct MachineHeads {
    machines: Vec<MachineHead>,
}

#[derive(Deserialize)]
struct MachineHead {
    kind: Spanned<String>,
}

/// A file of the folder, read.
struct Source {
    path: PathBuf,
    text: String,
}

/// Where names were defined.
type Places = BTreeMap<String, (PathBuf, u64)>;

impl KnowledgeBase {
    /// This knowledge with a company's folder laid over it. The folder may hold
    ///
    /// - `cards/*.toml`, also in folders below, read in the order of their names: a card with a new `id` is added, one with
    ///   a known `id` takes the place of the whole card. Each card names its `system`;
    /// - `machines.toml`: the same for machines by `kind`, with `traits` of their own if need be;
    /// - `codes.toml`: see [`CodeTable::with_overrides`](crate::code::CodeTable::with_overrides);
    /// - `knowledge.toml`: `disabled = ["card_id"]` and `disabled_machines = ["kind"]` remove, `name = "acme"` is what the
    ///   version calls the folder in place of its own name.
    ///
    /// The version names the folder and a hash of its content: `0.1.0+acme-3f2a90c41d5e`.
    ///
    /// # Errors
    ///
    /// [`Error::Knowledge`] names the file, the line and the fault; [`Error::Io`] where a file cannot be read.
    pub fn with_folder(&self, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let mut knowledge = self.clone();
        let mut hash = Sha256::new();
        let mut settings = None;
        let (mut card_places, mut machine_places) = (Places::new(), Places::new());
        let paths = files(folder)?;
        if paths.is_empty() {
            return Err(fault(folder, None, KnowledgeFault::NoFile));
        }
        for path in paths {
            let text = fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
            let relative = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            for part in [relative.as_bytes(), text.as_bytes()] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
            let source = Source { path, text };
            match relative.as_str() {
                "knowledge.toml" => settings = Some(source),
                "machines.toml" => knowledge.lay_machines(&source, &mut machine_places)?,
                "codes.toml" => {
                    let table = knowledge.codes.with_overrides(&source.text);
                    knowledge.codes = table
                        .map_err(|error| fault(&source.path, error.line(), KnowledgeFault::Codes(error)))?;
                }
                _ => knowledge.lay_cards(&source, &mut card_places)?,
            }
        }
        let mut name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        if let Some(source) = settings {
            name = knowledge.lay_settings(&source)?.or(name);
        }
        knowledge.index();
        knowledge.version = version(&self.version, name.as_deref().unwrap_or("folder"), &hash.finalize());
        Ok(knowledge)
    }

    fn lay_cards(&mut self, source: &Source, places: &mut Places) -> Result<()> {
        let cards = source.parse::<CardFile>()?.cards;
        let heads = source.parse::<CardHeads>()?.cards;
        for (card, head) in cards.into_iter().zip(heads) {
            let line = source.line(&head.id);
            let fault = |fault| Err(fault_at(source, line, fault));
            let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if card.id.is_empty() || !card.id.chars().all(is_id) {
                return fault(KnowledgeFault::BadId(card.id));
            }
            if card.title.trim().is_empty() {
                return fault(KnowledgeFault::EmptyTitle(card.id));
            }
            let chars = card.title.chars().count();
            if chars > MAX_TITLE_CHARS {
                return fault(KnowledgeFault::LongTitle { id: card.id, chars, limit: MAX_TITLE_CHARS });
            }
            if head.system.is_none() {
                return fault(KnowledgeFault::MissingSystem(card.id));
            }
            source.note(&card.id, line, places)?;
            self.own.insert(card.id.clone());
            self.disabled.remove(&card.id);
            match self.cards.iter_mut().find(|known| known.id == card.id) {
                Some(known) => *known = card,
                None => self.cards.push(card),
            }
        }
        Ok(())
    }

    fn lay_machines(&mut self, source: &Source, places: &mut Places) -> Result<()> {
        let machines = source.parse::<MachineFile>()?.machines;
        let heads = source.parse::<MachineHeads>()?.machines;
        for (machine, head) in machines.into_iter().zip(heads) {
            let line = source.line(&head.kind);
            if machine.kind.trim().is_empty() {
                return Err(fault_at(source, line, KnowledgeFault::EmptyKind));
            }
            source.note(&machine.kind, line, places)?;
            match self.machines.iter_mut().find(|known| known.kind == machine.kind) {
                Some(known) => *known = machine,
                None => self.machines.push(machine),
            }
        }
        Ok(())
    }

    /// Removes what is disabled, and returns the name that the folder gives itself.
    fn lay_settings(&mut self, source: &Source) -> Result<Option<String>> {
        let settings: Settings = source.parse()?;
        let unknown = |name: &Spanned<String>, what| {
            let fault = KnowledgeFault::UnknownDisabled { what, name: name.get_ref().clone() };
            Err(fault_at(source, source.line(name), fault))
        };
        for id in &settings.disabled {
            let before = self.cards.len();
            self.cards.retain(|card| card.id != *id.get_ref());
            if self.cards.len() == before && !self.disabled.contains(id.get_ref()) {
                return unknown(id, "card");
            }
            self.own.remove(id.get_ref());
            self.disabled.insert(id.get_ref().clone());
        }
        let disabled: BTreeSet<&String> = settings.disabled_machines.iter().map(Spanned::get_ref).collect();
        for kind in &settings.disabled_machines {
            if !self.machines.iter().any(|machine| machine.kind == *kind.get_ref()) {
                return unknown(kind, "machine");
            }
        }
        self.machines.retain(|machine| !disabled.contains(&machine.kind));
        Ok(settings.name)
    }
}

impl Source {
    fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        toml::from_str(&self.text).map_err(|error| {
            let line = error.span().map(|span| line_of(&self.text, &span));
            fault(&self.path, line, KnowledgeFault::Toml(error.message().to_owned()))
        })
    }

    fn line(&self, name: &Spanned<String>) -> u64 {
        line_of(&self.text, &name.span())
    }

    /// Remembers where a name was defined.
    fn note(&self, name: &str, line: u64, places: &mut Places) -> Result<()> {
        match places.insert(name.to_owned(), (self.path.clone(), line)) {
            None => Ok(()),
            Some((first, first_line)) => {
                let duplicate = KnowledgeFault::Duplicate { name: name.to_owned(), first, first_line };
                Err(fault_at(self, line, duplicate))
            }
        }
    }
}

fn fault(path: &Path, line: Option<u64>, fault: KnowledgeFault) -> Error {
    Error::Knowledge { path: path.to_owned(), line, fault }
}

fn fault_at(source: &Source, line: u64, what: KnowledgeFault) -> Error {
    fault(&source.path, Some(line), what)
}

/// The files of knowledge in a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (path, is_folder) in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match (name.as_ref(), is_folder) {
            ("cards", true) => card_files(&path, &mut found)?,
            ("knowledge.toml" | "machines.toml" | "codes.toml", false) => found.push(path),
            (_, false) if is_toml(&path) => return Err(fault(&path, None, KnowledgeFault::UnknownFile)),
            _ => {}
        }
    }
    Ok(found)
}

fn card_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for (path, is_folder) in entries(folder)? {
        if is_folder {
            card_files(&path, found)?;
        } else if is_toml(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// What a folder holds, sorted, and whether it is a folder itself. A link to a folder is none, so that no circle is walked.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>> {
    let read = || -> io::Result<Vec<(PathBuf, bool)>> {
        fs::read_dir(folder)?
            .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_dir()))))
            .collect()
    };
    let mut entries = read().map_err(|error| Error::io(folder, error))?;
    entries.sort();
    Ok(entries)
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// Build metadata as semantic versioning has it: letters, digits and hyphens, further parts after a dot.
fn version(base: &str, name: &str, hash: &[u8]) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let mark = if base.contains('+') { '.' } else { '+' };
    let mut version = format!("{base}{mark}{name}-");
    for byte in &hash[..HASH_DIGITS / 2] {
        let _ = write!(version, "{byte:02x}");
    }
    version
}
